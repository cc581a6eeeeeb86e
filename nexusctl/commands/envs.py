"""`nexusctl envs`."""

import json
from argparse import Namespace

from nexusctl.commands.project import environments_directory
from nexusctl.environment.load import listing
from nexusctl.errors import Exit


def run(arguments: Namespace) -> int:
    """List the environment files; a file that cannot be read is listed with its problem."""
    listed = listing(environments_directory(arguments))
    if arguments.json:
        entries = [
            {
                "name": each.name,
                "file": str(each.file),
                "abstract": each.abstract,
                "extends": each.extends,
                "problem": str(each.problem) if each.problem else None,
            }
            for each in listed
        ]
        print(json.dumps(entries, indent=2))
    else:
        width = max((len(each.name) for each in listed), default=0)
        for each in listed:
            notes = [f"extends {each.extends}"] if each.extends else []
            notes += ["abstract: only for others to extend"] if each.abstract else []
            notes += [f"cannot be read: {each.problem}"] if each.problem else []
            print(f"{each.name:<{width}}  {'; '.join(notes)}".rstrip())
    return Exit.ENVIRONMENT_INVALID if any(each.problem for each in listed) else Exit.DONE
