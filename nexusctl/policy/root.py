"""The files of a Terraform root that nobody here wrote: what Terraform would read, and no more."""

import os
import posixpath
import re
from pathlib import Path

from nexusctl.errors import UsageWrong

# Terraform's own files, and what templatefile() and file() mostly read.
_READ = (
    *(".tf", ".tfvars", ".tf.json", ".tfvars.json", ".tofu", ".tftpl", ".tpl", ".tmpl", ".sh"),
    *(".yaml", ".yml", ".json", ".conf", ".cfg", ".ini", ".env", ".service", ".ps1"),
)
_MAX_BYTES = 1 << 20
_MAX_FILES = 5_000
_LOCAL_SOURCE = re.compile(r"\bsource\s*=\s*\"(\.\.?/[^\"]*)\"", re.MULTILINE)


def read_root(directory: Path) -> tuple[dict[str, str], list[str]]:
    """The files of the root in `directory` and of the local modules it calls, by path from there.

    Also what stood in the way: a file that is too large, not UTF-8 or a link. Whatever lies in
    hidden directories (`.terraform`) is left out.

    Raises:
        UsageWrong: there is no Terraform configuration in the directory.
    """
    if not any(file.name.endswith((".tf", ".tf.json")) for file in directory.glob("*")):
        raise UsageWrong(
            f"--path {directory}: no Terraform configuration in it",
            hint="name a directory with .tf files: the root module",
        )
    files: dict[str, str] = {}
    missing: list[str] = []
    todo, done = ["."], set[str]()
    while todo:
        module = todo.pop()
        if module in done:
            continue
        done.add(module)
        found = _module(directory, module, missing)
        if len(files) + len(found) > _MAX_FILES:
            missing.append(f"more than {_MAX_FILES} files: the rest was not read")
            break
        files |= found
        for name, text in found.items():
            if name.endswith(".tf"):
                here = posixpath.dirname(name)
                todo += [
                    posixpath.normpath(posixpath.join(here, source))
                    for source in _LOCAL_SOURCE.findall(text)
                ]
    return files, missing


def _module(root: Path, module: str, missing: list[str]) -> dict[str, str]:
    """The files of a module, those in directories below it included."""
    found: dict[str, str] = {}
    for place, directories, names in os.walk(root / module):
        directories[:] = sorted(each for each in directories if not each.startswith("."))
        for name in sorted(names):
            if not name.endswith(_READ) or len(found) > _MAX_FILES:
                continue
            file = Path(place, name)
            path = posixpath.normpath(
                posixpath.join(module, file.relative_to(root / module).as_posix())
            )
            try:
                if not file.is_symlink() and not file.is_file():
                    missing.append(f"{path}: not read: it is not a file")
                elif file.is_symlink():
                    missing.append(f"{path}: not read: it is a link")
                elif file.stat().st_size > _MAX_BYTES:
                    missing.append(f"{path}: not read: it is larger than 1 MiB")
                else:
                    found[path] = file.read_text("utf-8")
            except OSError as error:
                missing.append(f"{path}: not read: {error.strerror}")
            except UnicodeDecodeError:
                missing.append(f"{path}: not read: it is not UTF-8 text")
    return found
