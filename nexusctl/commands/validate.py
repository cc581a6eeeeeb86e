"""`nexusctl validate [ENV…|--all]`."""

import json
import sys
from argparse import Namespace
from pathlib import Path

from nexusctl.commands.project import environments_directory
from nexusctl.environment.load import listing, load
from nexusctl.environment.problem import EnvironmentProblems
from nexusctl.errors import EnvironmentInvalid, Exit, UsageWrong


def run(arguments: Namespace) -> int:
    """Check environment files. All errors of all files come at once."""
    if arguments.all == bool(arguments.environments):
        raise UsageWrong("name environments, or say --all", hint="nexusctl validate prod")
    directory = environments_directory(arguments)
    names = arguments.environments or [
        each.name for each in listing(directory) if not each.abstract
    ]
    errors = {name: _error(name, directory) for name in names}
    if arguments.json:
        print(json.dumps([_document(name, error) for name, error in errors.items()], indent=2))
    else:
        for name, error in errors.items():
            if error is None:
                print(f"{name}: valid")
            else:
                hint = f"\n hint: {error.hint}" if error.hint else ""
                print(f"{name}: invalid\n{error}{hint}\n", file=sys.stderr)
    return Exit.ENVIRONMENT_INVALID if any(errors.values()) else Exit.DONE


def _error(name: str, directory: Path) -> EnvironmentInvalid | None:
    try:
        load(name, directory)
    except EnvironmentInvalid as error:
        return error
    return None


def _document(name: str, error: EnvironmentInvalid | None) -> dict[str, object]:
    problems = []
    if isinstance(error, EnvironmentProblems):
        problems = [
            {
                "file": str(each.location.file),
                "line": each.location.line,
                "column": each.location.column,
                "message": each.message,
                "hint": each.hint,
            }
            for each in error.problems
        ]
    elif error:
        place = error.location
        problems = [
            {
                "file": str(place.file) if place else None,
                "line": place.line if place else None,
                "column": place.column if place else None,
                "message": error.message,
                "hint": error.hint,
            }
        ]
    return {"environment": name, "valid": error is None, "problems": problems}
