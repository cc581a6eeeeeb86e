"""What was applied and destroyed, when and by whom: one line of JSON for each thing noted."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Command = Literal["apply", "destroy"]
Outcome = Literal["begun", "done", "failed", "interrupted", "refused"]


@dataclass(frozen=True, slots=True)
class Record:
    """One thing noted of one apply or destroy. No secret is in it.

    `receipt` ties together what is noted of one plan. `who` is the ARN of the credentials that
    apply, None where nothing came to that, and `planned_by` of those that planned; `by` is the user
    and the machine that run nexusctl. `planned` are the counts of the plan by action, `done` those
    that Terraform reports at the end, None until then.
    """

    at: datetime
    environment: str
    sandbox: bool
    account: str
    command: Command
    outcome: Outcome
    who: str | None
    by: str
    planned_by: str
    commit: str | None
    dirty: bool
    receipt: str
    planned: Mapping[str, int]
    done: Mapping[str, int] | None = None
    why: str = ""

    def line(self) -> str:
        """The record as one line of JSON, with its end."""
        document = {"format": "nexusctl/audit", "version": 1, **asdict(self)}
        document["at"] = self.at.isoformat(timespec="milliseconds")
        return json.dumps(document, ensure_ascii=False) + "\n"

    @property
    def name(self) -> str:
        """A name that no other record has, in the order of time."""
        return f"{self.at:%Y%m%dT%H%M%S.%fZ}-{self.receipt}-{self.outcome}.jsonl"


def append(file: Path, record: Record) -> None:
    """Append to a log that only its owner may read (0600); concurrent appends do not mix."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(file, flags, 0o600)
    try:
        os.write(descriptor, record.line().encode())
    finally:
        os.close(descriptor)
