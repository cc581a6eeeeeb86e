"""Rendered files on disk."""

import json
import re
from pathlib import Path

from nexusctl.errors import Refused
from nexusctl.render.rendered import Rendered

HEADER_START = "# Rendered by nexusctl"
# Whatever Terraform or OpenTofu would read beside the rendered files.
CONFIGURATION = re.compile(r".*\.(tf|tofu)(\.json)?")
SOURCE_MAP = "source-map.json"


def write(rendered: Rendered, directory: Path) -> None:
    """Make `directory` hold exactly the rendered root; files that are right already stay untouched.

    What else lies there (a local state, Terraform's own files) is left alone.

    Raises:
        Refused: the directory holds Terraform files that nexusctl did not render.
    """
    if foreign := _foreign(directory):
        raise Refused(
            f"{directory} holds Terraform files that nexusctl did not render: {', '.join(foreign)}",
            hint="name an empty directory",
        )
    for name, text in rendered.files.items():
        file = directory / name
        content = text.encode()
        if not file.is_file() or file.read_bytes() != content:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    for stale in [*directory.glob("*.tf"), *directory.glob("modules/**/*")]:
        if stale.is_file() and stale.relative_to(directory).as_posix() not in rendered.files:
            stale.unlink()


def _foreign(directory: Path) -> list[str]:
    present = [file for file in sorted(directory.glob("*")) if CONFIGURATION.fullmatch(file.name)]
    foreign = [
        file for file in present if not file.read_text("utf-8", "replace").startswith(HEADER_START)
    ]
    # Modules have no header: they are ours where the root is.
    if foreign == present:
        foreign += directory.glob("modules")
    return [file.name for file in foreign]


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
