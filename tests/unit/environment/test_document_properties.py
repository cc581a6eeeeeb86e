"""What holds for any text: trees survive a round trip, nothing unforeseen is raised or shown."""

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.environment import document
from nexusctl.environment.credentials import credential_in, names_credential
from nexusctl.environment.document import Document, parse
from nexusctl.environment.problem import EnvironmentProblems, Problem
from nexusctl.errors import Location

FILE = Path("environments/x.yaml")
PARSERS = [yaml.SafeLoader] + ([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])


def outcomes(data: bytes) -> Iterator[tuple[Document | None, tuple[Problem, ...]]]:
    """What each of PyYAML's parsers leads to: a document (None if refused) and the problems."""
    for parser in PARSERS:
        with mock.patch.object(document, "_LOADER", parser):
            try:
                result = parse(data, FILE)
            except EnvironmentProblems as error:
                yield None, error.problems
            else:
                yield result, result.problems


def assert_inside(place: Location, lines: list[str]) -> None:
    assert place.file == FILE
    assert 1 <= place.line <= len(lines)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1


def lines_of(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


texts = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=["Cc"],
        exclude_characters="\ufeff\u2028\u2029\ufffe\uffff",
    ),
    max_size=20,
).filter(lambda text: not credential_in(text))
keys = texts.filter(lambda text: not names_credential(text))
numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
)
trees = st.dictionaries(keys, values, min_size=1, max_size=5)


class Dumper(yaml.SafeDumper):
    """Quotes every text: PyYAML follows YAML 1.1, and knows not all that 1.2 reads as a number."""


Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def tupled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: tupled(inner) for key, inner in value.items()}
    return tuple(map(tupled, value)) if isinstance(value, list) else value


@settings(max_examples=150, deadline=None)
@given(trees, st.booleans(), st.booleans())
def test_a_dumped_tree_is_read_back_with_places_in_the_file(
    tree: dict[str, object], flow: bool, unicode: bool
) -> None:
    text = yaml.dump(tree, Dumper=Dumper, default_flow_style=flow, allow_unicode=unicode)
    for result, problems in outcomes(text.encode()):
        assert result is not None
        assert not problems
        assert result.root.plain() == tupled(tree)
        for path, node in result.root.walk():
            assert_inside(node.location, lines_of(text))
            if path and isinstance(path[-1], str):
                assert node.key is not None
                assert_inside(node.key, lines_of(text))


characters = "ab01.:-?,[]{}#&*!|>'\"%@`~\\\n\t =<\r\x85\u2028é"
pieces = st.sampled_from([*characters, "- ", "x: ", "\n  ", "&a ", "*a", "\\U", "---\n"])


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=80) | st.lists(pieces, max_size=40).map("".join).map(str.encode))
def test_no_bytes_raise_anything_but_problems_in_the_file(data: bytes) -> None:
    trees = []
    for result, problems in outcomes(data):
        assert result or problems
        for problem in problems:
            assert_inside(problem.location, lines_of(data.decode(errors="replace")))
            assert all(map(str.isprintable, str(problem).split("\n")))
        if result is not None:
            trees.append(result.root.plain())
    assert all(tree == trees[0] for tree in trees)


SHAPES = [
    "a: {{{k}: {v}, x: 01}}",
    "a: 01\n{k}: {v}",
    "{k}: [{v}, 01]",
    "{k}: [{v}0, 0{v}, [",
    "{k}: |\n  {v}\n  {v}",
    "{k}: {{b: {v}}}",
    "{k}: {v}\nb: [",
    "? {k}\n: {v}",
    "- 1\n{k}: {v}",
    "{k}: &a {v}\nx: *a\n1: b",
    "{k}: >\n {v}\nb: *c",
    "{k}:\n- {v}\n- 01",
    "{k}:\n  {v}: 1\n  {v}: 2\n\t[",
    "{k}: !t {v}",
    "{k}: {v}\n{k}: {v}",
    "a: 'https://u:{v}@h'\nb: 01",
    "a: [postgres://u:{v}@h, 01]",
    "a: 01 # {k}: {v}",
    "a: psql --password={v}",
    "postgres://u:{v}@h: 1",
]
names = ["password", "api_key", "dbToken", "PGPASSWORD", "private-key", "client_secret"]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(names),
    st.sampled_from(SHAPES),
    st.text(string.ascii_letters + string.digits, min_size=6, max_size=12).map("S3".__add__)
    | st.integers(10**7, 10**9).map("0{}".format),
)
def test_a_credential_is_never_shown(name: str, shape: str, value: str) -> None:
    for _, problems in outcomes(shape.format(k=name, v=value).encode()):
        assert problems
        assert value not in "\n".join(map(str, problems))
