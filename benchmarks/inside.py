"""What needs a process of its own to be measured: `python -m benchmarks.inside WHAT ARGS…`.

A peak of resident memory, in MB of 1024² bytes, is the last line printed.
"""

import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from nexusctl.environment.load import load
from nexusctl.render.render import render
from nexusctl.render.write import write
from nexusctl.workspace import shipped_assets


def render_all(environments: str, out: str) -> None:
    """Render all environments of a directory but `base`, each into its own directory in `out`."""
    for file in sorted(Path(environments).glob("*.yaml")):
        if file.stem != "base":
            write(render(load(file.stem, file.parent), shipped_assets()), Path(out) / file.stem)


def peak_of_nexusctl(*arguments: str) -> None:
    """Run nexusctl's command line; the peak of this process, its children apart."""
    from nexusctl.__main__ import main

    if main(list(arguments)):
        sys.exit("nexusctl failed")
    _print_peak(resource.RUSAGE_SELF)


def peak_of_worker(environments: str, root: str, plan: str) -> None:
    """Judge the files and the plan of `sandbox`; the peak of the policy worker, the only child."""
    from nexusctl.policy.gate import Gate

    assets, environment = shipped_assets(), load("sandbox", Path(environments))
    rendered = render(environment, assets)
    with Gate(assets.policies, log=Path(plan).with_name("worker.log")) as gate:
        files = gate.judge_rendered(Path(root), rendered, environment)
        planned = gate.judge_plan(Path(plan), rendered, environment)
    if not (files.passed and planned.passed):
        sys.exit(f"the gate says no: {files.denied or files.unjudged or planned}")
    _print_peak(resource.RUSAGE_CHILDREN)


def _print_peak(who: int) -> None:
    per_mb = 1 << 20 if sys.platform == "darwin" else 1 << 10  # the unit of getrusage(2)
    print(resource.getrusage(who).ru_maxrss / per_mb)


WHATS: Mapping[str, Callable[..., None]] = {
    "render": render_all,
    "nexusctl": peak_of_nexusctl,
    "worker": peak_of_worker,
}

if __name__ == "__main__":
    WHATS[sys.argv[1]](*sys.argv[2:])
