"""`nexusctl policies [ID]`."""

import difflib
import json
from argparse import Namespace
from dataclasses import asdict

from nexusctl.commands.show import show
from nexusctl.errors import Exit, UsageWrong
from nexusctl.policy.reference import policies
from nexusctl.report.policies import explained, listed
from nexusctl.workspace import shipped_assets


def run(arguments: Namespace) -> int:
    """List the policies, or explain one."""
    known = policies(shipped_assets().policies)
    if arguments.id is None:
        chosen = list(known.values())
    elif arguments.id.upper() in known:
        chosen = [known[arguments.id.upper()]]
    else:
        near = difflib.get_close_matches(arguments.id.upper(), known, 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else "nexusctl policies lists them"
        raise UsageWrong(f"there is no policy {arguments.id}", hint=hint)
    if arguments.json:
        print(json.dumps([asdict(about) for about in chosen], indent=2))
    elif arguments.id:
        show(explained(chosen[0]))
    else:
        show(listed(chosen))
    return Exit.DONE
