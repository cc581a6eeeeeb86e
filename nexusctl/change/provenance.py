"""Which lines of an environment file a change comes from.

A changed argument of a resource is followed back through the modules, as they are written: from its
expression through locals, variables and outputs to the values that were printed into the root.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from itertools import chain

from nexusctl.configuration import tree
from nexusctl.configuration.declarations import Declarations, Declared, declarations, resolve
from nexusctl.environment.environment import Environment
from nexusctl.environment.origin import Origin
from nexusctl.render.rendered import Rendered
from nexusctl.terraform.plan import (
    NAMED_BY_TEXT,
    UNKNOWN,
    Action,
    AttributeChange,
    Plan,
    ResourceChange,
    root_of,
)

_INDEX = re.compile(r"\[(?:\d+|\"((?:[^\"\\]|\\.)*)\")\]")
_ROOT = "."
_TELLING = 4  # characters
# The nodes that were followed already, and whether for what is known.
_Seen = set[tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A value printed into the root: where it came from, its key in HCL, and itself as text."""

    origin: Origin
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A module: what it declares and, unless it is the root, by which call of which module."""

    declared: Declarations
    parent: "_Place | None" = None
    call: tree.Body | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """Where an expression stands: in which module, and in which resource of it.

    What is not known before apply is so because of other resources, never because of a value that
    is printed: without `known` only what those rest on counts.
    """

    place: _Place
    inside: Declared | None = None
    known: bool = True

    def at(self, place: _Place) -> "_Step":
        """The same in another module."""
        return _Step(place, None, self.known)


@dataclass(frozen=True, slots=True)
class Provenance:
    """The environment and the root that a plan was made from."""

    environment: Environment
    rendered: Rendered

    def of(self, plan: Plan) -> "Tracer":
        """What finds the lines behind the changes of one plan."""
        return Tracer(self, plan)


class Tracer:
    """Finds the lines behind the changes of one plan.

    Another resource's computed attribute (`latest_version`) changes because of what changes in
    that resource, which only the plan tells.
    """

    def __init__(self, provenance: Provenance, plan: Plan) -> None:
        self._rendered = provenance.rendered
        self._environment = provenance.environment
        self._changes: dict[str, list[ResourceChange]] = {}
        for change in plan.changes:
            self._changes.setdefault(_INDEX.sub("", change.address), []).append(change)

    def origins(
        self, change: ResourceChange, attributes: Iterable[AttributeChange]
    ) -> tuple[Origin, ...]:
        """The settings behind these attributes of a change, or behind all of it without any.

        None where a module alone is behind it. Something that was taken out of a map is blamed on
        the map.
        """
        place, declared = self._declared(change.address)
        if declared is None:
            return ()
        changed = list(attributes)
        if not changed:
            values = list(self._whole(place, declared, change, set()))
            mine = self._narrowed(values, change, None)
            return self._written(mine) or self._around(values)
        found: dict[Origin, None] = {}
        for attribute in changed:
            values = list(self._argument(place, declared, attribute, set()))
            mine = self._narrowed(values, change, attribute)
            around = self._around(values) if attribute.after is None else ()
            found |= dict.fromkeys(self._written(mine) or around)
        return tuple(found)

    def settings(
        self, change: ResourceChange, attributes: Iterable[AttributeChange]
    ) -> tuple[Origin, ...]:
        """The settings of which each is the whole value that an attribute gets."""
        place, declared = self._declared(change.address)
        if declared is None:
            return ()
        found: dict[Origin, None] = {}
        for attribute in attributes:
            values = self._argument(place, declared, attribute, set())
            whole = [each for each in values if each.text and each.text == _plain(attribute.after)]
            found |= dict.fromkeys(self._written(self._narrowed(whole, change, attribute)))
        return tuple(found)

    def line(self, change: ResourceChange, attributes: Iterable[AttributeChange]) -> str | None:
        """`modules/proxy/main.tf:12`: the first of these attributes, or else the resource."""
        _, declared = self._declared(change.address)
        if declared is None:
            return None
        names = (root_of(attribute.path) for attribute in attributes)
        lines = (line for name in names for line in _lines(declared.body, name))
        return f"{declared.file}:{next(lines, declared.line)}"

    @cached_property
    def _modules(self) -> Mapping[str, Declarations]:
        return declarations(self._rendered.files)

    @cached_property
    def _root(self) -> _Place:
        return _Place(self._modules.get(_ROOT, Declarations(_ROOT)))

    def _called(self, place: _Place, name: str) -> _Place | None:
        call = place.declared.calls.get(name)
        source = call.body.attributes.get("source") if call else None
        if call is None or source is None or not isinstance(source.value, tree.Literal):
            return None
        directory = resolve(self._modules, place.declared.directory, str(source.value.value))
        return _Place(self._modules[directory], place, call.body) if directory else None

    def _declared(self, address: str) -> tuple[_Place, Declared | None]:
        place: _Place | None = self._root
        *modules, kind, name = _INDEX.sub("", address).split(".")
        for module in modules[1::2]:
            place = self._called(place, module) if place else None
        if place is None:
            return self._root, None
        return place, place.declared.resources.get(("managed", kind, name))

    def _whole(
        self, place: _Place, declared: Declared, change: ResourceChange, seen: _Seen
    ) -> Iterator[_Found]:
        """The values that decide that there is such a resource, or that it is replaced."""
        if change.action is Action.REPLACE:
            for block in declared.body.blocks:
                if block.type == "lifecycle" and "replace_triggered_by" in block.body.attributes:
                    trigger = block.body.attributes["replace_triggered_by"].value
                    yield from self._follow(_Step(place, declared, known=False), trigger, seen)
        else:
            for name in ("for_each", "count"):
                if name in declared.body.attributes:
                    value = declared.body.attributes[name].value
                    yield from self._follow(_Step(place, declared), value, seen)

    def _argument(
        self, place: _Place, declared: Declared, attribute: AttributeChange, seen: _Seen
    ) -> Iterator[_Found]:
        """The values behind an attribute: its expression, or that in the blocks of its name."""
        step = _Step(place, declared, known=attribute.after != UNKNOWN)
        name = root_of(attribute.path)
        leaf = re.split(r"[.\]]", attribute.path)[-1]
        if name in declared.body.attributes:
            yield from self._follow(step, declared.body.attributes[name].value, seen)
        elif name == "tags_all" and "tags" in self._root.declared.locals:
            # The provider gives them to every resource: `default_tags` in providers.tf.
            tags = self._root.declared.locals["tags"].value
            yield from self._follow(_Step(self._root), tags, seen)
        for block in declared.body.blocks:
            if name in {block.type, *(block.labels if block.type == "dynamic" else ())}:
                inside = [each for each in _attributes(block.body) if each.name == leaf]
                for each in inside:
                    yield from self._follow(step, each.value, seen)
                if not inside or block.type == "dynamic":
                    yield from self._follow(step, block.body, seen)

    def _follow(self, step: "_Step", node: object, seen: _Seen) -> Iterator[_Found]:
        """The values printed into the root that an expression or a body rests on."""
        if (id(node), step.known) in seen:
            return
        seen.add((id(node), step.known))
        if step.place.parent is None and step.known:
            yield from self._printed(node)
        for names in _references(node):
            yield from self._reference(step, names, seen)

    def _reference(self, step: "_Step", names: tuple[str, ...], seen: _Seen) -> Iterator[_Found]:
        kind, name, *rest = (*names, "")
        place, declared = step.place, step.place.declared
        if kind == "var" and place.parent and place.call and name in place.call.attributes:
            argument = place.call.attributes[name]
            found = self._follow(step.at(place.parent), argument.value, seen)
            yield from self._wanted(found, rest)
            yield from self._emptied(argument)
        elif kind == "local" and name in declared.locals:
            yield from self._wanted(self._follow(step, declared.locals[name].value, seen), rest)
        elif kind == "each" and step.inside:
            each = step.inside.body.attributes.get("for_each")
            yield from self._wanted(self._follow(step, each and each.value, seen), rest)
        elif kind == "module" and (called := self._called(place, name)):
            output = called.declared.outputs.get(rest[0])
            yield from self._follow(step.at(called), output and output.body, seen)
        elif ("managed", kind, name) in declared.resources:
            yield from self._resource(step, (kind, name), rest[0], seen)

    def _resource(
        self, step: "_Step", key: tuple[str, str], name: str, seen: _Seen
    ) -> Iterator[_Found]:
        """What another resource's attribute rests on: its argument or, where AWS computes it, all
        that the plan changes in it."""
        place = step.place
        declared = place.declared.resources["managed", *key]
        written = name in declared.body.attributes
        if written:
            value = declared.body.attributes[name].value
            yield from self._follow(replace(step, inside=declared), value, seen)
        for change in self._changes.get(_address(place) + ".".join(key), ()):
            if not written and change.action is not Action.UPDATE:
                found = list(self._whole(place, declared, change, seen))
                mine = self._narrowed(found, change, None)
                yield from mine or [_Found(each, "", "") for each in self._around(found)]
            for attribute in change.attributes:
                triggers = attribute.path == name and not step.known
                decides = change.action is Action.UPDATE or attribute.path in change.forced_by
                if triggers if written else decides:
                    found = list(self._argument(place, declared, attribute, seen))
                    yield from self._narrowed(found, change, attribute)

    def _printed(self, node: object, key: str = "", index: int | None = None) -> Iterator[_Found]:
        """The values printed into an expression of the root."""
        match node:
            case tree.Object():
                for name, value in node.items:
                    said = name.name if isinstance(name, tree.Key) else ""
                    said = str(name.value) if isinstance(name, tree.Literal) else said
                    yield from self._printed(value, said)
            case tree.Tuple():
                for number, item in enumerate(node.items):
                    yield from self._printed(item, key, number)
            case tree.Literal() | tree.Template():
                origins = self._rendered.origins("main.tf", node.line)
                element = [each for each in origins if each.path[-1] == index]
                for origin in element or origins:
                    yield _Found(origin, key, _text(node))

    def _emptied(self, argument: tree.Attribute) -> Iterator[_Found]:
        """The setting that a map without entries is written from: nothing in it is printed.

        The root calls such a map of a module by the name of its setting (`lambda_clients`).
        """
        empty = isinstance(argument.value, tree.Object) and not argument.value.items
        if empty and isinstance(self._environment.value(argument.name), Mapping | tuple):
            yield _Found(self._environment.origin(argument.name), argument.name, "")

    @staticmethod
    def _wanted(found: Iterable[_Found], steps: list[str]) -> Iterator[_Found]:
        """Those that `.secret_version` and the like lead to, or all where nothing is so named."""
        every, names = list(found), set(filter(None, steps))
        yield from [each for each in every if each.key in names] or every

    @staticmethod
    def _of_key(found: list[_Found], change: ResourceChange) -> list[_Found]:
        """Those of the instance that `["reports"]` names."""
        keys = {key.split("/")[0] for key in _keys(change.address)}
        return [each for each in found if keys & {each.text, each.key, *map(str, each.origin.path)}]

    def _narrowed(
        self, found: list[_Found], change: ResourceChange, attribute: AttributeChange | None
    ) -> list[_Found]:
        """Of all the settings that have a part in a value those that can have changed it."""
        of_instance = self._of_key(found, change)
        if attribute is None:
            return of_instance if _keys(change.address) else found
        found = of_instance or found
        keys = _keys(attribute.path)
        if keys and root_of(attribute.path) not in NAMED_BY_TEXT:
            found = [each for each in found if each.key in keys]
        before, after = _plain(attribute.before), _plain(attribute.after)
        # What stands in the old and the new value alike has not changed it.
        found = [each for each in found if not (_in(each.text, before) and _in(each.text, after))]
        changed = [each for each in found if each.text and not _in(each.text, before)]
        new = [each for each in changed if _in(each.text, after)]
        return new or changed or found

    @staticmethod
    def _written(found: list[_Found]) -> tuple[Origin, ...]:
        """Where they were written, each once; `database` says nothing beside `database.name`."""
        written = [each.origin for each in found if each.origin.location]
        origins = written or [each.origin for each in found]
        around = {each.path[:end] for each in origins for end in range(len(each.path))}
        return tuple(dict.fromkeys(each for each in origins if each.path not in around))

    def _around(self, found: list[_Found]) -> tuple[Origin, ...]:
        """The map or list that these are in: what was taken out of it has no line any more."""
        for path in (each.origin.path for each in found[:1]):
            for end in range(1, len(path) + 1):
                if isinstance(self._environment.value(*path[:end]), Mapping | tuple):
                    return (self._environment.origin(*path[:end]),)
        return ()


def _keys(address: str) -> set[str]:
    """The keys in an address or a path: `main["reports"]`, `parameter["work_mem"].value`."""
    return {key for key in _INDEX.findall(address) if key}


def _in(text: str, value: str) -> bool:
    """Whether a value, or a part of it, is that text. Short ones stand anywhere by chance."""
    return text == value or (len(text) >= _TELLING and text in value)


def decoded(value: str) -> str:
    """A text of several lines, user data say, out of base64; any other one as it is."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return value
    return text if "\n" in text else value


def _plain(value: object) -> str:
    return decoded(value if isinstance(value, str) else json.dumps(value))


def _text(node: tree.Literal | tree.Template) -> str:
    if isinstance(node, tree.Template):
        return ""
    value = node.value
    if isinstance(value, tree.Number):
        return value.digits
    return json.dumps(value) if isinstance(value, bool) else value or ""


def _address(place: _Place) -> str:
    """`module.proxy.`, from the calls around a module."""
    if place.parent is None:
        return ""
    name = next(
        name for name, call in place.parent.declared.calls.items() if call.body is place.call
    )
    return f"{_address(place.parent)}module.{name}."


def _attributes(body: tree.Body) -> Iterator[tree.Attribute]:
    yield from body.attributes.values()
    for block in body.blocks:
        yield from _attributes(block.body)


def _lines(body: tree.Body, name: str) -> Iterator[int]:
    if name in body.attributes:
        yield body.attributes[name].line
    yield from (block.line for block in body.blocks if name in {block.type, *block.labels})


def _references(node: object) -> Iterator[tuple[str, ...]]:
    """The names of every reference in an expression or a body: `("var", "users")`."""
    if isinstance(node, tree.Traversal) and isinstance(node.root, tree.Name):
        steps = chain.from_iterable(
            step.each if isinstance(step, tree.Splat) else (step,) for step in node.steps
        )
        yield (node.root.name, *(step.name for step in steps if isinstance(step, tree.Attr)))
        for step in node.steps:
            yield from _references(step)
    elif isinstance(node, dict):
        for item in node.values():
            yield from _references(item)
    elif isinstance(node, tuple | list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, tree.Name):
        yield (node.name,)
    elif is_dataclass(node):
        for field in fields(node):
            yield from _references(getattr(node, field.name))
