"""The document that the AWS provider's data source aws_iam_policy_document makes.

It is made of its arguments alone, so that it is known as far as they are: also before AWS has made
the ARNs in it. What the provider does is in its internal/service/iam/policy_document_data_source.go
and policy_model.go.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.configuration.blocks import Content
from nexusctl.configuration.conversion import to_text
from nexusctl.configuration.values import Json, Partial, Undecided, Unknown, is_known, references

TYPE = "aws_iam_policy_document"
_LATEST_VERSION = "2012-10-17"
_OLD_VERSION = "2008-10-17"
_ARGUMENTS = frozenset(
    {"policy_id", "version", "statement", "source_policy_documents", "override_policy_documents"}
)
# In the order of the elements in a statement: those are what the provider writes.
_LISTS = {
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}
_PRINCIPALS = {"principals": "Principal", "not_principals": "NotPrincipal"}
_OF_STATEMENT = frozenset({"sid", "effect", "condition", *_LISTS, *_PRINCIPALS})
_ELEMENTS = ("Sid", "Effect", *_LISTS.values(), *_PRINCIPALS.values(), "Condition")
# Go escapes what HTML could take for its own.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}

_Document = dict[str, Any]


def policy_document(content: Content, *, minified: bool = False) -> object:
    """The data source's `json`, or its `minified_json`: text, or Json where something is unknown.

    Raises:
        Undecided: it is not known what comes out, or the provider refuses.
    """
    values = content.values
    if content.unknown_blocks or not values.keys() <= _ARGUMENTS:
        raise Undecided
    merged: _Document = {"Version": "", "Id": "", "Statement": []}
    sources = [_read(each) for each in _documents(values, "source_policy_documents")]
    _unique(statement for source in sources for statement in source["Statement"])
    for document in (
        *sources,
        _own(values),
        *(_read(each) for each in _documents(values, "override_policy_documents")),
    ):
        _merge(merged, document)
    found = {name: value for name, value in merged.items() if value not in ("", [])}
    if not is_known(found):
        return Json(references(found), found)
    spelled: dict[str, Any] = {"separators": (",", ":")} if minified else {"indent": 2}
    return json.dumps(found, ensure_ascii=False, **spelled).translate(_ESCAPES)


def _documents(values: Mapping[str, object], name: str) -> list[object]:
    found = values.get(name, [])
    if not isinstance(found, list):
        raise Undecided
    return found


def _merge(into: _Document, document: _Document) -> None:
    """A statement takes the place of the one with its Sid; the higher version counts."""
    into["Id"] = document["Id"] or into["Id"]
    if into["Version"] and not (is_known(into["Version"]) and is_known(document["Version"])):
        raise Undecided
    if not into["Version"] or document["Version"] > into["Version"]:
        into["Version"] = document["Version"]
    statements = into["Statement"]
    for statement in document["Statement"]:
        sid = statement.get("Sid")
        if statements and not all(is_known(each.get("Sid")) for each in (*statements, statement)):
            raise Undecided
        same = [place for place, each in enumerate(statements) if sid and each.get("Sid") == sid]
        if same:
            statements[same[0]] = statement
        else:
            statements.append(statement)


def _unique(statements: Iterator[Mapping[str, Any]]) -> None:
    sids = [sid for statement in statements if isinstance(sid := statement.get("Sid"), str)]
    if len(set(sids)) != len(sids):
        raise Undecided


# The statements that are blocks.


def _own(values: Mapping[str, Any]) -> _Document:
    version = values.get("version", _LATEST_VERSION)
    statements = [_statement(block, version) for block in values.get("statement", [])]
    _unique(iter(statements))
    return {"Version": version, "Id": values.get("policy_id", ""), "Statement": statements}


def _statement(block: Mapping[str, Any], version: object) -> _Document:
    if not block.keys() <= _OF_STATEMENT:
        raise Undecided
    found: _Document = {"Sid": block.get("sid", ""), "Effect": block.get("effect", "Allow")}
    for argument, element in _LISTS.items():
        value = _set_of_texts(block.get(argument))
        found[element] = value if "action" in argument else _with_variables(value, version)
    for argument, element in _PRINCIPALS.items():
        found[element] = _principals(block.get(argument, []), version)
    found["Condition"] = _conditions(block.get("condition", []), version)
    return _in_order(found)


def _in_order(statement: Mapping[str, Any]) -> _Document:
    return {name: statement[name] for name in _ELEMENTS if statement.get(name) not in (None, "")}


def _set_of_texts(value: object) -> object:
    """A set as the provider writes it: one element by itself, more of them backwards."""
    if value is None or isinstance(value, Unknown):
        return value
    if not isinstance(value, list) or None in value:
        raise Undecided
    texts = [to_text(item) for item in value]
    known = {text for text in texts if isinstance(text, str)}
    found = [*sorted(known, reverse=True), *(text for text in texts if isinstance(text, Unknown))]
    return _single(found)


def _single(found: list[object]) -> object:
    return found[0] if len(found) == 1 else found or None


def _with_variables(value: object, version: object) -> object:
    """`&{...}` is how a variable of IAM is written, because `${...}` is Terraform's own."""
    match value:
        case list():
            return [_with_variables(item, version) for item in value]
        case Partial() if not value.base64:
            parts = tuple(
                part if isinstance(part, Unknown) else str(_with_variables(part, version))
                for part in value.parts
            )
            return replace(value, parts=parts)
        case str() if "&{" in value:
            if version == _OLD_VERSION or isinstance(version, Unknown):
                raise Undecided
            return value.replace("&{", "${")
    return value


def _principals(blocks: list[Mapping[str, Any]], version: object) -> object:
    found: dict[str, list[object]] = {}
    for block in blocks:
        kind, identifiers = block.get("type"), _set_of_texts(block.get("identifiers"))
        if not isinstance(kind, str):
            raise Undecided
        found.setdefault(kind, []).extend(_items(_with_variables(identifiers, version)))
    if found == {"*": ["*"]}:
        return "*"
    return {kind: _single(found[kind]) for kind in sorted(found)} or None


def _conditions(blocks: list[Mapping[str, Any]], version: object) -> object:
    found: dict[str, dict[str, list[object]]] = {}
    for block in blocks:
        test, variable, values = block.get("test"), block.get("variable"), block.get("values")
        if not isinstance(test, str) or not isinstance(variable, str) or values is None:
            raise Undecided
        texts = [_text(item) for item in _items(values)]
        here = found.setdefault(test, {}).setdefault(variable, [])
        here.extend(_items(_with_variables(texts, version)))
    return {
        test: {variable: _single(found[test][variable]) for variable in sorted(found[test])}
        for test in sorted(found)
    } or None


def _items(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: object) -> object:
    if value is None:
        raise Undecided
    return to_text(value)


# The documents that are given as JSON.


def _read(document: object) -> _Document:
    """What the provider keeps of a document: it knows only what it knows."""
    if isinstance(document, Json):
        found = document.value
    elif isinstance(document, str):
        try:
            found = json.loads(document)
        except (ValueError, RecursionError):
            raise Undecided from None
    else:
        raise Undecided
    kept = _kept(found, ("Version", "Id", "Statement"))
    statements = [] if kept.get("Statement") is None else kept["Statement"]
    if not isinstance(statements, list):
        raise Undecided
    return {
        "Version": kept.get("Version") or "",
        "Id": kept.get("Id") or "",
        "Statement": [_read_statement(_kept(each, _ELEMENTS)) for each in statements],
    }


def _kept(found: object, names: tuple[str, ...]) -> _Document:
    if not isinstance(found, dict):
        raise Undecided
    # Go's JSON does not look at upper and lower case.
    alike = {name.lower() for name in names}
    if any(key not in names and key.lower() in alike for key in found):
        raise Undecided
    return {name: found[name] for name in names if name in found}


def _read_statement(statement: _Document) -> _Document:
    for element in _PRINCIPALS.values():
        principals = statement.get(element)
        if principals in (None, {}):
            statement.pop(element, None)
        elif principals != "*":
            statement[element] = _read_map(principals)
            if statement[element] in ({"*": "*"}, {"*": ["*"]}):
                statement[element] = "*"
    conditions = statement.get("Condition")
    if conditions in (None, {}):
        statement.pop("Condition", None)
    elif isinstance(conditions, dict):
        tests = {test: _read_map(conditions[test], sort=False) for test in sorted(conditions)}
        statement["Condition"] = tests
    else:
        raise Undecided
    return _in_order(statement)


def _read_map(found: object, *, sort: bool = True) -> _Document:
    """Texts, or lists of texts, by name."""
    if not isinstance(found, dict):
        raise Undecided
    kept: _Document = {}
    for name in sorted(found):
        value = found[name]
        if isinstance(value, list) and all(isinstance(item, str | Unknown) for item in value):
            known = [item for item in value if isinstance(item, str)]
            unknown = [item for item in value if isinstance(item, Unknown)]
            kept[name] = [*sorted(known, reverse=True), *unknown] if sort else value
        elif isinstance(value, str | bool | Unknown):
            kept[name] = to_text(value)
        else:
            raise Undecided
    return kept
