"""The forms in which a password stands in a text: a URL, an assignment, a command, a statement."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from nexusctl.configuration.values import GAP
from nexusctl.policy.names import names_a_secret

# The bounds keep matching linear in the length of whatever text this meets.
_FLAGS = re.IGNORECASE | re.VERBOSE | re.MULTILINE
_QUOTE = r"""\\{0,3}["']?"""
_VALUE = r"""(?: "(?P<double>[^"\n]{1,512})" | '(?P<single>[^'\n]{1,512})'
    | \\{0,3}["']?(?P<bare>[^\s"',;&|})]+) )"""
_NAME = r"(?<![\w.])(?P<name>[a-z_][\w.-]{0,127})"
_USER = r"[\w.@$%-]{1,64}"


@dataclass(frozen=True, slots=True)
class Form:
    """A form, and what to call it. With a `name` in it, only those of secrets count.

    In a script or a file of settings more counts than in a sentence: that is `written` text.
    """

    reason: str
    pattern: re.Pattern[str]
    written: bool = False


def _form(reason: str, *parts: str, written: bool = False) -> Form:
    return Form(reason, re.compile("".join(parts), _FLAGS), written)


_IN_TEXT, _IN_COMMAND = "a password in a text", "a password in a command"
_SAME_COMMAND = r"\b[^\n;|&]{0,256}?[ \t]"
_FORMS = (
    _form(
        "a URL with a password",
        r"""\b[a-z][a-z0-9+.-]{0,31}://[^\s/:@"'<>]{0,128}:(?P<bare>[^\s/@"'<>]{1,512})@""",
    ),
    _form("a private key", r"-----BEGIN\ [A-Z ]{0,32}PRIVATE\ KEY-----\s*(?P<bare>[^-]+)"),
    Form("an AWS access key", re.compile(r"\b(?P<bare>(?:AKIA|ASIA)[0-9A-Z]{16})\b")),
    Form(
        "an access token",
        re.compile(
            r"\b(?P<bare>gh[pousr]_\w{36}|github_pat_\w{22,255}|glpat-[\w-]{20,64}|glsa_\w{32,64}"
            r"|xox[abprs]-[\w-]{10,255}|[sr]k_live_\w{16,255}|hvs\.[\w-]{24,255}|AIza[\w-]{35}"
            r"|eyJ[\w-]{8,4096}\.eyJ[\w-]{8,4096}\.[\w-]{8,1024})"
        ),
    ),
    # The value may itself be an assignment: `--from-literal=password=…`.
    _form(_IN_TEXT, _NAME, _QUOTE, r"[ \t]{0,8}:?=>?(?![=~])[ \t]{0,8}(?=", _VALUE, ")"),
    _form(
        "a password in a statement",
        r"""\b(?:USER|ROLE|GROUP)[ \t]{1,8}[^\s;]{1,128}\s[^;]{0,256}?
        \b(?:PASSWORD|IDENTIFIED\s{1,8}(?:WITH\s{1,8}\S{1,64}\s{1,8})?(?:BY|AS))\s{1,8}
        (?:E?'(?P<bare>[^']+)'|\\?\$(?P<tag>\w{0,32})\\?\$(?P<single>[^$\\]+)\\?\$(?P=tag)\\?\$)""",
    ),
    # `--db-password VALUE`
    _form(_IN_COMMAND, r"(?<![\w-])--?(?P<name>[a-z][\w-]{0,63})[ \t]{1,8}(?![|&;<>-])", _VALUE),
    # `-u USER:VALUE`; with numbers it is a user and a group.
    _form(
        _IN_COMMAND,
        r"(?<![\w-])(?:-u|--user|--proxy-user)[ \t=]{0,8}[\"']?(?!\d+:\d)",
        _USER,
        r":(?P<bare>[^\s\"';&|]+)",
    ),
    _form(
        _IN_COMMAND,
        r"\b(?:mysql\w{0,16}|mariadb[\w-]{0,16})",
        _SAME_COMMAND,
        r"(?-i:-p)(?![ \t])",
        _VALUE,
    ),
    _form(
        _IN_COMMAND,
        r"\b(?:sshpass|mongo\w{0,16}|(?:docker|podman|buildah|nerdctl|az|registry)[ \t]{1,8}login)",
        _SAME_COMMAND,
        r"(?-i:-p)[ \t]{0,8}(?![ \t-]|\d+:\d)",
        _VALUE,
    ),
    _form(_IN_COMMAND, r"\bredis-cli", _SAME_COMMAND, r"(?-i:-a)[ \t]{1,8}", _VALUE),
    _form(_IN_COMMAND, r"\b(?:sqlcmd|bcp)", _SAME_COMMAND, r"(?-i:-P)[ \t]{0,8}", _VALUE),
    _form(_IN_COMMAND, r"\bldap\w{1,16}", _SAME_COMMAND, r"(?-i:-w)[ \t]{1,8}", _VALUE),
    _form(_IN_COMMAND, r"-pass(?:in|out)?[ \t]{1,8}pass:", _VALUE),
    _form(
        _IN_COMMAND,
        r"\b(?:echo|printf)[ \t]{1,8}",
        r"(?:-\w{1,4}[ \t]{1,8}|[\"']?%s(?:\\n)?[\"']?[ \t]{1,8}){0,3}[\"']?",
        rf"(?:{_USER}:)?(?P<bare>[^\s\"'|]+)[\"']?[ \t]{{0,8}}\|",
        r"[^\n|]{0,256}(?:\bchpasswd|\bpasswd\b|\bkinit\b|-stdin\b|-passphrase-fd[ \t=]0|"
        r"\bsudo[ \t]{1,8}-S)",
    ),
    _form(
        _IN_COMMAND,
        r"\bread\b[^\n;|&<]{0,128}?[ \t](?P<name>[a-z_]\w{0,127})[ \t]{0,8}<<<[ \t]{0,8}",
        _VALUE,
    ),
    # `htpasswd -b FILE USER VALUE`, and with -n without the file.
    _form(
        _IN_COMMAND,
        r"\bhtpasswd[ \t]{1,8}(?:-\w{1,8}[ \t]{1,8}){0,4}",
        r"(?:-(?=\w{0,8}n)\w{0,8}b\w{0,8}|-\w{0,8}b\w{0,8}[ \t]{1,8}[^\s-]\S{0,255})",
        r"[ \t]{1,8}[^\s-]\S{0,127}[ \t]{1,8}",
        _VALUE,
    ),
    _form(
        _IN_COMMAND,
        r"\bvault[ \t]{1,8}login[ \t]{1,8}(?:-[\w=/-]{1,64}[ \t]{1,8}){0,4}(?![-<>]|[\w-]{1,64}=)",
        _VALUE,
    ),
    _form(
        _IN_COMMAND,
        r"\bopenssl[ \t]{1,8}passwd[ \t]{1,8}",
        r"(?:-salt[ \t]{1,8}\S{1,64}[ \t]{1,8}|-(?!salt|in\b)\w{1,16}[ \t]{1,8}){0,6}(?![-<>])",
        _VALUE,
    ),
    # From the shell, or in the settings of cloud-init.
    _form(
        _IN_COMMAND,
        r"\bchpasswd(?:[ \t]{0,8}<<<[ \t]{0,8}",
        r"|[ \t]{0,8}<<-?[ \t]{0,8}[\"']?\w{1,64}[\"']?\s{1,64}",
        r"|:\s{1,64}(?:expire:\s\w{1,8}\s{1,64})?list:\s{1,8}[|-]\s{1,64})[\"']?",
        _USER,
        r":(?P<bare>[^\s\"']+)",
    ),
    _form(
        "a password in a header",
        r"\bAuthorization[\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?(?:Bearer|Basic|Token)[ \t]{1,8}",
        _VALUE,
    ),
    _form(
        "a password in a header",
        r"\b(?:X-[\w-]{0,64}(?:-Token|Api-Key|-Secret)|(?:Private|Job)-Token):[ \t]{0,8}",
        _VALUE,
    ),
    _form(_IN_TEXT, r"<(?P<name>[\w.:-]{1,64})>(?P<bare>[^<>\n]{1,512})</"),
    # As in .netrc and .pgpass.
    _form(_IN_TEXT, r"\blogin[ \t]+\S{1,128}\s{1,8}password[ \t]{1,8}(?P<bare>\S+)"),
    _form(
        _IN_TEXT,
        r"(?:\b[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}|\blocalhost|\*):(?:\d{2,5}|\*)",
        r":[\w*-]{1,64}:[\w*-]{1,64}:(?P<bare>[^\s:\"'\\]+)(?=[\s\"'\\]|$)",
    ),
    # Of any host, where it goes into that file.
    _form(
        _IN_TEXT,
        rf"[\w.*{GAP}-]:(?:\d{{2,5}}|\*|{GAP}):[\w*{GAP}-]{{1,64}}:[\w*{GAP}-]{{1,64}}",
        r":(?P<bare>[^\s:\"'\\]+)[^\n]{0,64}>[^\n]{0,128}pgpass",
    ),
    # As in YAML or JSON: the name begins an entry. In a sentence a colon means nothing.
    _form(
        _IN_TEXT,
        r"""(?:^[ \t]{0,64}(?:-[ ]{1,4})?|["'{,][ ]{0,4})\\{0,3}["']?""",
        r"(?P<name>[a-z_][\w.-]{0,127})",
        r"""(?:\\{0,3}["'][ ]{0,4}:[ \t]{0,64}|:[ \t]{1,64}) (?:[|>][+-]?\s{1,64})? (?![!*&])""",
        r"(?=",
        _VALUE,
        ")",
        written=True,
    ),
    # `{name: DB_PASSWORD, value: …}`, over two lines too.
    _form(
        _IN_TEXT,
        r"""\b(?:name|key|parameterkey)["']?[ \t]{0,8}[:=][ \t]{0,8}""",
        r"""["']?(?P<name>[\w./-]{1,128})["']?""",
        r"""[\s,]{1,80}["']?(?:parameter)?value["']?[ \t]{0,8}[:=][ \t]{0,8}""",
        _VALUE,
        written=True,
    ),
)
# Without one of these there is none of the forms; looking for them is much faster.
_HINTS = (
    *("pass", "pwd", "pw", "secret", "token", "key", "cred", "auth", "login", "://", "identified"),
    *("psk", "jwt", "mysql", "mariadb", "mongo", "redis", "sqlcmd", "bcp", "ldap", "-u", "akia"),
    *("asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat", "glpat", "glsa_", "xox"),
    *("k_live", "hvs.", "aiza", "eyj", "kinit"),
)
_COLONS = 4

_NO_VALUE = frozenset(
    {"", "null", "none", "nil", "true", "false", "undefined"}
    | {
        "required",
        "optional",
        "enabled",
        "disabled",
        "days",
        "hours",
        "minutes",
        "seconds",
        "read",
        "write",
    }
)
_POINTER = re.compile(r"^(arn:aws[\w-]*:|resolve:|fileb?://|op://)|\{\{resolve:")
# Absolute paths, and addresses that a password would show in.
_PLACE = re.compile(r"/[\w.-]{1,128}(/[\w.-]{1,128}){1,16}/?|https?://[^\s@]{1,1024}")
# What another program puts a value in place of. `$name` is one in a shell only, and there the name
# is given a value, or says what it is.
_PLACEHOLDER = re.compile(
    r"""\$\{\{[^\n]{1,256}?\}\} | \{\{[^\n]{1,256}?\}\} | \$?\$\{[^}\n]{1,256}\} | \$\(.* | `.*
    | \#\{[^}\n]{1,256}\} | <%[^\n]{1,256}?%> | \{%.* | <[^<>\n]{1,64}> | <\(.* | \{\w{0,64}\}
    | %[A-Za-z_]\w{0,64}% | %\(\w{1,64}\)s | %[sdvq](?!\w) | @[A-Za-z_]\w{0,64}@ | \$env:\w{1,64}
    | \$[0-9@*?](?!\w) | \$\$?(?P<shell>[A-Za-z_]\w{0,128})
    | \*+ | \.{3,} | x{3,}
    | (?:var|local|module|data|each|self|path|ephemeral)\.[\w.\[\]"*-]+
    | (?:aws|random|tls|vault|google|azurerm|kubernetes)_\w{1,64}\.[\w-]{1,64}[\w.\[\]"*-]*
    | [A-Za-z_][\w.]{0,128}(?:\([^\n]*\)|\[["'\w].*)
    | [-_.:/@+,](?=[$%{<]) | [-_.:/@+,]$
    """,
    re.VERBOSE,
)
_SHELL_VARIABLE = re.compile(r"\$\{?(?P<name>[A-Za-z_]\w{0,127})\}?")
_SHELL_ASSIGNMENT = re.compile(
    r"(?<![\w$.-])(?:(?P<name>[A-Za-z_]\w{0,127})=)" + _VALUE, re.VERBOSE
)


_REMEMBERED = 4096  # texts


@dataclass(frozen=True, slots=True)
class Found:
    """The stretch of a text that is a password, and the form it has."""

    start: int
    end: int
    reason: str


@lru_cache(_REMEMBERED)  # many resources have the same names, tags and messages
def passwords(text: str, *, written: bool = False) -> tuple[Found, ...]:
    """The passwords in a text by their form; some forms count in `written` text only."""
    return tuple(_passwords(text, written=written))


def _passwords(text: str, *, written: bool) -> Iterator[Found]:
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS) and text.count(":") < _COLONS:
        return
    variables: set[str] = set()
    for form in _FORMS:
        if form.written and not written:
            continue
        for match in form.pattern.finditer(text):
            groups = match.groupdict()
            start, end = next(match.span(key) for key in _VALUES if groups.get(key) is not None)
            if "name" in groups and not names_a_secret(match["name"]):
                continue
            if not stands_for_another(text, start, end):
                yield Found(start, end, form.reason)
            else:
                variables |= {found["name"] for found in _SHELL_VARIABLE.finditer(text, start, end)}
    if variables:
        yield from _given(text, variables)


def _given(text: str, variables: set[str]) -> Iterator[Found]:
    """What shell variables are given that stand where a password does: `X=…; PGPASSWORD=$X`."""
    for match in _SHELL_ASSIGNMENT.finditer(text):
        span = next(match.span(key) for key in _VALUES if match[key] is not None)
        if match["name"] in variables and not stands_for_another(text, *span):
            yield Found(*span, _IN_TEXT)


_VALUES = ("double", "single", "bare")


def stands_for_another(text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether a stretch of a text stands for a value that is elsewhere, or for none."""
    end = len(text) if end is None else end
    value = text[start:end]
    if value.lower() in _NO_VALUE or GAP in value:
        return True
    if _POINTER.search(value) or _PLACE.fullmatch(value):
        return True
    while start < end:
        match = _PLACEHOLDER.match(text, start)
        if match is None or not (match["shell"] is None or _is_variable(match["shell"], text)):
            return False
        start = match.end()
    return True


def _is_variable(name: str, text: str) -> bool:
    if name.isupper() or names_a_secret(name):
        return True
    given = rf"\b{name}\s?=|\bread\b.*\b{name}\b|\b(?:for|local|declare|param)\b.*\b{name}\b"
    return bool(re.search(given, text))


def masked(text: str) -> str:
    """A message without the passwords that are recognised in it."""
    shown, position = "", 0
    for found in sorted(passwords(text), key=lambda each: each.start):
        if found.start >= position:
            shown += f"{text[position : found.start]}***"
        rest = re.split(r"[\s@]", text[found.end :], maxsplit=1)[0]
        position = max(position, found.end + len(rest))
    return shown + text[position:]
