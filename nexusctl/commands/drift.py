"""`nexusctl drift [ENV…|--all]`."""

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.text import Text

from nexusctl.change.impact import Impact, drift
from nexusctl.change.protection import insist_same_region, standing_arns
from nexusctl.change.provenance import Provenance
from nexusctl.commands import fleet
from nexusctl.commands.display import Display
from nexusctl.commands.fleet import Fleet, Outcome
from nexusctl.commands.planning import initialise, no_plan_left
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk
from nexusctl.errors import Exit, NexusError
from nexusctl.report import impact as report
from nexusctl.report.fleet import Told, drifted
from nexusctl.terraform.plan import known
from nexusctl.terraform.terraform import Terraform


def run(arguments: Namespace) -> int:
    """Show what was changed outside Terraform, and what that means; nothing is changed back."""
    names = fleet.named(arguments)
    quiet = arguments.format != "text"
    if len(names) == 1:
        (arguments.environment,) = names
        found = Fleet({names[0]: _alone(arguments, Display(quiet=quiet))})
    else:
        found = fleet.run_all(arguments, names, _drift, quiet=quiet)
    if arguments.format == "json":
        print(json.dumps(found.documents, indent=2))
    elif arguments.format == "markdown":
        # What failed has no report, but stands in the table.
        several = len(names) > 1 or not all(each.report for each in found.outcomes.values())
        show([*([found.markdown] if several else []), *found.reports])
    else:
        show([*found.reports, *found.table])
    found.complain()
    return found.code


def _alone(arguments: Namespace, display: Display) -> Outcome:
    """What machines read has its document, an error as well."""
    try:
        return _drift(arguments, display)
    except NexusError as error:
        if arguments.format == "text":
            raise
        return fleet.failed(arguments.environment, error)


def _drift(arguments: Namespace, display: Display) -> Outcome:
    walk = Walk.begin(arguments)
    name = walk.environment.name
    with walk.work.alone(), no_plan_left(walk):
        rendered = walk.render(display)
        terraform = walk.terraform(display)
        with walk.explained(rendered):
            initialise(terraform, rendered, display)
            document = _compared(terraform, walk.work.plan, display)
    insist_same_region(standing_arns(document), walk.environment.settings.aws.region)
    if not known(document):
        walk.note_a_lost_state(document, display)
        return _nothing_applied(name, arguments.format)
    found = drift(document, Provenance(walk.environment, rendered))
    anything = bool(found.statements or found.unnoticed)
    return Outcome(
        drifted(found),
        tuple(_report(name, found, arguments.format)),
        {"environment": name, "drifted": anything, "impact": report.document(found)},
        Exit.CHANGES_PRESENT if anything else Exit.DONE,
    )


def _compared(terraform: Terraform, plan: Path, display: Display) -> Any:
    """The JSON of a plan, whose `resource_drift` is what was changed outside Terraform.

    A plan like any other, not one with -refresh-only: that one has the same in it, but not what the
    next apply puts back, and fails where an output refers to what was deleted or is not yet there.
    """
    with display.phase("compare") as phase:
        progress = display.resources(phase)
        terraform.plan(plan, progress)
        document = json.loads(terraform.show(plan).read_bytes())
        phase.note(f"{progress.refreshed} resources read")
    return document


def _nothing_applied(name: str, format_: str) -> Outcome:
    markdown = f"## Drift of {name}\n\nNothing is applied.\n"
    report = (Text(markdown),) if format_ == "markdown" else ()
    told = Told("·", "dim", "nothing is applied")
    return Outcome(told, report, {"environment": name, "drifted": False, "impact": None}, Exit.DONE)


def _report(name: str, found: Impact, format_: str) -> Iterator[Text]:
    if format_ == "markdown":
        yield Text(f"## Drift of {name}\n\n{report.markdown(found)}")
    elif found.statements or found.unnoticed:
        yield Text.assemble("\n", (name, "bold"), " was changed outside Terraform\n")
        yield from report.text(found)
