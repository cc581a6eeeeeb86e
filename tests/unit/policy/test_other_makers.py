"""Databases, proxies and secrets that are made past the aws provider's own resources."""

import pytest

from nexusctl.configuration.configuration import read
from nexusctl.policy.other_makers import other_makers

STACK = 'resource "aws_cloudformation_stack" "x" {{\n  {}\n}}\n'


def found(text: str) -> list[str]:
    configuration = read({"main.tf": text})
    assert not configuration.problems
    return [why for _, why in other_makers(configuration.instances)]


@pytest.mark.parametrize(
    "text",
    [
        'resource "awscc_rds_db_proxy" "x" {}',
        'resource "awscc_secretsmanager_secret" "x" {}',
        'resource "aws_cloudcontrolapi_resource" "x" {\n  type_name = "AWS::RDS::DBProxy"\n}',
        'variable "x" {}\nresource "aws_cloudcontrolapi_resource" "x" {\n  type_name = var.x\n}',
        STACK.format('template_url = "https://example.com/x"'),
        STACK.format('template_body = jsonencode({ A = { Type = "AWS::RDS::DBProxy" } })'),
        STACK.format('template_body = "{\\"Type\\": \\"AWS\\\\u003a:RDS::DBProxy\\"}"'),
        STACK.format('template_body = "Type: AWS::CloudFormation::Stack"'),
        STACK.format('template_body = "a: ${data.aws_x.y.z}"'),
        STACK.format('template_body = "Type: AWS::EC2::Instance"').replace("stack", "stack_set"),
    ],
)
def test_what_makes_the_same_is_named(text: str) -> None:
    (why,) = found(text)
    assert ".x: " in why
    assert "nexusctl judges aws_db_proxy" in why


@pytest.mark.parametrize(
    "text",
    [
        'resource "awscc_s3_bucket" "x" {}',
        'resource "aws_cloudcontrolapi_resource" "x" {\n  type_name = "AWS::S3::Bucket"\n}',
        STACK.format('template_body = "Type: AWS::S3::Bucket"'),
    ],
)
def test_what_makes_something_else_is_not(text: str) -> None:
    assert found(text) == []
