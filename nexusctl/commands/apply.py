"""`nexusctl apply ENV`."""

from argparse import Namespace

from rich.console import Console

from nexusctl.commands.display import Display
from nexusctl.commands.planning import Planned, exit_code, make_plan
from nexusctl.commands.walk import Walk, confirmed
from nexusctl.errors import Exit, Refused
from nexusctl.report import text


def run(arguments: Namespace) -> int:
    """Plan, show the plan, ask where it matters, and apply that very plan."""
    walk = Walk.begin(arguments)
    display = Display()
    console = Console(highlight=False)
    planned = make_plan(walk, display)
    console.print(text.heading(walk.environment, sandbox=walk.sandbox), "\n", sep="")
    for line in text.verdicts(planned.verdicts):
        console.print(line)
    if not planned.passed or planned.plan is None:
        return exit_code(planned)
    for line in text.plan(planned.plan):
        console.print(line)
    try:
        if planned.plan.empty:
            return Exit.DONE
        _ask(walk, assume_yes=arguments.yes)
        apply_plan(walk, planned, display, console)
    finally:
        if planned.file:
            planned.file.unlink()
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


def apply_plan(walk: Walk, planned: Planned, display: Display, console: Console) -> None:
    """Apply a plan and show each resource, then the outputs.

    Raises:
        TerraformFailed: Terraform ended with an error; what it had done is in the state.
        Interrupted: a signal made it stop.
    """
    if planned.terraform is None or planned.file is None:
        raise ValueError("there is no plan to apply")
    with walk.explained(planned.rendered), display.phase("apply") as phase:
        applied = planned.terraform.apply(planned.file, display.resources(phase))
        done = applied.summary
        if done:
            phase.note(f"{done.add} created, {done.change} changed, {done.remove} destroyed")
    if applied.outputs:
        console.print("\noutputs", style="bold")
        for line in text.outputs(applied.outputs):
            console.print(line, soft_wrap=True)
