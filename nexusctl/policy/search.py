"""Where a password can be written down outside the reach of checkov, and the search of it all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nexusctl.policy.literals import (
    Literal,
    literals_in,
    literals_in_text,
    literals_of_resource,
    names_a_secret,
    sensitive_attributes,
)
from nexusctl.policy.planned import Module, managed, modules, read_data, without_indexes
from nexusctl.policy.source import Malformed, Text, texts

_MADE_OF_LITERALS = "a literal in a sensitive argument"


@dataclass(frozen=True, slots=True)
class Hit:
    """A literal password, and the resource or other place that holds it, empty for a setting."""

    place: str
    literal: Literal
    file: str | None = None
    line: int | None = None
    path: tuple[str | int, ...] = ()


def in_settings(settings: Mapping[str, Any]) -> list[Hit]:
    """The passwords among the values of an environment. `path` of a hit is the setting's."""
    return [
        Hit("", literal, path=path)
        for path, value in _leaves(settings, ())
        for literal in literals_in(value, path, exact=True)
    ]


def in_files(files: Mapping[str, str]) -> list[Hit]:
    """The passwords in the files of a rendered root. A file that is no HCL is read as plain text.

    Raises:
        Malformed: a `.tf` file is not HCL.
    """
    hits = []
    for file, content in files.items():
        if not file.endswith(".tf"):
            lines = [
                Hit(file, literal, file, number)
                for number, line in enumerate(content.splitlines(), 1)
                for literal in literals_in_text(line, carrier=True)
            ]
            # What takes several lines, a key for example, is told at the first.
            whole = [Hit(file, one, file, 1) for one in literals_in_text(content, carrier=True)]
            hits += lines or whole
            continue
        try:
            found = texts(content)
        except Malformed as error:
            raise Malformed(f"{file}: {error}") from None
        for text in found:
            if text.path:
                block = _block(text)
                hits += [Hit(block, one, file, text.line) for one in _in_hcl_text(text)]
    return hits


def in_plan(plan: Mapping[str, Any]) -> list[Hit]:
    """The passwords in a plan: resources, data, variables, outputs and the configuration.

    A literal in a write-only argument is in none of the values; only the configuration has it.
    """
    tree = modules(plan)
    configured = {
        f"{module.prefix}{resource['address']}": resource.get("expressions", {})
        for module in tree
        for resource in module.configuration.get("resources", [])
    }
    hits = [
        Hit(resource.address, literal)
        for resource in (*managed(plan), *read_data(plan))
        for literal in literals_of_resource(
            resource.type,
            _configured(resource.type, resource.values, _find(configured, resource.address)),
            exact=True,
        )
    ]
    for module in tree:
        hits += _in_module(module)
    root = tree[0].configuration.get("variables", {})
    for name, variable in plan.get("variables", {}).items():
        hits += _named("var", name, variable.get("value"), root.get(name, {}))
    for name, output in plan["planned_values"].get("outputs", {}).items():
        hits += _named("output", name, output.get("value"), output)
    for provider in plan.get("configuration", {}).get("provider_config", {}).values():
        place = f"provider.{provider.get('name', '')}"
        hits += [
            Hit(place, literal)
            for path, value in _constants(provider.get("expressions", {}), ())
            for literal in literals_in(value, path, exact=True)
        ]
    return list(dict.fromkeys(hits))


def _leaves(
    value: object, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, number))
    else:
        yield path, value


def _block(text: Text) -> str:
    kind, *rest = text.path
    return (
        ".".join(rest[:2])
        if kind == "resource"
        else ".".join(text.path[: 3 if kind == "data" else 2])
    )


def _in_hcl_text(text: Text) -> Iterator[Literal]:
    """What is named by a block's type or labels is not its text: only a variable's default is."""
    kind, *rest = text.path
    if kind in {"variable", "output"} and rest[1:2] in (["default"], ["value"]):
        path = (rest[0], *rest[2:])
    elif kind in {"variable", "output"}:
        path = ("text",)
    else:
        labels = {"resource": 2, "data": 2, "ephemeral": 2, "module": 1, "provider": 1}
        path = tuple(rest[labels.get(kind, 0) :])
    if text.heredoc:
        yield from literals_in_text(text.text, path=".".join(path), carrier=True)
    else:
        yield from literals_in(text.text, path, exact=True)


def _find(configured: Mapping[str, Any], address: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = configured.get(without_indexes(address))
    return found


def _configured(
    resource_type: str, values: Mapping[str, Any], expressions: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The values without what the provider computed itself: nobody wrote that down.

    Blocks stay, since the configuration in a plan does not tell of dynamic ones. So does what is
    called a secret and cannot be set: it was read from AWS, and is in clear in the plan.
    """
    if expressions is None:
        return values
    sensitive = sensitive_attributes(resource_type)
    return {
        name: value
        for name, value in values.items()
        if name in expressions
        or (isinstance(value, list) and any(isinstance(item, dict) for item in value))
        or (names_a_secret(name) and name not in sensitive)
    }


def _in_module(module: Module) -> Iterator[Hit]:
    for resource in module.configuration.get("resources", []):
        address = f"{module.prefix}{resource['address']}"
        for attribute in sensitive_attributes(resource["type"]):
            for expression in _at(resource.get("expressions", {}), attribute.split(".")):
                yield from (
                    Hit(address, literal)
                    for literal in _in_expression(module, expression, attribute)
                )
        for path, value in _constants(resource.get("provisioners", []), ("provisioner",)):
            yield from (Hit(address, one) for one in literals_in(value, path, exact=True))
    variables = module.configuration.get("variables", {})
    for name, variable in variables.items():
        yield from _named(f"{module.prefix}var", name, variable.get("default"), variable)
    for name, argument in (module.arguments or {}).items():
        if "constant_value" in argument:
            value = argument["constant_value"]
            for literal in literals_in(
                value, (name,), sensitive=bool(variables.get(name, {}).get("sensitive")), exact=True
            ):
                yield Hit(module.prefix.rstrip("."), literal)


def _in_expression(
    module: Module | None, expression: Mapping[str, Any], path: str
) -> Iterator[Literal]:
    """A literal, a call on nothing but literals, or a variable that was given one."""
    references = expression.get("references")
    if expression.get("constant_value") is not None:
        yield from literals_in(expression["constant_value"], (path,), sensitive=True, exact=True)
    elif "constant_value" not in expression and not references:
        yield Literal(path, None, _MADE_OF_LITERALS)
    elif module is not None and references and len(names := _variables(references)) == 1:
        (name,) = names
        argument = (module.arguments or {}).get(name)
        if argument:
            yield from _in_expression(module.parent, argument, path)
        default = module.configuration.get("variables", {}).get(name, {}).get("default")
        if argument is None and default is not None:
            yield from literals_in(default, (path,), sensitive=True, exact=True)


def _variables(references: list[str]) -> set[str]:
    """The names when all that is referred to are variables."""
    if not all(reference.startswith("var.") for reference in references):
        return set()
    return {reference.split(".")[1].split("[")[0] for reference in references}


def _named(kind: str, name: str, value: object, about: Mapping[str, Any]) -> Iterator[Hit]:
    for literal in literals_in(value, (name,), sensitive=bool(about.get("sensitive")), exact=True):
        yield Hit(f"{kind}.{name}", literal)


def _at(expressions: object, path: list[str]) -> Iterator[Mapping[str, Any]]:
    if isinstance(expressions, list):
        for item in expressions:
            yield from _at(item, path)
    elif isinstance(expressions, dict):
        if not path:
            yield expressions
        elif path[0] in expressions:
            yield from _at(expressions[path[0]], path[1:])


def _constants(
    expressions: object, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(expressions, list):
        for item in expressions:
            yield from _constants(item, path)
    elif isinstance(expressions, dict):
        if "constant_value" in expressions:
            yield path, expressions["constant_value"]
        else:
            for key, item in expressions.items():
                yield from _constants(item, (*path, key))
