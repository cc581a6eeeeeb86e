"""Finds PostgreSQL and pgbouncer where the systems' packages put them."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nexusctl.errors import ToolUnfit

# Debian and Ubuntu, Red Hat (PGDG), Homebrew on Apple silicon and on Intel, Postgres.app.
POSTGRES_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
# Distributions put pgbouncer into sbin, which is not on the PATH of ordinary users.
POOLER_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin")
INSTALL = {
    "apt-get": "sudo apt-get install postgresql pgbouncer",
    "dnf": "sudo dnf install postgresql-server pgbouncer",
    "zypper": "sudo zypper install postgresql-server pgbouncer",
    "pacman": "sudo pacman -S postgresql pgbouncer",
    "apk": "sudo apk add postgresql pgbouncer",
    "brew": "brew install postgresql pgbouncer",
}


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of a rehearsal."""

    initdb: Path
    postgres: Path
    pgbouncer: Path


def find_programs(path: str | None = None, root: Path = Path("/")) -> Programs:
    """PostgreSQL (both programs from one directory) and pgbouncer: on PATH, or in known places.

    `path` is searched instead of PATH, and known places are taken below `root`.

    Raises:
        ToolUnfit: one is missing; the hint says how to install it here.
    """
    directory = next(
        (each for each in _postgres_directories(path, root) if _has(each, "initdb", "postgres")),
        None,
    )
    pgbouncer = shutil.which("pgbouncer", path=path) or shutil.which(
        "pgbouncer", path=os.pathsep.join(str(_below(root, place)) for place in POOLER_PLACES)
    )
    if directory is None or pgbouncer is None:
        missing = ["PostgreSQL's server"] * (directory is None) + ["pgbouncer"] * (not pgbouncer)
        raise ToolUnfit(
            f"a rehearsal needs {' and '.join(missing)}: not on PATH, nor where packages put it",
            hint=_how_to_install(path),
        )
    return Programs(directory / "initdb", directory / "postgres", Path(pgbouncer))


def _postgres_directories(path: str | None, root: Path) -> Iterator[Path]:
    """Candidates, the best first: the one on PATH, then the newest of those in known places."""
    if found := shutil.which("initdb", path=path):
        yield Path(found).resolve().parent
    known = [each for place in POSTGRES_PLACES for each in root.glob(place.lstrip("/"))]
    yield from sorted(known, key=_version, reverse=True)


def _version(directory: Path) -> int:
    numbers = re.findall(r"\d+", str(directory))
    return int(numbers[-1]) if numbers else 0


def _has(directory: Path, *names: str) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in names)


def _below(root: Path, place: str) -> Path:
    return root / place.lstrip("/")


def _how_to_install(path: str | None) -> str:
    for tool, command in INSTALL.items():
        if shutil.which(tool, path=path):
            return command
    return "install PostgreSQL and pgbouncer from your system's packages"
