"""The laws of merging, which is how `extends` works."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nexusctl.environment.tree import Node, merge
from nexusctl.errors import Location


def node(value: Any, file: str) -> Node:
    """A tree with every value in `file`."""
    if isinstance(value, dict):
        value = {key: node(inner, file) for key, inner in value.items()}
    elif isinstance(value, tuple):
        value = tuple(node(inner, file) for inner in value)
    return Node(value, Location(Path(file), 1), ((1, 1), (1, 2)))


# Trees of one shape, as files of one model are: what is a map in one is a map in all.
leaves = st.integers() | st.tuples(st.integers()) | st.none()
maps = st.dictionaries(st.sampled_from("abc"), leaves)
inner = st.fixed_dictionaries({}, optional={"m": maps})
trees = st.fixed_dictionaries({}, optional={"x": leaves, "m": maps, "n": inner})


@given(trees, trees)
def test_the_upper_wins_and_nothing_else_is_lost(below: Any, above: Any) -> None:
    merged = merge(node(below, "below"), node(above, "above"))
    for path, value in merged.walk():
        written_above = node(above, "above").find(path)
        source = written_above or node(below, "below").find(path)
        assert source is not None
        assert value.location == source.location
        if not isinstance(value.value, dict):
            assert value.plain() == source.plain()
    for tree in (below, above):
        for path, _ in node(tree, "f").walk():
            assert merged.find(path) or isinstance(path[-1], int)  # a list is replaced as a whole


@given(trees, trees, trees)
def test_merging_is_associative(a: Any, b: Any, c: Any) -> None:
    one, two, three = node(a, "a"), node(b, "b"), node(c, "c")
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(trees)
def test_nothing_over_or_under_a_tree_leaves_it(tree: Any) -> None:
    written = node(tree, "a")
    assert merge(node({}, "b"), written) == written
    assert merge(written, node({}, "b")).plain() == tree


def test_lists_are_replaced() -> None:
    assert merge(node({"l": (1, 2)}, "a"), node({"l": (3,)}, "b")).plain() == {"l": (3,)}
