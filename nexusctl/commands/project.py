"""Which project a command line means."""

import os
from argparse import Namespace
from pathlib import Path

from nexusctl.workspace import Workspace


def workspace(arguments: Namespace) -> Workspace:
    """The project named with --project, or the one around the current directory.

    Raises:
        UsageWrong: there is none.
    """
    return Workspace.find((arguments.project or Path.cwd()).resolve())


def environments_directory(arguments: Namespace) -> Path:
    """The directory of environment files, from the current directory: as users see its files."""
    return Path(os.path.relpath(workspace(arguments).environments))
