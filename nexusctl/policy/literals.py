"""Recognises a password that is written down, by what holds it rather than by how random it looks.

Three things give one away: the provider marks the argument as sensitive, the name says so
(`PGPASSWORD`, `client_secret`), or the text has the form of one (a URL with a password, a private
key, `password=...`). A `Literal` says where and how long, never what.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from nexusctl.configuration.values import Json, Partial

_DEPTH = 3
_DECODED_LIMIT = 1 << 20

_NOUNS = (
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secretstring",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "credential",
    "credentials",
    "pass",
)
# A password by name wherever the word stands in it: DB_PASSWORD_PROD, PGPASS, REDIS_PW.
_PASSWORD_WORDS = frozenset(
    {"password", "passwords", "passwd", "passphrase", "pass", "pw", "pgpass"}
)
# What a name with such a word is called when it holds no password, but something about one.
_ABOUT_ONE = frozenset(
    {
        *(
            "arn",
            "name",
            "id",
            "path",
            "file",
            "url",
            "uri",
            "key",
            "version",
            "versions",
            "length",
        ),
        *("policy", "encryption", "method", "methods", "command", "commands", "rotation", "days"),
        *("parameter", "store", "prefix", "manager", "type", "min", "max", "field", "updated"),
        *(
            "wo",
            "enabled",
            "required",
            "reset",
            "age",
            "count",
            "warnings",
            "recovery",
            "generation",
        ),
    }
)
# Names and paths of secrets, which are none: `/app/db/password`, `app/db`, `https://host/path`.
_PLACE = re.compile(r"/?[\w.-]{1,128}(/[\w.-]{1,128}){1,16}|https?://[^\s@]{1,1024}")
_PASSWORD = re.compile(r"(passwords?|passwd|passphrase|credentials)$")
_NOT_SECRETS = frozenset({"pwd", "oldpwd"})
# What a database secret holds beside the password; the names are those RDS writes and reads.
_BENIGN_FIELDS = frozenset(
    {"username", "engine", "host", "port", "dbname", "dbinstanceidentifier", "dbclusteridentifier"}
)
_CARRIERS = frozenset({"user_data", "user_data_base64", "command", "container_definitions"})

# The bounds keep matching linear in the length of whatever text this meets.
_URL = re.compile(
    r"""\b[a-z][a-z0-9+.-]{0,31}://[^\s/:@"'<>]{0,128}:(?P<value>[^\s/@"'<>]{1,512})@""",
    re.IGNORECASE,
)
_KEY = re.compile(r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----\s*(?P<value>[^-]+)")
_ACCESS_KEY = re.compile(r"\b(?P<value>(?:AKIA|ASIA)[0-9A-Z]{16})\b")
_ASSIGNED = r"""
    (?:passw(?:or)?d|pwd|passphrase|secret|token|(?:api|private|access|secret)_?key)
    ["']?{sign}["']?(?P<value>[^\s"',;&}})]+)"""
_FLAGS = re.IGNORECASE | re.VERBOSE | re.MULTILINE
_EQUALS = re.compile(_ASSIGNED.format(sign="[ \\t]{0,4}=[ \\t]{0,4}"), _FLAGS)
# As in YAML or JSON: the name begins an entry. In a sentence a colon means nothing.
_COLON = re.compile(
    r"""(?:^[ \t]{0,64}(?:-[ ]{1,4})?|["'{,][ ]{0,4})[\w.-]{0,64}"""
    + _ASSIGNED.format(sign=r":[ \t]{1,64}"),
    _FLAGS,
)
# An argument of a command: `--db-password VALUE`, `-u USER:VALUE`.
_ARGUMENT = re.compile(
    r"""(?<![\w-]) (?: --?(?:[a-z0-9]{1,32}[-_]){0,4}(?:password|passwd|secret|token|api-?key)
        [ \t]{1,8} | -u[ \t]{0,8}[\w.@-]{1,64}: )
    ["']?(?P<value>[^\s"';&|-][^\s"';&|]*)""",
    _FLAGS,
)
# `ALTER ROLE name PASSWORD 'VALUE'`.
_SQL = re.compile(
    r"""\b(?:USER|ROLE|GROUP)[ \t]{1,8}[^\s;]{1,128}\s[^;]{0,256}?
        \bPASSWORD\s{1,8}E?'(?P<value>[^']+)'""",
    _FLAGS,
)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}\r?\n?){10,}(?:[A-Za-z0-9+/]{2,3}={1,2})?")
_REFERENCE = re.compile(
    r"""\$\{ | \{\{ | ^\$ | ^\*+$ | ^<[^>]*>$ | ^[a-z_]\w*\( |
    ^[\[(]*((var|local|module|data|each|self|path|ephemeral)\.|random_|aws_)""",
    re.VERBOSE,
)
_POINTER = re.compile(r"^(arn:|resolve:)|\{\{resolve:|\$\{\}")
_NO_VALUE = frozenset({"", "null", "none", "true", "false"})


@dataclass(frozen=True, slots=True)
class Literal:
    """A place that holds a password: the path to it, its length, and what gave it away."""

    path: str
    length: int | None
    reason: str

    def __str__(self) -> str:
        size = "made of literals only" if self.length is None else f"{self.length} characters"
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.reason}, {size}"


def sensitive_attributes(resource_type: str) -> frozenset[str]:
    """The arguments of a resource type that the provider marks sensitive or write-only."""
    return _schema().get(resource_type, frozenset())


def names_a_secret(name: str) -> bool:
    """Whether a name is that of a secret: `db_password`, `PGPASSWORD`, `apiKey`, `DB_PASS_PROD`."""
    plain = re.sub(r"[\W_]", "", name.lower().removesuffix("_wo"))
    if plain in _NOT_SECRETS:
        return False
    return plain.endswith(_NOUNS) or _names_a_password(name)


def _names_a_password(name: str) -> bool:
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:256]).lower())
    return not _PASSWORD_WORDS.isdisjoint(words) and _ABOUT_ONE.isdisjoint(words)


def is_reference(text: str, *, written: bool = False) -> bool:
    """Whether a text stands for a value that is elsewhere, or for none.

    A `written` text is a part of a script or the like: there `$NAME` and `<name>` are none.
    """
    if text.lower() in _NO_VALUE or _POINTER.search(text):
        return True
    return written and bool(_REFERENCE.search(text))


def literals_in_text(text: str, *, path: str = "", carrier: bool = False) -> Iterator[Literal]:
    """The passwords in a text. A carrier is a script or the like: there `password: x` counts."""
    yield from _in_text(text, path, carrier, 0)


def literals_in(
    value: object, path: tuple[str | int, ...] = (), *, sensitive: bool = False
) -> Iterator[Literal]:
    """The passwords in a value of any shape that lies at `path`. What is not known is none."""
    if isinstance(value, Json):
        yield from literals_in(value.value, path, sensitive=sensitive)
    elif isinstance(value, Partial):
        yield from literals_in(value.text, path, sensitive=sensitive)
    elif isinstance(value, Mapping):
        # As in the environment of a container: `{name = "PGPASSWORD", value = …}`.
        named = next((value[key] for key in ("name", "key") if key in value), None)
        for key, item in value.items():
            name = named if key == "value" and isinstance(named, str) else str(key)
            inside = sensitive and name.lower() not in _BENIGN_FIELDS
            yield from literals_in(item, (*path, name), sensitive=inside)
    elif isinstance(value, list | tuple | set | frozenset):
        for number, item in enumerate(value):
            # The only one of a list needs no number.
            here = path if len(value) == 1 else (*path, number)
            yield from literals_in(item, here, sensitive=sensitive)
    elif isinstance(value, str):
        yield from _in_string(value, path, sensitive=sensitive)
    elif sensitive and isinstance(value, int | float) and not isinstance(value, bool):
        yield Literal(dotted(path), len(str(value)), "a literal in a sensitive argument")


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
    for name, value in values.items():
        here = (*path, name)
        if ".".join(here) in sensitive:
            yield from literals_in(value, here, sensitive=True)
        elif any(attribute.startswith(".".join(here) + ".") for attribute in sensitive):
            for block in _dicts(value):
                yield from _in_block(block, here, sensitive)
        else:
            yield from literals_in(value, here)


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _dicts(item)


def _in_string(value: str, path: tuple[str | int, ...], *, sensitive: bool) -> Iterator[Literal]:
    names = [part for part in path if isinstance(part, str)]
    name = names[-1] if names else ""
    structure = _structure(value)
    if structure is not None:
        yield from literals_in(structure, path, sensitive=sensitive)
    elif sensitive:
        if value and "${}" not in value:
            yield Literal(dotted(path), len(value), "a literal in a sensitive argument")
    elif not (is_reference(value) or _PLACE.fullmatch(value)) and (
        names_a_secret(name) or any(_PASSWORD.search(part.lower()) for part in names[:-1])
    ):
        yield Literal(dotted(path), len(value), "a literal under a name of secrets")
    else:
        yield from literals_in_text(value, path=dotted(path), carrier=name in _CARRIERS)


def _structure(value: str) -> object:
    if value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return None
    return None


def masked(text: str) -> str:
    """A message without the passwords that are recognised in it; a colon means nothing in one."""
    for pattern in (_URL, _KEY, _ACCESS_KEY, _EQUALS, _SQL, _ARGUMENT):
        text = pattern.sub(lambda match: match[0].replace(match["value"], "***"), text)
    return text


def _in_text(text: str, path: str, carrier: bool, depth: int) -> Iterator[Literal]:
    for pattern, reason in (
        (_URL, "a URL with a password"),
        (_KEY, "a private key"),
        (_ACCESS_KEY, "an AWS access key"),
        (_EQUALS, "a password in a text"),
        (_SQL, "a password in a statement"),
        (_ARGUMENT, "a password in a command"),
        (_COLON, "a password in a text"),
    ):
        if pattern is _COLON and not carrier:
            continue
        for match in pattern.finditer(text):
            value = match["value"]
            if not is_reference(value, written=True) and not value.startswith(("{", "<", "%")):
                yield Literal(path, len(value), reason)
    if depth < _DEPTH:
        for inside in decoded(text):
            yield from _in_text(inside, path, carrier=True, depth=depth + 1)


def decoded(text: str) -> Iterator[str]:
    """The texts that stand in a text in base64, out of gzip too."""
    for match in _BASE64.finditer(text):
        inside = _out_of_base64(match[0])
        if inside is not None:
            yield inside


def layers(text: str) -> list[str]:
    """A text, and all that stands in it in base64 and gzip, as deep as a password is searched."""
    found, last = [text], [text]
    for _ in range(_DEPTH):
        last = [inside for outer in last for inside in decoded(outer)]
        found += last
    return found


def plain(text: str) -> str:
    """A text that is base64 as a whole, out of it and of gzip; any other as it is."""
    whole = re.fullmatch(r"[A-Za-z0-9+/\s]+={0,2}\s*", text)
    inside = _out_of_base64(text) if whole else None
    return text if inside is None else inside


def _out_of_base64(text: str) -> str | None:
    try:
        data = base64.b64decode(re.sub(r"\s", "", text), validate=True)
        if data.startswith(b"\x1f\x8b"):
            # 31: a gzip header and the largest window. The limit keeps a bomb small.
            data = zlib.decompressobj(31).decompress(data, _DECODED_LIMIT)
        return data.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        return None


@cache
def _schema() -> Mapping[str, frozenset[str]]:
    text = files("nexusctl.policy").joinpath("sensitive_attributes.json").read_text("utf-8")
    return {kind: frozenset(names) for kind, names in json.loads(text)["attributes"].items()}
