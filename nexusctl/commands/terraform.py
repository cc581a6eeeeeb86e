"""`nexusctl terraform ENV -- ARGS…`: the escape hatch."""

import os
from argparse import Namespace

from nexusctl.commands.display import Display
from nexusctl.commands.planning import initialise
from nexusctl.commands.walk import Walk
from nexusctl.errors import UsageWrong


def run(arguments: Namespace) -> int:
    """Become Terraform, in the environment's directory, with its variables and credentials."""
    if not arguments.arguments:
        raise UsageWrong(
            "nothing for Terraform to do",
            hint=f"nexusctl terraform {arguments.environment} -- state list",
        )
    walk = Walk.begin(arguments)
    display = Display(quiet=True)
    with walk.work.alone():
        rendered = walk.render(display)
        terraform = walk.terraform(display)
        if arguments.arguments[0] != "init":
            with walk.explained(rendered):
                initialise(terraform, rendered, display)
    os.chdir(walk.work.root)
    argv = [*terraform.engine.argv, *arguments.arguments]
    # A user who asked for Terraform gets its prompts.
    environment = {k: v for k, v in terraform.environment.items() if k != "TF_INPUT"}
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - a list, and no shell
