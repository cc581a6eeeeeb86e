"""`nexusctl apply ENV`."""

from argparse import Namespace

from nexusctl.change.protection import protect
from nexusctl.commands.display import Display
from nexusctl.commands.planning import Planned, exit_code, planning, screen
from nexusctl.commands.show import show
from nexusctl.commands.walk import Walk, confirmed
from nexusctl.errors import Exit, Refused
from nexusctl.report import text


def run(arguments: Namespace) -> int:
    """Plan, show the plan, ask where it matters, and apply that very plan."""
    walk = Walk.begin(arguments)
    display = Display()
    with walk.work.alone(), planning(walk, display) as planned:
        show(screen(walk, planned))
        if not planned.passed or planned.plan is None or planned.impact is None:
            return exit_code(planned)
        if not planned.plan.empty:
            tier = walk.environment.settings.tier
            protect(planned.impact, arguments.allow_replace, tier=tier)
            _ask(walk, assume_yes=arguments.yes)
            apply_plan(walk, planned, display)
    return Exit.DONE


def _ask(walk: Walk, *, assume_yes: bool) -> None:
    name = walk.environment.name
    if assume_yes or walk.environment.settings.tier != "production":
        return
    if not confirmed(f"Production. Type the environment's name ({name}) to apply:", name):
        raise Refused(
            "not applied: the environment's name was not typed",
            hint=f"in automation: {walk.command('apply')} --yes",
        )


def apply_plan(walk: Walk, planned: Planned, display: Display) -> None:
    """Apply a plan and show each resource, then the outputs.

    Raises:
        TerraformFailed: Terraform ended with an error; what it had done is in the state.
        Interrupted: a signal made it stop.
    """
    with walk.explained(planned.rendered), display.phase("apply") as phase:
        applied = planned.terraform.apply(walk.work.plan, display.resources(phase))
        done = applied.summary
        if done:
            phase.note(f"{done.add} created, {done.change} changed, {done.remove} destroyed")
    show(text.outputs(applied.outputs))
