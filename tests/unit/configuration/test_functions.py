"""Functions on what is not known: the rest is compared with Terraform's own console."""

import pytest

from nexusctl.configuration.functions import call
from nexusctl.configuration.values import (
    Failed,
    Json,
    Partial,
    Set,
    Unknown,
    reference,
)

X = reference("aws_x.y.id")
REFERENCES = frozenset({"aws_x.y.id"})


def test_what_is_not_known_as_a_whole_is_unknown_and_keeps_its_references() -> None:
    for name, *arguments in (
        ("length", X),
        ("upper", X),
        ("keys", X),
        ("merge", {"a": 1}, X),
        ("sort", ["a", X]),
        ("no_such_function", "a", [X]),
        ("provider::aws::arn_parse", X),
        ("contains", ["a", X], "b"),
        ("flatten", [["a"], X]),
        ("coalesce", X, "a"),
        ("toset", ["a", X]),
        ("tolist", X),
    ):
        value = call(str(name), arguments)
        assert type(value) is Unknown, name
        assert value.references == REFERENCES, name


def test_what_is_in_a_collection_may_be_unknown() -> None:
    assert call("length", [["a", X]]) == 2
    assert call("keys", [{"b": X, "a": 1}]) == ["a", "b"]
    assert call("values", [{"b": X, "a": 1}]) == [1, X]
    assert call("merge", [{"a": X}, {"a": "b"}]) == {"a": "b"}
    assert call("contains", [["a", X], "a"]) is True
    assert call("concat", [["a"], [X]]) == ["a", X]
    assert call("coalesce", ["", "a", X]) == "a"
    assert call("toset", [[X]]) == [X]
    assert call("anytrue", [[X, True]]) is True


def test_a_set_of_what_is_certainly_different_is_known() -> None:
    found = call("toset", [[{"name": "b", "arn": X}, {"name": "a", "arn": X}]])
    assert isinstance(found, Set)
    assert len(found) == 2


def test_a_string_in_part_unknown() -> None:
    for name, *arguments in (
        ("join", "-", ["a", X, "b"]),
        ("format", "a-%s-b", Partial(REFERENCES, ("", X))),
    ):
        value = call(str(name), arguments)
        assert isinstance(value, Partial), name
        assert value.text == "a-${}-b"
        assert value.references == REFERENCES


def test_json_of_something_unknown() -> None:
    value = call("jsonencode", [{"b": X, "a": "<"}])
    assert isinstance(value, Json)
    assert value.value == {"b": X, "a": "<"}
    encoded = call("base64encode", [value])
    assert isinstance(encoded, Partial)
    assert (encoded.base64, encoded.text) == (True, '{"a":"\\u003c","b":${}}')
    assert type(call("base64decode", [encoded])) is Unknown


def test_what_go_compresses_to_nobody_foretells_but_its_text_is_known() -> None:
    value = call("base64gzip", ["echo"])
    assert isinstance(value, Partial)
    assert (value.base64, value.text, value.references) == (True, "echo", frozenset())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("regex", ["(?i)a", "A"]),
        ("regex", ["(a+)+b", "a"]),
        ("regex", ["(a|a)*b", "a"]),
        ("regex", ["\\pL", "a"]),
        ("regex", ["a*+", "a"]),
        ("regex", [".*.*.*.*.*x", "a" * 500]),
        ("regexall", ["a*", "baac"]),
        ("replace", ["ab", "/(a)/", "$1"]),
        ("title", ["é"]),
        ("length", ["e\u0301x\u200d"]),
        ("upper", ["ß"]),
        ("substr", ["é", 0, 1]),
        ("tolist", [[[1], ["a"]]]),
        ("format", ["%[1]d", 1]),
        ("setproduct", [list(range(1000)), list(range(1000))]),
        ("upper", []),
        ("upper", ["a", "b"]),
        ("element", [["a"], -1]),
    ],
)
def test_where_go_and_python_may_differ_nothing_is_claimed(
    name: str, arguments: list[object]
) -> None:
    assert type(call(name, arguments)) is Unknown


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("regex", ["b", "a"]),
        ("tonumber", ["x"]),
        ("tobool", ["x"]),
        ("one", [["a", "b"]]),
        ("lookup", [{}, "a"]),
        ("jsondecode", ["{"]),
        ("base64decode", ["*"]),
        ("slice", [["a"], 0, 2]),
        ("coalesce", ["", None]),
        ("join", ["", [None]]),
        ("max", []),
    ],
)
def test_what_terraform_refuses_fails(name: str, arguments: list[object]) -> None:
    with pytest.raises(Failed):
        call(name, arguments)
