"""YAML text → tree: what is read, what is refused, and that every place is right."""

from pathlib import Path

import pytest
import yaml

from nexusctl.environment import document
from nexusctl.environment.document import MAX_BYTES, MAX_DEPTH, MAX_VALUES, Document, parse
from nexusctl.environment.problem import EnvironmentProblems

FILE = Path("environments/x.yaml")
PARSERS = [yaml.SafeLoader] + ([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__)
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_LOADER", request.param)


pytestmark = pytest.mark.usefixtures("_each_parser")


def read(text: str | bytes) -> Document:
    return parse(text if isinstance(text, bytes) else text.encode(), FILE)


def complaint(text: str | bytes) -> str:
    """All that is said of a text that must not pass."""
    try:
        problems = read(text).problems
    except EnvironmentProblems as error:
        problems = error.problems
    assert problems
    return "\n".join(map(str, problems))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("2024-01-02", "2024-01-02"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("=", "="),
        ("0o17", 15),
        ("0xfF", 255),
        ("-12", -12),
        ("+3", 3),
        ("0", 0),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("True", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("'012'", "012"),
        ('"null"', "null"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("{}", {}),
        ("[1, [x]]", (1, ("x",))),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    result = read(f"a: {written}")
    assert result.root.plain() == {"a": value}
    assert type(result.root.plain()["a"]) is type(value)
    assert not result.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 012345678901", 'if it is text, quote it: "012345678901"'),
        ("a: 010", "drop the zeros"),
        ("a: .inf", "not a number here"),
        ("a: -.INF", "not a number here"),
        ("a: .nan", "not a number here"),
        ("a: 1e999", "too large"),
        (f"a: {'9' * 5000}", "too large"),
        ("a: 1\nb: 2\na: 3", "a is written twice, first in line 1"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "extends: NAME"),
        ("a: !!python/object/apply:os.system [ls]", "is not allowed"),
        ("a: !!str 1", "is not allowed"),
        ("a: ! b", "is not allowed"),
        ("1: a", "the key 1 is not text"),
        ("true: a", "the key true is not text"),
        ("? [a]\n: b", "a key must be plain text"),
        ("a: 1\n---\nb: 2", "second YAML document"),
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("---\n", "empty"),
        ("- a", "not a map"),
        ("text", "not a map"),
        ("a: *b", "has no anchor"),
        ("a: &a [*a]", "has no anchor"),
        ("a: [1", "not valid YAML"),
        ("a:\n\t- b", "indent with spaces"),
        ('a: "\\0"', "U+0000"),
        ('a: "\\ud800"', "x.yaml:1"),
        ('a: "\\UFFFFFFFF"', "x.yaml:1"),
        ("%YAML 9.1\n---\na: 1", "not valid YAML"),
        ("a: b\x00", "U+0000"),
        ("a: b\x1b[31m", "U+001B"),
        ("a: b\u2028", "U+2028"),
        (b"a: \xff", "0xff is not UTF-8"),
        (b"\xef\xbb\xbfa: 1", "byte order mark"),
        ("a: 1".encode("utf-16"), "byte order mark"),
        (b"a: " + b"x" * MAX_BYTES, "larger than 1 MiB"),
        ("a: " + "[" * (MAX_DEPTH + 1), "levels deep"),
        ("a: " + "[" * 100_000, "levels deep"),
        ("a: [" + "x, " * MAX_VALUES + "]", "values"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_refused(text: str | bytes, expected: str) -> None:
    assert expected in complaint(text)


def test_aliases_are_allowed() -> None:
    root = read("a: &x [1, 2]\nb: *x\nc: &s t\nd: *s").root
    assert root.plain() == {"a": (1, 2), "b": (1, 2), "c": "t", "d": "t"}
    assert root.nearest(("d",)).location.line == 4


@pytest.mark.parametrize("width", [2, 10])
def test_an_alias_bomb_is_refused_before_it_grows(width: int) -> None:
    lines = ["a0: &a0 [x]"]
    for level in range(1, 30):
        inner = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} [{inner}]")
    assert "with aliases expanded" in complaint("\n".join(lines))


def test_aliases_cannot_exceed_the_depth() -> None:
    deep = "[" * 20 + "x" + "]" * 20
    text = f"a: &a {deep}\nb: {'[' * 20}*a{']' * 20}"
    assert "levels deep, with aliases expanded" in complaint(text)


def test_all_problems_of_a_file_come_at_once() -> None:
    lines = [
        problem.location.line for problem in read("a: 01\nb: .inf\na: 2\npassword: x").problems
    ]
    assert lines == [1, 2, 3, 4]


def test_places_are_those_of_an_editor() -> None:
    root = read("# comment\na:\n  b: x\n  c:\n    - 1\n    - d: 2\nπ: [x,  y]\r\ne:\n").root
    places = {path: (node.location.line, node.location.column) for path, node in root.walk()}
    assert places == {
        (): (2, 1),
        ("a",): (2, 1),
        ("a", "b"): (3, 6),
        ("a", "c"): (4, 3),
        ("a", "c", 0): (5, 7),
        ("a", "c", 1): (6, 7),
        ("a", "c", 1, "d"): (6, 10),
        ("π",): (7, 1),
        ("π", 0): (7, 5),
        ("π", 1): (7, 9),
        ("e",): (8, 1),
    }
