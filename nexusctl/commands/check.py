"""`nexusctl check`: the policy gate on environments, on any Terraform root, plan or state."""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.text import Text

from nexusctl.commands.judging import concrete, judge_environments
from nexusctl.commands.project import environments_directory, invocation, workspace
from nexusctl.commands.show import show
from nexusctl.errors import (
    EnvironmentInvalid,
    Exit,
    NexusError,
    Refused,
    ToolUnfit,
    UsageWrong,
    worst,
)
from nexusctl.policy.verdict import DEFAULT_TIER, Verdict
from nexusctl.report.verdict_text import verdicts as as_text
from nexusctl.workspace import shipped_assets

if TYPE_CHECKING:
    from nexusctl.policy.gate import Case


def run(arguments: Namespace) -> int:
    """Judge; needs no AWS and no Terraform."""
    _refuse_nonsense(arguments)
    if arguments.path or arguments.plan or arguments.state:
        verdicts = _judge_elsewhere(arguments)
        errors: dict[str, NexusError] = {}
    else:
        verdicts, errors = _judge_project(arguments)
    if arguments.write_baseline:
        return _write_baseline(verdicts, arguments.write_baseline)
    if arguments.baseline:
        from nexusctl.policy.baseline import Baseline

        baseline = Baseline.read(arguments.baseline)
        verdicts = [baseline.apply(verdict) for verdict in verdicts]
    _report(verdicts, arguments)
    for name, error in errors.items():
        print(f"error: {name}: {error}", file=sys.stderr)
        if error.hint:
            print(f" hint: {error.hint}", file=sys.stderr)
    return exit_code(verdicts, list(errors.values()))


def exit_code(verdicts: Sequence[Verdict], errors: Sequence[NexusError] = ()) -> int:
    """The worst of all: what went wrong or could not be judged, then what was denied."""
    return worst([*map(_code, verdicts), *(error.exit_code for error in errors)])


def _code(verdict: Verdict) -> Exit:
    if verdict.unjudged:
        return Exit.TOOL_UNFIT
    return Exit.DONE if verdict.passed else Exit.POLICY_DENIED


def _refuse_nonsense(arguments: Namespace) -> None:
    named = arguments.environments or arguments.all
    elsewhere = arguments.path or arguments.plan or arguments.state
    if not named and not elsewhere:
        raise UsageWrong(
            "nothing to judge: name environments, or say --all, --path, --plan or --state",
            hint="nexusctl check prod",
        )
    if named and elsewhere:
        raise UsageWrong("judge environments, or what --path, --plan and --state name, not both")
    if arguments.environments and arguments.all:
        raise UsageWrong("name environments, or say --all, not both")
    if arguments.fix and (elsewhere or arguments.all):
        raise UsageWrong("--fix edits the files of environments that are named")
    if (arguments.tier or arguments.defer) and not elsewhere:
        raise UsageWrong("--tier and --defer go with --path and --plan: an environment has a tier")
    if arguments.var_file and not arguments.path:
        raise UsageWrong("--var-file goes with --path: an environment and a plan have their values")
    if arguments.state and (arguments.path or arguments.plan):
        raise UsageWrong("--state is judged by itself")
    formats, outputs = _formats(arguments), arguments.output or []
    if len(outputs) > len(formats):
        raise UsageWrong(
            "more --output than --format", hint="--format sarif --output nexusctl.sarif"
        )
    if len(formats) - len(outputs) > 1:
        raise UsageWrong(
            "only one format can go to the terminal: give the first ones an --output each"
        )


def _formats(arguments: Namespace) -> list[str]:
    if arguments.json:
        return [*(arguments.format or []), "json"]
    return list(arguments.format or ["text"])


def _judge_project(arguments: Namespace) -> tuple[list[Verdict], dict[str, NexusError]]:
    place, directory = workspace(arguments), environments_directory(arguments)
    names = list(concrete(directory)) if arguments.all else list(arguments.environments)
    judged = judge_environments(names, place, directory)
    if arguments.fix and _mend(names, judged, directory):
        judged = judge_environments(names, place, directory)
    errors = {name: each for name, each in judged.items() if isinstance(each, NexusError)}
    if len(names) == 1 and errors:
        raise errors[names[0]]
    return [each for each in judged.values() if isinstance(each, Verdict)], errors


def _mend(names: Sequence[str], judged: dict[str, Verdict | NexusError], directory: Path) -> bool:
    """Apply the fixes of all findings, one environment after the other; whether any was."""
    from nexusctl.commands.remedies import edits, shown
    from nexusctl.environment.edit import CannotEdit, Edit, write
    from nexusctl.environment.load import load

    mended = False
    for name in names:
        verdict = judged[name]
        if not isinstance(verdict, Verdict):
            continue
        made, refused = edits(verdict.denied, load(name, directory))
        try:
            write(made)
            load(name, directory)
        except CannotEdit as error:
            raise Refused(f"nothing was changed: {error}", hint="check it again") from error
        except EnvironmentInvalid as error:
            write([Edit(edit.file, edit.after, edit.before) for edit in made])
            raise Refused(
                f"nothing was changed: together with the other settings the fixes are not valid\n"
                f"{error}",
                hint="mend these settings by hand",
            ) from error
        for edit in made:
            mended = True
            print(shown(edit), file=sys.stderr)
        for remedy, reason in refused:
            path = ".".join(map(str, remedy.path))
            print(f"! not fixed: {path}: {reason}", file=sys.stderr)
    return mended


def _judge_elsewhere(arguments: Namespace) -> list[Verdict]:
    """Terraform that no environment describes."""
    from nexusctl.policy.gate import Case, Gate

    assets = shipped_assets()
    with ExitStack() as stack:
        log = Path(stack.enter_context(TemporaryDirectory(prefix="nexusctl-check-"))) / "log"
        gate = stack.enter_context(Gate(assets.policies, log))
        tier = arguments.tier or DEFAULT_TIER
        if arguments.state:
            case = Case(str(arguments.state), tier, arguments.state, {})
            return [gate.judge_state(case, _json_of(arguments.state, "--state"))]
        gate.start()
        root = (
            _root_case(arguments.path, tier, arguments.var_file or []) if arguments.path else None
        )
        if arguments.plan is None:
            assert root is not None  # noqa: S101 - one of the two was asked for
            return [gate.judge_files(replace(root, strict=not arguments.defer))]
        files = [gate.judge_files(root)] if root else []
        case = root or Case(str(arguments.plan), tier, arguments.plan, {})
        return [*files, gate.judge_plan(case, arguments.plan, *files)]


def _root_case(directory: Path, tier: str, var_files: Sequence[Path]) -> "Case":
    from nexusctl.policy.gate import Case
    from nexusctl.policy.root import is_configuration, path_from, read_root

    if not directory.is_dir():
        raise UsageWrong(f"--path {directory}: no such directory")
    for file in var_files:
        if not file.is_file():
            what = "not a regular file" if file.exists() else "no such file"
            raise UsageWrong(f"--var-file {file}: {what}")
    files, missing = read_root(directory, var_files)
    given = tuple(path_from(directory, file) for file in var_files)
    name = os.path.relpath(directory)
    first = min(file for file in files if is_configuration(file))
    return Case(
        name,
        tier,
        directory / first,
        files,
        directory,
        missing=tuple(missing),
        var_files=tuple(file for file in given if file in files),
    )


def _json_of(file: Path, option: str) -> dict[str, object]:
    from nexusctl.policy.documents import Unreadable, read_document

    try:
        document = read_document(file)
    except Unreadable as error:
        raise UsageWrong(f"{option} {file}: {error}") from None
    if not isinstance(document, dict):
        raise UsageWrong(f"{option} {file}: it is not a JSON document")
    return document


def _write_baseline(verdicts: Sequence[Verdict], file: Path) -> int:
    from nexusctl.policy.baseline import write

    if any(verdict.unjudged for verdict in verdicts):
        show(as_text(verdicts))
        return Exit.TOOL_UNFIT
    kept, refused = write(verdicts, file)
    print(f"{kept} findings in {file}")
    if refused:
        print(f"{refused} more cannot be waived, so they are not in it: mend them", file=sys.stderr)
    return Exit.POLICY_DENIED if refused else Exit.DONE


def _report(verdicts: Sequence[Verdict], arguments: Namespace) -> None:
    """Each format to its file; the one without a file to the terminal."""
    if _formats(arguments) == ["text"] and not arguments.output:
        show(as_text(verdicts))
        mended = [each.name for each in verdicts if any(finding.diff for finding in each.denied)]
        if mended:
            fix = f"{invocation(arguments.project)} check {' '.join(mended)} --fix"
            show([Text(f"next: {fix} makes these edits", "bold")])
        return
    from nexusctl.report.formats import FORMATS

    formats, outputs = _formats(arguments), list(arguments.output or [])
    for number, name in enumerate(formats):
        output = outputs[number] if number < len(outputs) else None
        if output is None and name == "text":
            show(as_text(verdicts))
        elif output is None:
            print(FORMATS[name](verdicts).rstrip("\n"))
        else:
            _write(output, FORMATS[name](verdicts))


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise ToolUnfit(
            f"--output {output}: {error.strerror}", hint="name another file, or make room for it"
        ) from None
