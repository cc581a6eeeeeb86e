"""Terraform's functions that encode and decode."""

import base64
import binascii
import json
from urllib.parse import quote_plus

from nexusctl.configuration.arguments import text
from nexusctl.configuration.conversion import parse_number
from nexusctl.configuration.templates import json_parts, parts_of
from nexusctl.configuration.tokens import normal
from nexusctl.configuration.values import Failed, Json, Partial, Undecided, Unknown, references


def jsonencode(value: object) -> object:
    """JSON, or what stands for it when something in the value is unknown."""
    parts = json_parts(value)
    if all(isinstance(part, str) for part in parts):
        return normal("".join(str(part) for part in parts))
    return Json(references(value), value)


def jsondecode(value: object) -> object:
    """Terraform's jsondecode()."""

    def refuse(_text: str) -> object:
        raise Failed

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in found}) != len(found):
            raise Undecided
        return {normal(key): item for key, item in found}

    try:
        return _normal(
            json.loads(
                text(value),
                parse_float=parse_number,
                parse_int=parse_number,
                parse_constant=refuse,
                object_pairs_hook=pairs,
            )
        )
    except RecursionError:
        raise Undecided from None
    except json.JSONDecodeError:
        raise Failed from None


def _normal(value: object) -> object:
    match value:
        case str():
            return normal(value)
        case list():
            return [_normal(item) for item in value]
        case dict():
            return {key: _normal(item) for key, item in value.items()}
        case _:
            return value


def base64encode(value: object) -> object:
    """Base64, or for a string with something unknown in it a Partial that says so."""
    if isinstance(value, Unknown):
        return Partial(value.references, parts_of(value), base64=True)
    return base64.b64encode(text(value).encode()).decode()


def base64gzip(value: object) -> object:
    """What Go compresses to is not for Python to say: the text before is known at most."""
    parts = parts_of(value) if isinstance(value, Unknown) else (text(value),)
    return Partial(references(value), parts, base64=True)


def base64decode(value: object) -> object:
    """Terraform's base64decode()."""
    if isinstance(value, Partial) and value.base64:
        raise Undecided
    try:
        decoded = base64.b64decode(text(value).replace("\n", "").replace("\r", ""), validate=True)
        return normal(decoded.decode())
    except (binascii.Error, UnicodeDecodeError):
        raise Failed from None


def urlencode(value: object) -> str:
    """Terraform's urlencode()."""
    return quote_plus(text(value))
