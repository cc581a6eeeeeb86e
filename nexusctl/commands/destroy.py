"""`nexusctl destroy ENV`."""

from argparse import Namespace

from rich.text import Text

from nexusctl.change.protection import protect_database
from nexusctl.commands.apply import apply_plan
from nexusctl.commands.display import Display
from nexusctl.commands.planning import planning_destruction, screen
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk, confirmed
from nexusctl.errors import Exit, Refused


def run(arguments: Namespace) -> int:
    """Plan the destruction, show it, ask, and carry it out."""
    walk = Walk.begin(arguments)
    name = walk.environment.name
    if walk.environment.settings.database.deletion_protection:
        raise Refused(
            f"the database of {name} is protected from deletion",
            location=walk.environment.origin("database", "deletion_protection").location,
            hint="set database.deletion_protection: false and apply that first",
        )
    display = Display()
    with walk.work.alone(), planning_destruction(walk, display) as planned:
        if planned.plan is None or not planned.plan.changes:
            show([Text("Nothing to destroy: the state holds no resources.", "green")])
            return Exit.DONE
        show(screen(walk, planned))
        if planned.impact is not None:
            protect_database(planned.impact, tier=walk.environment.settings.tier)
        if not arguments.yes and not confirmed(f"Type the environment's name ({name}):", name):
            raise Refused(
                "nothing was destroyed: the environment's name was not typed",
                hint=f"in automation: {walk.command('destroy')} --yes",
            )
        apply_plan(walk, planned, display)
    return Exit.DONE
