"""`nexusctl drift [ENV…|--all]`."""

import json
from argparse import Namespace
from collections.abc import Iterator

from rich.text import Text

from nexusctl.change.impact import Impact, drift
from nexusctl.change.protection import insist_same_region, standing_arns
from nexusctl.change.provenance import Provenance
from nexusctl.commands import fleet
from nexusctl.commands.display import Display
from nexusctl.commands.fleet import Fleet, Outcome
from nexusctl.commands.planning import initialise, no_plan_left, planned_document
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk
from nexusctl.errors import Exit
from nexusctl.report import impact as report
from nexusctl.report.fleet import Told, drifted
from nexusctl.terraform.terraform import TerraformError


def run(arguments: Namespace) -> int:
    """Show what was changed outside Terraform, and what that means; nothing is changed back."""
    names = fleet.named(arguments)
    quiet = arguments.format != "text"
    if len(names) == 1:
        (arguments.environment,) = names
        found = Fleet({names[0]: _drift(arguments, Display(quiet=quiet))})
    else:
        found = fleet.run_all(arguments, names, _drift, quiet=quiet)
    if arguments.format == "json":
        print(json.dumps(found.documents, indent=2))
    else:
        show(found.reports)
    if arguments.format == "text":
        show(found.table)
    found.complain()
    return found.code


def _drift(arguments: Namespace, display: Display) -> Outcome:
    walk = Walk.begin(arguments)
    name = walk.environment.name
    with walk.work.alone(), no_plan_left(walk):
        rendered = walk.render(display)
        terraform = walk.terraform(display)
        with walk.explained(rendered):
            initialise(terraform, rendered, display)
            try:
                file = planned_document(terraform, walk.work.plan, display, mode="refresh-only")
            except TerraformError:
                # Terraform cannot refresh nothing: what outputs refer to is not there.
                state = terraform.state()
                insist_same_region(state.arns, walk.environment.settings.aws.region)
                if state.addresses:
                    raise
                return _nothing_applied(name, arguments.format)
        document = json.loads(file.read_bytes())
    insist_same_region(standing_arns(document), walk.environment.settings.aws.region)
    found = drift(document, Provenance(walk.environment, rendered))
    anything = bool(found.statements or found.unnoticed)
    return Outcome(
        drifted(found),
        tuple(_report(name, found, arguments.format)),
        {"environment": name, "drifted": anything, "impact": report.document(found)},
        Exit.CHANGES_PRESENT if anything else Exit.DONE,
    )


def _nothing_applied(name: str, format_: str) -> Outcome:
    report = (Text(f"## Drift of {name}\n\nNothing is applied."),) if format_ == "markdown" else ()
    told = Told("·", "dim", "nothing is applied")
    return Outcome(told, report, {"environment": name, "drifted": False, "impact": None}, Exit.DONE)


def _report(name: str, found: Impact, format_: str) -> Iterator[Text]:
    if format_ == "markdown":
        yield Text(f"## Drift of {name}\n\n{report.markdown(found)}")
    elif found.statements or found.unnoticed:
        yield Text.assemble("\n", (name, "bold"), " was changed outside Terraform\n")
        yield from report.text(found)
