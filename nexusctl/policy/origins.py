"""What an expression in the JSON of a plan is made of; a plan tells of references and constants."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nexusctl.policy.literals import NOT_GENERATED, Literal, literals_in
from nexusctl.policy.planned import Module, without_indexes

_CALL = object()
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Origins:
    """What the expressions in the configuration of a plan come from."""

    plan: Mapping[str, Any]

    def literals(
        self,
        module: Module,
        expression: Mapping[str, Any],
        path: str,
        *,
        each: Mapping[str, Any] = {},
        sensitive: bool = False,
    ) -> Iterator[Literal]:
        """The passwords among the literals that an expression is made of, if of nothing else.

        `each` is the expression of the for_each around it.
        """
        found = self._of(module, expression, each, 0)
        if sensitive and found and all(value is _CALL for value in found):
            yield Literal(path, None, NOT_GENERATED)
        for value in found or ():
            if value is not _CALL:
                yield from literals_in(value, (path,), sensitive=sensitive)

    def _of(
        self, module: Module, expression: Mapping[str, Any], each: Mapping[str, Any], depth: int
    ) -> list[object] | None:
        """The values; `_CALL` for a call on nothing but literals, None for anything else."""
        if "constant_value" in expression:
            return [expression["constant_value"]]
        references = expression.get("references") or []
        if not references:
            return [_CALL]
        found: list[object] = []
        for reference in references:
            # `var.a.b` comes with `var.a`.
            if any(other.startswith((f"{reference}.", f"{reference}[")) for other in references):
                continue
            values = self._of_reference(module, reference, each, depth + 1)
            if values is None or depth > _DEEPEST:
                return None
            found += values
        return found

    def _of_reference(
        self, module: Module, reference: str, each: Mapping[str, Any], depth: int
    ) -> list[object] | None:
        kind, *names = without_indexes(reference).split(".")
        if kind in {"count", "path", "terraform"}:
            return []
        if kind == "each":
            return self._of(module, each, {}, depth) if each else None
        if kind == "var" and names:
            values = self._of_variable(module, names[0], depth)
            return [_at(value, names[1:]) for value in values] if values is not None else None
        if kind == "module" and len(names) > 1:
            call = module.configuration.get("module_calls", {}).get(names[0], {})
            prefix = f"{module.prefix}module.{names[0]}."
            called = Module(prefix, call.get("module", {}), module, call.get("expressions", {}))
            output = called.configuration.get("outputs", {}).get(names[1], {})
            expression = output.get("expression")
            return self._of(called, expression, {}, depth) if expression else None
        return None

    def _of_variable(self, module: Module, name: str, depth: int) -> list[object] | None:
        argument = (module.arguments or {}).get(name)
        if module.parent is not None and argument:
            return self._of(module.parent, argument, {}, depth)
        given = {} if module.parent else self.plan.get("variables", {}).get(name, {})
        value = given.get("value")
        if value is None:
            value = module.configuration.get("variables", {}).get(name, {}).get("default")
        return None if value is None else [value]


def _at(value: object, names: list[str]) -> object:
    """What is under these names, as far as they lead."""
    for name in names:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
    return value


def leaf_expressions(
    expressions: object, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """The expressions of a block and of those in it, by the names that lead to them."""
    if isinstance(expressions, list):
        for item in expressions:
            yield from leaf_expressions(item, path)
    elif isinstance(expressions, Mapping):
        if path and not expressions.keys() - {"constant_value", "references"}:
            yield path, expressions
        else:
            for name, item in expressions.items():
                yield from leaf_expressions(item, (*path, name))
