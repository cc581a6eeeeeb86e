"""`nexusctl plan ENV`."""

import json
from argparse import Namespace

from rich.console import Console

from nexusctl.commands.display import Display
from nexusctl.commands.planning import exit_code, make_plan
from nexusctl.commands.walk import Walk
from nexusctl.report import document, text


def run(arguments: Namespace) -> int:
    """Plan, and show what the plan would do."""
    walk = Walk.begin(arguments)
    planned = make_plan(walk, Display(quiet=arguments.json))
    if planned.file:
        planned.file.unlink()
    if arguments.json:
        print(
            json.dumps(document.planned(walk.environment, planned.verdicts, planned.plan), indent=2)
        )
    else:
        console = Console(highlight=False)
        console.print(text.heading(walk.environment, sandbox=walk.sandbox), "\n", sep="")
        for line in text.verdicts(planned.verdicts):
            console.print(line)
        if planned.plan:
            for line in text.plan(planned.plan):
                console.print(line)
            if planned.passed and not planned.plan.empty:
                console.print(f"next: {walk.command('apply')}", style="bold")
    return exit_code(planned, detailed=arguments.detailed_exitcode)
