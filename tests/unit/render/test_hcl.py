"""The HCL encoder, against a reader of HCL that is not ours; Terraform itself is in integration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.render import hcl


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("plain", '"plain"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("C:\\dir", '"C:\\\\dir"'),
        ("two\nlines\ttab", '"two\\nlines\\ttab"'),
        ("${path.root}", '"$${path.root}"'),
        ("%{ if true }", '"%%{ if true }"'),
        ("$${x}", '"$\\u0024{x}"'),
        ("cost: $5 {now}", '"cost: $5 {now}"'),
        ("{{ jinja }}", '"{{ jinja }}"'),
        ("Köln 東京", '"Köln 東京"'),
        ("\ue000\u202e\x07", '"\\ue000\\u202e\\u0007"'),
        ("\U000f0000", '"\\U000f0000"'),
        (True, "true"),
        (None, "null"),
        (42, "42"),
        ([], "[]"),
        (["a", 1], '["a", 1]'),
        ({}, "{}"),
    ],
)
def test_a_value_becomes_the_literal_that_reads_back_as_it(value: object, encoded: str) -> None:
    assert hcl.literal(value) == encoded


def test_a_map_is_aligned_as_terraform_fmt_would() -> None:
    text = hcl.literal({"a": 1, "longer": [2], "for": "x", "with space": {"deep": None}})
    assert text == (
        "{\n"
        "  a            = 1\n"
        "  longer       = [2]\n"
        '  "for"        = "x"\n'
        '  "with space" = { deep = null }\n'
        "}"
    )


@pytest.mark.parametrize("value", [1.5, object(), {1, 2}, b"bytes"])
def test_a_value_without_a_literal_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no HCL literal"):
        hcl.literal(value)


@given(st.text())
def test_a_string_never_leaves_its_quotes_and_never_opens_a_template(text: str) -> None:
    inside = hcl.string(text)[1:-1]
    unescaped = inside.replace("\\\\", "").replace('\\"', "")
    assert '"' not in unescaped
    assert "\n" not in inside
    # After the doubled introducers are gone, none is left.
    for introducer in "$%":
        assert f"{introducer}{{" not in inside.replace(f"{introducer * 2}{{", "")
    assert all(character.isprintable() for character in inside)
