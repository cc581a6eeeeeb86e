"""What the files of each directory declare, and what in them cannot be read."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from nexusctl.configuration import tree
from nexusctl.configuration.syntax import Malformed, parse

# Block types that declare nothing whose value is read here.
_WITHOUT_VALUES = frozenset({"provider", "moved", "import", "removed", "check", "terraform"})
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_RESOURCES = {"resource": "managed", "data": "data", "ephemeral": "ephemeral"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was not read, and where."""

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A block at the top of a file."""

    file: str
    line: int
    body: tree.Body


@dataclass(slots=True)
class Declarations:
    """What one directory declares. `backends` are of its `terraform` blocks, with their types."""

    directory: str
    variables: dict[str, Declared] = field(default_factory=dict)
    locals: dict[str, tree.Attribute] = field(default_factory=dict)
    outputs: dict[str, Declared] = field(default_factory=dict)
    calls: dict[str, Declared] = field(default_factory=dict)
    resources: dict[tuple[str, str, str], Declared] = field(default_factory=dict)
    backends: list[tuple[str, Declared]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def declarations(files: Mapping[str, str]) -> dict[str, Declarations]:
    """The declarations of every directory that has files of Terraform in it."""
    found: dict[str, Declarations] = {}
    for file in sorted(files):
        if file.endswith((".tf", ".tf.json", ".tofu", ".tofu.json")):
            directory = posixpath.dirname(file) or "."
            _read(file, files[file], found.setdefault(directory, Declarations(directory)))
    return found


def resolve(directories: Mapping[str, Declarations], caller: str, source: str) -> str | None:
    """The directory that a source names, if it is a local one that is among the files."""
    if not source.startswith(("./", "../")):
        return None
    directory = posixpath.normpath(posixpath.join(caller, source))
    return directory if directory in directories else None


def _read(file: str, text: str, into: Declarations) -> None:
    base = posixpath.basename(file)
    if not base.endswith(".tf"):
        what = "JSON syntax" if base.endswith(".json") else "a file of OpenTofu alone"
        into.problems.append(Problem(file, 1, f"not read: {what}"))
        return
    if base == "override.tf" or base.endswith("_override.tf"):
        into.problems.append(Problem(file, 1, "not read: an override file"))
        return
    try:
        body = parse(text)
    except Malformed as error:
        into.problems.append(Problem(file, error.line, error.message))
        return
    for attribute in body.attributes.values():
        message = f"not read: the argument {attribute.name} outside of a block"
        into.problems.append(Problem(file, attribute.line, message))
    for block in body.blocks:
        _declare(file, block, into)


def _declare(file: str, block: tree.Block, into: Declarations) -> None:
    declared = Declared(file, block.line, block.body)
    one: str | None = block.labels[0] if len(block.labels) == 1 else None
    match block.type:
        case "locals" if not block.labels:
            for name, attribute in block.body.attributes.items():
                _add(
                    into,
                    into.locals,
                    name,
                    attribute,
                    Problem(file, attribute.line, f"local.{name}"),
                )
        case "variable" if one is not None:
            _add(into, into.variables, one, declared, Problem(file, block.line, f"var.{one}"))
        case "output" if one is not None:
            _add(into, into.outputs, one, declared, Problem(file, block.line, f"output.{one}"))
        case "module" if one is not None:
            _add(into, into.calls, one, declared, Problem(file, block.line, f"module.{one}"))
        case "resource" | "data" | "ephemeral" if len(block.labels) == 2:  # noqa: PLR2004
            mode = _RESOURCES[block.type]
            key = (mode, block.labels[0], block.labels[1])
            name = ".".join(key[1:] if mode == "managed" else key)
            _add(into, into.resources, key, declared, Problem(file, block.line, name))
        case kind if kind in _WITHOUT_VALUES:
            if kind == "terraform":
                _backends(file, block, into)
        case _:
            message = f"not read: a block {block.type} with {len(block.labels)} labels"
            into.problems.append(Problem(file, block.line, message))


def _add(
    into: Declarations, table: dict[_Key, _Value], key: _Key, value: _Value, where: Problem
) -> None:
    if key in table:
        message = f"{where.message} is declared twice"
        into.problems.append(Problem(where.file, where.line, message))
    else:
        table[key] = value


def _backends(file: str, block: tree.Block, into: Declarations) -> None:
    for inner in block.body.blocks:
        if inner.type == "backend" and len(inner.labels) == 1:
            kind = inner.labels[0]
        elif inner.type == "cloud":
            kind = "cloud"
        else:
            continue
        if into.backends:
            into.problems.append(Problem(file, inner.line, "a second backend"))
        into.backends.append((kind, Declared(file, inner.line, inner.body)))
