"""The tracer, for any value: what it printed comes out unchanged, and every line is known."""

from hypothesis import given
from hypothesis import strategies as st

from nexusctl.render import hcl
from nexusctl.render.trace import Traced, Tracer

SCALARS = st.text(max_size=8) | st.integers() | st.booleans() | st.none()
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(st.text(max_size=8), SCALARS | st.lists(SCALARS, max_size=2), max_size=4)
)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_the_text_is_what_the_encoder_made_of_each_value(values: list[object]) -> None:
    tracer = Tracer()
    marked = "".join(
        f"x = {tracer.finalize(Traced(value, ('x', number)))}\n"
        for number, value in enumerate(values)
    )
    text, _ = tracer.untangle(marked)
    assert text == "".join(f"x = {hcl.literal(value)}\n" for value in values)


@given(VALUES, st.integers(0, 6))
def test_every_line_of_a_value_names_it_and_the_element_that_stands_there(
    value: object, indentation: int
) -> None:
    tracer = Tracer()
    margin = " " * indentation
    text, lines = tracer.untangle(f"#\n{margin}x = {tracer.finalize(Traced(value, ('x',)))}\n#\n")
    above, *printed, below = text.splitlines()
    assert (above, below) == ("#", "#")
    assert all(line.startswith(margin) for line in printed)
    assert "\n".join(line[indentation:] for line in printed) == f"x = {hcl.literal(value)}"
    assert sorted(lines) == list(range(2, 2 + len(printed)))
    assert all(paths[-1] == ("x",) for paths in lines.values())
    if isinstance(value, dict) and value:
        elements = [lines[number][0] for number in range(3, 1 + len(printed))]
        assert elements == [("x", key) for key in value]
    elif isinstance(value, list):
        assert lines[2] == [*(("x", index) for index in range(len(value))), ("x",)]
    else:
        assert lines == {2: [("x",)]}
