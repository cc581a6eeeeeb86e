"""`nexusctl plan ENV`."""

import json
import shlex
from argparse import Namespace

from rich.text import Text

from nexusctl.change.protection import OPTION
from nexusctl.commands.display import Display
from nexusctl.commands.planning import Planned, exit_code, planning, screen
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk
from nexusctl.report import document


def run(arguments: Namespace) -> int:
    """Plan, and show what the plan would do."""
    walk = Walk.begin(arguments)
    display = Display(quiet=arguments.json)
    with walk.work.alone(), planning(walk, display) as planned:
        pass
    if arguments.json:
        result = document.planned(walk.environment, planned.verdicts, planned.plan, planned.impact)
        print(json.dumps(result, indent=2))
    else:
        show(screen(walk, planned))
        if planned.passed and planned.plan and not planned.plan.empty:
            show([Text(f"next: {walk.command('apply')}{_allowing(planned)}", "bold")])
    return exit_code(planned, detailed=arguments.detailed_exitcode)


def _allowing(planned: Planned) -> str:
    """The options without which `apply` refuses what the plan would lose."""
    losses = planned.impact.losses if planned.impact else ()
    addresses = dict.fromkeys(loss.address for loss in losses)
    return "".join(f" {OPTION} {shlex.quote(address)}" for address in addresses)
