"""What expressions give when something in them is not known."""

from collections.abc import Mapping

import pytest

from nexusctl.configuration.configuration import Configuration, read
from nexusctl.configuration.values import Json, Partial, Unknown, is_known

X = frozenset({"aws_x.y.id"})


def outputs(**expressions: str) -> Mapping[str, object]:
    """The values of expressions, beside a few declarations."""
    return configuration(**expressions).outputs


def configuration(**expressions: str) -> Configuration:
    text = "".join(f"output {name} {{\n  value = {e}\n}}\n" for name, e in expressions.items())
    found = read(
        {
            "main.tf": """
resource "aws_x" "y" {
  name = "n"
  tags = { a = "b", c = aws_x.other.id }
  url  = "https://${aws_x.other.id}/"
  none = null
}
resource "aws_x" "two" {
  count = 2
  name  = "n${count.index}"
}
resource "aws_x" "each" {
  for_each = { k = "v", a = "b" }
  name     = each.value
}
resource "aws_x" "unknown" {
  for_each = aws_x.y.ids
  name     = each.key
}
variable "unset" {}
variable "words" {
  default = ["a", "b"]
}
""",
            "outputs.tf": text,
        }
    )
    assert not found.problems
    return found


def value(expression: str) -> object:
    return outputs(x=expression)["x"]


def references(expression: str) -> frozenset[str]:
    found = value(expression)
    assert type(found) is Unknown
    return found.references


@pytest.mark.parametrize(
    "expression",
    [
        *("aws_x.y.id", "aws_x.y.id + 1", "!aws_x.y.id", "aws_x.y.id == 1", "aws_x.y.id > 1"),
        *('"${aws_x.y.id}"', "upper(aws_x.y.id)", "aws_x.y.id ? 1 : 2", 'aws_x.y["id"]'),
        *("[for a in aws_x.y.id : a]", "{ (aws_x.y.id) = 1 }", "aws_x.y.id && true"),
        *("try(aws_x.y.id, 1)", "can(aws_x.y.id)", "[1, 2][aws_x.y.id]", "aws_x.y.id.0"),
        *("[for a in [1] : a if aws_x.y.id]", "true ? 1 : aws_x.y.id", "max(aws_x.y.id, 1)"),
        *("nothing_known(aws_x.y.id)", "concat([1], aws_x.y.id...)", "-aws_x.y.id"),
    ],
)
def test_unknown_goes_on_with_its_references(expression: str) -> None:
    assert references(expression) == X


def test_references_have_the_path_as_far_as_written() -> None:
    assert references("data.aws_d.e.f.g") == {"data.aws_d.e.f.g"}
    assert references("data.aws_d.e[0].f") == {"data.aws_d.e.f"}
    assert references("aws_x.unknown[*].arn") == {"aws_x.unknown.arn"}
    assert references('aws_x.unknown["k"].arn') == {"aws_x.unknown.arn"}
    assert references("var.unset") == {"var.unset"}
    assert references("module.no_such.out") == {"module.no_such.out"}
    assert references("aws_x.y") == {"aws_x.y"}
    assert {"aws_x.unknown.arn"} <= references("{ for k, s in aws_x.unknown : k => s.arn }")


def test_what_decides_alone_is_known_whatever_the_rest() -> None:
    assert value("false && aws_x.y.id") is False
    assert value("aws_x.y.id || true") is True
    assert value('aws_x.y.id ? "a" : "a"') == "a"
    assert value('true ? "a" : aws_x.y.id') == "a"
    assert value("length([aws_x.y.id, 1])") == 2
    assert value("[aws_x.y.id, 5][1]") == 5
    assert value('"x${aws_x.y.id}" == null') is False
    assert value("aws_x.y == null") is False


def test_a_string_in_part_unknown_keeps_what_is_known() -> None:
    found = value('"a-${aws_x.y.id}-${jsonencode({ k = aws_x.y.id })}"')
    assert isinstance(found, Partial)
    assert (found.text, found.references) == ('a-${}-{"k":${}}', X)
    assert isinstance(value("jsonencode([aws_x.y.id])"), Json)
    encoded = value('base64encode("a${aws_x.y.id}")')
    assert isinstance(encoded, Partial)
    assert (encoded.base64, encoded.text) == (True, "a${}")
    within = value('jsonencode({ k = "\\"${aws_x.y.id}" })')
    assert isinstance(within, Json)
    outer = value('"${jsonencode({ k = "\\"${aws_x.y.id}" })} "')
    assert isinstance(outer, Partial)
    assert outer.text == '{"k":"\\"${}"} '


def test_arguments_of_resources_are_known_as_configured() -> None:
    assert value("aws_x.y.name") == "n"
    assert value("aws_x.two[1].name") == "n1"
    assert value("aws_x.two[*].name") == ["n0", "n1"]
    assert value("aws_x.two.*.name") == ["n0", "n1"]
    assert value('aws_x.each["k"].name') == "v"
    assert value("values(aws_x.each)[*].name") == ["b", "v"]
    assert value("{ for k, s in aws_x.each : k => s.name }") == {"a": "b", "k": "v"}
    assert value("length(aws_x.each)") == 2
    assert value("[for s in aws_x.y[*] : s.name]") == ["n"]
    assert references("aws_x.y.none") == {"aws_x.y.none"}
    tags = value("aws_x.y.tags")
    assert isinstance(tags, dict)
    assert tags["a"] == "b"
    url = value("aws_x.y.url")
    assert isinstance(url, Partial)
    assert url.text == "https://${}/"
    assert url.references == {"aws_x.y.url", "aws_x.other.id"}


def test_a_known_value_tells_what_it_rests_on() -> None:
    found = read(
        {
            "main.tf": """
locals {
  name = "${aws_x.a.name}-x"
}
resource "aws_x" "a" {
  name = var.given
}
resource "aws_x" "b" {
  for_each = { k = local.name }
  name     = each.value
  plain    = "p"
}
variable "given" {
  default = "g"
}
"""
        }
    )
    (b,) = (one for one in found.instances if one.declared == "aws_x.b")
    assert b.values == {"name": "g-x", "plain": "p"}
    assert b.references == {("name",): {"aws_x.a.name"}, ("plain",): frozenset()}


@pytest.mark.parametrize(
    "expression",
    [
        *("[1][5]", "{}.a", "1 + null", "null.a", '"x${null}"', '"x${[]}"', "1 / 0", "each.key"),
        *("var.no_such", "local.no_such", "toset([1])[0]", "{ (null) = 1 }", "true + 1"),
        *(
            "[for a in 1 : a]",
            "{ for a in [1, 1] : a => a }",
            '"a" > 1',
            "no_such",
            "-[]",
            "null[0]",
        ),
    ],
)
def test_what_terraform_refuses_is_unknown_and_try_goes_on(expression: str) -> None:
    assert isinstance(value(expression), Unknown)


def test_try_goes_on_where_failure_is_certain() -> None:
    assert value("try({}.a, [1][5], 3)") == 3
    assert value("can({}.a)") is False
    assert value('try(tonumber("x"), "no")') == "no"


@pytest.mark.parametrize(
    "expression",
    [
        # Lists and tuples, maps and objects are not told apart, and a conversion depends on it.
        *('var.words == ["a", "b"]', "true ? 1 : aws_x.y.id", '[true ? [1] : ["a"]][0]'),
        *('concat(tolist([1]), tolist(["a"]))', 'true ? { a = 1, b = "x" } : { a = 1 }'),
        *("terraform.workspace", "path.cwd", "self.id", "uuid()", "timestamp()", '"${1 / 3}x"'),
    ],
)
def test_nothing_is_guessed(expression: str) -> None:
    assert isinstance(value(expression), Unknown)


def test_cycles_are_unknown_and_end() -> None:
    found = read(
        {
            "main.tf": """
locals {
  a = local.b
  b = "${local.a}x"
}
output "a" {
  value = local.a
}
resource "aws_x" "y" {
  name = aws_x.y.name
}
"""
        }
    )
    assert isinstance(found.outputs["a"], Unknown)
    assert isinstance(found.instances[0].values["name"], Unknown)


def test_long_chains_and_explosions_end() -> None:
    chain = "".join(f"  a{n} = local.a{n + 1}\n" for n in range(2000))
    double = "".join(f"  b{n} = [local.b{n + 1}, local.b{n + 1}]\n" for n in range(60))
    text = "".join(f'  c{n} = "${{local.c{n + 1}}}${{local.c{n + 1}}}"\n' for n in range(60))
    ranges = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]"
    found = read(
        {
            "main.tf": f'locals {{\n{chain}  a2000 = 1\n{double}  b60 = 1\n{text}  c60 = "x"\n}}\n'
            'output "a" {\n  value = local.a0\n}\noutput "b" {\n  value = local.b0\n}\n'
            'output "c" {\n  value = local.c0\n}\n'
            f'output "d" {{\n  value = {ranges}\n}}\n'
        }
    )
    assert not any(is_known(found.outputs[name]) for name in "abcd")
