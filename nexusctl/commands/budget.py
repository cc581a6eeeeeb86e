"""`nexusctl budget ENV`."""

import json
from argparse import Namespace
from pathlib import Path

from nexusctl.capacity.advice import advice
from nexusctl.capacity.budget import Budget, Measured, budget
from nexusctl.commands.project import environments_directory
from nexusctl.commands.show import show
from nexusctl.environment.environment import Environment
from nexusctl.environment.load import load
from nexusctl.errors import EnvironmentInvalid, Exit, UsageWrong
from nexusctl.report import budget as report

PICTURES = (".png", ".svg")


def run(arguments: Namespace) -> int:
    """Show whether the environment holds its own peak; asks AWS only for `--measure`."""
    picture: Path | None = arguments.chart
    if picture and picture.suffix not in PICTURES:
        raise UsageWrong(
            f"--chart {picture}: not a kind of picture that nexusctl draws",
            hint=f"name a file that ends in {' or '.join(PICTURES)}",
        )
    environment = load(arguments.environment, environments_directory(arguments))
    measured = _measured(arguments) if arguments.measure else None
    made = budget_of(environment, measured)
    if picture and not made.has_workload:
        raise EnvironmentInvalid(
            f"{environment.name} declares no workload: there is no load to draw",
            hint="add workload with peak_transactions_per_second and mean_transaction_ms",
        )
    limits = advice(environment.settings, measured)
    if arguments.json:
        print(json.dumps(report.document(environment, made, limits), indent=2))
    else:
        show(report.budget(environment, made, limits))
    if picture:
        from nexusctl.capacity.chart import draw

        draw(made, limits, environment.name, picture)
    return Exit.DONE if made.holds else Exit.POLICY_DENIED


def budget_of(environment: Environment, measured: Measured | None = None) -> Budget:
    """The budget of an environment.

    Raises:
        EnvironmentInvalid: a setting makes no budget; it is named by its line.
    """
    try:
        return budget(environment.settings, measured)
    except EnvironmentInvalid as error:
        setting = error.message.partition(":")[0].split(".")
        location = environment.origin(*setting).location
        raise EnvironmentInvalid(error.message, hint=error.hint, location=location) from error


def _measured(arguments: Namespace) -> Measured:
    # All of this takes its time to import, and few budgets need it.
    from nexusctl.aws.max_connections import measure
    from nexusctl.aws.session import session
    from nexusctl.commands.display import Display
    from nexusctl.commands.walk import Walk

    display, walk = Display(quiet=arguments.json), Walk.begin(arguments)
    settings = walk.environment.settings
    variables, _ = walk.aws_variables(display)
    with display.phase("measure") as phase, session(settings.aws, variables) as aws:
        found = measure(aws, f"{settings.project}-{walk.environment.name}")
        phase.note(f"max_connections {found.max_connections}")
    return found
