"""Python values as HCL literals.

The one place where a value becomes HCL text: whatever a string holds, Terraform reads the same
characters back, and never code. (HCL native syntax specification, "Template Expressions".)
Terraform itself normalises strings to Unicode NFC, which no encoding can prevent.
"""

import re
from collections.abc import Callable, Mapping, Sequence

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
# A bare `for` would open a for-expression; the others read as keywords, not as names.
KEYWORDS = frozenset({"for", "if", "in", "true", "false", "null"})
SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

Literal = str | int | bool | None | Sequence["Literal"] | Mapping[str, "Literal"]
Mark = Callable[[str | int, str], str]


def string(text: str) -> str:
    """`text` as a quoted HCL string."""
    encoded = []
    for index, character in enumerate(text):
        introduces = character in "$%" and text[index + 1 : index + 2] == "{"
        if introduces and text[index - 1 : index] != character:
            encoded.append(character * 2)
        elif introduces:
            # `$$${` is ambiguous in HCL; an escape is not.
            encoded.append(_escape(character))
        elif character in SHORT_ESCAPES:
            encoded.append(SHORT_ESCAPES[character])
        elif character.isprintable():
            encoded.append(character)
        else:
            encoded.append(_escape(character))
    return f'"{"".join(encoded)}"'


def key(text: str) -> str:
    """`text` as the key of an HCL object: bare where that is a plain name, else quoted."""
    if IDENTIFIER.match(text) and text not in KEYWORDS:
        return text
    # ASCII only, because `terraform fmt` aligns by display columns.
    return "".join(c if c.isascii() else _escape(c) for c in string(text))


def literal(value: object, *, mark: Mark = lambda _key, text: text) -> str:
    """`value` as an HCL literal, formatted as `terraform fmt` would.

    A map stands on several lines, indented from column 0; what is inside it stands on one.
    `mark` may decorate the text of each direct element, given its key or index.

    Raises:
        TypeError: the value is of a type that HCL has no literal for.
    """
    match value:
        case Mapping() if value:
            names = {name: key(name) for name in value}
            width = max(map(len, names.values()))
            lines = [
                mark(name, f"  {names[name]:<{width}} = {_inline(element)}")
                for name, element in value.items()
            ]
            return "\n".join(["{", *lines, "}"])
        case list() | tuple():
            return f"[{', '.join(mark(i, _inline(element)) for i, element in enumerate(value))}]"
        case _:
            return _inline(value)


def _inline(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return string(value)
        case Mapping():
            pairs = ", ".join(f"{key(name)} = {_inline(item)}" for name, item in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case list() | tuple():
            return f"[{', '.join(_inline(item) for item in value)}]"
        case _:
            raise TypeError(f"no HCL literal for a {type(value).__name__}")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
