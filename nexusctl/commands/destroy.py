"""`nexusctl destroy ENV`."""

import shlex
from argparse import Namespace
from collections.abc import Iterable, Iterator

from rich.text import Text

from nexusctl.change.protection import PRODUCTION, FinalSnapshot, protect_database
from nexusctl.commands.apply import apply_plan, tell_what_is_done
from nexusctl.commands.auditing import audited
from nexusctl.commands.display import Display
from nexusctl.commands.planning import Planned, planning_destruction, screen
from nexusctl.commands.sealing import seal
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk, confirmed
from nexusctl.errors import Exit, Refused
from nexusctl.policy.catalogue import read_catalogue
from nexusctl.workspace import shipped_assets

POLICY = "NEXUS_DELETION_PROTECTION"
DATABASE = "module.database.aws_db_instance.main"


def run(arguments: Namespace) -> int:
    """Plan the destruction, show it, ask, and carry it out."""
    walk = Walk.begin(arguments)
    name, database = walk.environment.name, walk.environment.settings.database
    if database.deletion_protection:
        raise Refused(
            f"the database of {name} is protected from deletion",
            location=walk.environment.origin("database", "deletion_protection").location,
            hint="\n".join(_steps(walk)),
        )
    display = Display()
    with walk.work.alone(), planning_destruction(walk, display) as planned:
        if planned.plan is None or not planned.plan.changes:
            show([Text("Nothing to destroy: the state holds no resources.", "green")])
            return Exit.DONE
        show(screen(walk, planned))
        receipt = seal(walk, planned, display).receipt
        with audited(walk, "destroy", display, receipt=receipt) as audit:
            _protect(walk, planned)
            _ask(walk, planned, assume_yes=arguments.yes)
            _, received = apply_plan(walk, planned, receipt, audit, display)
    tell_what_is_done(walk, _left(planned.snapshots), interrupted=bool(received))
    return Exit.DONE


def _protect(walk: Walk, planned: Planned) -> None:
    if planned.impact is None:
        return
    try:
        protect_database(planned.impact, tier=planned.tier, untaint=walk.untaint)
    except Refused as refused:
        raise Refused(refused.message, hint=f"{refused.hint}: {walk.command('apply')}") from None


def _ask(walk: Walk, planned: Planned, *, assume_yes: bool) -> None:
    name, production = walk.environment.name, planned.tier == PRODUCTION
    if assume_yes and not production:
        return
    if not confirmed(f"Type the environment's name ({name}) to destroy it:", name):
        raise Refused(
            "nothing was destroyed: the environment's name was not typed",
            hint="at a terminal: production is not destroyed with --yes"
            if production
            else f"in automation: {walk.command('destroy')} --yes",
        )


def _steps(walk: Walk) -> Iterator[str]:
    """What has to be done before a protected database can be destroyed, to be typed as it is."""
    environment, tier = walk.environment, walk.environment.settings.tier
    yield "if it is meant, in three steps, the first two as a change of their own:"
    yield f"   1. in {environment.files[0]} set database.deletion_protection: false"
    if tier in read_catalogue(shipped_assets().policies)[POLICY].tiers:
        yield f"      and let the gate allow that in tier {tier} until it is destroyed:"
        yield "        waivers:"
        yield f"          - policy: {POLICY}"
        yield f"            resource: {DATABASE}"
        yield "            reason: WHY IT GOES"
        yield "            owner: WHO DECIDED"
        yield "            expires: THE LAST DAY, as 2026-12-31"
    yield f"   2. {walk.command('apply')}"
    yield f"   3. {walk.command('destroy')}"


def _left(snapshots: Iterable[FinalSnapshot]) -> Iterator[Text]:
    """What is left of a database, and what it takes to keep it."""
    for snapshot in snapshots:
        yield Text(f"\nThe final snapshot {snapshot.name} stays.")
        if snapshot.key and snapshot.key_lasts_days:
            yield Text(
                f"Its key is deleted in {snapshot.key_lasts_days} days, and then it cannot be "
                "restored. To keep it, first",
                "yellow",
            )
            yield Text(f"  aws kms cancel-key-deletion --key-id {shlex.quote(snapshot.key)}")
            yield Text(f"  aws kms enable-key --key-id {shlex.quote(snapshot.key)}")
