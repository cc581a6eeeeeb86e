"""Reads a whole configuration: every instance of a resource, its values as far as known."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nexusctl.configuration import tree
from nexusctl.configuration.blocks import Path, read_block
from nexusctl.configuration.declarations import (
    Declarations,
    Declared,
    Problem,
    declarations,
    resolve,
)
from nexusctl.configuration.evaluate import NO_MODULE, Evaluator, Scope
from nexusctl.configuration.module import META_ARGUMENTS, Copy, Module, World
from nexusctl.configuration.syntax import Malformed, parse
from nexusctl.configuration.values import Failed, Unknown, exported

__all__ = ["Backend", "Configuration", "Instance", "Problem", "read"]

_MAX_INSTANCES = 20_000


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a managed resource, a data source or an ephemeral resource.

    `address` is Terraform's; `declared` is the same without indexes. `line` is the block's header.
    `values` are the arguments by name, each known or `Unknown`, and nested blocks as a list of
    mappings each. What is null is left out, and so are the meta-arguments.
    `lines` and `references` are by path, `("auth", 0, "iam_auth")` for example: the line in `file`,
    and the addresses of what the value rests on, known or not.
    `known` is false when it is not known how many there are, of it or of a module around it: then
    this one stands for all.
    `dynamic_unknown` names the nested blocks whose number is unknown; `values` has one for them.
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
    """All that a root module and the local modules it calls declare."""

    instances: tuple[Instance, ...]
    backend: Backend | None
    outputs: Mapping[str, object]
    problems: tuple[Problem, ...]


def read(files: Mapping[str, str], variables: Mapping[str, object] = {}) -> Configuration:
    """The configuration in `files`, by path from its root, with these variables of the root.

    Whatever cannot be read is in `problems`; nothing is raised.
    """
    return _Reading(files, variables).result()


class _Reading:
    def __init__(self, files: Mapping[str, str], variables: Mapping[str, object]) -> None:
        self.files = {posixpath.normpath(name): text for name, text in files.items()}
        self.modules = declarations(self.files)
        self.evaluator = Evaluator(self.files)
        self.problems: list[Problem] = []
        self.instances: list[Instance] = []
        self.root = Module(
            World(self.evaluator, self.modules, self._resolve),
            self.modules.get(".", Declarations(".")),
            given={**self._tfvars(), **{key: _plain(item) for key, item in variables.items()}},
        )

    def result(self) -> Configuration:
        self._walk(self.root, (".",))
        outputs = {name: exported(self._output(name)) for name in self.root.declarations.outputs}
        found = sorted(self.instances, key=lambda one: (one.file, one.line))
        problems = sorted(set(self.problems), key=lambda one: (one.file, one.line, one.message))
        return Configuration(tuple(found), self._backend(), outputs, tuple(problems))

    def _walk(self, module: Module, around: tuple[str, ...]) -> None:
        """Reads a module and those it calls; `around` are the directories on the way to it."""
        self.problems += module.declarations.problems
        for (mode, kind, name), declared in module.declarations.resources.items():
            copies = module.copies((mode, kind, name), declared)
            for copy in copies.all:
                known = module.known and copies.known
                self._instance(module, declared, (mode, kind, name), copy, known=known)
        for name, declared in module.declarations.calls.items():
            if not self._callable(module, name, declared, around):
                continue
            copies = module.copies(("module", name), declared)
            for copy in copies.all:
                called = module.called(name, declared, copy, known=copies.known)
                if called is not None and len(self.instances) < _MAX_INSTANCES:
                    self._walk(called, (*around, called.declarations.directory))

    def _callable(
        self, module: Module, name: str, declared: Declared, around: tuple[str, ...]
    ) -> bool:
        directory = self._resolve(module.declarations, declared)
        if directory is None:
            message = f"module {name} is not read: its source is no directory among the files"
        elif directory in around:
            message = f"module {name} is not read: it calls itself"
        else:
            return True
        self.problems.append(Problem(declared.file, declared.line, message))
        return False

    def _resolve(self, module: Declarations, declared: Declared) -> str | None:
        source = declared.body.attributes.get("source")
        if source is None or not isinstance(source.value, tree.Literal):
            return None
        return resolve(self.modules, module.directory, str(source.value.value))

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
            )
        )

    def _output(self, name: str) -> object:
        try:
            return self.root.output(name)
        except Failed:
            return Unknown()

    def _backend(self) -> Backend | None:
        for kind, found in self.root.declarations.backends:
            content = read_block(self.evaluator, found.body, self.root.scope, frozenset())
            return Backend(kind, content.values, content.lines, found.file, found.line)
        return None

    def _tfvars(self) -> dict[str, object]:
        """The root's variables, in the order in which Terraform reads their files."""
        given: dict[str, object] = {}
        for file in self._tfvars_files():
            if file.endswith(".json"):
                self.problems.append(Problem(file, 1, "not read: JSON syntax"))
                continue
            try:
                body = parse(self.files[file])
            except Malformed as error:
                self.problems.append(Problem(file, error.line, error.message))
                continue
            for block in body.blocks:
                message = f"not read: a block {block.type} among variables"
                self.problems.append(Problem(file, block.line, message))
            for name, attribute in body.attributes.items():
                given[name], _ = self.evaluator.value(attribute.value, Scope(NO_MODULE))
        return given

    def _tfvars_files(self) -> Iterator[str]:
        root = sorted(name for name in self.files if "/" not in name)
        for ends in (("terraform.tfvars",), ("terraform.tfvars.json",)):
            yield from (name for name in root if name in ends)
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
