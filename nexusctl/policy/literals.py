"""Recognises a password that is written down, by what holds it rather than by how random it looks.

Three things give one away: the provider marks the argument as sensitive, the name says so
(`PGPASSWORD`, `client_secret`), or the text has the form of one (a URL with a password, a private
key, `password=...`). A `Literal` says where and how long, never what.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from nexusctl.configuration.values import GAP, Json, Later, Partial, Unknown
from nexusctl.policy.encodings import decoded, unescaped
from nexusctl.policy.forms import masked, passwords, stands_for_another
from nexusctl.policy.names import (
    holds_passwords,
    may_be_a_number,
    names_a_key_with_an_id,
    names_a_password,
    names_a_secret,
    stands_beside_one,
)

_DEPTH = 3

IN_SENSITIVE = "a literal in a sensitive argument"
NOT_GENERATED = "a value in a sensitive argument"
_UNDER_NAME = "a literal under a name of secrets"
# Scripts and files of settings, however short.
_WRITTEN = frozenset({"user_data", "user_data_base64", "command", "container_definitions"})
# As in the environment of a container or the parameters of a stack: `{name = …, value = …}`.
_PAIR_NAMES = frozenset({"name", "key", "parameterkey", "parametername", "secretname"})
_PAIR_VALUES = frozenset({"value", "parametervalue", "plaintextvalue", "stringvalue"})
# Names and paths of secrets, which are none: `app/db`, `nexus-db-secret`; and the ids of keys.
_ID_OF_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}|alias/.+")
_NAME_OF_SECRET = re.compile(r"[\w.-]{1,128}(/[\w.-]{1,128}){1,16}")
_WORDS_OF_SECRET = re.compile(
    r"[a-z0-9]+([-_.][a-z0-9]+)*[-_.](secrets?|token|credentials?)([-_.][a-z0-9]+)*"
)
# Of an environment variable, and of a secret in a store.
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_WORDS = re.compile(r"[A-Za-z]+([-_][A-Za-z]+)+")
_PUBLIC = re.compile(
    r"-----BEGIN (CERTIFICATE|PUBLIC KEY)|ssh-(rsa|ed25519) AAAA[\w+/]{32}"
    r"|arn:aws[\w-]*:[\w-]+:[\w-]*:\d*:"
)
# What AWS or the author calls a thing: whoever may list it has it.
_NO_SECRET = re.compile(r"(^|\.)aws_\w+\.[^.]+\.(id|arn|name)$")
# What unknown part of a text keeps what is written beside it from being the password.
_SECRET_REFERENCE = re.compile(
    r"(^|\.)(random_|ephemeral\.)|(secret|passw|token|credential|private_key)[^.]*$"
    r"|data\.[^.]*(secret|vault|parameter)[^.]*\.[^.]*\.(value|data|plaintext)",
    re.IGNORECASE,
)
_STRUCTURE = re.compile(r"[\s/:=,{}<>()\[\]]")
_USER_AND_PASSWORD = re.compile(r"[\w.@-]{1,128}:[^\s:/]{1,512}")
_LIKE_A_NAME = re.compile(r"[a-z._-]*")
_SHORTEST_PART = 4
_LARGEST = 10**1000
_NUMBER = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Literal:
    """A place that holds a password: the path to it, its length, and what gave it away."""

    path: str
    length: int | None
    reason: str

    def __str__(self) -> str:
        size = "made of no secret" if self.length is None else f"{self.length} characters"
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.reason}, {size}"

    def nearest(self, paths: Iterable[tuple[str | int, ...]]) -> tuple[str | int, ...]:
        """The innermost of the arguments and blocks at these paths that it is in."""
        within = f"{re.sub(_NUMBER, '', self.path)}."
        named = ((path, [step for step in path if isinstance(step, str)]) for path in paths)
        around = (path for path, names in named if within.startswith(".".join([*names, ""])))
        return max(around, key=len, default=())


def sensitive_attributes(resource_type: str) -> frozenset[str]:
    """The arguments of a resource type that its provider marks sensitive or write-only."""
    return _schema().get(resource_type, frozenset())


def literals_in_text(text: str, *, path: str = "", written: bool = False) -> Iterator[Literal]:
    """The passwords in a text. In `written` text, a script or the like, `password: x` counts."""
    yield from _in_text(text, path, written, 0)


def shown(text: str, path: tuple[str | int, ...] = ()) -> str:
    """The text of a value that lies at `path`, as it may be shown.

    Nothing is left of one with a password in it: the same password may stand elsewhere in it.
    """
    return "***" if any(literals_in(text, path)) else text


def literals_in(
    value: object, path: tuple[str | int, ...] = (), *, sensitive: bool = False
) -> Iterator[Literal]:
    """The passwords in a value of any shape that lies at `path`.

    What is not known is none, but what it may be, or has in it, is looked at.
    """
    if isinstance(value, Json):
        yield from literals_in(value.value, path, sensitive=sensitive)
    elif isinstance(value, Partial):
        yield from _in_partial(value, path, sensitive=sensitive)
    elif isinstance(value, Unknown):
        for option in value.options:
            yield from literals_in(option, path, sensitive=sensitive)
        if sensitive and _is_no_secret(value, path):
            yield Literal(dotted(path), None, NOT_GENERATED)
    else:
        yield from _in_known(value, path, sensitive=sensitive)


def _in_known(value: object, path: tuple[str | int, ...], *, sensitive: bool) -> Iterator[Literal]:
    if isinstance(value, Mapping):
        for name, item in _named_items(value):
            inside = sensitive and not stands_beside_one(name)
            yield from literals_in_text(name, path=dotted(path))
            yield from literals_in(item, (*path, masked(name)), sensitive=inside)
    elif isinstance(value, list | tuple | set | frozenset):
        for number, item in enumerate(value):
            # The only one of a list needs no number.
            here = path if len(value) == 1 else (*path, number)
            yield from literals_in(item, here, sensitive=sensitive)
    elif isinstance(value, str):
        yield from _in_string(value, path, sensitive=sensitive)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        digits = str(max(-_LARGEST, min(value, _LARGEST)))  # Python prints 4300 digits at most
        yield from literals_in_number(digits, path, sensitive=sensitive)


def _is_no_secret(value: Unknown, path: tuple[str | int, ...]) -> bool:
    """Whether what is not known comes of no secret: of no reference at all, or of ids alone."""
    if value.options or isinstance(value, Later):
        return False
    if not value.references:
        return True
    return names_a_secret(_last_name(path)) and all(map(_NO_SECRET.search, value.references))


def _holders(path: tuple[str | int, ...]) -> list[str]:
    """The name that a value goes by; the default of a variable goes by the variable's."""
    names = [part for part in path if isinstance(part, str)]
    return names[-2:] if names[-1:] == ["default"] else names[-1:]


def _last_name(path: tuple[str | int, ...]) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def literals_in_number(
    digits: str, path: tuple[str | int, ...], *, sensitive: bool = False
) -> Iterator[Literal]:
    """The same for a number. A short one is none, unless what it stands in is sensitive."""
    if sensitive:
        yield Literal(dotted(path), len(digits), IN_SENSITIVE)
    elif len(digits) >= _SHORTEST_PART and any(map(may_be_a_number, _holders(path))):
        yield Literal(dotted(path), len(digits), _UNDER_NAME)


def literals_of_resource(
    resource_type: str, values: Mapping[str, Any], more: Iterable[str] = ()
) -> list[Literal]:
    """The passwords in a resource's arguments. `more` are sensitive, too, beside the provider's."""
    sensitive = sensitive_attributes(resource_type) | frozenset(more)
    if resource_type == "aws_ssm_parameter" and values.get("type") in {"String", "StringList"}:
        sensitive -= {"value"}  # sensitive to the provider because a SecureString's is
    return sorted(set(_in_block(values, (), sensitive)), key=str)


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as users write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _in_block(
    values: Mapping[str, Any], path: tuple[str, ...], sensitive: frozenset[str]
) -> Iterator[Literal]:
    for (name, value), (shown, _) in zip(values.items(), _named_items(values), strict=True):
        here = (*path, name)
        if ".".join(here) in sensitive:
            yield from literals_in(value, here, sensitive=True)
        elif any(attribute.startswith(".".join(here) + ".") for attribute in sensitive):
            for block in _dicts(value):
                yield from _in_block(block, here, sensitive)
        else:
            yield from literals_in(value, (*path, shown))


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _dicts(item)


def _named_items(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The items of a mapping; in one of a name and a value, the value goes by that name."""
    plain = {key: str(key).lower().replace("_", "").replace("-", "") for key in value}
    named = [value[key] for key, short in plain.items() if short in _PAIR_NAMES]
    for key, item in value.items():
        name = next((each for each in named if isinstance(each, str)), None)
        yield name if name and plain[key] in _PAIR_VALUES else str(key), item


def _in_string(value: str, path: tuple[str | int, ...], *, sensitive: bool) -> Iterator[Literal]:
    names = [part for part in path if isinstance(part, str)]
    name = names[-1] if names else ""
    structure = _structure(value)
    if structure is not None:
        yield from literals_in(structure, path, sensitive=sensitive)
    elif sensitive and GAP not in value:
        if value and not _PUBLIC.match(value):
            yield Literal(dotted(path), len(value), IN_SENSITIVE)
    elif _is_under_name(names, value) and not (_is_name(value, name) or stands_for_another(value)):
        yield Literal(dotted(path), len(value), _UNDER_NAME)
    else:
        written = sensitive or name in _WRITTEN or "\n" in value.strip()
        yield from literals_in_text(value, path=dotted(path), written=written)


def _is_under_name(names: list[str], value: str) -> bool:
    if not names:
        return False
    if names[-1].lower() == "auth":
        return bool(_USER_AND_PASSWORD.fullmatch(value))
    inside = any(map(holds_passwords, names[:-1])) and not stands_beside_one(names[-1])
    return inside or names_a_secret(names[-1])


def _is_name(value: str, name: str) -> bool:
    """Whether what stands under a name of secrets is itself the name or id of one."""
    if _NAME_OF_SECRET.fullmatch(value) or _PUBLIC.match(value):
        return True
    if names_a_key_with_an_id(name) and _ID_OF_KEY.fullmatch(value):
        return True
    if names_a_password(name):
        return bool(_VARIABLE.fullmatch(value)) and names_a_secret(value)
    if name == "secret" and _WORDS.fullmatch(value):
        return True
    return bool(_WORDS_OF_SECRET.fullmatch(value) or _VARIABLE.fullmatch(value))


def _in_partial(
    value: Partial, path: tuple[str | int, ...], *, sensitive: bool
) -> Iterator[Literal]:
    """What is in a text beside its unknown parts, and what these may be."""
    yield from _in_parts(value, path, sensitive=sensitive)
    for number, part in enumerate(value.parts):
        if isinstance(part, Json | Partial):
            yield from literals_in(part, path)
        elif isinstance(part, Unknown):
            for option in part.options:
                if isinstance(option, str):
                    parts = (*value.parts[:number], option, *value.parts[number + 1 :])
                    whole = replace(value, parts=parts)
                    yield from _in_parts(whole, path, sensitive=sensitive)
                else:
                    yield from literals_in(option, path, sensitive=sensitive)


def _in_parts(value: Partial, path: tuple[str | int, ...], *, sensitive: bool) -> Iterator[Literal]:
    text = _text(value.parts)
    if value.base64:
        yield from literals_in_text(text, path=dotted(path), written=True)
        return
    yield from _in_string(text, path, sensitive=sensitive)
    if _is_password_beside(value, path, sensitive=sensitive):
        length = len(text.replace(GAP, ""))
        yield Literal(dotted(path), length, "a literal that is a part of a password")


def _text(parts: tuple[str | Unknown, ...]) -> str:
    return "".join(part if isinstance(part, str) else GAP for part in parts)


def _is_password_beside(value: Partial, path: tuple[str | int, ...], *, sensitive: bool) -> bool:
    """Whether a text is one word, and a secret, of which no unknown part is one."""
    text = "".join(part for part in value.parts if isinstance(part, str))
    name = _last_name(path)
    if not sensitive and (not names_a_password(name) or _LIKE_A_NAME.fullmatch(text)):
        return False
    unknown = (part.references for part in value.parts if isinstance(part, Unknown))
    return (
        len(re.sub(r"[\W_]", "", text)) >= _SHORTEST_PART
        and not _STRUCTURE.search(text)
        and not any(_SECRET_REFERENCE.search(each) for found in unknown for each in found)
    )


def _structure(value: str) -> object:
    if value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value, strict=False)  # a gap is no character of JSON
        except (ValueError, RecursionError):
            return None
    return None


def _in_text(text: str, path: str, written: bool, depth: int) -> Iterator[Literal]:
    found = [
        Literal(path, each.end - each.start, each.reason)
        for each in passwords(text, written=written)
    ]
    yield from dict.fromkeys(found)
    if depth < _DEPTH:
        inner = list(decoded(text))
        if not found and (plain := unescaped(text)):
            inner.append(plain)
        for inside in inner:
            yield from _in_text(inside, path, written=True, depth=depth + 1)


@cache
def _schema() -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name in ("sensitive_attributes.json", "sensitive_attributes_of_others.json"):
        text = files("nexusctl.policy").joinpath(name).read_text("utf-8")
        for kind, names in json.loads(text)["attributes"].items():
            found[kind] = frozenset(names)
    return found
