"""`nexusctl apply ENV|FILE`."""

import shlex
import signal
from argparse import Namespace
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from rich.text import Text

from nexusctl.change.protection import (
    OPTION,
    PRODUCTION,
    has_to_be_typed,
    lost_nowhere,
    protect,
)
from nexusctl.change.receipt import Receipt
from nexusctl.change.sealed import discard
from nexusctl.commands.auditing import Audit, audited
from nexusctl.commands.carrying import apply_command, carried
from nexusctl.commands.display import Display
from nexusctl.commands.planning import Planned, exit_code, planning, screen
from nexusctl.commands.sealing import insist_unchanged, opening, seal, waiting
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk, confirmed
from nexusctl.errors import Exit, Interrupted, Refused
from nexusctl.interrupts import hold, tell
from nexusctl.report import text
from nexusctl.terraform.terraform import Applied

_STANDING = "What stands is production, whatever tier is written now"


def run(arguments: Namespace) -> int:
    """Apply the sealed plan if there is one, else plan first; show it, and ask where it matters."""
    again = apply_command(arguments.environment, arguments)
    from_file = carried(arguments)
    walk = Walk.begin(arguments)
    if not from_file:
        again = walk.command("apply")
    display = Display()
    with walk.work.alone(), ExitStack() as stack:
        sealed = from_file or waiting(walk)
        if sealed:
            audit = stack.enter_context(audited(walk, "apply", display, receipt=sealed.receipt))
            opened = opening(walk, sealed, display, carried=from_file is not None)
            planned = stack.enter_context(opened)
        else:
            planned = stack.enter_context(planning(walk, display))
        show(screen(walk, planned))
        if not planned.passed or planned.plan is None or planned.impact is None:
            return exit_code(planned)
        if planned.plan.empty:
            return Exit.DONE
        if sealed:
            receipt = sealed.receipt
            show(text.sealed(receipt, datetime.now(UTC)))
        else:
            receipt = seal(walk, planned, display).receipt
            audit = stack.enter_context(audited(walk, "apply", display, receipt=receipt))
        allowed, tier = arguments.allow_replace, planned.tier
        for address in lost_nowhere(planned.impact, allowed):
            display.warn(f"{OPTION} {shlex.quote(address)} allows nothing: this plan keeps that")
        protect(planned.impact, allowed, tier=tier, untaint=walk.untaint)
        _ask(walk, planned, again, assume_yes=arguments.yes)
        applied, received = apply_plan(walk, planned, receipt, audit, display)
    tell_what_is_done(walk, text.outputs(applied.outputs), interrupted=bool(received))
    return Exit.DONE


def _ask(walk: Walk, planned: Planned, again: str, *, assume_yes: bool) -> None:
    name, tier = walk.environment.name, walk.environment.settings.tier
    if not has_to_be_typed(planned.tier, tier, assume_yes=assume_yes):
        return
    what = "Production" if tier == PRODUCTION else _STANDING
    if not confirmed(f"{what}. Type the environment's name ({name}) to apply:", name):
        raise Refused(
            "not applied: the environment's name was not typed",
            hint=f"in automation: {again} --yes"
            if tier == PRODUCTION
            else "at a terminal: what stands is production, and is not made another tier by --yes",
        )


def apply_plan(
    walk: Walk, planned: Planned, receipt: Receipt, audit: Audit, display: Display
) -> tuple[Applied, Sequence[signal.Signals]]:
    """Apply a plan and show each resource; note it in the audit log.

    A sealed plan goes, however this ends: what was applied in part cannot be applied again.
    From then on signals are held, for `tell_what_is_done` to answer: what Terraform does not stop
    for is done. Those that came and those yet to come are returned.

    Raises:
        Refused: the plan file is not the one that was sealed, or too old.
        TerraformFailed: Terraform ended with an error; what it had done is in the state.
        Interrupted: a signal made it stop.
    """
    insist_unchanged(walk, receipt)
    audit.begun(planned.terraform)
    received = hold()
    discard(walk.work.sealed)
    with walk.explained(planned.rendered), display.phase("apply") as phase:
        applied = planned.terraform.apply(walk.work.plan, display.resources(phase))
        done = applied.summary
        if done:
            phase.note(f"{done.add} created, {done.change} changed, {done.remove} destroyed")
    audit.done(applied)
    return applied, received


def tell_what_is_done(walk: Walk, lines: Iterable[Text], *, interrupted: bool) -> None:
    """Show what came of an apply or a destroy that is done and noted.

    Raises:
        Interrupted: a signal came when nothing was left to be stopped.
    """
    too_late = Interrupted(
        "interrupted when all of it was done",
        hint=f"{walk.next_command} shows that nothing is left to do",
    )
    tell()
    try:
        show(lines)
    except KeyboardInterrupt:
        raise too_late from None
    if interrupted:
        raise too_late
