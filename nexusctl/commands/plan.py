"""`nexusctl plan ENV…|--all`."""

import json
import os
import shlex
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.text import Text

from nexusctl.change.protection import OPTION
from nexusctl.change.receipt import DEFAULT_LIFE, LONGEST_LIFE, at
from nexusctl.change.sealed import Sealed, discard
from nexusctl.commands import fleet
from nexusctl.commands.carrying import Carry, apply_command, prepared
from nexusctl.commands.display import Display
from nexusctl.commands.planning import Planned, exit_code, screen
from nexusctl.commands.sealing import plan_and_keep, planning_to_seal
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk
from nexusctl.environment.model import Duration
from nexusctl.errors import NexusError, UsageWrong
from nexusctl.report import document
from nexusctl.report.fleet import planned as told


def run(arguments: Namespace) -> int:
    """Plan, show what the plan would do, and keep it sealed for `apply`."""
    life = _life(arguments.expires_in)
    names = fleet.named(arguments)
    if arguments.out and (arguments.all or len(names) > 1):
        raise UsageWrong("--out carries one plan: name one environment")
    carry = prepared(arguments)
    if arguments.all or len(names) > 1:
        return _several(arguments, names, life)
    (arguments.environment,) = names
    try:
        return _one(arguments, life, carry)
    except NexusError as error:
        if arguments.json:  # as among several
            print(json.dumps(document.failed(arguments.environment, error), indent=2))
        raise


def _one(arguments: Namespace, life: timedelta, carry: Carry | None) -> int:
    walk = Walk.begin(arguments)
    display = Display(quiet=arguments.json)
    with walk.work.alone():
        if carry:
            with planning_to_seal(walk, display, life) as (planned, sealed):
                if sealed:
                    carry(sealed, display)
        else:
            planned, sealed = plan_and_keep(walk, display, life)
    try:
        _tell(walk, planned, sealed, arguments)
    except BaseException:
        # What nobody has seen is not to be applied.
        discard(walk.work.sealed)
        if arguments.out:
            arguments.out.unlink(missing_ok=True)
        raise
    return exit_code(planned, detailed=arguments.detailed_exitcode)


def _tell(walk: Walk, planned: Planned, sealed: Sealed | None, arguments: Namespace) -> None:
    out = arguments.out
    if arguments.json:
        path = out or Path(os.path.relpath(walk.work.sealed))
        print(json.dumps(_document(walk, planned, sealed, path), indent=2), flush=True)
        return
    show(screen(walk, planned))
    if sealed:
        apply = apply_command(out, arguments) if out else walk.command("apply")
        show(_next(planned, sealed, apply))


def _several(arguments: Namespace, names: list[str], life: timedelta) -> int:
    """Plan each and keep it sealed. What is told of each is what is told of one alone."""

    def do(alone: Namespace, display: Display) -> fleet.Outcome:
        walk = Walk.begin(alone)
        with walk.work.alone():
            planned, sealed = plan_and_keep(walk, display, life)
        report = list(screen(walk, planned)) if planned.applicable or not planned.passed else []
        report += _next(planned, sealed, walk.command("apply")) if sealed else []
        return fleet.Outcome(
            told(planned.verdicts, planned.plan, planned.impact),
            tuple(report),
            _document(walk, planned, sealed, Path(os.path.relpath(walk.work.sealed))),
            exit_code(planned, detailed=arguments.detailed_exitcode),
        )

    done = fleet.run_all(arguments, names, do, quiet=arguments.json)
    if arguments.json:
        print(json.dumps(done.documents, indent=2))
    else:
        show([*done.reports, *done.table])
    done.complain()
    return done.code


def _document(walk: Walk, planned: Planned, sealed: Sealed | None, path: Path) -> dict[str, Any]:
    seal = document.sealed(sealed.receipt, path) if sealed else None
    return document.planned(walk.environment, planned.verdicts, planned.plan, planned.impact, seal)


def _next(planned: Planned, sealed: Sealed, apply: str) -> list[Text]:
    until = at(sealed.receipt.expires, datetime.now(UTC))
    return [
        Text(f"sealed until {until}, receipt {sealed.receipt.id}"),
        Text(f"next: {apply}{_allowing(planned)}", "bold"),
    ]


def _life(text: str | None) -> timedelta:
    if text is None:
        return DEFAULT_LIFE
    try:
        life = timedelta(seconds=Duration.parse(text).seconds)
    except ValueError as error:
        raise UsageWrong(f"--expires-in {text}: {error}", hint="write 30m, 8h or 2d") from None
    if not timedelta(0) < life <= LONGEST_LIFE:
        raise UsageWrong(f"--expires-in {text}: from 1s to {LONGEST_LIFE.days}d")
    return life


def _allowing(planned: Planned) -> str:
    """The options without which `apply` refuses what the plan would lose."""
    losses = planned.impact.losses if planned.impact else ()
    addresses = dict.fromkeys(loss.address for loss in losses)
    return "".join(f" {OPTION} {shlex.quote(address)}" for address in addresses)
