"""`nexusctl plan ENV`."""

import json
from argparse import Namespace

from rich.text import Text

from nexusctl.commands.display import Display
from nexusctl.commands.planning import exit_code, planning
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk
from nexusctl.report import document, text


def run(arguments: Namespace) -> int:
    """Plan, and show what the plan would do."""
    walk = Walk.begin(arguments)
    display = Display(quiet=arguments.json)
    with walk.work.alone(), planning(walk, display) as planned:
        pass
    if arguments.json:
        result = document.planned(walk.environment, planned.verdicts, planned.plan)
        print(json.dumps(result, indent=2))
    else:
        show(text.planned(walk.environment, planned.verdicts, planned.plan, sandbox=walk.sandbox))
        if planned.passed and planned.plan and not planned.plan.empty:
            show([Text(f"next: {walk.command('apply')}", "bold")])
    return exit_code(planned, detailed=arguments.detailed_exitcode)
