"""The process that runs checkov's checks: `python -m nexusctl.policy.worker POLICIES`.

checkov takes a second to import, keeps its checks in globals and prints. So it lives here: a
question (a pickle: the sender is nexusctl itself) comes on the standard input, a line of JSON is
the answer, and the end of the input is the end.

checkov's own runners are gone round. They read the files again, resolve them less well than
`nexusctl.configuration` does (a comparison with an unknown value is false to them, a `dynamic`
block hides the static ones beside it), and pass over a check that raises. What they come to in the
end, `BaseCheck.run` on each resource, happens here for every pair of a policy and a resource.
"""

import importlib.util
import json
import logging
import os
import pickle
import sys
from collections.abc import Iterable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from nexusctl.configuration.configuration import Instance
from nexusctl.policy.catalogue import policy_files
from nexusctl.policy.check import Policy, raised
from nexusctl.policy.subject import Subject


def load(directory: Path) -> tuple[list[Policy], list[str]]:
    """Every policy in `directory`, and what went wrong with each file that has none to give."""
    policies: list[Policy] = []
    errors = []
    for number, file in enumerate(policy_files(directory)):
        # A name of its own: `secrets.py` must not replace the standard library's.
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


def judge(
    policies: Iterable[Policy], instances: Iterable[Instance], tier: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """A record for each policy and each resource it applies to, and what went wrong."""
    Policy.subject = Subject(instances)
    applicable = [policy for policy in policies if tier in policy.about.tiers]
    by_type: dict[str, list[Policy]] = {}
    records, errors = [], []
    for instance in Policy.subject.instances:
        if instance.type not in by_type:
            by_type[instance.type] = [p for p in applicable if p.about.applies_to(instance.type)]
        for policy in by_type[instance.type]:
            try:
                records.append(_record(policy, instance))
            except Exception as error:  # noqa: BLE001 - a policy may raise anything
                errors.append(f"{policy.id} on {instance.address} raised {raised(error)}")
    return records, errors


def _record(policy: Policy, instance: Instance) -> dict[str, Any]:
    Policy.answers.clear()
    policy.run(instance.file, {"__address__": instance.address}, "", instance.type, {})
    (answer,) = Policy.answers
    paths = [answer.path[:end] for end in range(len(answer.path), 0, -1)]
    path = next((path for path in paths if instance.lines.get(path)), None)
    file = instance.overridden.get(str(path[0]), instance.file) if path else instance.file
    return {
        "policy": policy.id,
        "resource": instance.address,
        "decision": answer.decision.value,
        "message": answer.message,
        "file": file or None,
        "line": (instance.lines[path] if path else instance.line) or None,
        "setting": answer.setting,
        "remedy": answer.remedy,
    }


def serve(directory: Path, questions: BinaryIO, answers: TextIO) -> None:
    """Answer questions until there are no more."""
    policies, broken = load(directory)
    loaded = sorted(policy.id for policy in policies)
    while True:
        try:
            question = pickle.load(questions)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        records, errors = judge(policies, question["instances"], question["tier"])
        answer = {"records": records, "errors": [*broken, *errors], "loaded": loaded}
        answers.write(json.dumps({"number": question["number"], **answer}) + "\n")
        answers.flush()


def main() -> None:
    """Keep the standard output for answers: whatever checkov prints goes to the log."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
        serve(Path(sys.argv[1]), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
