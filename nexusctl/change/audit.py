"""What was done to a stack or its state, when and by whom: a line of JSON for each thing noted."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Command = Literal["apply", "destroy", "unlock", "recover"]
Outcome = Literal["begun", "done", "failed", "interrupted", "refused"]


@dataclass(frozen=True, slots=True)
class Record:
    """One thing noted of one run of a command that changes what is shared. No secret is in it.

    `receipt` ties together what is noted of one plan. `who` is the ARN of the credentials that
    apply, None where nothing came to that, and `planned_by` of those that planned; `by` is the user
    and the machine that run nexusctl. `planned` are the counts of the plan by action, `done` those
    that Terraform reports at the end, None until then. Where nothing was planned, all that a
    receipt tells is None, and `what` says which lock is released or which state is saved.
    """

    at: datetime
    environment: str
    sandbox: bool
    account: str
    command: Command
    outcome: Outcome
    who: str | None
    by: str
    planned_by: str | None
    commit: str | None
    dirty: bool | None
    receipt: str | None
    planned: Mapping[str, int] | None
    done: Mapping[str, int] | None = None
    what: str = ""
    why: str = ""

    def line(self) -> str:
        """The record as one line of JSON, with its end."""
        document = {"format": "nexusctl/audit", "version": 1, **asdict(self)}
        document["at"] = self.at.isoformat(timespec="milliseconds")
        return json.dumps(document, ensure_ascii=False) + "\n"

    @property
    def name(self) -> str:
        """A name that no other record has, in the order of time."""
        return f"{self.at:%Y%m%dT%H%M%S.%fZ}-{self.receipt or self.command}-{self.outcome}.jsonl"


def append(file: Path, record: Record) -> None:
    """Append to a log that only its owner may read (0600); concurrent appends do not mix."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(file, flags, 0o600)
    try:
        os.write(descriptor, record.line().encode())
    finally:
        os.close(descriptor)


def last_applied(file: Path) -> str | None:
    """When the last run that the log has of AWS itself applied something, done or not.

    None where that run was a destroy, or there is none. Lines that are no records are passed over.
    """
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        match _parsed(line):
            case {
                "sandbox": False,
                "command": "apply" | "destroy" as command,
                "outcome": "begun" | "done" | "failed" | "interrupted",
                "at": str(at),
            }:
                return at if command == "apply" else None
    return None


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
