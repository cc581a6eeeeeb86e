"""Every way a command can end other than well, and the exit code of each.

A message says where, what is wrong and with which value (never a secret's); the hint is one thing
the reader can do. A policy denial is a result, not an error, and so is not here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Exit(IntEnum):
    """The exit codes of nexusctl."""

    DONE = 0
    BUG = 1
    CHANGES_PRESENT = 2
    ENVIRONMENT_INVALID = 3
    RENDER_FAILED = 4
    POLICY_DENIED = 5
    TERRAFORM_FAILED = 6
    AWS_FAILED = 7
    TOOL_UNFIT = 8
    REFUSED = 9
    USAGE = 64
    INTERRUPTED = 130


# Errors before denials before changes. Among errors, the farther from the environment's file first.
WORST_FIRST = (
    Exit.INTERRUPTED,
    Exit.BUG,
    Exit.USAGE,
    Exit.REFUSED,
    Exit.TOOL_UNFIT,
    Exit.AWS_FAILED,
    Exit.TERRAFORM_FAILED,
    Exit.RENDER_FAILED,
    Exit.ENVIRONMENT_INVALID,
    Exit.POLICY_DENIED,
    Exit.CHANGES_PRESENT,
    Exit.DONE,
)


def worst(codes: Iterable[Exit]) -> Exit:
    """The exit code of several environments together; done where there is none."""
    return min(codes, key=WORST_FIRST.index, default=Exit.DONE)


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text file. Lines and columns count from 1, as editors do."""

    file: Path
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class NexusError(Exception):
    """The base of all errors a user can meet."""

    exit_code: Exit = Exit.BUG

    def __init__(
        self, message: str, *, hint: str | None = None, location: Location | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message


class EnvironmentInvalid(NexusError):
    """An environment file cannot be read as a description of the stack."""

    exit_code = Exit.ENVIRONMENT_INVALID


class RenderFailed(NexusError):
    """A template could not be rendered."""

    exit_code = Exit.RENDER_FAILED


class TerraformFailed(NexusError):
    """Terraform ended with an error."""

    exit_code = Exit.TERRAFORM_FAILED


class AwsFailed(NexusError):
    """AWS, or the sandbox in its place, refused or could not be reached."""

    exit_code = Exit.AWS_FAILED


class ToolUnfit(NexusError):
    """A tool is missing or of the wrong version, or the policy engine could not judge."""

    exit_code = Exit.TOOL_UNFIT


class Refused(NexusError):
    """nexusctl will not do this, although it could."""

    exit_code = Exit.REFUSED


class UsageWrong(NexusError):
    """The command line makes no sense."""

    exit_code = Exit.USAGE


class Interrupted(NexusError):
    """The user or the system asked nexusctl to stop."""

    exit_code = Exit.INTERRUPTED
