"""Terraform's functions on strings."""

import re
from collections.abc import Callable

from nexusctl.configuration import patterns
from nexusctl.configuration.arguments import flag, items, number, text, texts, whole
from nexusctl.configuration.conversion import exact_number, number_text, to_text
from nexusctl.configuration.encoding_functions import jsonencode
from nexusctl.configuration.templates import joined, parts_of
from nexusctl.configuration.tokens import SPACES
from nexusctl.configuration.values import (
    Failed,
    Undecided,
    Unknown,
    is_known,
    is_number,
    references,
)

_VERB = re.compile(
    r"%(?P<flags>[-+ 0#]*)(?P<width>\d{0,4})(?:\.(?P<precision>\d{1,3}))?(?P<verb>.)", re.DOTALL
)
# strings.Title of Go: what follows a letter, a digit or an underscore begins no word.
_WORD = re.compile(r"(?<![A-Za-z0-9_])[a-z]")
_MAX_LENGTH = 1 << 20


def plain(value: object) -> str:
    """A string in which a character is a byte is a letter: others Go counts differently."""
    found = text(value)
    if not found.isascii() or "\r\n" in found:
        raise Undecided
    return found


def _each(change: Callable[[str], str], value: object) -> str:
    """Go changes letter by letter, and knows no letter that becomes two."""
    changed = [change(character) for character in text(value)]
    if any(len(each) != 1 for each in changed):
        raise Undecided
    return "".join(changed)


def lower(value: object) -> str:
    """Terraform's lower()."""
    return _each(str.lower, value)


def upper(value: object) -> str:
    """Terraform's upper()."""
    return _each(str.upper, value)


def title(value: object) -> str:
    """Terraform's title()."""
    return _WORD.sub(lambda match: match[0].upper(), plain(value))


def chomp(value: object) -> str:
    """Terraform's chomp()."""
    return re.sub(r"[\r\n]+\Z", "", text(value))


def endswith(value: object, end: object) -> bool:
    """Terraform's endswith()."""
    return text(value).endswith(text(end))


def startswith(value: object, start: object) -> bool:
    """Terraform's startswith()."""
    return text(value).startswith(text(start))


def strcontains(value: object, part: object) -> bool:
    """Terraform's strcontains()."""
    return text(part) in text(value)


def strrev(value: object) -> str:
    """Terraform's strrev()."""
    return plain(value)[::-1]


def substr(value: object, offset: object, length: object) -> str:
    """Terraform's substr()."""
    found, start, count = plain(value), whole(offset), whole(length)
    if start < 0:
        start += len(found)
    if start < 0 or count < -1:
        raise Undecided
    return found[start:] if count == -1 else found[start : start + count]


def trim(value: object, characters: object) -> str:
    """Terraform's trim()."""
    cutset = text(characters)
    return text(value).strip(cutset) if cutset else text(value)


def trimprefix(value: object, start: object) -> str:
    """Terraform's trimprefix()."""
    return text(value).removeprefix(text(start))


def trimsuffix(value: object, end: object) -> str:
    """Terraform's trimsuffix()."""
    return text(value).removesuffix(text(end))


def trimspace(value: object) -> str:
    """Terraform's trimspace()."""
    return text(value).strip(SPACES)


def indent(spaces: object, value: object) -> str:
    """Terraform's indent()."""
    width = whole(spaces)
    if not 0 <= width <= _MAX_LENGTH // 1024:
        raise Undecided
    return text(value).replace("\n", "\n" + " " * width)


def join(separator: object, *lists: object) -> object:
    """A string, even of what is not known: then it is a Partial."""
    if any(isinstance(each, Unknown) for each in (separator, *lists)):
        raise Undecided
    between = text(separator)
    found = [item for each in lists for item in items(each)]
    if any(item is None for item in found):
        raise Failed
    parts: list[object] = []
    for index, item in enumerate(found):
        parts += [between, item] if index else [item]
    return joined(parts)


def split(separator: object, value: object) -> list[str]:
    """Terraform's split()."""
    between, found = text(separator), text(value)
    return found.split(between) if between else list(plain(value))


def sort(values: object) -> list[str]:
    """Terraform's sort()."""
    return sorted(texts(values))


def replace(value: object, old: object, new: object) -> str:
    """Terraform's replace()."""
    pattern, found = text(old), text(value)
    if len(pattern) > 1 and pattern[0] == pattern[-1] == "/":
        return patterns.replace(pattern[1:-1], found, text(new))
    if not pattern and not found.isascii():
        raise Undecided
    result = found.replace(pattern, text(new))
    if len(result) > _MAX_LENGTH:
        raise Undecided
    return result


def regex(pattern: object, value: object) -> object:
    """Terraform's regex()."""
    return patterns.first(text(pattern), text(value))


def regexall(pattern: object, value: object) -> list[object]:
    """Terraform's regexall()."""
    return patterns.every(text(pattern), text(value))


def format_(template: object, *values: object) -> object:
    """A string, even of what is not known: then it is a Partial."""
    source, parts, position, taken = text(template), list[object](), 0, 0
    for match in _VERB.finditer(source):
        parts.append(source[position : match.start()])
        position = match.end()
        if match["verb"] == "%" and match[0] == "%%":
            parts.append("%")
            continue
        if match["verb"] == "[":
            raise Undecided
        if taken == len(values):
            raise Failed
        parts.append(_formatted(match, values[taken]))
        taken += 1
    rest = source[position:]
    if "%" in rest or taken < len(values):
        raise Failed
    return joined([*parts, rest])


def _formatted(match: re.Match[str], value: object) -> object:
    verb, bare = match["verb"], len(match[0]) == len("%s")
    if isinstance(value, Unknown):
        # It may be null, or no string: then it is its JSON, or an error.
        found = parts_of(value)
        return value if bare and verb == "s" and len(found) > 1 else Unknown(value.references)
    if not is_known(value):
        return Unknown(references(value))
    if match["flags"].strip("-0+") or verb not in "svdtqxXf":
        raise Undecided
    if value is None:
        raise Undecided
    return _padded(match, _verb(match, verb, value))


def _verb(match: re.Match[str], verb: str, value: object) -> str:
    sign = "+" if "+" in match["flags"] else ""
    if match["precision"] and verb != "f":
        raise Undecided
    if verb == "d":
        return f"{whole(value):{sign}d}"
    if verb == "f":
        exact = exact_number(number(value))
        places = int(match["precision"] or "6")
        scaled = round(exact * 10**places)
        digits = f"{abs(scaled):0{places + 1}d}"
        point = f"{digits[:-places]}.{digits[-places:]}" if places else digits
        return ("-" if exact < 0 else sign) + point
    if sign:
        raise Undecided
    if verb == "t":
        return "true" if flag(value) else "false"
    if verb in "xX":
        if not is_number(value) or whole(value) < 0:
            raise Undecided
        return f"{whole(value):{verb}}"
    if verb == "q":
        return str(jsonencode(text(value)))
    if isinstance(value, list | dict):
        return str(jsonencode(value))
    return number_text(value) if is_number(value) else str(to_text(value))


def _padded(match: re.Match[str], found: str) -> str:
    width, flags = int(match["width"] or "0"), match["flags"]
    if not width:
        return found
    if not found.isascii():
        raise Undecided
    if "-" in flags:
        return found.ljust(width)
    if "0" in flags:
        if match["verb"] not in "df":
            raise Undecided
        return found.zfill(width)
    return found.rjust(width)


def formatlist(template: object, *values: object) -> object:
    """One string for each element; what is no list is the same for all."""
    lengths = {len(each) for each in values if isinstance(each, list)}
    if any(isinstance(each, Unknown) and not isinstance(parts_of(each)[0], str) for each in values):
        raise Undecided
    if len(lengths) != 1:
        raise Undecided
    return [
        format_(template, *(each[index] if isinstance(each, list) else each for each in values))
        for index in range(lengths.pop())
    ]
