"""From an environment to a judged plan: what `plan`, `apply` and `destroy` begin with."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from nexusctl.change.impact import Impact, impact
from nexusctl.change.protection import (
    FinalSnapshot,
    final_snapshots,
    insist_same_region,
    standing_arns,
    tier_to_protect,
)
from nexusctl.change.provenance import Provenance
from nexusctl.commands.display import Display
from nexusctl.commands.remedies import with_diffs
from nexusctl.commands.walk import Walk
from nexusctl.errors import Exit
from nexusctl.policy.gate import Case, Gate
from nexusctl.policy.verdict import Verdict
from nexusctl.render.rendered import Rendered
from nexusctl.render.write import altered
from nexusctl.report import text
from nexusctl.terraform.command import Mode
from nexusctl.terraform.events import Event, ResourceEvent
from nexusctl.terraform.plan import Plan, parse_plan
from nexusctl.terraform.terraform import Terraform


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, what it does and what the gate says; no plan when the files alone were denied.

    `tier` is the one that holds it back: that of the environment, or of what stands.
    """

    rendered: Rendered
    verdicts: tuple[Verdict, ...]
    terraform: Terraform
    plan: Plan | None = None
    impact: Impact | None = None
    snapshots: tuple[FinalSnapshot, ...] = ()
    tier: str = ""

    @property
    def passed(self) -> bool:
        """Whether both the files and the plan were judged, and nothing was denied."""
        return self.plan is not None and all(verdict.passed for verdict in self.verdicts)

    @property
    def applicable(self) -> bool:
        """Whether it passed and there is something to do."""
        return self.passed and self.plan is not None and not self.plan.empty


@contextmanager
def planning(walk: Walk, display: Display) -> Iterator[Planned]:
    """Render, judge the files, plan, judge the plan. The plan file lives as long as the block.

    The gate judges the files while the sandbox starts and `terraform init` runs; nothing is planned
    before they have passed. Its worker imports checkov, where no answer is kept from before, while
    Terraform is still writing the plan.
    """
    with ExitStack() as stack:
        gate = stack.enter_context(walk.gate())
        stack.enter_context(no_plan_left(walk))
        rendered = walk.render(display)
        case = case_of(walk, rendered)
        judging = stack.enter_context(ThreadPoolExecutor(1)).submit(gate.judge_files, case)
        terraform = walk.terraform(display)
        with walk.explained(rendered):
            initialise(terraform, rendered, display)
        with display.phase("policies") as phase:
            files = with_diffs(judging.result(), walk.environment)
            phase.note(said(files))
        if not files.passed:
            yield Planned(rendered, (files,), terraform)
            return
        with walk.explained(rendered):
            document = planned_document(terraform, walk.work.plan, display, on_change=gate.start)
        yield judged_plan(walk, gate, Planned(rendered, (files,), terraform), document, display)


def judged_plan(
    walk: Walk, gate: Gate, files: Planned, document: Path, display: Display
) -> Planned:
    """The plan with this JSON, judged, what it does, and whether something was left unfinished.

    `files` is what has come of the files. The JSON goes.

    Raises:
        Refused: what stands is in another region than the environment's.
    """
    rendered, (verdict_on_files,) = files.rendered, files.verdicts
    with display.phase("policies") as phase:
        verdict = gate.judge_plan(case_of(walk, rendered), document, verdict_on_files)
        judged = with_diffs(verdict, walk.environment)
        phase.note(said(judged))
    told = _told(document)
    insist_same_region(standing_arns(told), walk.environment.settings.aws.region)
    plan = parse_plan(told)
    walk.note_what_was_interrupted(files.terraform, plan, display)
    walk.note_a_lost_state(told, display)
    done = impact(told, Provenance(walk.environment, rendered))
    tier = tier_to_protect(told, walk.environment.settings.tier)
    return replace(files, verdicts=(verdict_on_files, judged), plan=plan, impact=done, tier=tier)


def case_of(walk: Walk, rendered: Rendered) -> Case:
    """The environment and its root, which has to be on the disk as it was rendered."""
    case = Case.of_environment(walk.environment, rendered)
    return replace(case, missing=altered(rendered, walk.work.root))


@contextmanager
def planning_destruction(walk: Walk, display: Display) -> Iterator[Planned]:
    """Plan to destroy everything. Policies have no say: nothing is left to judge.

    Raises:
        Refused: what stands is in another region than the environment's.
    """
    with no_plan_left(walk):
        rendered = walk.render(display)
        terraform = walk.terraform(display)
        with walk.explained(rendered):
            initialise(terraform, rendered, display)
            insist_same_region(terraform.state().arns, walk.environment.settings.aws.region)
            document = planned_document(terraform, walk.work.plan, display, mode="destroy")
        told = _told(document)
        yield Planned(
            rendered,
            (),
            terraform,
            parse_plan(told),
            impact(told, Provenance(walk.environment, rendered)),
            final_snapshots(told),
            tier_to_protect(told, walk.environment.settings.tier),
        )


def _told(document: Path) -> Any:
    """What the JSON of a plan says; it holds sensitive values in clear, so it goes at once."""
    told = json.loads(document.read_bytes())
    document.unlink()
    return told


@contextmanager
def no_plan_left(walk: Walk) -> Iterator[None]:
    """Whatever happens, no plan that is worked with stays behind, nor its JSON.

    Both may hold sensitive values in clear. A plan that is to stay is sealed, in its own place.
    """
    plans = (walk.work.plan, walk.work.plan.with_suffix(".json"))
    try:
        for plan in plans:
            plan.unlink(missing_ok=True)
        yield
    finally:
        for plan in plans:
            plan.unlink(missing_ok=True)


def screen(walk: Walk, planned: Planned) -> Iterator[Text]:
    """The report of a plan for people."""
    destruction = not planned.verdicts  # only the screen tells of it
    return text.planned(
        walk.environment,
        planned.verdicts,
        planned.plan,
        planned.impact,
        sandbox=walk.sandbox,
        everything=None if destruction else f"{walk.command('plan')} --json",
    )


def initialise(terraform: Terraform, rendered: Rendered, display: Display) -> None:
    """Run `terraform init` where it is needed."""
    with display.phase("init") as phase:
        done = terraform.init(rendered, lambda _event: None)
        phase.note(f"{terraform.engine}" if done else f"{terraform.engine}, as before")


def planned_document(
    terraform: Terraform,
    file: Path,
    display: Display,
    *,
    mode: Mode = "normal",
    on_change: Callable[[], None] = lambda: None,
) -> Path:
    """Plan into `file` and return the plan's JSON; `on_change` is called when there is a change."""
    with display.phase("plan") as phase:
        progress = display.resources(phase)

        def on_event(event: Event) -> None:
            if isinstance(event, ResourceEvent) and event.kind == "planned_change":
                on_change()
            progress(event)

        changes = terraform.plan(file, on_event, mode=mode)
        phase.note("reading the plan")
        document = terraform.show(file)
        phase.note("there are changes" if changes else "no changes")
    return document


def said(verdict: Verdict) -> str:
    """A verdict in a few words."""
    subject = verdict.subject
    if verdict.passed:
        return f"{subject}: {len(verdict.findings)} findings, none denied"
    return f"{subject}: {len(verdict.denied)} denied, {len(verdict.unjudged)} not judged"


def exit_code(planned: Planned, *, detailed: bool = False) -> Exit:
    """What the verdicts, and where asked for the plan, make of the command's end."""
    if any(verdict.unjudged for verdict in planned.verdicts):
        return Exit.TOOL_UNFIT
    if not planned.passed:
        return Exit.POLICY_DENIED
    changes = planned.plan is not None and not planned.plan.empty
    return Exit.CHANGES_PRESENT if detailed and changes else Exit.DONE
