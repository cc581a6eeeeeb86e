"""What the files of each directory declare, and what in them cannot be read."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from nexusctl.configuration import tree
from nexusctl.configuration.json_syntax import parse_json
from nexusctl.configuration.syntax import Malformed, parse

# Block types that declare nothing that others refer to.
_WITHOUT_VALUES = frozenset({"moved", "import", "removed", "check"})
_Key = TypeVar("_Key")
_RESOURCES = {"resource": "managed", "data": "data", "ephemeral": "ephemeral"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was not read, and where."""

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A block at the top of a file.

    `overridden` are the override files that its arguments and nested blocks come from, by name.
    """

    file: str
    line: int
    body: tree.Body
    overridden: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Declarations:
    """What one directory declares. `backends` are of its `terraform` blocks, with their types."""

    directory: str
    variables: dict[str, Declared] = field(default_factory=dict)
    locals: dict[str, tree.Attribute] = field(default_factory=dict)
    outputs: dict[str, Declared] = field(default_factory=dict)
    calls: dict[str, Declared] = field(default_factory=dict)
    resources: dict[tuple[str, str, str], Declared] = field(default_factory=dict)
    providers: list[tuple[str, Declared]] = field(default_factory=list)
    backends: list[tuple[str, Declared]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def declarations(files: Mapping[str, str]) -> dict[str, Declarations]:
    """The declarations of every directory that has files of Terraform in it."""
    found: dict[str, Declarations] = {}
    # Override files come last: they change what the others declare.
    for file in sorted(files, key=lambda name: (_is_override(name), name)):
        if file.endswith((".tf", ".tf.json", ".tofu", ".tofu.json")) and not is_ignored(file):
            directory = posixpath.dirname(file) or "."
            _read(file, files[file], found.setdefault(directory, Declarations(directory)))
    return found


def is_ignored(file: str) -> bool:
    """Whether Terraform takes a file for an editor's and passes over it, whatever its ending.

    What its command line reads by itself, `*.auto.tfvars`, it reads under any name
    (configs.IsIgnoredFile, command.isAutoVarFile).
    """
    name = posixpath.basename(file)
    backup = name.endswith("~") or (name.startswith("#") and name.endswith("#"))
    return name.startswith(".") or backup


def resolve(directories: Mapping[str, Declarations], caller: str, source: str) -> str | None:
    """The directory that a source names, if it is a local one that is among the files."""
    if not source.startswith(("./", "../")):
        return None
    directory = posixpath.normpath(posixpath.join(caller, source))
    return directory if directory in directories else None


def _is_override(file: str) -> bool:
    name = posixpath.basename(file).removesuffix(".json")
    return name == "override.tf" or name.endswith("_override.tf")


def _read(file: str, text: str, into: Declarations) -> None:
    if file.endswith((".tofu", ".tofu.json")):
        into.problems.append(Problem(file, 1, "not read: a file of OpenTofu alone"))
        return
    try:
        body = parse_json(text) if file.endswith(".json") else parse(text)
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
            _locals(file, block, into)
        case "variable" if one is not None:
            _add(into, into.variables, one, declared, f"var.{one}")
        case "output" if one is not None:
            _add(into, into.outputs, one, declared, f"output.{one}")
        case "module" if one is not None:
            _add(into, into.calls, one, declared, f"module.{one}")
        case "resource" | "data" | "ephemeral" if len(block.labels) == 2:  # noqa: PLR2004
            mode = _RESOURCES[block.type]
            key = (mode, block.labels[0], block.labels[1])
            name = ".".join(key[1:] if mode == "managed" else key)
            _add(into, into.resources, key, declared, name)
        case "provider" if one is not None:
            into.providers.append((one, declared))
        case "terraform":
            _backends(file, block, into)
        case kind if kind not in _WITHOUT_VALUES:
            message = f"not read: a block {block.type} with {len(block.labels)} labels"
            into.problems.append(Problem(file, block.line, message))


def _locals(file: str, block: tree.Block, into: Declarations) -> None:
    for name, attribute in block.body.attributes.items():
        where = Problem(file, attribute.line, f"local.{name}")
        if _known_before(file, into, into.locals, name, where):
            into.locals[name] = attribute


def _known_before(
    file: str, into: Declarations, table: Mapping[_Key, object], key: _Key, where: Problem
) -> bool:
    """Whether a name is new where it has to be, and is there where it is overridden."""
    fits = (key in table) is _is_override(file)
    if not fits:
        what = "overrides nothing" if _is_override(file) else "is declared twice"
        into.problems.append(Problem(where.file, where.line, f"{where.message} {what}"))
    return fits


def _add(
    into: Declarations, table: dict[_Key, Declared], key: _Key, declared: Declared, name: str
) -> None:
    where = Problem(declared.file, declared.line, name)
    if _known_before(declared.file, into, table, key, where):
        base = table.get(key)
        table[key] = _merged(base, declared, into) if base else declared


def _merged(base: Declared, override: Declared, into: Declarations) -> Declared:
    """As Terraform merges: argument by argument, and all nested blocks of a type at once.

    https://developer.hashicorp.com/terraform/language/files/override
    """
    attributes = {**base.body.attributes, **override.body.attributes}
    # A lifecycle block is merged by its arguments: what either ignores counts.
    replaced = {_made(block) for block in override.body.blocks} - {"lifecycle"}
    kept = [block for block in base.body.blocks if _made(block) not in replaced]
    blocks = (*kept, *override.body.blocks)
    if {"count", "for_each"} <= attributes.keys():
        message = "it has both count and for_each once it is overridden"
        into.problems.append(Problem(override.file, override.line, message))
    for name in sorted(attributes.keys() & set(map(_made, blocks))):
        message = f"not read: {name} is an argument in one file and a block in another"
        into.problems.append(Problem(override.file, override.line, message))
    changed = dict.fromkeys((*override.body.attributes, *replaced), override.file)
    body = tree.Body(attributes, blocks, base.body.line)
    return Declared(base.file, base.line, body, {**base.overridden, **changed})


def _made(block: tree.Block) -> str:
    """The type of the blocks that a nested block is, or that a `dynamic` one makes."""
    return block.labels[0] if block.type == "dynamic" and block.labels else block.type


def _backends(file: str, block: tree.Block, into: Declarations) -> None:
    for inner in block.body.blocks:
        if inner.type == "backend" and len(inner.labels) == 1:
            kind = inner.labels[0]
        elif inner.type == "cloud":
            kind = "cloud"
        else:
            continue
        if _is_override(file):
            into.backends.clear()
        elif into.backends:
            into.problems.append(Problem(file, inner.line, "a second backend"))
        into.backends.append((kind, Declared(file, inner.line, inner.body)))
