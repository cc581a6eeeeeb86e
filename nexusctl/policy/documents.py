"""JSON documents that somebody hands over: a plan, a state, a baseline."""

import json
from pathlib import Path
from typing import Any

# Plans of some thousand resources have a tenth of that.
_MAX_BYTES = 256 << 20


class Unreadable(Exception):
    """It is no document. The text says why, and has nothing of what is in the file."""


def read_document(file: Path) -> Any:
    """What the JSON in a file says.

    Raises:
        Unreadable: there is no such file, or something else than a JSON document in it: one that
            says something twice, or is too large or too deep to be anybody's.
    """
    try:
        # Of a pipe or a device nobody knows when it ends.
        if file.exists() and not file.is_file():
            raise Unreadable("it is not a regular file")
        if file.stat().st_size > _MAX_BYTES:
            raise Unreadable(f"it is larger than {_MAX_BYTES >> 20} MiB")
        return json.loads(file.read_bytes(), object_pairs_hook=_object)
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be read") from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except ValueError:
        raise Unreadable("it is not a JSON document") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Of two values one reader takes the first, and another the last.
        raise Unreadable("a key is there twice in one object")
    return found
