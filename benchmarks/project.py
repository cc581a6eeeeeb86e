"""A project of its own for the benchmarks, with its own embedded AWS."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from benchmarks.measure import SCRIPTS, run
from nexusctl.environment.load import load
from nexusctl.sandbox.sandbox import Sandbox
from nexusctl.terraform.engine import find_engine
from nexusctl.terraform.terraform import Terraform
from nexusctl.workspace import PACKAGE, WorkDirectory, Workspace

APPLIED_AT_ONCE = 6
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Project:
    """A copy of the checkout's environments in the directory `root`."""

    root: Path
    at_the_end: ExitStack

    def nexusctl(self, *arguments: str, exit_code: int = 0) -> None:
        """Run nexusctl's command line on this project, to end with this exit code."""
        run(SCRIPTS / "nexusctl", "--project", self.root, *arguments, exit_code=exit_code)

    def forget_verdicts(self) -> None:
        """Empty the gate's cache."""
        shutil.rmtree(self.root / ".nexusctl" / "verdicts", ignore_errors=True)

    def saves_to_verdicts(self, name: str, one: str, other: str) -> tuple[float, ...]:
        """Seconds from each of ten saves of an environment to the verdict of `nexusctl watch`.

        Each save replaces `one` by `other` in the file, or back.
        """
        file = self.root / "environments" / f"{name}.yaml"
        argv = (SCRIPTS / "nexusctl", "--project", self.root, "watch", name, "--json")
        times = []
        with subprocess.Popen(argv, stdout=subprocess.PIPE, process_group=0) as watching:
            assert watching.stdout is not None
            try:
                watching.stdout.readline()  # the verdict on the file as it is
                for old, new in [(one, other), (other, one)] * 5:
                    text = file.read_text("utf-8")
                    started = time.perf_counter()
                    file.write_text(text.replace(old, new), "utf-8")
                    watching.stdout.readline()
                    times.append(time.perf_counter() - started)
            finally:
                watching.send_signal(signal.SIGINT)
        return tuple(times)

    def work(self, name: str) -> WorkDirectory:
        """The work directory of an environment."""
        return Workspace(self.root).work(name, sandbox=True)

    def apply_all(self, names: Sequence[str]) -> None:
        """Make the stacks of these environments stand, a few at once: they mostly wait."""
        print(f"applying {len(names)} environments: ten minutes …", file=sys.stderr)
        self.at_the_end.callback(self.nexusctl, "sandbox", "stop")
        with ThreadPoolExecutor(APPLIED_AT_ONCE) as pool:
            list(pool.map(lambda name: self.nexusctl("apply", name, "--yes"), names))

    def apply(self) -> None:
        """Make the stack of `sandbox` stand, if it does not yet."""
        if not (self.root / ".nexusctl" / "sandbox-server").is_dir():
            print("applying environments/sandbox.yaml: two minutes …", file=sys.stderr)
            self.at_the_end.callback(self.nexusctl, "sandbox", "stop")
            self.nexusctl("apply", "sandbox", "--yes")

    def plan_with_terraform_alone(self, name: str = "sandbox", **variables: str) -> Path:
        """`terraform plan -out` and `terraform show -json`; returns the JSON's file.

        `variables` are added to the process environment.
        """
        work = self.work(name)
        file = work.path / "alone.tfplan"
        engine, environment = self._terraform(name)
        terraform = partial(run, *engine, environment=environment | variables, directory=work.root)
        terraform("plan", "-input=false", f"-out={file}")
        document = file.with_suffix(".json")
        with document.open("wb") as out:
            terraform("show", "-json", file, stdout=out)
        return document

    @cache  # noqa: B019 - a project lives as long as the process
    def _terraform(self, name: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """Terraform's program and environment as nexusctl has them, but for GOGC: the user's."""
        aws = load(name, self.root / "environments").settings.aws
        server = Sandbox(Workspace(self.root).sandbox)
        reaching_it = server.environment_variables(
            server.ensure_running(), os.environ, account_id=aws.account_id, region=aws.region
        )
        terraform = Terraform(
            find_engine(),
            self.work(name),
            environment=reaching_it,
            on_interrupt=lambda _count: None,
        )
        environment = {k: v for k, v in terraform.environment.items() if k != "GOGC"}
        users = {k: v for k, v in os.environ.items() if k == "GOGC"}
        return terraform.engine.argv, environment | users


@contextmanager
def temporary_project() -> Iterator[Project]:
    """A project that is gone at the end, its embedded AWS stopped, also on SIGTERM and SIGHUP."""
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as at_the_end:
        temporary = tempfile.TemporaryDirectory(prefix="nexusctl-benchmarks-")
        root = Path(at_the_end.enter_context(temporary))
        shutil.copytree(PACKAGE.parent / "environments", root / "environments")
        try:
            yield Project(root, at_the_end)
        finally:
            for number in SIGNALS:  # a second Ctrl-C must not spare the server
                signal.signal(number, signal.SIG_IGN)
