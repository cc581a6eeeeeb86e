"""The process that runs checkov: `python -m nexusctl.policy.worker POLICIES`.

checkov takes seconds to import, keeps its checks in globals and prints. So it lives here: a line
of JSON in is a question, a line of JSON out is the answer, and the end of the input is the end.
"""

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, TextIO

from checkov.common.output.report import Report
from checkov.runner_filter import RunnerFilter
from checkov.terraform.plan_runner import Runner as CheckovPlanRunner
from checkov.terraform.runner import Runner as CheckovHclRunner

from nexusctl.policy.catalogue import policy_files
from nexusctl.policy.check import AFTER_APPLY, Policy


def load(directory: Path) -> tuple[list[Policy], list[str]]:
    """Every policy in `directory`, and what went wrong with each file that has none to give."""
    policies: list[Policy] = []
    errors = []
    for number, file in enumerate(policy_files(directory)):
        # A name of its own: checkov's loader would let `secrets.py` replace the standard library's.
        name = f"nexus_policy_{number}_{file.stem}"
        try:
            loader = SourceFileLoader(name, str(file))
            spec = importlib.util.spec_from_loader(name, loader)
            module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
            sys.modules[name] = module
            loader.exec_module(module)
        except Exception as error:
            logging.getLogger(__name__).exception("cannot load %s", file)
            errors.append(f"{file.name} cannot be loaded: {type(error).__name__}")
            continue
        policies += [item for item in vars(module).values() if isinstance(item, Policy)]
    return policies, errors


class HclRunner(CheckovHclRunner):  # type: ignore[misc]  # checkov has no stubs
    """checkov on a rendered root."""

    def check_tf_definition(self, *args: Any, **kwargs: Any) -> None:
        """Settle what checkov left of variables, show the policies all resources, then judge."""
        _settle_variables(self.definitions or {})
        _show_peers(self.definitions)
        super().check_tf_definition(*args, **kwargs)

    def get_graph_checks_report(self, *_: Any, **__: Any) -> Report:
        """Nothing: the built-in graph checks are not run, and loading them takes a second."""
        return Report(self.check_type)


class PlanRunner(CheckovPlanRunner):  # type: ignore[misc]  # checkov has no stubs
    """checkov on the JSON of a plan, told of every unknown value.

    By itself checkov marks unknown values in the first nested block only.
    """

    unknown: Mapping[str, Any]

    def check_tf_definition(self, *args: Any, **kwargs: Any) -> None:
        """Mark what is unknown and show the policies all resources, then judge."""
        for definition in (self.definitions or {}).values():
            for block in definition.get("resource", []):
                for named in block.values():
                    for conf in named.values():
                        _mark(conf, self.unknown.get(conf["__address__"], {}))
        _show_peers(self.definitions)
        super().check_tf_definition(*args, **kwargs)

    def get_graph_checks_report(self, *_: Any, **__: Any) -> Report:
        """Nothing, as above."""
        return Report(self.check_type)


def judge(policies: list[Policy], subject: str, path: str) -> dict[str, Any]:
    """What the policies say of a rendered root or of a plan."""
    Policy.peers.clear()
    Policy.unknowns.clear()
    Policy.raised.clear()
    chosen = RunnerFilter(
        framework=["terraform" if subject == "rendered" else "terraform_plan"],
        checks=[policy.id for policy in policies],
        download_external_modules=False,
        show_progress_bar=False,
    )
    if subject == "rendered":
        report = HclRunner().run(
            root_folder=path, runner_filter=chosen, collect_skip_comments=False
        )
    else:
        runner = PlanRunner()
        plan = json.loads(Path(path).read_bytes())
        runner.unknown = {
            change["address"]: change["change"].get("after_unknown") or {}
            for change in plan.get("resource_changes", [])
        }
        report = runner.run(files=[path], runner_filter=chosen)
    return {
        "records": [
            {
                "policy": record.check_id,
                "resource": record.resource,
                "passed": record in report.passed_checks,
                "message": "; ".join(record.details),
                "file": record.file_path.lstrip("/") if subject == "rendered" else None,
                "line": record.file_line_range[0] if subject == "rendered" else None,
            }
            for record in (*report.passed_checks, *report.failed_checks)
        ],
        "unknowns": Policy.unknowns,
        "errors": [
            *(f"{policy} on {address} raised {what}" for policy, address, what in Policy.raised),
            *(
                f"checkov cannot parse {os.path.relpath(file, path)}"
                for file in report.parsing_errors
            ),
        ],
    }


def _show_peers(definitions: Mapping[Any, Any] | None) -> None:
    for definition in (definitions or {}).values():
        for block in definition.get("resource", []):
            for kind, named in block.items():
                for conf in named.values():
                    if isinstance(conf, dict) and "__address__" in conf:
                        Policy.peers[conf["__address__"]] = (kind, conf)


def _settle_variables(definitions: Mapping[Any, Any]) -> None:
    """Put the values of variables into `dynamic` blocks, where checkov does not.

    What a variable is given at the call of its module is used as checkov resolved it there, so it
    may still be an expression.
    """
    given = _given(definitions)
    for key, definition in definitions.items():
        values = given.get(key.tf_source_modules, {})
        for block in definition.get("resource", []):
            for conf in (conf for named in block.values() for conf in named.values()):
                if "dynamic" in conf:
                    conf["dynamic"] = _settled(conf["dynamic"], values)


def _given(definitions: Mapping[Any, Any]) -> dict[Any, dict[str, Any]]:
    """The value of each variable, by the call of the module it is in."""
    given: dict[Any, dict[str, Any]] = {}
    for key, definition in definitions.items():
        for block in definition.get("variable", []):
            for name, conf in block.items():
                if "default" in conf:
                    given.setdefault(key.tf_source_modules, {}).setdefault(name, conf["default"])
        for conf in (conf for block in definition.get("module", []) for conf in block.values()):
            for resolved in conf.get("__resolved__", []):
                given.setdefault(resolved.tf_source_modules, {}).update(conf)
    return given


def _settled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _settled(item, values) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) == 1 and isinstance(value[0], str) and value[0].startswith("var."):
        return values.get(value[0].removeprefix("var."), value)
    return [_settled(item, values) for item in value]


def _mark(conf: dict[str, Any], unknown: Mapping[str, Any]) -> None:
    for name, what in unknown.items():
        value = conf.get(name)
        if isinstance(what, dict):
            inner = value[0] if isinstance(value, list) and value else value
            if isinstance(inner, dict):
                _mark(inner, what)
        elif isinstance(what, list) and isinstance(value, list):
            if what and all(isinstance(item, dict) for item in (*what, *value)):
                for block, inside in zip(value, what, strict=False):
                    _mark(block, inside)
            elif any(item is True for item in what):
                conf[name] = [AFTER_APPLY]
        elif what is True:
            conf[name] = [AFTER_APPLY]


def serve(directory: Path, questions: TextIO, answers: TextIO) -> None:
    """Answer questions until there are no more."""
    policies, errors = load(directory)
    loaded = sorted(policy.id for policy in policies)
    for line in questions:
        question = json.loads(line)
        try:
            answer = judge(policies, question["subject"], question["path"])
        except Exception as error:
            logging.getLogger(__name__).exception("cannot judge %s", question["path"])
            answer = {"records": [], "unknowns": [], "errors": [f"raised {type(error).__name__}"]}
        answer["errors"] = errors + answer["errors"]
        answer["loaded"] = loaded
        answers.write(json.dumps({"number": question["number"], **answer}) + "\n")
        answers.flush()


def main() -> None:
    """Keep the standard output for answers: whatever checkov prints goes to the log."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
        serve(Path(sys.argv[1]), sys.stdin, answers)


if __name__ == "__main__":
    main()
