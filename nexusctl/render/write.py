"""Rendered files on disk."""

import json
import re
from hashlib import sha256
from pathlib import Path

from nexusctl.errors import Refused
from nexusctl.render.rendered import LOCK_FILE, Rendered

HEADER_START = "# Rendered by nexusctl"
# Whatever Terraform or OpenTofu would read beside the rendered files.
CONFIGURATION = re.compile(r".*\.(tf|tofu|tfvars)(\.json)?")
SOURCE_MAP = "source-map.json"


def refuse_foreign(directory: Path) -> None:
    """Make sure that `directory` may be rendered into: it is empty, or nexusctl rendered into it.

    Raises:
        Refused: something else lies there that rendering would overwrite or mix with.
    """
    present = sorted(directory.iterdir())
    ours = [file for file in present if file.suffix == ".tf" and _rendered(file)]
    foreign = [file.name for file in present if CONFIGURATION.fullmatch(file.name)]
    foreign = [name for name in foreign if not _rendered(directory / name)]
    if foreign or (present and not ours):
        names = ", ".join(foreign or [file.name for file in present[:3]])
        raise Refused(
            f"{directory} holds files that nexusctl did not render: {names}",
            hint="name an empty or a new directory",
        )


def write(rendered: Rendered, directory: Path) -> None:
    """Make `directory` hold exactly the rendered root; files that are right already stay untouched.

    Whatever else Terraform would read there is deleted. Other files (a local state, Terraform's
    own) are left alone. A write that is cut off leaves the old file or the new one.
    """
    for name, text in rendered.files.items():
        file = directory / name
        content = text.encode()
        if not file.is_file() or file.read_bytes() != content:
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(f"{file.name}.new")
            new.write_bytes(content)
            new.replace(file)
    read_by_terraform = [f for f in directory.iterdir() if CONFIGURATION.fullmatch(f.name)]
    for stale in [*read_by_terraform, *directory.glob("modules/**/*")]:
        if stale.is_file() and stale.relative_to(directory).as_posix() not in rendered.files:
            stale.unlink()


def altered(rendered: Rendered, directory: Path) -> tuple[str, ...]:
    """How what Terraform would read in `directory` differs from what was rendered."""
    found = [
        f"{name} is not as it was rendered"
        for name, text in sorted(rendered.files.items())
        if not (directory / name).is_file() or (directory / name).read_bytes() != text.encode()
    ]
    for file in sorted(directory.rglob("*")):
        name = file.relative_to(directory).as_posix()
        if CONFIGURATION.fullmatch(file.name) and name not in rendered.files:
            found.append(f"{name} was not rendered, but Terraform reads it")
    return tuple(found)


def digests(directory: Path) -> dict[str, str]:
    """The SHA-256 of all that Terraform or a module would read in `directory`, by its path."""
    read_by_terraform = [
        file
        for file in directory.iterdir()
        if CONFIGURATION.fullmatch(file.name) or file.name == LOCK_FILE
    ]
    return {
        file.relative_to(directory).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in (*read_by_terraform, *directory.glob("modules/**/*"))
        if file.is_file()
    }


def _rendered(file: Path) -> bool:
    return file.read_text("utf-8", "replace").startswith(HEADER_START)


def source_map_document(rendered: Rendered) -> dict[str, object]:
    """The source map for machines: file → line → the values printed there, and their places."""
    return {
        file: {
            str(line): [
                {"path": each.dotted, "place": str(each.location) if each.location else None}
                for each in origins
            ]
            for line, origins in sorted(lines.items())
        }
        for file, lines in sorted(rendered.source_map.items())
    }


def write_source_map(rendered: Rendered, directory: Path) -> None:
    """Write the source map beside the rendered files."""
    text = json.dumps(source_map_document(rendered), indent=2)
    (directory / SOURCE_MAP).write_text(text + "\n", "utf-8")
