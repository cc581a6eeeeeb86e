"""The steps that commands on one environment share, from its file to a bound Terraform."""

import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nexusctl.change.audit import last_applied
from nexusctl.commands import explaining
from nexusctl.commands.display import Display
from nexusctl.commands.project import environments_directory, invocation, workspace
from nexusctl.environment.environment import Environment
from nexusctl.environment.load import load
from nexusctl.errors import Refused
from nexusctl.policy.gate import Gate
from nexusctl.render.render import render
from nexusctl.render.rendered import Rendered
from nexusctl.render.write import write
from nexusctl.sandbox.prerequisites import Prerequisites
from nexusctl.sandbox.sandbox import Sandbox
from nexusctl.terraform.engine import Product, find_engine
from nexusctl.terraform.plan import Plan, known
from nexusctl.terraform.terraform import (
    StateLeft,
    StateUnsaved,
    Terraform,
    TerraformError,
    TerraformInterrupted,
)
from nexusctl.workspace import WorkDirectory, Workspace, shipped_assets

Goal = Literal["plan", "destroy"]


@dataclass(frozen=True, slots=True)
class Walk:
    """One environment on its way from YAML to AWS."""

    workspace: Workspace
    environment: Environment
    sandbox: bool
    work: WorkDirectory
    product: Product | None = None  # the engine that was asked for
    project: Path | None = None  # the directory that was named
    goal: Goal = "plan"  # the command that shows what is left to do

    @classmethod
    def begin(cls, arguments: Namespace) -> "Walk":
        """Load the environment that the command line names.

        Raises:
            EnvironmentInvalid: there is no such environment, or its file is wrong.
        """
        place = workspace(arguments)
        environment = load(arguments.environment, environments_directory(arguments))
        sandbox = arguments.sandbox or environment.settings.tier == "sandbox"
        work = place.work(environment.name, sandbox=sandbox)
        product = getattr(arguments, "engine", None)
        goal: Goal = "destroy" if arguments.command == "destroy" else "plan"
        return cls(place, environment, sandbox, work, product, arguments.project, goal)

    def render(self, display: Display) -> Rendered:
        """Render into the work directory."""
        with display.phase("render") as phase:
            rendered = render(self.environment, shipped_assets())
            self.work.create()
            write(rendered, self.work.root)
            phase.note(f"{len(rendered.files)} files")
        return rendered

    def gate(self) -> Gate:
        """The policy gate of this installation, with the project's cache of verdicts."""
        self.work.create()
        return Gate(
            shipped_assets().policies,
            log=self.work.logs / "policy.log",
            cache=self.workspace.state / "verdicts",
        )

    def terraform(self, display: Display) -> Terraform:
        """Terraform in the work directory, reaching the real AWS or the sandbox."""
        engine = find_engine(self.product)
        environment, fresh = self.aws_variables(display)
        terraform = Terraform(
            engine, self.work, environment=environment, on_interrupt=display.interrupted
        )
        if fresh:
            terraform.forget_unfinished_apply()  # what it had begun is gone
            terraform.discard_unsaved_state()
        return terraform

    def aws_variables(self, display: Display) -> tuple[dict[str, str], bool]:
        """The process environment that leads to the real AWS or to the sandbox.

        And whether that sandbox was started just now, empty.
        """
        if not self.sandbox:
            return dict(os.environ), False
        settings = self.environment.settings
        server = Sandbox(self.workspace.sandbox)
        with display.phase("sandbox") as phase:
            running = server.ensure_running()
            server.prepare(_prerequisites(self.environment))
            phase.note(f"{running.endpoint} (pid {running.pid})")
        if running.lost:
            display.warn(
                f"the sandbox server (pid {running.lost.pid}) had ended unexpectedly; what it held "
                "is gone, state included; this is a new, empty one"
            )
        variables = server.environment_variables(
            running,
            os.environ,
            account_id=settings.aws.account_id,
            region=settings.aws.region,
            profile=settings.aws.profile,
        )
        return variables, running.fresh

    def command(self, name: str) -> str:
        """Another command on the same environment, as the user would type it."""
        flag = " --sandbox" if self.sandbox and self.environment.settings.tier != "sandbox" else ""
        engine = f" --engine {self.product}" if self.product else ""
        return f"{invocation(self.project)} {name} {self.environment.name}{flag}{engine}"

    def untaint(self, address: str) -> str:
        """The command that keeps a resource of which the creation did not come to its end."""
        return f"{self.command('terraform')} -- untaint {shlex.quote(address)}"

    @property
    def next_command(self) -> str:
        """What shows where things stand, and changes nothing by itself: `destroy` asks."""
        return self.command(self.goal)

    def note_what_was_interrupted(self, terraform: Terraform, plan: Plan, display: Display) -> None:
        """Say so if the last apply or destroy never came to its end, and what can be done."""
        since = terraform.unfinished_apply
        if since and plan.empty:
            terraform.forget_unfinished_apply()
        elif since:
            display.warn(
                f"the apply that began at {since} did not come to its end; this plan shows what is "
                f"left to do. If something exists that the state does not know, bring it in: "
                f"{self.command('terraform')} -- import ADDRESS ID"
            )
        for change in plan.changes:
            if change.tainted:
                display.warn(
                    f"{change.address} is replaced because its creation was interrupted. If it is "
                    f"sound, keep it: {self.untaint(change.address)}"
                )

    def note_a_lost_state(self, document: Mapping[str, Any], display: Display) -> None:
        """Say so if the state knows nothing, by the plan's JSON, and something was applied here."""
        state = self.environment.settings.state
        if self.sandbox or state.backend != "s3" or known(document):
            return
        at = last_applied(self.workspace.audit(self.environment.name))
        if at:
            where = shlex.join(["--bucket", str(state.bucket), "--prefix", str(state.key)])
            display.warn(
                f"the state knows nothing, but this environment was applied at {at}. If the state "
                "was deleted, do not apply: bring back its last version. These are left: "
                f"aws s3api list-object-versions {where}"
            )

    @contextmanager
    def explained(self, rendered: Rendered) -> Iterator[None]:
        """Turn an error of Terraform's into one in terms of the environment, with the way on."""
        try:
            yield
        except (TerraformError, TerraformInterrupted, StateUnsaved, StateLeft) as error:
            raise explaining.explained(self, rendered, error) from error


def _prerequisites(environment: Environment) -> Prerequisites:
    settings = environment.settings
    return Prerequisites(
        account_id=settings.aws.account_id,
        region=settings.aws.region,
        state_bucket=settings.state.bucket,
        state_region=settings.state.region,
        assume_role_arn=settings.aws.assume_role_arn,
        vpc_id=settings.network.vpc_id,
        private_subnet_ids=tuple(settings.network.private_subnet_ids or ()),
        security_group_ids=tuple(each.security_group_id for each in settings.lambda_clients),
        role_names=tuple(each.role_name for each in settings.lambda_clients),
        topic_arns=tuple(settings.alarms.topic_arns),
    )


def confirmed(question: str, wanted: str) -> bool:
    """Ask on the terminal for `wanted` to be typed; without a terminal the answer is no."""
    if not sys.stdin.isatty():
        return False
    print(question, end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == wanted


def insist_confirmed(walk: Walk, doing: str, again: str, *, assume_yes: bool) -> None:
    """Ask before something that cannot be undone: production for its name, others for `yes`.

    Args:
        walk: the environment.
        doing: what is about to be done, in the infinitive.
        again: the command, for the hint at automation.
        assume_yes: do not ask.

    Raises:
        Refused: the answer was another.
    """
    name, production = walk.environment.name, walk.environment.settings.tier == "production"
    wanted = name if production else "yes"
    asked = f"Production. Type the environment's name ({name})" if production else "Type yes"
    if not assume_yes and not confirmed(f"{asked} to {doing}:", wanted):
        raise Refused(
            f"nothing was done: {wanted!r} was not typed", hint=f"in automation: {again} --yes"
        )
