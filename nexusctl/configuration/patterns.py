"""Regular expressions of Go (RE2), where Python's are the same and end in time."""

import re
from functools import lru_cache

from nexusctl.configuration.values import Failed, Undecided

_PIECE = re.compile(
    r"""(?P<class>\[\^?(?:\\[dwsDWS.\-\]\[\\^/]|[^\[\]\\])+\])
    |(?P<escape>\\[dwsDWSbnrt.\-+*?()|\[\]{}^$/\\])
    |(?P<open>\((?:\?:|\?P<[A-Za-z_][A-Za-z0-9_]*>)?(?![?*+]))
    |(?P<close>\))
    |(?P<repeat>(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??)
    |(?P<end>\$)
    |(?P<plain>[^\\\[\]{}()*+?$])""",
    re.VERBOSE | re.DOTALL,
)
# In a class, these may once mean something to Python.
_DOUBLED = re.compile(r"--|&&|\|\||~~")
_MAX_WORK = 10**8
_MAX_SUBJECT = 1 << 16


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> tuple[re.Pattern[str], int]:
    """The same in Python, and how many of its parts may repeat without end.

    Raises:
        Undecided: the two languages may differ, or Python may take for ever.
    """
    position, text, endless, groups, last = 0, "", 0, 0, ""
    while position < len(pattern):
        match = _PIECE.match(pattern, position)
        if match is None or _DOUBLED.search(match["class"] or ""):
            raise Undecided
        position, kind = match.end(), match.lastgroup or ""
        if kind == "repeat":
            # What repeats a group may backtrack without end, and so may repetitions of repetitions.
            if last in {"", "repeat"} or (last == "close" and match[0] != "?"):
                raise Undecided
            endless += match[0][0] in "*+" or ",}" in match[0]
        groups += (kind == "open") - (kind == "close")
        last = kind
        text += r"\Z" if kind == "end" else match[0]
    if groups:
        raise Undecided
    try:
        return re.compile(text, re.ASCII), endless
    except re.error:
        raise Undecided from None


def _ready(pattern: str, subject: str) -> re.Pattern[str]:
    compiled, endless = _compiled(pattern)
    # A vertical tab is a space to Python alone.
    if (
        "\v" in subject
        or len(subject) > _MAX_SUBJECT
        or len(subject) ** max(endless + 1, 1) > _MAX_WORK
    ):
        raise Undecided
    return compiled


def first(pattern: str, subject: str) -> object:
    """What regex() gives."""
    match = _ready(pattern, subject).search(subject)
    if match is None:
        raise Failed
    return _result(match)


def every(pattern: str, subject: str) -> list[object]:
    """What regexall() gives."""
    return [_result(match) for match in _nonempty(pattern, subject)]


def replace(pattern: str, subject: str, new: str) -> str:
    """What replace() gives for a pattern between slashes."""
    if "$" in new:
        raise Undecided
    result, position = "", 0
    for match in _nonempty(pattern, subject):
        result += subject[position : match.start()] + new
        position = match.end()
    return result + subject[position:]


def _nonempty(pattern: str, subject: str) -> list[re.Match[str]]:
    """Go and Python disagree about empty matches beside others."""
    compiled = _ready(pattern, subject)
    if compiled.search(""):
        raise Undecided
    found = list(compiled.finditer(subject))
    if any(not match[0] for match in found):
        raise Undecided
    return found


def _result(match: re.Match[str]) -> object:
    if None in match.groups():
        raise Undecided
    if match.re.groupindex:
        if len(match.re.groupindex) != match.re.groups:
            raise Undecided
        return match.groupdict()
    return list(match.groups()) if match.re.groups else match[0]
