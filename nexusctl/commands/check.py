"""`nexusctl check ENV`."""

import json
from argparse import Namespace

from nexusctl.commands.display import Display, show
from nexusctl.commands.walk import Walk
from nexusctl.errors import Exit
from nexusctl.report import document, text


def run(arguments: Namespace) -> int:
    """Judge the rendered files; needs no AWS and no Terraform."""
    walk = Walk.begin(arguments)
    with walk.gate() as gate:
        rendered = walk.render(Display(quiet=True))
        verdict = gate.judge_rendered(walk.work.root, rendered, walk.environment)
    if arguments.json:
        print(json.dumps(document.verdict(verdict), indent=2))
    else:
        show(text.verdicts([verdict]))
    if verdict.unjudged:
        return Exit.TOOL_UNFIT
    return Exit.DONE if verdict.passed else Exit.POLICY_DENIED
