"""The syntax tree of HCL: what `syntax.parse` returns. Every node has its line."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, bool or null. A number is kept as it is written, as `Number`."""

    value: "str | bool | Number | None"
    line: int


@dataclass(frozen=True, slots=True)
class Number:
    """The digits of a number."""

    digits: str


@dataclass(frozen=True, slots=True)
class Template:
    """A string with sequences in it, or a heredoc, whose text as written is `raw`."""

    parts: "tuple[Expression, ...]"
    line: int
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateIf:
    """`%{ if }`."""

    condition: "Expression"
    then: Template
    otherwise: Template
    line: int


@dataclass(frozen=True, slots=True)
class TemplateFor:
    """`%{ for }`."""

    key: str | None
    value: str
    collection: "Expression"
    body: Template
    line: int


@dataclass(frozen=True, slots=True)
class Name:
    """What an expression begins with: a variable, or the root of a reference."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an object that is written without quotes."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Attr:
    """`.name`."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Index:
    """`[key]`, or `.0`."""

    key: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Splat:
    """`[*]` or `.*` with the steps that are taken from each element."""

    each: "tuple[Step, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Traversal:
    """Steps into what `root` is."""

    root: "Expression"
    steps: "tuple[Step, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`-` or `!`."""

    operator: str
    operand: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Operation:
    """Operators of one precedence, from left to right."""

    first: "Expression"
    rest: "tuple[tuple[str, Expression], ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? then : otherwise`."""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `expand` says that the last argument was followed by `...`."""

    function: str
    arguments: "tuple[Expression, ...]"
    expand: bool
    line: int


@dataclass(frozen=True, slots=True)
class Tuple:
    """`[a, b]`."""

    items: "tuple[Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Object:
    """`{ key = value }`."""

    items: "tuple[tuple[Expression, Expression], ...]"
    line: int


@dataclass(frozen=True, slots=True)
class For:
    """`[for ...]`, or with a `result_key` `{for ...}`."""

    key: str | None
    value: str
    collection: "Expression"
    result_key: "Expression | None"
    result: "Expression"
    grouped: bool
    condition: "Expression | None"
    line: int


Step: TypeAlias = Attr | Index | Splat
Expression: TypeAlias = (
    Literal
    | Template
    | TemplateIf
    | TemplateFor
    | Name
    | Key
    | Traversal
    | Unary
    | Operation
    | Conditional
    | Call
    | Tuple
    | Object
    | For
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`name = value` in a body."""

    name: str
    value: Expression
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """A block; `line` is its header's."""

    type: str
    labels: tuple[str, ...]
    body: "Body"
    line: int


@dataclass(frozen=True, slots=True)
class Body:
    """What a file or a block holds."""

    attributes: dict[str, Attribute]
    blocks: tuple[Block, ...]
    line: int
