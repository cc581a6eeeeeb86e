"""A plan file, read without Terraform: what it was made from is inside it."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile

from nexusctl.errors import Refused
from nexusctl.terraform.state import StateVersion, parse_state_version

# Whoever wrote the file, no more than this is unpacked of it.
MAX_BYTES = 256 * 1024 * 1024
# What zipfile and json raise on files that Terraform never wrote.
_NO_PLAN_FILE = (
    *(BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(ValueError, KeyError, TypeError, OSError),
)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What a plan was made from: the state, and the SHA-256 of each file of the root by its path.

    Terraform keeps the `.tf` files, nothing else that modules read; the lock file it writes anew.
    """

    state: StateVersion
    files: Mapping[str, str]


def read_plan_file(content: bytes) -> PlanFile:
    """What is inside a plan file. Nothing of it is written to disk.

    Raises:
        Refused: it is no plan file of Terraform's, or far too large for one.
    """
    try:
        with ZipFile(BytesIO(content)) as archive:
            _insist_bounded(archive)
            state = parse_state_version(archive.read("tfstate"))
            directories = {
                module["Key"]: PurePosixPath(module["Dir"])
                for module in json.loads(archive.read("tfconfig/modules.json"))
            }
            files = {
                _path(name, directories): sha256(archive.read(name)).hexdigest()
                for name in archive.namelist()
                if name.startswith("tfconfig/m-")
            }
    except _NO_PLAN_FILE as error:
        message = f"this is no plan file of Terraform's: {error}"
        raise Refused(message, hint="plan again") from error
    return PlanFile(state, files)


def _insist_bounded(archive: ZipFile) -> None:
    if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
        raise ValueError(f"it unpacks to more than {MAX_BYTES} bytes")


def _path(name: str, directories: Mapping[str, PurePosixPath]) -> str:
    """`tfconfig/m-proxy/iam.tf` → `modules/proxy/iam.tf`, as the module's call has it."""
    key, _, file = name.removeprefix("tfconfig/m-").partition("/")
    return (directories[key] / file).as_posix()
