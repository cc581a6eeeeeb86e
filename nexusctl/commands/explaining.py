"""What went wrong in Terraform, in terms of the environment: what is left, and how to go on."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nexusctl.errors import Interrupted, NexusError, Refused, TerraformFailed
from nexusctl.render.rendered import Rendered
from nexusctl.report import text
from nexusctl.report.visible import one_line
from nexusctl.terraform.causes import (
    STATE_SUMMARIES,
    Cause,
    StateLock,
    known_cause,
    lock_left,
    lock_unreadable,
    state_lock,
)
from nexusctl.terraform.running import holder
from nexusctl.terraform.terraform import (
    UNSAVED_STATE,
    StateLeft,
    StateUnsaved,
    TerraformError,
    TerraformInterrupted,
)

if TYPE_CHECKING:
    from nexusctl.commands.walk import Walk

FEW_STEPS = 2


def explained(
    walk: "Walk",
    rendered: Rendered,
    error: TerraformError | TerraformInterrupted | StateUnsaved | StateLeft,
) -> NexusError:
    """The error as the user should read it: the cause first, the next command last."""
    if isinstance(error, StateUnsaved):
        return Refused(error.message, hint=f"save it first: {walk.command('recover')}")
    if isinstance(error, StateLeft):
        return Refused(error.message, hint="\n       ".join(_to_another_state(walk, error)))
    lock = state_lock(error.diagnostics)
    if lock:
        return TerraformFailed(
            f"{error.message}: the state of {walk.environment.name} is locked",
            hint=_locked(walk, lock),
        )
    if lock_unreadable(error.diagnostics):
        return TerraformFailed(
            f"{error.message}: the state of {walk.environment.name} is locked by something that "
            "is no lock of Terraform's",
            hint=f"{walk.command('unlock')} says what lies there, and how to go on",
        )
    cause = known_cause(error.diagnostics)
    message = f"{error.message}: {cause.what}" if cause else error.message
    said = [each for each in error.diagnostics if each.summary not in STATE_SUMMARIES]
    unsaved = (walk.work.root / UNSAVED_STATE).is_file()
    left = lock_left(error.diagnostics)
    notes = []
    if said:
        notes.append(text.diagnostics(said, rendered))
    if unsaved:
        notes.append(
            "  WHAT WAS APPLIED IS NOT IN THE STATE, which could not be written. It is only in\n"
            f"  {walk.work.root / UNSAVED_STATE}: KEEP THAT FILE."
        )
    if left:
        notes.append("  The state's lock could not be released.")
    steps = list(_steps(walk, error, cause, unsaved=unsaved, left=left))
    kind: type[NexusError] = TerraformFailed
    if isinstance(error, TerraformInterrupted):
        kind = Interrupted
    elif cause:
        kind = cause.error
    return kind("\n".join([message, *notes]), hint=_in_order(steps, f"the full log is {error.log}"))


def since(moment: datetime) -> str:
    """A moment for people: when, and how long ago."""
    return f"{moment:%F %T} UTC, {_duration(datetime.now(UTC) - moment)} ago"


def _duration(passed: timedelta) -> str:
    if passed >= timedelta(days=2):
        return f"{passed.days} days"
    if passed >= timedelta(hours=2):
        return f"{passed // timedelta(hours=1)} hours"
    return text.duration(passed.total_seconds())


def _to_another_state(walk: "Walk", error: StateLeft) -> Iterator[str]:
    yield "undo the edit of state, project or region; or, if it is meant, either"
    there = replace(walk, product=error.engine) if error.engine else walk
    yield f"move the state there: {there.command('terraform')} -- init -migrate-state"
    yield "(-force-copy besides, where nobody can answer Terraform)"
    known = shlex.quote(str(error.known))
    yield f"or begin anew and leave all that stands: mv {known} {known}.left"


def _locked(walk: "Walk", lock: StateLock) -> str:
    taken = since(lock.created_at) if lock.created_at else lock.created
    found = holder(lock, walk.work.root)
    held = one_line(f"{lock.who} holds the lock ({lock.doing}) since {taken};")
    held += f"\n       {one_line(found.said)}"
    if found.lives:
        return f"{held}\n       wait until it has ended"
    command = f"release the lock: {walk.command('unlock')}"
    return f"{held}\n       " + (command if found.lives is False else f"if it has ended, {command}")


def _steps(
    walk: "Walk",
    error: TerraformError | TerraformInterrupted,
    cause: Cause | None,
    *,
    unsaved: bool,
    left: bool,
) -> Iterator[str]:
    if cause and cause.hint:
        yield _advice(walk, cause)
    if left:
        yield walk.command("unlock")
    if unsaved:
        yield walk.command("recover")
    elif error.doing == "apply":
        yield f"{walk.next_command} shows what is left to do; what was finished is in the state"
        return
    if cause or left or unsaved or isinstance(error, Interrupted):
        yield walk.next_command


def _advice(walk: "Walk", cause: Cause) -> str:
    """The hint of a cause, with the commands as they can be typed."""
    addresses = [shlex.quote(each) for each in cause.addresses] or ["ADDRESS"]
    command = f"{walk.command('terraform')} -- import"

    def each(what: re.Match[str]) -> str:
        return ", ".join(f"{command} {address} {what[1]}" for address in addresses)

    return re.sub(r"\{import\} (\w+)", each, cause.hint)


def _in_order(steps: Sequence[str], log: str) -> str:
    if not steps:
        return log
    if len(steps) <= FEW_STEPS:
        return f"{', then: '.join(steps)}\n       ({log})"
    numbered = "".join(f"\n       {number}. {step}" for number, step in enumerate(steps, start=1))
    return f"go on in this order:{numbered}\n       ({log})"
