"""A tree of values → a model, or all that is wrong with it in the words of the users' files."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from nexusctl.environment.model import Header, Settings, complete, fields, shape_of
from nexusctl.environment.origin import Origin
from nexusctl.environment.problem import Problem, quoted
from nexusctl.environment.rules import Contradiction, contradictions
from nexusctl.environment.tree import Node, ValuePath

_Model = TypeVar("_Model", bound=BaseModel)

# pydantic's error types → what the value must be; {…} come from the error's context.
_MUST_BE = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a map",
    "mapping_type": "a map",
    "model_type": "a map",
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "greater_than": "more than {gt}",
    "less_than": "less than {lt}",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
    "not_allowed": "{words}",
    "duration": 'a duration such as "45s", "30m", "1h30m" or "14d"',
}
_TYPO = 0.8  # how alike two keys are when one is surely a misspelling of the other
_SAID_AS_BOOL = {
    "yes": "true",
    "on": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "n": "false",
}


def check_header(tree: Node) -> Header | list[Problem]:
    """What a file says of itself, or what is wrong with that."""
    try:
        return Header.model_validate(tree.plain())
    except ValidationError as error:
        return list(_problems(error, Header, tree))


def check_settings(tree: Node, environment: str, files: Sequence[Path]) -> Settings | list[Problem]:
    """The settings of an environment, or what is wrong with them. `files` are nearest first."""
    data = complete(tree.plain(), environment)
    problems: list[Problem] = []
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        problems += _problems(error, Settings, tree)
        wrong = {details["loc"]: details["type"] for details in error.errors(include_url=False)}
        settings = _partial(Settings, data, (), wrong)
    problems += [
        _contradiction(found, tree, files)
        for found in contradictions(settings, environment, partial=bool(problems))
    ]
    return problems or settings


def _partial(
    model: type[_Model], data: Mapping[str, Any], path: ValuePath, wrong: Mapping[ValuePath, str]
) -> _Model:
    """A model with the valid values only: it has no attributes for what is wrong or unknown.

    Beside an unknown key no default is taken: the key may be a misspelling of that setting.
    """
    misspelt = any(at[:-1] == path and kind == "extra_forbidden" for at, kind in wrong.items())
    values: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        inner = (*path, name)
        inside = {at: kind for at, kind in wrong.items() if at[: len(inner)] == inner}
        annotation: Any = info.annotation
        part = shape_of(annotation).model
        if not inside and name in data:
            adapter: TypeAdapter[Any] = TypeAdapter(annotation)
            values[name] = adapter.validate_python(data[name])
        elif not inside and not misspelt:
            values[name] = info.get_default(call_default_factory=True)
        elif part and inner not in inside and name in data:
            values[name] = _partial(part, data[name], inner, inside)
    built = model.model_construct(**values)
    for name in model.model_fields.keys() - values.keys():
        vars(built).pop(name, None)
    return built


def _problems(error: ValidationError, model: type[BaseModel], tree: Node) -> Iterator[Problem]:
    known = dict(fields(model))
    for details in error.errors(include_url=False):
        path = details["loc"]
        if details["type"] == "missing":
            yield _missing(path, known, tree)
        elif path[-1] == "[key]" and not tree.find(path):
            yield _bad_key(path[:-1], details, tree)
        elif node := tree.find(path):
            if details["type"] == "extra_forbidden":
                yield _unknown(path, node, known)
            else:
                yield _bad_value(path, node, details, known)
        # Else the value was computed from another one, which has the same error.


def _missing(path: ValuePath, known: Mapping[tuple[str, ...], FieldInfo], tree: Node) -> Problem:
    meaning = _meaning(path, known)
    return Problem(
        tree.nearest(path).location,
        f"{_dotted(path)} is missing",
        f"add {path[-1]} ({meaning})",
    )


def _unknown(path: ValuePath, node: Node, known: Mapping[tuple[str, ...], FieldInfo]) -> Problem:
    name = str(path[-1])
    here = [other[-1] for other in known if _covers(other[:-1], path[:-1])]
    if len(path) == 1:
        here += Header.model_fields
    elsewhere = [".".join(other) for other in known if other[-1] == name]
    nearest = difflib.get_close_matches(name, here, 1)
    if elsewhere and not difflib.get_close_matches(name, here, 1, _TYPO):
        hint = f"it exists as {' and '.join(elsewhere)}: move it there"
    elif nearest:
        hint = f"did you mean {nearest[0]}?"
    else:
        hint = f"known here: {', '.join(here)}"
    return Problem(node.key or node.location, f"unknown key {_dotted(path)}", hint)


def _bad_key(path: ValuePath, details: ErrorDetails, tree: Node) -> Problem:
    node = tree.nearest(path)
    message = f"the key {_dotted(path)} must be {_must_be(details)}"
    return Problem(node.key or node.location, message)


def _bad_value(
    path: ValuePath,
    node: Node,
    details: ErrorDetails,
    known: Mapping[tuple[str, ...], FieldInfo],
) -> Problem:
    must_be = _must_be(details)
    message = f"{_dotted(path)} must be {must_be}, not {_found(node)}"
    return Problem(node.location, message, _advice(node, details) or _meaning(path, known))


def _must_be(details: ErrorDetails) -> str:
    template = _MUST_BE.get(details["type"])
    # A type of error this module does not know: pydantic's own sentence, which quotes no value.
    return template.format(**details.get("ctx", {})) if template else f"valid ({details['msg']})"


def _found(node: Node) -> str:
    if node.value is None:
        return "nothing"
    if isinstance(node.value, Mapping):
        return "a map"
    if isinstance(node.value, tuple):
        return f"a list of {len(node.value)}"
    if isinstance(node.value, str):
        return f'"{quoted(node.text)}"'
    return quoted(node.text) if isinstance(node.value, bool) else f"the number {quoted(node.text)}"


def _advice(node: Node, details: ErrorDetails) -> str | None:
    """How to write what was probably meant."""
    wrong, text = details["type"], quoted(node.text)
    if node.value is None:
        return "write a value, or remove the key"
    if isinstance(node.value, str):
        return _advice_for_text(text, details)
    if isinstance(node.value, (Mapping, tuple)):
        return None
    if wrong == "string_type":
        return f'quote it: "{text}"'
    if wrong == "duration" and not isinstance(node.value, bool):
        return f"add the unit: {text}s, {text}m, {text}h or {text}d"
    return None


def _advice_for_text(text: str, details: ErrorDetails) -> str | None:
    wrong = details["type"]
    if wrong == "int_type" and text.isdecimal():
        return f"remove the quotes: {text}"
    if wrong == "bool_type" and text.lower() in _SAID_AS_BOOL:
        return f"write {_SAID_AS_BOOL[text.lower()]}: YAML 1.2 reads {text} as text"
    if wrong == "duration":
        return "write whole numbers with the units d, h, m, s in this order, without spaces"
    if wrong == "literal_error":
        choices = re.findall("'([^']+)'", details["ctx"]["expected"])
        nearest = difflib.get_close_matches(text, choices, 1, 0.5)
        return f"did you mean {nearest[0]}?" if nearest else None
    return None


def _meaning(path: ValuePath, known: Mapping[tuple[str, ...], FieldInfo]) -> str | None:
    info = next((info for other, info in known.items() if _covers(other, path)), None)
    return info.description if info else None


def _covers(pattern: tuple[str, ...], path: ValuePath) -> bool:
    """Whether the path of a model's field, with `*` and `[]` in it, is the one of a value."""
    return len(pattern) == len(path) and all(
        isinstance(part, int) if expected == "[]" else expected in ("*", part)
        for expected, part in zip(pattern, path, strict=True)
    )


def _contradiction(found: Contradiction, tree: Node, files: Sequence[Path]) -> Problem:
    """The problem at the nearest of the values, for that one was written knowing the others."""
    origins = [
        Origin(path, node.location if (node := tree.find(path)) else None) for path in found.paths
    ]
    first = min(
        origins,
        key=lambda origin: files.index(origin.location.file) if origin.location else len(files),
    )
    others = [
        f"{_dotted(other.path)} is written at {other.location}"
        for other in origins
        if other.location and other is not first
    ]
    place = first.location or tree.nearest(first.path).location
    return Problem(place, "; ".join((found.message, *others)), found.hint)


def _dotted(path: ValuePath) -> str:
    return quoted(Origin(path, None).dotted)
