"""What is known of an aws_iam_policy_document. What it makes of all that is known, Terraform's own
plan of tests/fixtures/policy/documents says.
"""

import pytest

from nexusctl.configuration.configuration import read
from nexusctl.configuration.values import Json, Unknown

SECRET = 'resource "aws_secretsmanager_secret" "s" {}\n'


def document(body: str, more: str = "") -> object:
    """The `json` of a document with this body."""
    found = read(
        {
            "main.tf": f'{SECRET}{more}data "aws_iam_policy_document" "d" {{\n{body}\n}}\n'
            'output "d" {\n  value = data.aws_iam_policy_document.d.json\n}\n'
        }
    )
    assert not found.problems
    return found.outputs["d"]


def statement(body: str) -> str:
    return f"statement {{\n{body}\n}}\n"


def test_what_is_known_stands_around_what_is_not() -> None:
    found = document(
        statement('sid = "A"\nactions = ["b", "a"]\nresources = [aws_secretsmanager_secret.s.arn]')
    )
    assert isinstance(found, Json)
    assert isinstance(found.value, dict)
    (said,) = found.value["Statement"]
    resource = said.pop("Resource")
    assert isinstance(resource, Unknown)
    assert resource.references == {"aws_secretsmanager_secret.s.arn"}
    assert said == {"Sid": "A", "Effect": "Allow", "Action": ["b", "a"]}
    assert found.references == {
        "aws_secretsmanager_secret.s.arn",
        "data.aws_iam_policy_document.d.json",
    }


def test_document_goes_into_another_one() -> None:
    inner = f'data "aws_iam_policy_document" "e" {{\n{statement("resources = [var.x]")}}}\n'
    found = document(
        "source_policy_documents = [data.aws_iam_policy_document.e.json]\n"
        + statement('actions = ["a"]'),
        f'variable "x" {{}}\n{inner}',
    )
    assert isinstance(found, Json)
    assert isinstance(found.value, dict)
    first, second = found.value["Statement"]
    assert isinstance(first["Resource"], Unknown)
    assert second == {"Effect": "Allow", "Action": "a"}


@pytest.mark.parametrize(
    "body",
    [
        # It is not known what comes out.
        'dynamic "statement" {\nfor_each = var.x\ncontent {\nactions = ["a"]\n}\n}',
        statement('dynamic "condition" {\nfor_each = var.x\ncontent {}\n}'),
        "source_policy_documents = [var.x]",
        "override_policy_documents = var.x",
        f"source_policy_documents = [jsonencode({{}})]\n{statement('sid = var.x')}{statement('')}",
        "source_policy_documents = [jsonencode({ Statement = [var.x] })]",
        'version = var.x\nsource_policy_documents = [jsonencode({ Version = "1" })]',
        statement("principals {\ntype = var.x\n}"),
        # The provider refuses, or a later one knows better.
        statement('sid = "a"') * 2,
        "source_policy_documents = [jsonencode({ Statement = {} })]",
        'source_policy_documents = [""]',
        'source_policy_documents = ["{\\"statement\\": []}"]',
        'version = "2008-10-17"\n' + statement('resources = ["&{aws:username}"]'),
        statement("actions = [null]"),
        statement('condition {\ntest = "Bool"\nvariable = "x"\n}'),
        "unheard_of = 1",
        statement("unheard_of = 1"),
        # It rests on itself.
        "source_policy_documents = [data.aws_iam_policy_document.d.json]",
    ],
)
def test_what_is_not_certain_is_not_known(body: str) -> None:
    found = document(body, 'variable "x" {}\n')
    assert isinstance(found, Unknown)
    assert not isinstance(found, Json)


def test_other_attributes_are_not_known() -> None:
    text = 'data "aws_iam_policy_document" "d" {}\noutput "d" {\n  value = data.{}.d.id\n}\n'
    found = read({"main.tf": text.replace("{}.d", "aws_iam_policy_document.d")})
    assert isinstance(found.outputs["d"], Unknown)
