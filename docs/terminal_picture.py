"""Run a command and draw what a terminal shows of it.

python docs/terminal_picture.py docs/images/plan.svg nexusctl plan sandbox
"""

import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 112


def main(picture: Path, command: list[str]) -> None:
    """Write the picture, an SVG, of the command's output with its colours."""
    environment = os.environ | {
        "FORCE_COLOR": "1",
        "TTY_INTERACTIVE": "0",
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
    }
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere)
        console.print(Text("$ " + " ".join(command), "bold"))
        console.print(Text.from_ansi(done.stdout))
        picture.write_text(console.export_svg(title=" ".join(command)), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
