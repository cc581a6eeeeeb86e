"""`nexusctl drift [ENV…|--all]`."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from nexusctl.change.impact import Impact, drift
from nexusctl.change.provenance import Provenance
from nexusctl.commands.display import Display
from nexusctl.commands.judging import concrete
from nexusctl.commands.planning import initialise, no_plan_left, planned_document
from nexusctl.commands.project import environments_directory
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk
from nexusctl.errors import Exit, NexusError, UsageWrong
from nexusctl.report import impact as report
from nexusctl.report.visible import one_line

_Found = dict[str, Impact | NexusError]


def run(arguments: Namespace) -> int:
    """Show what was changed outside Terraform, and what that means; nothing is changed back."""
    if arguments.all == bool(arguments.environments):
        raise UsageWrong("name environments, or say --all", hint="nexusctl drift prod")
    names = arguments.environments or list(concrete(environments_directory(arguments)))
    display = Display(quiet=arguments.format != "text")
    found: _Found = {}
    for name in names:
        arguments.environment = name
        try:
            found[name] = _drift(arguments, display)
        except NexusError as error:
            if len(names) == 1:
                raise
            found[name] = error
    _report(found, arguments.format)
    errors = [each for each in found.values() if isinstance(each, NexusError)]
    for name, each in found.items():
        if isinstance(each, NexusError):
            print(f"error: {name}: {each}", file=sys.stderr)
    if errors:
        return max(error.exit_code for error in errors)
    return Exit.CHANGES_PRESENT if any(map(_drifted, found.values())) else Exit.DONE


def _drift(arguments: Namespace, display: Display) -> Impact:
    walk = Walk.begin(arguments)
    with walk.work.alone(), no_plan_left(walk):
        rendered = walk.render(display)
        terraform = walk.terraform(display)
        with walk.explained(rendered):
            initialise(terraform, rendered, display)
            file = planned_document(terraform, walk.work.plan, display, mode="refresh-only")
        document = json.loads(Path(file).read_bytes())
    return drift(document, Provenance(walk.environment, rendered))


def _drifted(found: Impact | NexusError) -> bool:
    return isinstance(found, Impact) and bool(found.statements or found.unnoticed)


def _report(found: _Found, format_: str) -> None:
    impacts = {name: each for name, each in found.items() if isinstance(each, Impact)}
    if format_ == "json":
        documents = [
            {"environment": name, "drifted": _drifted(each), "impact": report.document(each)}
            for name, each in impacts.items()
        ]
        print(json.dumps(documents, indent=2))
    elif format_ == "markdown":
        for name, each in impacts.items():
            print(f"## Drift of {name}\n\n{report.markdown(each)}")
    else:
        show(_lines(found))


def _lines(found: _Found) -> Iterator[Text]:
    for name, each in found.items():
        if isinstance(each, Impact) and _drifted(each):
            yield Text.assemble("\n", (name, "bold"), " was changed outside Terraform\n")
            yield from report.text(each)
    width = max(map(len, found))
    yield Text()
    for name, each in found.items():
        if isinstance(each, NexusError):
            yield Text.assemble(("✗", "red"), f" {name:<{width}}  {one_line(each.message)}")
        elif _drifted(each):
            yield Text.assemble(("!", "yellow"), f" {name:<{width}}  drifted: {each.level}")
        else:
            yield Text.assemble(("✓", "green"), f" {name:<{width}}  no drift")
