"""The benchmarks. Each is given the project, measures in it, and yields its rows of the table."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count

from benchmarks.measure import SCRIPTS, Row, rounds, run
from benchmarks.project import Project
from nexusctl.policy.catalogue import read_catalogue
from nexusctl.workspace import shipped_assets

MANY = 200

inside = partial(run, sys.executable, "-m", "benchmarks.inside")


def startup(project: Project) -> Iterator[Row]:
    """The commands that do little."""
    limits = {"--version": 0.2, "--help": 0.2, "validate prod": 0.6}
    times = rounds(10, *(partial(project.nexusctl, *command.split()) for command in limits))
    for (command, limit), runs in zip(limits.items(), times, strict=True):
        yield Row("startup", f"nexusctl {command}", runs, "s", limit)


def many(project: Project) -> Iterator[Row]:
    """Two hundred environments that extend one base: copies of dev, each with its own account."""
    ours = project.root / "environments"
    crowd = Project(project.root / "many", project.at_the_end)
    environments = crowd.root / "environments"
    environments.mkdir(parents=True)
    shutil.copy(ours / "base.yaml", environments)
    dev = (ours / "dev.yaml").read_text("utf-8")
    for number in range(MANY):
        text = dev.replace("444455556666", f"{number:012}")
        (environments / f"many-{number}.yaml").write_text(text, "utf-8")

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
    root, policies = project.work.root, shipped_assets().policies
    check = partial(project.nexusctl, "check", "sandbox")

    def anew() -> None:
        project.forget_verdicts()
        check()

    check()
    select = ["--framework", "terraform", "--check", ",".join(read_catalogue(policies))]
    checkov = partial(run, SCRIPTS / "checkov", "-d", root, "--skip-download", *select)
    times = rounds(3, anew, partial(checkov, "--external-checks-dir", policies), check)
    yield Row("gate", "nexusctl check sandbox, judged anew", times[0], "s")
    yield Row("gate", "checkov on the same files with the same policies", times[1], "s")
    yield Row("gate", "nexusctl check sandbox, nothing changed", times[2], "s")


def plan(project: Project) -> Iterator[Row]:
    """`nexusctl plan` and Terraform alone, where the stack stands and nothing changes."""
    project.apply()
    nexusctl, alone, alone_400 = rounds(
        7,
        # Ends with 2, which stops the benchmark, should there be a change after all.
        partial(project.nexusctl, "plan", "sandbox", "--detailed-exitcode"),
        project.plan_with_terraform_alone,
        partial(project.plan_with_terraform_alone, GOGC="400"),
    )
    ratio = tuple(a / b for a, b in zip(nexusctl, alone, strict=True))
    ratio_400 = tuple(a / b for a, b in zip(nexusctl, alone_400, strict=True))
    yield Row("plan", "nexusctl plan sandbox, policies included (sets GOGC=400)", nexusctl, "s")
    yield Row("plan", "terraform plan, terraform show (GOGC as it is)", alone, "s")
    yield Row("plan", "terraform plan, terraform show with GOGC=400", alone_400, "s")
    yield Row("plan", "nexusctl : terraform", ratio, "x", 1.1)
    yield Row("plan", "nexusctl : terraform with GOGC=400", ratio_400, "x")


def memory(project: Project) -> Iterator[Row]:
    """Peaks of resident memory, the gate judging anew."""
    project.apply()
    document = project.plan_with_terraform_alone()

    def nexusctl() -> str:
        project.forget_verdicts()
        return inside("nexusctl", "--project", project.root, "plan", "sandbox")

    def worker() -> str:
        return inside("worker", project.root / "environments", project.work.root, document)

    for what, measured in (("nexusctl in plan sandbox", nexusctl), ("its policy worker", worker)):
        peaks = tuple(float(measured().split()[-1]) for _ in range(3))
        yield Row("memory", what, peaks, "MB", 300)


BENCHMARKS: Mapping[str, Callable[[Project], Iterator[Row]]] = {
    each.__name__: each for each in (startup, many, gate, plan, memory)
}
