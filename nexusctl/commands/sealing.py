"""Plans that outlive their command: sealed with a receipt, and opened while nothing has moved."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from nexusctl import __version__
from nexusctl.change.receipt import (
    DEFAULT_LIFE,
    Basis,
    Judged,
    Moved,
    Receipt,
    State,
    at,
    misfits,
    moved,
)
from nexusctl.change.sealed import Sealed, discard, keep, kept, write_private
from nexusctl.commands.display import Display
from nexusctl.commands.planning import (
    Planned,
    case_of,
    initialise,
    judged_plan,
    no_plan_left,
    planning,
    said,
)
from nexusctl.commands.remedies import with_diffs
from nexusctl.commands.walk import Walk
from nexusctl.errors import Refused
from nexusctl.policy.verdict import Outcome
from nexusctl.render.render import render
from nexusctl.render.rendered import Rendered
from nexusctl.render.write import digests
from nexusctl.terraform import process
from nexusctl.terraform.engine import Engine
from nexusctl.terraform.plan import Action
from nexusctl.terraform.plan_file import read_plan_file
from nexusctl.terraform.terraform import Terraform
from nexusctl.workspace import shipped_assets

GIT_SECONDS = 10.0


def plan_and_keep(
    walk: Walk, display: Display, life: timedelta = DEFAULT_LIFE
) -> tuple[Planned, Sealed | None]:
    """Plan one environment and keep the plan sealed, in place of the one before.

    Nothing is sealed where the gate denied the plan, or there is nothing to do.
    """
    with planning_to_seal(walk, display, life) as (planned, sealed):
        if sealed:
            keep(walk.work.sealed, sealed)
    return planned, sealed


@contextmanager
def planning_to_seal(
    walk: Walk, display: Display, life: timedelta
) -> Iterator[tuple[Planned, Sealed | None]]:
    """Plan, and seal the plan where it may be applied; it is the caller's to keep it somewhere."""
    discard(walk.work.sealed)
    with planning(walk, display) as planned:
        yield planned, seal(walk, planned, display, life) if planned.applicable else None


def seal(walk: Walk, planned: Planned, display: Display, life: timedelta = DEFAULT_LIFE) -> Sealed:
    """Seal the plan file of the work directory with a receipt.

    Raises:
        AwsFailed: AWS does not say whose the credentials are.
        Refused: they are of another account; or the plan was made from other files.
    """
    with display.phase("seal") as phase:
        content = walk.work.plan.read_bytes()
        inside = read_plan_file(content)
        state = State.of(inside.state)
        basis = _basis(walk, planned.rendered, planned.terraform.engine, content, state)
        who = caller(walk, planned.terraform)
        commit, dirty = _commit(walk.workspace.root)
        now = datetime.now(UTC).replace(microsecond=0)
        plan = planned.plan
        receipt = Receipt(
            environment=walk.environment.name,
            sandbox=walk.sandbox,
            made=now,
            expires=now + life,
            who=who,
            commit=commit,
            dirty=dirty,
            basis=basis,
            judged=_judged(planned),
            counts={str(each): plan.count(each) for each in Action if plan and plan.count(each)},
        )
        _refuse_moved(walk, receipt, misfits(receipt, inside), carried=False)
        phase.note(f"receipt {receipt.id}")
    return Sealed(receipt, content)


def caller(walk: Walk, terraform: Terraform) -> str:
    """The ARN of who has signed in to AWS.

    Raises:
        AwsFailed: AWS does not say.
        Refused: the credentials are of another account than the environment's.
    """
    from nexusctl.aws.session import session  # boto3 takes its time

    with session(walk.environment.settings.aws, terraform.environment) as aws:
        return aws.caller


def waiting(walk: Walk) -> Sealed | None:
    """The sealed plan that waits in the work directory, None if there is none.

    Raises:
        Refused: what lies there is not one; it is removed.
    """
    try:
        found = kept(walk.work.sealed)
    except Refused as error:
        discard(walk.work.sealed)
        hint = f"plan again: {walk.command('plan')}"
        raise Refused(f"{error.message}; the sealed plan was removed", hint=hint) from None
    if found:
        of = (found.receipt.environment, found.receipt.sandbox)
        if of != (walk.environment.name, walk.sandbox):
            discard(walk.work.sealed)
            raise Refused(
                "the sealed plan is of another environment; it was removed",
                hint=f"plan again: {walk.command('plan')}",
            )
    return found


@contextmanager
def opening(walk: Walk, sealed: Sealed, display: Display, *, carried: bool) -> Iterator[Planned]:
    """Make sure that nothing has moved since a plan was sealed, and judge it as of today.

    The plan file lies in the work directory as long as the block. A sealed plan of this machine
    that may not be applied any more is removed.

    Raises:
        Refused: something has moved; all of it is named.
    """
    with ExitStack() as stack:
        gate = stack.enter_context(walk.gate())
        stack.enter_context(no_plan_left(walk))
        terraform = walk.terraform(display)
        rendered = render(walk.environment, shipped_assets())
        basis = _basis(walk, rendered, terraform.engine, sealed.plan, None)
        with display.phase("receipt") as phase:
            on_disk = None if carried else digests(walk.work.root)
            here = moved(sealed.receipt, datetime.now(UTC), basis, on_disk)
            _refuse_moved(walk, sealed.receipt, here, carried=carried)
            inside = misfits(sealed.receipt, read_plan_file(sealed.plan))
            _refuse_moved(walk, sealed.receipt, inside, carried=carried)
            phase.note(f"{sealed.receipt.id}: nothing has moved on this machine")
        rendered = walk.render(display)
        write_private(walk.work.plan, sealed.plan)
        with walk.explained(rendered):
            initialise(terraform, rendered, display)
            with display.phase("state") as phase:
                caller(walk, terraform)
                state = State.of(terraform.state_version())
                phase.note(str(state))
        there = moved(sealed.receipt, datetime.now(UTC), basis.model_copy(update={"state": state}))
        _refuse_moved(walk, sealed.receipt, there, carried=carried)
        with display.phase("policies") as phase:
            files = with_diffs(gate.judge_files(case_of(walk, rendered)), walk.environment)
            phase.note(said(files))
        if not files.passed:
            yield Planned(rendered, (files,), terraform)
            return
        with display.phase("reading"), walk.explained(rendered):
            document = terraform.show(walk.work.plan)
        yield judged_plan(walk, gate, Planned(rendered, (files,), terraform), document, display)


def insist_unchanged(walk: Walk, receipt: Receipt) -> None:
    """Make sure, right before it is applied, that the plan file is the one that was sealed.

    Whether the state has moved in the meantime is Terraform's own to refuse, under its lock.

    Raises:
        Refused: it is another one, or too old by now.
    """
    plan = sha256(walk.work.plan.read_bytes()).hexdigest()
    present = receipt.basis.model_copy(update={"plan": plan})
    _refuse_moved(walk, receipt, moved(receipt, datetime.now(UTC), present), carried=False)


def _refuse_moved(walk: Walk, receipt: Receipt, found: tuple[Moved, ...], *, carried: bool) -> None:
    if not found:
        return
    hint = "plan again, where it was planned"
    if not carried:
        discard(walk.work.sealed)
        hint = f"plan again: {walk.command('plan')}"
    since = at(receipt.made, datetime.now(UTC))
    lines = "\n".join(f"  {each}" for each in found)
    raise Refused(
        f"the plan of {receipt.environment}, sealed at {since}, may not be applied any more:\n"
        f"{lines}",
        hint=hint,
    )


def _basis(
    walk: Walk, rendered: Rendered, engine: Engine, plan: bytes, state: State | None
) -> Basis:
    settings, policies = walk.environment.settings, shipped_assets().policies
    backend = f"local, on {socket.gethostname()}"
    if settings.state.backend == "s3":
        backend = f"s3://{settings.state.bucket}/{settings.state.key} in {settings.state.region}"
    return Basis(
        nexusctl=__version__,
        engine=str(engine),
        account=settings.aws.account_id,
        region=settings.aws.region,
        backend=backend,
        files=rendered.digests,
        policies={
            file.relative_to(policies).as_posix(): sha256(file.read_bytes()).hexdigest()
            for file in sorted(policies.rglob("*.py"))
        },
        plan=sha256(plan).hexdigest(),
        state=state,
    )


def _judged(planned: Planned) -> Judged:
    waived = {
        finding.policy.id for verdict in planned.verdicts for finding in verdict.of(Outcome.WAIVED)
    }
    return Judged(
        findings=sum(len(verdict.findings) for verdict in planned.verdicts),
        waived=tuple(sorted(waived)),
    )


def _commit(project: Path) -> tuple[str | None, bool]:
    """The git commit of the project, None outside a repository; and whether it has changes."""

    def git(*arguments: str) -> str | None:
        argv = ("git", "-C", str(project), *arguments)
        return process.capture(argv, environment=os.environ, seconds=GIT_SECONDS)

    commit = git("rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return None, False
    return commit.strip(), bool(git("status", "--porcelain", "--", "."))
