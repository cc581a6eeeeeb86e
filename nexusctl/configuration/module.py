"""Modules while they are evaluated: variables, locals, outputs, resources, calls of others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from nexusctl.configuration import tree
from nexusctl.configuration.blocks import read_block
from nexusctl.configuration.choices import choice, members
from nexusctl.configuration.declarations import Declarations, Declared
from nexusctl.configuration.evaluate import NO_MODULE, Evaluator, Scope
from nexusctl.configuration.loops import elements
from nexusctl.configuration.policy_document import TYPE as POLICY_DOCUMENT
from nexusctl.configuration.policy_document import policy_document
from nexusctl.configuration.types import ANY, Type, convert, defaults, read_type
from nexusctl.configuration.values import (
    Failed,
    Instance,
    Json,
    Partial,
    Reference,
    Set,
    Undecided,
    Unknown,
    is_number,
    reference,
    references,
    resting_on,
)

# More of one resource is no configuration but an attack, or a mistake.
MAX_INSTANCES = 2000
META_ARGUMENTS = frozenset(
    {"count", "for_each", "depends_on", "provider", "lifecycle", "connection", "provisioner"}
)
_MODES = {"data": "data", "ephemeral": "ephemeral"}
_DOCUMENTS = frozenset({"json", "minified_json"})


@dataclass(frozen=True, slots=True)
class Copy:
    """One instance of a resource or of a module call: its key, and the scope it is read in."""

    key: str | int | None
    scope: Scope

    @property
    def index(self) -> str:
        """The key as it is in an address."""
        if self.key is None:
            return ""
        return f"[{self.key}]" if isinstance(self.key, int) else f"[{_quoted(self.key)}]"


@dataclass(frozen=True, slots=True)
class Copies:
    """All instances. Unless `known` there is one that stands for all. `repeated` is as written."""

    all: tuple[Copy, ...]
    known: bool = True
    repeated: str | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What all modules share: who evaluates, every directory's declarations, and `resolve`.

    That gives the directory of what a module calls by a name, None when it is not at hand.
    """

    evaluator: Evaluator
    modules: Mapping[str, Declarations]
    resolve: Callable[["Module", str, Declared], str | None]


@dataclass(frozen=True, eq=False, slots=True)
class Module:
    """One instance of a module.

    `address` and `declared` are empty, or end with a dot; `declared` has no indexes. `given` is
    what its variables are set to: values for the root, for others expressions of the caller.
    """

    world: World
    declarations: Declarations
    address: str = ""
    declared: str = ""
    known: bool = True
    given: Mapping[str, object] = field(default_factory=dict)
    arguments: Mapping[str, tree.Attribute] = field(default_factory=dict)
    caller: Scope | None = None

    @property
    def scope(self) -> Scope:
        """Where its expressions stand."""
        return Scope(self)

    def resolve(self, root: str, steps: tuple[tree.Step, ...]) -> tuple[object, int]:
        """The value that a reference begins with, and how many of its steps that took."""
        names = []
        for step in steps[:2]:
            if not isinstance(step, tree.Attr):
                break
            names.append(step.name)
        if root in {"each", "count", "self"}:
            return Unknown(), 0
        if not names:
            raise Failed
        if root in _MODES and len(names) > 1:
            return self.resource(root, names[0], names[1]), 2
        found = {"var": self.variable, "local": self.local, "module": self.call}.get(root)
        if found is not None:
            return found(names[0]), 1
        if root == "path":
            return {"module": self.declarations.directory, "root": "."}.get(names[0], Unknown()), 1
        if root == "terraform" or root in _MODES:
            return Unknown(), len(names)
        return self.resource("managed", root, names[0]), 1

    def _cell(self, key: tuple[object, ...], compute: Callable[[], object]) -> object:
        return self.world.evaluator.cell((self.address, self.known, *key), compute)

    # Variables, locals and outputs.

    def variable(self, name: str) -> object:
        """The value of a variable."""
        return self._cell(("var", name), partial(self._variable, name))

    def _variable(self, name: str) -> object:
        unset = Unknown(frozenset((f"{self.declared}var.{name}",)))
        found = self.declarations.variables.get(name)
        if found is None:
            raise Failed
        attributes, kind, value = found.body.attributes, ANY, None
        if "type" in attributes:
            kind = read_type(attributes["type"].value, self._constant)
            unset = choice(unset.references, (defaults(kind),))
        if name in self.arguments and self.caller is not None:
            value = self.world.evaluator.evaluate(self.arguments[name].value, self.caller)
        elif name in self.given:
            value = self.given[name]
        else:
            return self._default(attributes, kind, unset)
        if value is None and self._is_false(attributes.get("nullable")):
            return self._default(attributes, kind, unset)
        return self._converted(value, kind)

    def _converted(self, value: object, kind: Type) -> object:
        try:
            found = convert(value, kind)
        except (Failed, Undecided):
            found = choice(references(value), (value,))
        if type(found) is Unknown:
            return choice(found.references, (*found.options, defaults(kind)))
        return found

    def _default(
        self, attributes: Mapping[str, tree.Attribute], kind: Type, unset: Unknown
    ) -> object:
        if "default" not in attributes:
            self.world.evaluator.touched |= unset.references
            return unset
        return self._converted(self._constant(attributes["default"].value), kind)

    def _is_false(self, attribute: tree.Attribute | None) -> bool:
        return attribute is not None and self._constant(attribute.value) is False

    def _constant(self, expression: tree.Expression) -> object:
        return self.world.evaluator.evaluate(expression, Scope(NO_MODULE))

    def local(self, name: str) -> object:
        """The value of a local."""
        found = self.declarations.locals.get(name)
        if found is None:
            raise Failed
        return self._cell(
            ("local", name),
            lambda: self.world.evaluator.evaluate(found.value, self.scope),
        )

    def output(self, name: str) -> object:
        """The value of an output."""
        found = self.declarations.outputs.get(name)
        if found is None or "value" not in found.body.attributes:
            raise Failed
        value = found.body.attributes["value"].value
        return self._cell(
            ("output", name), lambda: self.world.evaluator.evaluate(value, self.scope)
        )

    # Resources.

    def resource(self, mode: str, kind: str, name: str) -> object:
        """A resource: an Instance, several in a list or dict, or what stands for it."""
        key = (mode, kind, name)
        found = self.declarations.resources.get(key)
        prefix = "" if mode == "managed" else f"{mode}."
        every = f"{self.address}{prefix}{kind}.{name}"
        if found is None:
            return reference(every)

        def instance(copy: Copy) -> Instance:
            address = f"{every}{copy.index}"
            get = partial(self._attribute, found, key, address, copy)
            return Instance(frozenset((address,)), get)

        return self._shaped(self.copies(key, found), instance, every)

    def _attribute(
        self, found: Declared, key: tuple[str, str, str], one: str, copy: Copy, name: str
    ) -> object:
        mode, kind, _ = key
        address = f"{one}.{name}"
        compute: Callable[[], object]
        if mode == "data" and kind == POLICY_DOCUMENT and name in _DOCUMENTS:
            compute = partial(self._document, found, address, copy, name)
        else:
            attribute = found.body.attributes.get(name) if mode == "managed" else None
            if name in META_ARGUMENTS:
                attribute = None
            compute = partial(self._configured, attribute, address, copy)
        return self._cell(("attribute", address), compute)

    def _document(self, found: Declared, address: str, copy: Copy, name: str) -> object:
        evaluator = self.world.evaluator
        evaluator.touched.add(address)
        content = read_block(evaluator, found.body, copy.scope, META_ARGUMENTS)
        document = policy_document(content, minified=name == "minified_json")
        return resting_on(document, (address,)) if isinstance(document, Unknown) else document

    def _configured(self, attribute: tree.Attribute | None, address: str, copy: Copy) -> object:
        evaluator = self.world.evaluator
        evaluator.touched.add(address)
        if attribute is None:
            return reference(address)
        value, because = evaluator.value(attribute.value, copy.scope)
        if value is None:
            return reference(address)
        if isinstance(value, Partial | Json):
            return resting_on(value, (address,))
        if isinstance(value, Unknown):
            return choice(because.union((address,)), value.options)
        return value

    def copies(self, key: tuple[object, ...], found: Declared) -> Copies:
        """The instances of a resource or of a module call."""
        copies = self._cell(("copies", *key), lambda: self._copies(found))
        return copies if isinstance(copies, Copies) else self._unknown_copies(found, frozenset())

    def _copies(self, found: Declared) -> object:
        evaluator, attributes = self.world.evaluator, found.body.attributes
        if "for_each" in attributes:
            value, because = evaluator.value(attributes["for_each"].value, self.scope)
            keys = _keys_of(value)
            if keys is None:
                return self._unknown_copies(found, because | references(value), value)
            return Copies(
                tuple(
                    Copy(key, self.scope.having({"each": {"key": key, "value": item}}, because))
                    for key, item in keys
                ),
                repeated="for_each",
            )
        if "count" in attributes:
            value, because = evaluator.value(attributes["count"].value, self.scope)
            number = _whole(value)
            if number is None:
                return self._unknown_copies(found, because | references(value))
            return Copies(
                tuple(
                    Copy(index, self.scope.having({"count": {"index": index}}, because))
                    for index in range(number)
                ),
                repeated="count",
            )
        return Copies((Copy(None, self.scope),))

    def _unknown_copies(
        self, found: Declared, because: frozenset[str], value: object = None
    ) -> Copies:
        unknown = Unknown(because)
        anyone = value if isinstance(value, Reference) else choice(because, members(value))
        each = {"key": unknown, "value": anyone}
        scope = self.scope.having({"each": each, "count": {"index": unknown}}, because)
        repeated = "count" if "count" in found.body.attributes else "for_each"
        return Copies((Copy(None, scope),), known=False, repeated=repeated)

    @staticmethod
    def _shaped(copies: Copies, instance: Callable[[Copy], Instance], every: str) -> object:
        if not copies.known:
            return reference(every)
        if copies.repeated == "count":
            return [instance(copy) for copy in copies.all]
        if copies.repeated == "for_each":
            return {str(copy.key): instance(copy) for copy in copies.all}
        return instance(copies.all[0])

    # Calls of modules.

    def call(self, name: str) -> object:
        """A call of a module: like a resource, and its outputs are the attributes."""
        found = self.declarations.calls.get(name)
        every = f"{self.address}module.{name}"
        if found is None or self.world.resolve(self, name, found) is None:
            return reference(every)

        def instance(copy: Copy) -> Instance:
            module = self.called(name, found, copy)
            get = module.output if module else reference
            return Instance(frozenset((f"{every}{copy.index}",)), get)

        copies = self.copies(("module", name), found)
        if copies.known:
            return self._shaped(copies, instance, every)
        # One stands for all, so its outputs tell at least what they may be.
        return choice(frozenset((every,)), ([instance(copies.all[0])],))

    def called(
        self, name: str, found: Declared, copy: Copy, *, known: bool = True
    ) -> "Module | None":
        """The module that one instance of a call makes; None when it cannot be read."""
        directory = self.world.resolve(self, name, found)
        if directory is None:
            return None
        return Module(
            self.world,
            self.world.modules[directory],
            f"{self.address}module.{name}{copy.index}.",
            f"{self.declared}module.{name}.",
            self.known and known,
            arguments=found.body.attributes,
            caller=copy.scope,
        )


def _keys_of(value: object) -> list[tuple[str, object]] | None:
    """The keys and values of a for_each; None when they are not known, or it cannot be one."""
    if not isinstance(value, dict | Set) or len(value) > MAX_INSTANCES:
        return None
    found = [(key, item) for key, item in elements(value) or [] if isinstance(key, str)]
    return found if len(found) == len(value) else None


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        value = int(value) if len(value) < len(str(MAX_INSTANCES)) + 1 else None
    if not is_number(value) or value != int(value) or not 0 <= value <= MAX_INSTANCES:
        return None
    return int(value)


def _quoted(key: str) -> str:
    """As Terraform quotes the key of an instance."""
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    text = ""
    for position, character in enumerate(key):
        if character in short:
            text += short[character]
        elif character in "$%" and key[position + 1 : position + 2] == "{":
            text += character * 2
        elif character.isprintable():
            text += character
        else:
            code = ord(character)
            text += f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
    return f'"{text}"'
