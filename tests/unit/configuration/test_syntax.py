"""HCL's syntax: what is read, what is refused, and that hostile text ends soon."""

import contextlib
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.configuration import tree
from nexusctl.configuration.configuration import read
from nexusctl.configuration.syntax import Malformed, parse, parse_expression, parse_template
from nexusctl.configuration.texts import texts
from nexusctl.render import hcl

SCALARS = st.text() | st.integers(-(2**63), 2**63) | st.booleans() | st.none()
KEYS = st.text() | st.sampled_from(["for", "if", "null", "true", "a-b", "a.b", "0", "${", "%{"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PIECES = st.sampled_from(
    [
        *("a", "for", "in", "if", "else", "endif", "endfor", "1", "0.5", '"', "${", "%{", "~", "}"),
        *("{", "[", "]", "(", ")", "=", ":", "=>", "...", ",", ".", "*", "?", "\n", " ", "<<E\n"),
        *("E\n", "<<-E\n", "#", "//", "/*", "*/", "\\", "&&", "!", "-", '"a" {', "$", "é", "\r"),
    ]
)


def evaluated(text: str) -> object:
    """The value of an expression, as an output has it."""
    found = read({"main.tf": f'output "x" {{\n  value = {text}\n}}\n'})
    assert not found.problems
    return found.outputs["x"]


def test_blocks_and_arguments_have_their_lines() -> None:
    body = parse(
        """# resource "aws_x" "in_a_comment" {
/* resource "aws_x" "in_another" {
} */
resource "aws_x" "y" { // here
  a = 1
  auth {
    b = [
      "c",
    ]
  }
}
one "line" { source = "x" }
empty {}
"""
    )
    assert [(block.type, block.labels, block.line) for block in body.blocks] == [
        ("resource", ("aws_x", "y"), 4),
        ("one", ("line",), 12),
        ("empty", (), 13),
    ]
    resource = body.blocks[0].body
    assert resource.attributes["a"].line == 5
    assert resource.blocks[0].line == 6
    value = resource.blocks[0].body.attributes["b"].value
    assert isinstance(value, tree.Tuple)
    assert [item.line for item in value.items] == [8]


@pytest.mark.parametrize(
    "source",
    [
        *("a {", "a }", "a = [}", 'a = "b', 'a = "b\n"', "a = <<EOT\nb\n", 'a = "${b"', "a = (]"),
        *(
            "a = 1 b = 2",
            "a = 1\na = 2",
            "a {} b {}",
            "a { b = 1\n c = 2 }",
            "a = ",
            "= 1",
            "1 = a",
        ),
        *('a = "\\q"', 'a = "\\ud800"', "a = 1.2.3", "a = b.0.1", "a = b ? c", "a = f(", "a = 1 +"),
        *("a = {b.c = 1}", "a = [for x : y]", "a = {for x in y : z}", "a = 'b'", "a = b\rc = d"),
        *(
            'a = "%{ if b }c"',
            'a = "%{ endif }"',
            'a = "%{ x }"',
            "a = x::y",
            "a = /* b",
            'a = "~}"}',
        ),
        *('a "${b}" {}', "a = <<EOT\nb\nEOT", "a = [1 2]", "a = {b = 1 c = 2}", "a = f(b... , c)"),
    ],
)
def test_malformed(source: str) -> None:
    with pytest.raises(Malformed):
        parse(source)


def test_malformed_says_where() -> None:
    with pytest.raises(Malformed, match="line 3") as caught:
        parse("a = 1\nb = [\n  1 2\n]\n")
    assert caught.value.line == 3


def test_newlines_end_an_expression_outside_of_brackets_only() -> None:
    body = parse("a = (\n  1\n  + 2\n)\nb = [\n1,\n2\n]\nc = {\n  d = 1, e = 2\n  f = 3\n}\n")
    assert list(body.attributes) == ["a", "b", "c"]
    with pytest.raises(Malformed):
        parse("a = 1\n  + 2\n")


def test_byte_order_mark_and_windows_line_ends() -> None:
    assert list(parse("\ufeffa = 1\r\nb = <<EOT\r\nx\r\nEOT\r\nc = 2\r\n").attributes) == [*"abc"]


def test_a_file_that_is_a_template_has_no_escapes_and_no_end_mark() -> None:
    assert parse_template('a "b" \\n\n').parts == (tree.Literal('a "b" \\n\n', 1),)


@pytest.mark.parametrize(
    "source",
    [
        "a = " + "[" * 30_000,
        "a = " + "(" * 30_000,
        "a = " + "-" * 30_000 + "1",
        "a = " + "!" * 30_000 + "b",
        "a = " + "f(" * 30_000,
        "a = " + '"${' * 30_000,
        "a = " + "b ? " * 30_000,
        "a = " + "{ b = " * 30_000,
        "a = b" + "[*]" * 30_000,
        "a = b" + "[b" * 30_000,
        'a = "' + "%{ if b }" * 30_000,
        "a {\n" * 30_000,
        "/*" * 200_000,
        '"' * 200_001,
        "<<E\n" * 200_000,
        "a = <<E\n" + "${" * 30_000,
        "\\" * 1_000_000,
        "a" * 1_000_000,
        "9" * 1_000_000,
        "a = 1" + "." * 1_000_000,
    ],
    ids=lambda source: source[:12],
)
def test_hostile_text_ends_soon(source: str) -> None:
    start = time.process_time()
    with pytest.raises(Malformed):
        parse(source)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "source",
    [
        "a = 1" + " + 1" * 10_000,
        "a = b" + ".c" * 10_000,
        "a = b" + "[0]" * 10_000,
        "a = " + "1e9" * 1,
        "a = 1e999999999",
        "a = " + "9" * 30_000,
        'a = "' + "${b}" * 10_000 + '"',
    ],
    ids=lambda source: source[:12],
)
def test_long_is_not_deep(source: str) -> None:
    value = source.removeprefix("a = ")
    assert list(parse(source).attributes) == ["a"]
    read({"main.tf": f'output "a" {{\n  value = {value}\n}}\n'})


@settings(max_examples=300, deadline=None)
@given(st.text() | st.lists(PIECES).map("".join))
def test_any_text_is_read_or_malformed(source: str) -> None:
    for reader in (parse, parse_expression, parse_template, texts):
        with contextlib.suppress(Malformed):
            reader(source)
    read({"main.tf": source, "terraform.tfvars": source})


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_what_the_renderer_writes_is_read_back(value: object) -> None:
    def normal(item: object) -> object:
        match item:
            case str():
                return unicodedata.normalize("NFC", item)
            case list():
                return [normal(each) for each in item]
            case dict():
                return {normal(key): normal(each) for key, each in item.items()}
        return item

    assert evaluated(hcl.literal(value)) == normal(value)


def test_texts_have_path_line_and_no_interpolation() -> None:
    source = """resource "aws_x" "y" {
  environment {
    variables = { "PGPASSWORD" = "a${var.b["c"]}d", list = ["e"] }
  }
  value = jsonencode({ password = "f" })
}
"""
    found = {text.path[3:]: (text.line, text.text) for text in texts(source) if text.path[3:]}
    assert found["environment", "variables", "PGPASSWORD"] == (3, "a\0d")
    assert found["environment", "variables", "list"] == (3, "e")
    assert found["value", "password"] == (5, "f")


def test_texts_within_interpolations_and_element_names_are_not_what_the_argument_holds() -> None:
    source = 'locals {\n  password = "${var.a["b"]}"\n  token = var.c["d"]\n}\n'
    assert [(text.path, text.text) for text in texts(source)] == [
        (("locals", "password", ""), "b"),
        (("locals", "password"), "\0"),
        (("locals", "token", ""), "d"),
    ]


def test_texts_of_a_list_over_several_lines_keep_its_name() -> None:
    source = 'locals {\n  passwords = [\n    "a",\n    "b",\n  ]\n}\n'
    assert [(text.path, text.line) for text in texts(source)] == [
        (("locals", "passwords"), 3),
        (("locals", "passwords"), 4),
    ]


def test_a_heredoc_is_one_text_as_it_is_written() -> None:
    (text,) = texts("locals {\n  script = <<EOT\nexport A=${var.b}\nEOT\n}\n")
    assert (text.path, text.line, text.heredoc) == (("locals", "script"), 2, True)
    assert text.text == "export A=${var.b}\n"
