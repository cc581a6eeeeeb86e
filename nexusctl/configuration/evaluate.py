"""Evaluates expressions, as far as what they rest on is known."""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from nexusctl.configuration import tree
from nexusctl.configuration.cells import Cells, Exhausted
from nexusctl.configuration.choices import at, choice, members
from nexusctl.configuration.conversion import (
    as_number,
    chosen,
    exact_number,
    parse_number,
    same,
    to_bool,
    to_number,
    to_text,
)
from nexusctl.configuration.functions import call
from nexusctl.configuration.loops import any_element, elements, keyed, loop_names
from nexusctl.configuration.operators import operate
from nexusctl.configuration.syntax import Malformed, parse_template
from nexusctl.configuration.templates import joined
from nexusctl.configuration.values import (
    Failed,
    Instance,
    Partial,
    Reference,
    Set,
    Undecided,
    Unknown,
    is_known,
    is_number,
    references,
)

# Python's own limit is about 1000 frames, of which an expression in another takes three.
_MAX_DEPTH = 150
_MAX_STEPS = 400_000


class References(Protocol):
    """What a module makes of `var.x`, `local.x`, `aws_x.y` and so on."""

    def resolve(self, root: str, steps: tuple[tree.Step, ...], /) -> tuple[object, int]:
        """The value that a reference begins with, and how many of its steps that took."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: its module, and the names that only it sees.

    `because` is, by name, what those names' values rest on.
    """

    module: References
    names: Mapping[str, object] = field(default_factory=dict)
    because: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def having(self, names: Mapping[str, object], because: frozenset[str] = frozenset()) -> "Scope":
        """The scope with more names."""
        more = dict.fromkeys(names, because) if because else {}
        return Scope(self.module, {**self.names, **names}, {**self.because, **more})


class Evaluator(Cells):
    """Evaluates; remembers what was evaluated before, and what the present value rests on."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__()
        self.files = files
        self._steps = 0
        self._by_type: dict[type, Callable[[Any, Scope], object]] = {
            tree.Literal: self._literal,
            tree.Template: self._template,
            tree.TemplateIf: self._template_if,
            tree.TemplateFor: self._template_for,
            tree.Name: self._name,
            tree.Key: self._key,
            tree.Traversal: self._traversal,
            tree.Unary: self._unary,
            tree.Operation: self._operation,
            tree.Conditional: self._conditional,
            tree.Call: self._call,
            tree.Tuple: self._tuple,
            tree.Object: self._object,
            tree.For: self._for,
        }

    def value(self, expression: tree.Expression, scope: Scope) -> tuple[object, frozenset[str]]:
        """The value of an expression, and what it rests on."""
        outer, self.touched = self.touched, set()
        try:
            found = self.evaluate(expression, scope)
        except (Failed, Undecided, Exhausted):
            found = Unknown(frozenset(self.touched))
        if isinstance(found, Unknown):
            # Of what is unknown it is known more exactly.
            because = found.references or frozenset(self.touched)
        else:
            because = references(found).union(self.touched)
        self.touched = outer | self.touched
        return found, because

    def evaluate(self, expression: tree.Expression, scope: Scope) -> object:
        """The value of an expression.

        Raises:
            Failed: Terraform would certainly refuse.
            Undecided: the value is not known here.
        """
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise Exhausted
        if self.depth > _MAX_DEPTH:
            raise Undecided
        self.depth += 1
        try:
            return self._by_type[type(expression)](expression, scope)
        finally:
            self.depth -= 1

    def settled(self, expression: tree.Expression, scope: Scope) -> object:
        """The value of a part of an expression; unknown when it is not known here."""
        outer, self.touched = self.touched, set()
        try:
            return self.evaluate(expression, scope)
        except Undecided:
            return Unknown(frozenset(self.touched))
        finally:
            self.touched |= outer

    # References.

    def _name(self, expression: tree.Name, scope: Scope) -> object:
        return self._root(expression.name, (), scope)[0]

    def _root(self, root: str, steps: tuple[tree.Step, ...], scope: Scope) -> tuple[object, int]:
        if root in scope.names:
            self.touched |= scope.because.get(root, frozenset())
            return scope.names[root], 0
        return scope.module.resolve(root, steps)

    def _traversal(self, expression: tree.Traversal, scope: Scope) -> object:
        root, steps = expression.root, expression.steps
        if isinstance(root, tree.Name):
            value, taken = self._root(root.name, steps, scope)
            return self._walk(value, steps[taken:], scope)
        return self._walk(self.settled(root, scope), steps, scope)

    def _walk(self, value: object, steps: Iterable[tree.Step], scope: Scope) -> object:
        for step in steps:
            if isinstance(step, tree.Attr):
                value = self.attribute(value, step.name)
            elif isinstance(step, tree.Index):
                value = self._index(value, self.settled(step.key, scope))
            else:
                value = self._splat(value, step, scope)
        return value

    def attribute(self, value: object, name: str) -> object:
        """The attribute of a value."""
        match value:
            case Instance():
                return value.get(name)
            case Reference():
                found = value.attribute(name)
                self.touched |= found.references
                return found
            case Unknown():
                return choice(value.references, at(value, name))
            case dict() if name in value:
                return value[name]
        raise Failed

    def _index(self, value: object, key: object) -> object:
        if isinstance(key, Unknown):
            return choice(references(value, key), members(value))
        match value:
            case Instance() | dict():
                name = to_text(key)
                if isinstance(name, str):
                    return self.attribute(value, name)
            case Reference():
                return value
            case Unknown() if isinstance(key, str):
                return choice(value.references, at(value, key))
            case Unknown():
                return choice(value.references, members(value))
            case Set():
                pass
            case list():
                number = to_number(key)
                if is_number(number) and 0 <= number < len(value) and number == int(number):
                    return value[int(number)]
        raise Failed

    def _splat(self, value: object, step: tree.Splat, scope: Scope) -> object:
        match value:
            case None:
                return []
            case list():
                return [self._walk(item, step.each, scope) for item in value]
            case Unknown() if not isinstance(value, Instance):
                because = references(self._walk(value, step.each, scope))
                return choice(because, self._of_members(value, step, scope))
            case _:
                return [self._walk(value, step.each, scope)]

    def _of_members(self, value: Unknown, step: tree.Splat, scope: Scope) -> Iterator[object]:
        """What the steps of a splat may lead to."""
        for item in (*members(value), *value.options):
            with suppress(Failed):
                yield [self._walk(item, step.each, scope)]

    # Operators.

    def _unary(self, expression: tree.Unary, scope: Scope) -> object:
        value = self.settled(expression.operand, scope)
        if expression.operator == "!":
            found = to_bool(value)
            if isinstance(found, Unknown):
                return found
            return not _present(found)
        number = to_number(value)
        return number if isinstance(number, Unknown) else as_number(-exact_number(_present(number)))

    def _operation(self, expression: tree.Operation, scope: Scope) -> object:
        value = self.settled(expression.first, scope)
        for operator, operand in expression.rest:
            if operator in {"&&", "||"}:
                value = self._logical(operator, value, operand, scope)
                continue
            other = self.settled(operand, scope)
            try:
                value = operate(operator, value, other)
            except Undecided:
                value = Unknown(references(value, other))
        return value

    def _logical(
        self, operator: str, value: object, operand: tree.Expression, scope: Scope
    ) -> object:
        decisive = operator == "||"
        left = to_bool(value)
        try:
            right = to_bool(self.settled(operand, scope))
        except Failed:
            if left is decisive:
                # Newer versions of Terraform do not look at the other side.
                raise Undecided from None
            raise
        if left is None or right is None:
            raise Failed
        if left is decisive or right is decisive:
            return decisive
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return Unknown(references(left, right))
        return not decisive

    def _conditional(self, expression: tree.Conditional, scope: Scope) -> object:
        condition = to_bool(self.settled(expression.condition, scope))
        if isinstance(condition, Unknown):
            return self._either(condition, expression, scope)
        ways = (expression.then, expression.otherwise)
        taken, other = ways if _present(condition) else reversed(ways)
        value = self.evaluate(taken, scope)
        if isinstance(value, str | Unknown | None) or _is_null(other):
            return value
        outer, self.touched = self.touched, set()
        try:
            left_out = self.settled(other, scope)
        except Failed:
            return value
        finally:
            self.touched = outer
        return chosen(value, left_out)

    def _either(self, condition: Unknown, expression: tree.Conditional, scope: Scope) -> object:
        found: list[object] = []
        for way in (expression.then, expression.otherwise):
            try:
                found.append(self.settled(way, scope))
            except Failed:
                found.append(Unknown())
        then, otherwise = found
        if same(then, otherwise) and type(then) is type(otherwise):
            return then
        return choice(references(condition, then, otherwise), found)

    # Constructors.

    def _literal(self, expression: tree.Literal, _scope: Scope) -> object:
        value = expression.value
        return parse_number(value.digits) if isinstance(value, tree.Number) else value

    def _key(self, expression: tree.Key, _scope: Scope) -> object:
        return expression.name

    def _template(self, expression: tree.Template, scope: Scope) -> object:
        parts = expression.parts
        if len(parts) == 1 and not isinstance(parts[0], tree.TemplateIf | tree.TemplateFor):
            return self.settled(parts[0], scope)
        return joined([self.settled(part, scope) for part in parts])

    def _template_if(self, expression: tree.TemplateIf, scope: Scope) -> object:
        condition = to_bool(self.settled(expression.condition, scope))
        then, otherwise = expression.then, expression.otherwise
        if isinstance(condition, Unknown):
            found = [joined([self.settled(way, scope)]) for way in (then, otherwise)]
            return choice(references(condition, *found), found)
        return joined([self.settled(then if _present(condition) else otherwise, scope)])

    def _template_for(self, expression: tree.TemplateFor, scope: Scope) -> object:
        found: list[object] = []
        collection = self.settled(expression.collection, scope)
        items = elements(collection)
        if items is None:
            inner = scope.having(loop_names(expression, *any_element(collection)))
            body = self.settled(expression.body, inner)
            return choice(references(collection, body), (body,))
        for key, item in items:
            found.append(
                self.settled(expression.body, scope.having(loop_names(expression, key, item)))
            )
        return joined(found)

    def _tuple(self, expression: tree.Tuple, scope: Scope) -> object:
        return [self.settled(item, scope) for item in expression.items]

    def _object(self, expression: tree.Object, scope: Scope) -> object:
        pairs = [
            (to_text(self.settled(key, scope)), self.settled(item, scope))
            for key, item in expression.items
        ]
        if any(isinstance(key, Unknown) for key, _ in pairs):
            because = references(*(part for pair in pairs for part in pair))
            named = {key: value for key, value in pairs if isinstance(key, str)}
            named |= {each.text: value for each, value in pairs if isinstance(each, Partial)}
            others = [value for key, value in pairs if not isinstance(key, str | Partial)]
            return choice(because, (named, others))
        return {str(_present(key)): value for key, value in pairs}

    def _for(self, expression: tree.For, scope: Scope) -> object:
        collection = self.settled(expression.collection, scope)
        items = elements(collection)
        if items is None:
            inner = scope.having(loop_names(expression, *any_element(collection)))
            element = self._element(expression, inner)
            return choice(references(collection, *element), ([element[1]],))
        results: list[tuple[object, object]] = []
        for key, item in items:
            inner = scope.having(loop_names(expression, key, item))
            if expression.condition is not None:
                condition = to_bool(self.settled(expression.condition, inner))
                if isinstance(condition, Unknown):
                    every = [scope.having(loop_names(expression, *each)) for each in items]
                    found = [self._element(expression, each) for each in every]
                    because = references(condition, *(part for one in found for part in one))
                    return choice(because, ([value for _, value in found],))
                if not _present(condition):
                    continue
            results.append(self._element(expression, inner))
        if expression.result_key is None:
            return [value for _, value in results]
        return keyed(results, grouped=expression.grouped)

    def _element(self, expression: tree.For, scope: Scope) -> tuple[object, object]:
        key = None
        if expression.result_key is not None:
            key = to_text(self.settled(expression.result_key, scope))
        return key, self.settled(expression.result, scope)

    # Functions.

    def _call(self, expression: tree.Call, scope: Scope) -> object:
        name = expression.function.removeprefix("core::")
        if name in {"try", "can"} and not expression.expand:
            return self._try(expression, scope) if name == "try" else self._can(expression, scope)
        arguments = [self.settled(argument, scope) for argument in expression.arguments]
        if expression.expand:
            last = arguments.pop()
            if not isinstance(last, list):
                return Unknown(references(last, *arguments))
            arguments += last
        if name == "file":
            return self._file(arguments)
        if name == "templatefile":
            return self._template_file(arguments)
        return call(name, arguments)

    def _try(self, expression: tree.Call, scope: Scope) -> object:
        found: list[object] = []
        because: frozenset[str] = frozenset()
        for argument in expression.arguments:
            outer = set(self.touched)
            try:
                value = self.settled(argument, scope)
            except Failed:
                continue
            if not found and is_known(value):
                return value
            # Where something is unknown Terraform may refuse yet, and go on to the next.
            if found:
                self.touched = outer
            else:
                because = references(value)
            found.append(value)
            if is_known(value):
                break
        if not found:
            raise Failed
        return choice(because, found)

    def _can(self, expression: tree.Call, scope: Scope) -> object:
        try:
            value = self.settled(expression.arguments[0], scope)
        except Failed:
            return False
        return True if is_known(value) else Unknown(references(value))

    def _read(self, arguments: list[object]) -> str:
        path = arguments[0] if arguments else None
        if isinstance(path, str) and not path.startswith("/"):
            text = self.files.get(posixpath.normpath(path))
            if text is not None:
                return text
        raise Undecided

    def _file(self, arguments: list[object]) -> object:
        return joined([self._read(arguments)])

    def _template_file(self, arguments: list[object]) -> object:
        if len(arguments) != 2 or not isinstance(arguments[1], dict):  # noqa: PLR2004
            return Unknown(references(*arguments))
        try:
            template = parse_template(self._read(arguments))
        except Malformed:
            raise Undecided from None
        return self._template(template, Scope(NO_MODULE, arguments[1]))


class _NoModule:
    """A template sees its variables only."""

    def resolve(self, _root: str, _steps: tuple[tree.Step, ...], /) -> tuple[object, int]:
        raise Failed


NO_MODULE = _NoModule()


def _present(value: Any) -> Any:
    if value is None:
        raise Failed
    return value


def _is_null(expression: tree.Expression) -> bool:
    return isinstance(expression, tree.Literal) and expression.value is None
