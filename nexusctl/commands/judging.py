"""Verdicts on environments: one after the other, or many at once."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from nexusctl.errors import NexusError
from nexusctl.policy.verdict import Verdict
from nexusctl.policy.verdict_cache import VerdictCache
from nexusctl.workspace import Workspace, shipped_assets

if TYPE_CHECKING:
    from nexusctl.policy.gate import Gate

_ENVIRONMENTS_FOR_ANOTHER_GATE = 4
_GATES = 4


def judge_environments(
    names: Sequence[str], place: Workspace, directory: Path
) -> dict[str, Verdict | NexusError]:
    """The verdict on each environment's rendered files, or the error in its file or rendering.

    What is unchanged comes from the cache, without any of the heavy imports below.
    """
    cache = VerdictCache(place.state / "verdicts", shipped_assets())
    done: dict[str, Verdict | NexusError] = {}
    for name in names:
        file = directory / f"{name}.yaml"
        kept = cache.get(file) if file.is_file() else _missing(name, directory)
        if kept is not None:
            done[name] = kept
    anew = [name for name in names if name not in done]
    done |= _judge_anew(anew, place, directory, cache) if anew else {}
    return {name: done[name] for name in names}


def _missing(name: str, directory: Path) -> NexusError | None:
    """What is to be said of a name that no file has, before anything is started for it."""
    from nexusctl.environment.load import load

    try:
        load(name, directory)
    except NexusError as error:
        return error
    return None


def _judge_anew(
    names: Sequence[str], place: Workspace, directory: Path, cache: VerdictCache
) -> Mapping[str, Verdict | NexusError]:
    from nexusctl.policy.gate import Gate

    count = min(os.cpu_count() or 1, _GATES, -(-len(names) // _ENVIRONMENTS_FOR_ANOTHER_GATE))
    gates: SimpleQueue[Gate] = SimpleQueue()
    with ExitStack() as stack:
        for number in range(count):
            log = place.state / "logs" / f"policy-{number}.log"
            gate = stack.enter_context(Gate(shipped_assets().policies, log))
            gate.start()  # it imports checkov while the first environment is loaded and rendered
            gates.put(gate)

        def judged(name: str) -> Verdict | NexusError:
            gate = gates.get()
            try:
                return judge_environment(name, directory, gate, cache)
            except NexusError as error:
                return error
            finally:
                gates.put(gate)

        pool = stack.enter_context(ThreadPoolExecutor(count))
        return dict(zip(names, pool.map(judged, names), strict=True))


def judge_environment(
    name: str, directory: Path, gate: "Gate", cache: VerdictCache | None = None
) -> Verdict:
    """The verdict on the rendered files of one environment, with the edits that would mend it.

    Raises:
        NexusError: the environment is invalid, or cannot be rendered.
    """
    from nexusctl.commands.remedies import with_diffs
    from nexusctl.environment.load import load
    from nexusctl.policy.gate import Case
    from nexusctl.render.render import render

    environment = load(name, directory)
    case = Case.of_environment(environment, render(environment, shipped_assets()))
    verdict = with_diffs(gate.judge_files(case), environment)
    if cache:
        cache.put(directory / f"{name}.yaml", verdict, environment.digests)
    return verdict


def concrete(directory: Path) -> Iterator[str]:
    """The names of the environments that are none for others to extend."""
    from nexusctl.environment.load import listing

    return (each.name for each in listing(directory) if not each.abstract)
