"""`nexusctl output ENV [NAME]`."""

import json
from argparse import Namespace

from nexusctl.commands.display import Display
from nexusctl.commands.planning import initialise
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk
from nexusctl.errors import Exit, UsageWrong
from nexusctl.report import text
from nexusctl.terraform.plan import SENSITIVE


def run(arguments: Namespace) -> int:
    """Show the outputs of what is applied; sensitive ones without their value."""
    walk = Walk.begin(arguments)
    display = Display(quiet=True)
    with walk.work.alone():
        rendered = walk.render(display)
        terraform = walk.terraform(display)
        with walk.explained(rendered):
            initialise(terraform, rendered, display)
            values = {
                name: SENSITIVE if output["sensitive"] else output["value"]
                for name, output in terraform.output().items()
            }
    if arguments.name is not None:
        if arguments.name not in values:
            known = ", ".join(sorted(values)) or "none: nothing is applied"
            raise UsageWrong(f"no output {arguments.name!r}", hint=f"outputs: {known}")
        value = values[arguments.name]
        print(value if isinstance(value, str) and not arguments.json else json.dumps(value))
    elif arguments.json:
        print(json.dumps(values, indent=2, sort_keys=True))
    elif values:
        show(text.outputs(values))
    else:
        print(f"no outputs: nothing is applied yet (next: {walk.command('apply')})")
    return Exit.DONE
