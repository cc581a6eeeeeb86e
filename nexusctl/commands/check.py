"""`nexusctl check ENV`."""

import json
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from nexusctl.commands.display import show
from nexusctl.commands.walk import Walk
from nexusctl.errors import Exit
from nexusctl.render.render import render
from nexusctl.render.write import write
from nexusctl.report import document, text
from nexusctl.workspace import shipped_assets


def run(arguments: Namespace) -> int:
    """Judge the rendered files; needs no AWS and no Terraform."""
    walk = Walk.begin(arguments)
    rendered = render(walk.environment, shipped_assets())
    # A directory of its own: a plan of the same environment may be under way.
    with walk.gate() as gate, TemporaryDirectory(dir=walk.work.path) as directory:
        write(rendered, Path(directory))
        verdict = gate.judge_rendered(Path(directory), rendered, walk.environment)
    if arguments.json:
        print(json.dumps(document.verdict(verdict), indent=2))
    else:
        show(text.verdicts([verdict]))
    if verdict.unjudged:
        return Exit.TOOL_UNFIT
    return Exit.DONE if verdict.passed else Exit.POLICY_DENIED
