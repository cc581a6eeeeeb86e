"""What the model says of environment files: for editors as JSON Schema, for readers as Markdown.

`python -m nexusctl.environment.schema` writes both into the project it is run in.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nexusctl.environment.model import (
    Allowed,
    Computed,
    Duration,
    Header,
    Settings,
    Shape,
    fields,
    shape_of,
)
from nexusctl.workspace import Workspace

SCHEMA_FILE = Path("environments/environment.schema.json")
REFERENCE_FILE = Path("docs/environment-reference.md")

_TYPES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Duration: "duration",
}

_PREFACE = """\
# The settings of an environment

<!-- Generated from nexusctl/environment/model.py by: python -m nexusctl.environment.schema -->

An environment is a file `environments/NAME.yaml`. Its `NAME` has lower-case letters, digits and
single hyphens, and starts with a letter. With `extends`, a file builds on another one: maps merge
key by key; lists and other values replace what was inherited. Every key that is not listed here is
an error, and so is a value of another type: nothing is converted.

- The files are YAML 1.2: `no`, `on` and `1:30` are text. Numbers that are meant as text, such as an
  account's, need quotes. Tags (`!…`), merge keys (`<<`) and repeated keys are refused.
- A duration is text with the units d, h, m, s: `45s`, `30m`, `1h30m`, `14d`.
- No credential belongs in these files, and what looks like one is refused. RDS makes the master
  user's password; nexusctl makes a secret in AWS Secrets Manager for each of `users`.
- In the paths below, `*` is a key of your choice and `[]` stands for the items of a list.
"""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one environment file.

    A file may extend another, so no key is required, except in the items of lists: these are
    replaced as a whole.
    """
    header, schema = Header.model_json_schema(), Settings.model_json_schema()
    schema["properties"] = header["properties"] | schema["properties"]
    for model, is_item in _models():
        described = schema if model in (Header, Settings) else schema["$defs"][model.__name__]
        described.pop("required", None)
        if is_item:
            described["required"] = [
                name for name, info in model.model_fields.items() if _default(info) == "required"
            ]
        for name, info in model.model_fields.items():
            described["properties"][name]["description"] = _meaning(info)
    _tidy(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An environment of nexusctl",
        **schema,
    }


def reference() -> str:
    """The Markdown reference of every setting: path, type, default, meaning and limits."""
    paths = [*fields(Header), *fields(Settings)]
    sections = {
        path[0]: [entry for entry in paths if entry[0][0] == path[0] and len(entry[0]) > 1]
        for path, _ in paths
        if len(path) == 1
    }
    text = [_PREFACE, "## Top level\n", _table([entry for entry in paths if len(entry[0]) == 1])]
    for name, entries in sections.items():
        if entries:
            text += [f"## {name}\n", _table(entries)]
    return "\n".join(text)


def write(project: Path) -> None:
    """Write the schema and the reference into a project."""
    for file, text in (
        (SCHEMA_FILE, json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"),
        (REFERENCE_FILE, reference()),
    ):
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_text(text, encoding="utf-8")


def _models() -> Iterator[tuple[type[BaseModel], bool]]:
    """Every model, and whether it is that of a list's items."""
    yield Header, False
    yield Settings, False
    for _, info in fields(Settings):
        shape = _shape(info)
        inner = shape.parts[-1] if shape.parts else shape
        if inner.model:
            yield inner.model, shape.base is tuple


def _shape(info: FieldInfo) -> Shape:
    return shape_of(info.annotation, tuple(info.metadata))


def _table(entries: list[tuple[tuple[str, ...], FieldInfo]]) -> str:
    rows = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    for path, info in entries:
        dotted = ".".join(path).replace(".[]", "[]")
        cells = (f"`{dotted}`", _type(_shape(info)), _default(info), _meaning(info))
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _type(shape: Shape) -> str:
    if shape.parts:
        name = f"{'list' if shape.base is tuple else 'map'} of {_type(shape.parts[-1])}"
    elif shape.model:
        name = "map"
    elif get_origin(shape.base) is Literal:
        name = " or ".join(f"`{value}`" for value in get_args(shape.base))
    else:
        name = _TYPES[shape.base]
    return f"{name} or null" if shape.nullable else name


def _default(info: FieldInfo) -> str:
    for mark in info.metadata:
        if isinstance(mark, Computed):
            return mark.words
    if info.is_required():
        return "required"
    default = info.default
    if isinstance(default, BaseModel):
        return "its defaults"
    return f"`{default if isinstance(default, Duration) else json.dumps(default)}`"


def _meaning(info: FieldInfo) -> str:
    limits = _limits(_shape(info))
    return " ".join(filter(None, (info.description, limits and f"Allowed: {limits}.")))


def _limits(shape: Shape) -> str:
    words = [*map(_limit, shape.limits)]
    roles = ("each",) if shape.base is tuple else ("each key", "each value")
    for role, part in zip(roles, shape.parts, strict=False):
        if limits := _limits(part):
            words.append(f"{role} {limits}")
    return "; ".join(dict.fromkeys(filter(None, words)))


def _limit(limit: Any) -> str | None:
    match limit:
        case Allowed(words=words):
            return words
        case Ge(ge=least):
            return f"at least {least}"
        case Le(le=most):
            return f"at most {most}"
        case Gt(gt=bound):
            return f"more than {bound}"
        case Lt(lt=bound):
            return f"less than {bound}"
        case MinLen(min_length=least):
            return f"at least {least} long"
        case MaxLen(max_length=most):
            return f"at most {most} long"
    return None


def _tidy(schema: Any) -> None:
    """Remove the titles, which only repeat keys, and close the maps whose keys have a pattern."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            _tidy(inner)


if __name__ == "__main__":
    write(Workspace.find(Path.cwd()).root)
