"""Terraform's command lines. Pure: nothing is run here."""

import os
from pathlib import Path
from typing import Literal

from python_terraform import IsFlagged
from python_terraform import Terraform as ArgumentBuilder

Mode = Literal["normal", "destroy"]

# In a directory that cannot exist, because it reads a terraform.tfstate that it finds.
_build = ArgumentBuilder(working_dir=os.devnull).generate_cmd_string


def _arguments(*words: str, **options: object) -> list[str]:
    command, *rest = words
    built: list[str] = _build(command, *rest, **options)
    return built[1:]


def init(*, readonly_lock_file: bool) -> list[str]:
    """Prepare the working directory. `-reconfigure`: the backend is what the files say."""
    return _arguments(
        "init",
        json=IsFlagged,
        input=False,
        reconfigure=IsFlagged,
        lockfile="readonly" if readonly_lock_file else None,
    )


def plan(*, out: Path, mode: Mode = "normal") -> list[str]:
    """Plan into a file. Exits 0 without changes, 2 with changes."""
    return _arguments(
        "plan",
        json=IsFlagged,
        input=False,
        detailed_exitcode=IsFlagged,
        destroy=IsFlagged if mode == "destroy" else None,
        out=str(out),
    )


def show(plan: Path) -> list[str]:
    """Print a plan file as JSON, sensitive values in clear."""
    return _arguments("show", str(plan), json=IsFlagged)


def apply(plan: Path) -> list[str]:
    """Apply a plan file."""
    return _arguments("apply", str(plan), json=IsFlagged, input=False)


def output() -> list[str]:
    """Print the outputs as JSON, sensitive values in clear."""
    return _arguments("output", json=IsFlagged)


def state_pull() -> list[str]:
    """Print the state as the backend has it, sensitive values in clear."""
    return _arguments("state pull")


def state_push(file: Path) -> list[str]:
    """Make a file the state, unless the backend has a later one or one of another lineage."""
    return _arguments("state push", str(file))


def force_unlock(lock: str) -> list[str]:
    """Release the state lock that has this ID, whoever holds it."""
    return _arguments("force-unlock", lock, force=IsFlagged)
