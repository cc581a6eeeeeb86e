"""Notes what becomes of what changes a stack or its state: here, and in S3 beside the state."""

import getpass
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from nexusctl.change.audit import Command, Outcome, Record, append
from nexusctl.change.receipt import Receipt
from nexusctl.commands.display import Display
from nexusctl.commands.sealing import caller
from nexusctl.commands.walk import Walk
from nexusctl.errors import AwsFailed, Interrupted, NexusError, Refused
from nexusctl.report.visible import one_line
from nexusctl.terraform.terraform import Applied, Terraform

LONGEST_TEXT = 1000


@dataclass(slots=True)
class Audit:
    """The notes on one run. What was refused before it began is noted on this machine only."""

    walk: Walk
    command: Command
    display: Display
    receipt: Receipt | None  # of the plan, where there is one
    what: str
    terraform: Terraform | None = None
    who: str | None = None
    lost: bool = False

    def begun(self, terraform: Terraform) -> None:
        """Terraform is about to change things. A run of which only this is known was killed.

        Raises:
            AwsFailed: AWS does not say whose the credentials are.
            Refused: they are of another account.
        """
        self.who = caller(self.walk, terraform)
        self.terraform = terraform
        self.note("begun")

    def done(self, applied: Applied | None = None) -> None:
        """It came to its end; a plan was `applied`."""
        summary = applied.summary if applied else None
        self.note(
            "done",
            done={"create": summary.add, "update": summary.change, "destroy": summary.remove}
            if summary
            else None,
        )

    def note(
        self, outcome: Outcome, why: str = "", *, done: Mapping[str, int] | None = None
    ) -> None:
        """Note how it stands."""
        receipt, environment = self.receipt, self.walk.environment
        record = Record(
            at=datetime.now(UTC),
            environment=environment.name,
            sandbox=self.walk.sandbox,
            account=environment.settings.aws.account_id,
            command=self.command,
            outcome=outcome,
            who=self.who,
            by=f"{_user()}@{socket.gethostname()}",
            planned_by=receipt.who if receipt else None,
            commit=receipt.commit if receipt else None,
            dirty=receipt.dirty if receipt else None,
            receipt=receipt.id if receipt else None,
            planned=receipt.counts if receipt else None,
            done=done,
            what=one_line(self.what)[:LONGEST_TEXT],
            why=one_line(why)[:LONGEST_TEXT],
        )
        append(self.walk.workspace.audit(environment.name), record)
        if self.terraform and environment.settings.state.backend == "s3":
            self._store(self.terraform, record)

    def _store(self, terraform: Terraform, record: Record) -> None:
        from nexusctl.aws.session import session  # boto3 takes its time
        from nexusctl.aws.state_bucket import put_beside_state

        settings = self.walk.environment.settings
        try:
            with session(settings.aws, terraform.environment) as aws:
                put_beside_state(aws, settings.state, record.name, record.line().encode())
        except (AwsFailed, Refused) as error:
            self.lost = True
            self.display.warn(f"the audit log beside the state lacks a record: {error.message}")


@contextmanager
def audited(
    walk: Walk,
    command: Command,
    display: Display,
    *,
    receipt: Receipt | None = None,
    what: str = "",
) -> Iterator[Audit]:
    """Note how the block ends, however it does.

    It is about the plan with a `receipt`, or, in words, about `what` else.

    Raises:
        AwsFailed: the block came to its end, but not all records of it could be stored in S3.
    """
    audit = Audit(walk, command, display, receipt, what)
    try:
        yield audit
    except Refused as error:
        audit.note("refused", error.message)
        raise
    except (Interrupted, KeyboardInterrupt):
        audit.note("interrupted")
        raise
    except NexusError as error:
        audit.note("failed", error.message.partition("\n")[0])
        raise
    if audit.lost:
        raise AwsFailed(
            f"{command} is done, but the audit log beside the state lacks records of it",
            hint="all of them are in "
            f"{walk.workspace.audit(walk.environment.name)}; let these credentials write to "
            f"{walk.environment.settings.state.key}.audit/ in the bucket of the state",
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
