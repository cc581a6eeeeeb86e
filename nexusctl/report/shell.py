"""What users type again, as a shell reads it."""

import shlex
from pathlib import Path


def argument(path: str | Path) -> str:
    """A path as one argument of a command, quoted if need be; never taken for an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
