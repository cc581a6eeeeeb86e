"""Where things are: the project, its work directories, and the assets nexusctl ships."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from nexusctl.errors import Refused, ToolUnfit, UsageWrong

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Assets:
    """The files shipped with nexusctl: in a checkout beside the package, in a wheel inside it."""

    templates: Path
    terraform: Path
    policies: Path


def shipped_assets() -> Assets:
    """The assets of this installation."""
    inside = PACKAGE / "assets"
    home = inside if inside.is_dir() else PACKAGE.parent
    return Assets(home / "templates", home / "terraform", home / "policies")


@dataclass(frozen=True, slots=True)
class WorkDirectory:
    """Everything nexusctl keeps for one environment on one AWS (a real one or the sandbox).

    Plan files and logs may hold sensitive values, so every directory here is 0700.
    """

    path: Path

    @property
    def root(self) -> Path:
        """The rendered Terraform root module; Terraform's working directory."""
        return self.path / "root"

    @property
    def plan(self) -> Path:
        """The plan file, while a command works with one."""
        return self.path / "plan.tfplan"

    @property
    def sealed(self) -> Path:
        """A plan that waits to be applied, and its receipt."""
        return self.path / "sealed"

    @property
    def data(self) -> Path:
        """Terraform's TF_DATA_DIR."""
        return self.path / "data"

    @property
    def logs(self) -> Path:
        """The full logs of past commands."""
        return self.path / "logs"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the directory to oneself: two commands would apply each other's plans.

        Raises:
            Refused: another nexusctl is at work in it.
        """
        self.create()
        # Not through a link: its pid is written over what is there.
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                raise Refused(
                    f"another nexusctl (pid {file.read() or 'unknown'}) is at work on "
                    f"{self.path.name}",
                    hint="wait until it has ended",
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def create(self) -> None:
        """Make the directories, closed to other users, up to the project's own `.nexusctl`."""
        kind = self.path.parent
        for directory in (kind.parent, kind, self.path, self.root, self.data, self.logs):
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)
        ignore = kind.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("# Plans may hold secrets in clear.\n*\n", "utf-8")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project: the directory that holds `environments/`."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> "Workspace":
        """The project that `start` lies in.

        Raises:
            UsageWrong: neither `start` nor a directory above it has `environments/`.
        """
        for directory in (start, *start.parents):
            if (directory / "environments").is_dir():
                return cls(directory)
        raise UsageWrong(
            f"no environments/ directory in {start} or above it",
            hint="change to the project's directory, or name it with --project DIR",
        )

    @property
    def environments(self) -> Path:
        """The directory of environment files."""
        return self.root / "environments"

    @property
    def state(self) -> Path:
        """nexusctl's own directory in the project, made when it is needed; never committed.

        Raises:
            ToolUnfit: something else has its name.
        """
        directory = self.root / ".nexusctl"
        if directory.is_symlink() and not directory.is_dir():
            raise ToolUnfit(
                f"{directory} is a link to {directory.readlink()}, which is no directory",
                hint="make that directory, or remove the link",
            )
        if directory.exists() and not directory.is_dir():
            raise ToolUnfit(
                f"{directory} is not a directory",
                hint="move it away; nexusctl makes a directory of that name for its own files",
            )
        return directory

    @property
    def sandbox(self) -> Path:
        """Where the sandbox server keeps its record and log."""
        return self.state / "sandbox-server"

    def audit(self, environment: str) -> Path:
        """The log of what was done to `environment`: applied, destroyed, unlocked, recovered."""
        return self.state / "audit" / f"{environment}.jsonl"

    def work(self, environment: str, *, sandbox: bool) -> WorkDirectory:
        """The work directory of `environment`, on the sandbox or on the real AWS."""
        return WorkDirectory(self.state / ("sandbox" if sandbox else "aws") / environment)
