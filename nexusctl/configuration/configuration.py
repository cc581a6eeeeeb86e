"""Reads a whole configuration: every instance of a resource, its values as far as known."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nexusctl.configuration import tree
from nexusctl.configuration.blocks import Path, read_block
from nexusctl.configuration.choices import choice
from nexusctl.configuration.declarations import (
    Declarations,
    Declared,
    Problem,
    declarations,
)
from nexusctl.configuration.evaluate import NO_MODULE, Evaluator, Scope
from nexusctl.configuration.json_syntax import parse_json_variables
from nexusctl.configuration.module import META_ARGUMENTS, Copy, Module, World
from nexusctl.configuration.sources import NotHere, Sources
from nexusctl.configuration.syntax import Malformed, parse
from nexusctl.configuration.values import Failed, Unknown, exported

__all__ = ["Backend", "Block", "Configuration", "Instance", "Problem", "read"]

_MAX_INSTANCES = 20_000
_VARIABLES = (".tfvars", ".tfvars.json")
# Blocks of a resource that are no part of it.
_BESIDE = frozenset({"provisioner", "connection"})
# What a call of a module has beside the values for its variables.
_NO_ARGUMENTS = (META_ARGUMENTS - _BESIDE) | {"source", "version", "providers", "alias"}


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a managed resource, a data source or an ephemeral resource.

    `address` is Terraform's; `declared` is the same without indexes. `line` is the block's header.
    `values` are the arguments by name, each known or `Unknown`, and nested blocks as a list of
    mappings each. What is null is left out, and so are the meta-arguments.
    `lines` and `references` are by path, `("auth", 0, "iam_auth")` for example: the line in `file`,
    and the addresses of what the value rests on, known or not. `overridden` are the override files
    whose lines those are instead, by the name of the argument or nested block.
    `known` is false when it is not known how many there are, of it or of a module around it: then
    this one stands for all.
    `dynamic_unknown` names the nested blocks whose number is unknown; `values` has one for them.
    `ignored` are the arguments and blocks that a live resource keeps as it has them, by
    `ignore_changes`; `all` stands for every one.
    """

    mode: str
    type: str
    address: str
    declared: str
    file: str
    line: int
    values: Mapping[str, object]
    lines: Mapping[Path, int]
    references: Mapping[Path, frozenset[str]]
    known: bool
    dynamic_unknown: frozenset[str]
    overridden: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Block:
    """What is no resource, but is given values.

    A provider, a call of a module, an output, or the provisioners and connection of a resource,
    whose address it has. `sensitive` are the names of values that are declared as sensitive.
    """

    address: str
    file: str
    line: int
    values: Mapping[str, object]
    lines: Mapping[Path, int]
    sensitive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Backend:
    """Where the state is kept: the backend of the root, or `cloud`."""

    type: str
    values: Mapping[str, object]
    lines: Mapping[Path, int]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that a root module and the modules it calls declare.

    `open_variables` are the root's variables that a file sets of which nobody said whether
    Terraform is given it, by that file: what they hold is unknown.
    """

    instances: tuple[Instance, ...]
    backend: Backend | None
    outputs: Mapping[str, object]
    problems: tuple[Problem, ...]
    open_variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()


def read(
    files: Mapping[str, str],
    variables: Mapping[str, object] = {},
    var_files: Sequence[str] = (),
) -> Configuration:
    """The configuration in `files`, by path from its root, with these variables of the root.

    `var_files` are those of `files` that Terraform is given by -var-file, in that order. Without
    any, what the root's further *.tfvars set is unknown, since it may be given one of them.
    Whatever cannot be read is in `problems`; nothing is raised.
    """
    return _Reading(files, variables, var_files).result()


class _Reading:
    def __init__(
        self,
        files: Mapping[str, str],
        variables: Mapping[str, object],
        var_files: Sequence[str],
    ) -> None:
        self.files = {posixpath.normpath(name): text for name, text in files.items()}
        self.modules = declarations(self.files)
        self.sources = Sources(self.files, self.modules)
        self.evaluator = Evaluator(self.files)
        self.problems: list[Problem] = [*self.sources.problems]
        self.instances: list[Instance] = []
        self.blocks: list[Block] = []
        declared = self.modules.get(".", Declarations("."))
        self.open_variables = {} if var_files else self._open_variables(declared)
        self.root = Module(
            World(self.evaluator, self.modules, self._resolve),
            declared,
            given={
                **self._tfvars(*_automatic(self.files)),
                **self._open(declared),
                **self._tfvars(*map(posixpath.normpath, var_files)),
                **{key: _plain(item) for key, item in variables.items()},
            },
        )

    def result(self) -> Configuration:
        self._walk(self.root, (".",))
        names = self.root.declarations.outputs
        outputs = {name: exported(_output(self.root, name)) for name in names}
        found = sorted(self.instances, key=lambda one: (one.file, one.line))
        problems = sorted(set(self.problems), key=lambda one: (one.file, one.line, one.message))
        return Configuration(
            tuple(found),
            self._backend(),
            outputs,
            tuple(problems),
            self.open_variables,
            tuple(self.blocks),
        )

    def _walk(self, module: Module, around: tuple[str, ...]) -> None:
        """Reads a module and those it calls; `around` are the directories on the way to it."""
        self.problems += module.declarations.problems
        for (mode, kind, name), declared in module.declarations.resources.items():
            copies = module.copies((mode, kind, name), declared)
            for copy in copies.all:
                known = module.known and copies.known
                self._instance(module, declared, (mode, kind, name), copy, known=known)
        self._blocks(module)
        for name, declared in module.declarations.calls.items():
            if not self._callable(module, name, declared, around):
                continue
            copies = module.copies(("module", name), declared)
            for copy in copies.all:
                called = module.called(name, declared, copy, known=copies.known)
                if called is not None and len(self.instances) < _MAX_INSTANCES:
                    self._walk(called, (*around, called.declarations.directory))

    def _blocks(self, module: Module) -> None:
        """What is given values in a module beside its resources."""
        for name, declared in module.declarations.providers:
            self._block(f"{module.address}provider.{name}", declared, module.scope)
        for name, declared in module.declarations.outputs.items():
            file, line = declared.file, declared.line
            values = {name: exported(_output(module, name))}
            sensitive = frozenset({name} if _is_sensitive(declared) else ())
            address = f"{module.address}output.{name}"
            self.blocks.append(Block(address, file, line, values, {}, sensitive))
        for name, declared in module.declarations.calls.items():
            called = self.modules.get(self._resolve(module, name, declared) or "")
            variables = called.variables if called else {}
            sensitive = frozenset(each for each in variables if _is_sensitive(variables[each]))
            for copy in module.copies(("module", name), declared).all:
                address = f"{module.address}module.{name}"
                self._block(address, declared, copy.scope, sensitive)

    def _block(
        self,
        address: str,
        declared: Declared,
        scope: Scope,
        sensitive: frozenset[str] = frozenset(),
    ) -> None:
        content = read_block(self.evaluator, declared.body, scope, _NO_ARGUMENTS)
        file, line = declared.file, declared.line
        self.blocks.append(Block(address, file, line, content.values, content.lines, sensitive))

    def _callable(
        self, module: Module, name: str, declared: Declared, around: tuple[str, ...]
    ) -> bool:
        try:
            directory = self._find(module, name, declared)
        except NotHere as error:
            message = f"module {name} is not read: {error}"
        else:
            if directory not in around:
                return True
            message = f"module {name} is not read: it calls itself"
        self.problems.append(Problem(declared.file, declared.line, message))
        return False

    def _find(self, module: Module, name: str, declared: Declared) -> str:
        names = [each for each in module.declared.split(".") if each][1::2]
        return self.sources.find(".".join((*names, name)), module.declarations.directory, declared)

    def _resolve(self, module: Module, name: str, declared: Declared) -> str | None:
        try:
            return self._find(module, name, declared)
        except NotHere:
            return None

    def _instance(
        self,
        module: Module,
        declared: Declared,
        key: tuple[str, str, str],
        copy: Copy,
        *,
        known: bool,
    ) -> None:
        if len(self.instances) >= _MAX_INSTANCES:
            message = f"there are more than {_MAX_INSTANCES} instances"
            self.problems.append(Problem(declared.file, declared.line, message))
            return
        mode, kind, name = key
        address = f"{kind}.{name}" if mode == "managed" else f"{mode}.{kind}.{name}"
        content = read_block(self.evaluator, declared.body, copy.scope, META_ARGUMENTS)
        self.instances.append(
            Instance(
                mode,
                kind,
                f"{module.address}{address}{copy.index}",
                f"{module.declared}{address}",
                declared.file,
                declared.line,
                content.values,
                content.lines,
                content.references,
                known,
                frozenset(content.unknown_blocks),
                declared.overridden,
                frozenset(_ignored(declared)),
            )
        )
        beside = [each for each in declared.body.blocks if each.type in _BESIDE]
        if beside:
            body = tree.Body({}, tuple(beside), declared.line)
            self._block(self.instances[-1].address, replace(declared, body=body), copy.scope)

    def _backend(self) -> Backend | None:
        for kind, found in self.root.declarations.backends:
            content = read_block(self.evaluator, found.body, self.root.scope, frozenset())
            return Backend(kind, content.values, content.lines, found.file, found.line)
        return None

    def _tfvars(self, *files: str) -> dict[str, object]:
        """What these files set, the later ones over the earlier."""
        given: dict[str, object] = {}
        for file in files:
            for name, attribute in self._set_in(file).items():
                given[name], _ = self.evaluator.value(attribute.value, Scope(NO_MODULE))
        return given

    def _set_in(self, file: str) -> Mapping[str, tree.Attribute]:
        text = self.files[file]
        try:
            body = parse_json_variables(text) if file.endswith(".json") else parse(text)
        except Malformed as error:
            self.problems.append(Problem(file, error.line, error.message))
            return {}
        for block in body.blocks:
            message = f"not read: a block {block.type} among variables"
            self.problems.append(Problem(file, block.line, message))
        return body.attributes

    def _open(self, declared: Declarations) -> dict[str, object]:
        """The variables that are open, with what they may hold."""
        found: dict[str, list[object]] = {}
        for file, names in self.open_variables.items():
            values = self._tfvars(file)
            for name in names:
                default = declared.variables[name].body.attributes.get("default")
                options = found.setdefault(name, [])
                if default and not options:
                    options.append(self.evaluator.value(default.value, Scope(NO_MODULE))[0])
                options.append(values[name])
        return {name: choice(frozenset((f"var.{name}",)), found[name]) for name in found}

    def _open_variables(self, declared: Declarations) -> dict[str, tuple[str, ...]]:
        automatic = set(_automatic(self.files))
        found = {
            file: tuple(name for name in self._set_in(file) if name in declared.variables)
            for file in sorted(self.files)
            if "/" not in file and file.endswith(_VARIABLES) and file not in automatic
        }
        return {file: names for file, names in found.items() if names}


def _output(module: Module, name: str) -> object:
    try:
        return module.output(name)
    except Failed:
        return Unknown()


def _ignored(declared: Declared) -> Iterator[str]:
    """The names in `ignore_changes`: of a part of an argument, that argument's."""
    for block in declared.body.blocks:
        attribute = block.body.attributes.get("ignore_changes")
        if block.type != "lifecycle" or attribute is None:
            continue
        value = attribute.value
        for each in value.items if isinstance(value, tree.Tuple) else (value,):
            first = each.root if isinstance(each, tree.Traversal) else each
            if isinstance(first, tree.Name):
                yield first.name
            elif isinstance(first, tree.Literal):
                # JSON syntax has the same as a text; so has Terraform 0.11.
                yield re.split(r"[.\[]", str(first.value))[0]


def _is_sensitive(declared: Declared) -> bool:
    attribute = declared.body.attributes.get("sensitive")
    return bool(attribute and getattr(attribute.value, "value", None) is True)


def _automatic(files: Mapping[str, str]) -> Iterator[str]:
    """The files of variables that Terraform reads by itself, in its order."""
    root = sorted(name for name in files if "/" not in name)
    for ends in ("terraform.tfvars", "terraform.tfvars.json"):
        yield from (name for name in root if name == ends)
    yield from (name for name in root if name.endswith((".auto.tfvars", ".auto.tfvars.json")))


def _plain(value: object) -> object:
    """A caller's value as values are here."""
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case set() | frozenset():
            return [_plain(item) for item in sorted(value)]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
