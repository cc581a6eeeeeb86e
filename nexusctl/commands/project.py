"""Which project a command line means."""

import os
from argparse import Namespace
from pathlib import Path

from nexusctl.errors import UsageWrong
from nexusctl.report.shell import argument
from nexusctl.workspace import Workspace


def workspace(arguments: Namespace) -> Workspace:
    """The project named with --project, or the one around the current directory.

    Raises:
        UsageWrong: there is none.
    """
    if arguments.project and not arguments.project.is_dir():
        raise UsageWrong(
            f"--project {arguments.project}: no such directory",
            hint="name the directory that holds environments/",
        )
    return Workspace.find((arguments.project or Path.cwd()).resolve())


def environments_directory(arguments: Namespace) -> Path:
    """The directory of environment files, from the current directory: as users see its files."""
    return Path(os.path.relpath(workspace(arguments).environments))


def invocation(project: Path | None) -> str:
    """How a command that users are to type begins; `project` is what --project named."""
    return f"nexusctl --project {argument(project)}" if project else "nexusctl"
