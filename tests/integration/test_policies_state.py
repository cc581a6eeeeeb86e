"""policies/state.py: Terraform's state, encrypted, locked and remote; on the root `state`, too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.policy.gate import Case, Gate
from nexusctl.policy.verdict import TIERS, Outcome, Verdict
from tests.integration.judging import (
    POLICIES,
    judge_both,
    judge_files,
    judge_plan,
    messages,
    named,
    outcomes,
    sets,
)

TLS, LOCK, REMOTE = "NEXUS_STATE_TLS", "NEXUS_STATE_LOCK", "NEXUS_STATE_REMOTE"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


def judge(gate: Gate, text: str, tier: str = "production") -> Verdict:
    """The verdict on a file, as where a plan will be judged, too."""
    return gate.judge_files(Case("x", tier, Path("main.tf"), {"main.tf": text}, Path()))


VPC = 'resource "aws_vpc" "main" {\n cidr_block = "10.0.0.0/16"\n}\n'


def judge_backend(gate: Gate, backend: str, arguments: str, tier: str = "production") -> Verdict:
    block = f'backend "{backend}"' if backend != "cloud" else "cloud"
    return judge(gate, f"terraform {{\n {block} {{\n {arguments}\n }}\n}}\n{VPC}", tier)


def said(verdict: Verdict, policy: str) -> tuple[str, str]:
    """What became of the one record of a policy, and its message."""
    (found,) = [each for each in verdict.findings if each.policy.id == policy]
    return found.outcome, found.message


S3 = 'bucket = "b"\n key = "k"\n '
PASSED = [
    ("s3", S3 + "encrypt = true"),
    ("s3", S3 + 'encrypt = true\n endpoints = { s3 = "https://s3.example" }'),
    ("s3", S3 + 'encrypt = true\n http_proxy = "http://proxy.example:3128"'),
    ("s3", S3 + 'encrypt = true\n ec2_metadata_service_endpoint = "http://169.254.169.254"'),
    ("azurerm", 'container_name = "c"\n key = "k"'),
    ("gcs", 'bucket = "b"'),
    ("cloud", 'organization = "o"'),
    ("remote", 'organization = "o"'),
    ("cos", 'bucket = "b"'),
    ("oss", 'bucket = "b"\n encrypt = true'),
]
FAILED = [
    ("s3", S3, "encrypt is not set, so not true"),
    ("s3", "encrypt = false", "encrypt is false, not true"),
    ("s3", "insecure = true", "insecure is set: no certificate is verified"),
    ("s3", S3 + 'encrypt = true\n endpoint = "http://s3.example"', "endpoint names plain http"),
    ("s3", 'encrypt = true\n endpoints = { s3 = "HTTP://s" }', "endpoints names plain http"),
    ("s3", 'sts_endpoint = "http://sts"', "sts_endpoint names plain http"),
    ("http", 'address = "http://state.example"', "address names plain http"),
    (
        "http",
        'address = "https://s.example"\n lock_address = "http://s.example"',
        "lock_address names plain http",
    ),
    ("http", 'unlock_address = "http://s.example"', "unlock_address names plain http"),
    (
        "http",
        'address = "https://s.example"\n skip_cert_verification = true',
        "skip_cert_verification is set: no certificate is verified",
    ),
    ("consul", 'path = "p"\n address = "c.example"\n scheme = "http"', "scheme is not https"),
    ("consul", 'path = "p"\n address = "c.example"', "scheme is not https"),
    ("gcs", 'storage_custom_endpoint = "http://g"', "storage_custom_endpoint names plain http"),
    (
        "pg",
        'conn_str = "postgres://h/d?sslmode=disable"',
        "the sslmode in conn_str is not verify-full",
    ),
    ("kubernetes", "insecure = true", "insecure is set: no certificate is verified"),
    ("cos", 'bucket = "b"\n encrypt = false', "encrypt is false, not true"),
    ("oss", 'bucket = "b"', "encrypt is not set, so not true"),
]
LEFT = (
    "left to terraform init, and what else it is given neither files nor plan tell; write the "
    "whole backend block"
)
UNKNOWN = [
    ("s3", "", f"bucket and key {LEFT}"),
    ("s3", 'key = "k"\n encrypt = true', f"bucket {LEFT}"),
    ("gcs", "", f"bucket {LEFT}"),
    (
        "http",
        'address = "https://state.example"',
        "whether the http backend's server encrypts it is not known",
    ),
    (
        "consul",
        'path = "p"\n scheme = "https"',
        "whether the consul backend's server encrypts it is not known",
    ),
    (
        "pg",
        'conn_str = "postgres://h/d?sslmode=verify-full"',
        "whether the pg backend's server encrypts it is not known",
    ),
    (
        "kubernetes",
        'secret_suffix = "s"',
        "whether the kubernetes backend's server encrypts it is not known",
    ),
]


@pytest.mark.parametrize(("backend", "arguments"), PASSED)
def test_encrypted_backends(gate: Gate, backend: str, arguments: str) -> None:
    verdict = judge_backend(gate, backend, arguments)
    assert outcomes(verdict, TLS) == sets(passed={f"backend.{backend}"})


@pytest.mark.parametrize(("backend", "arguments", "message"), FAILED)
def test_backends_in_clear(gate: Gate, backend: str, arguments: str, message: str) -> None:
    assert said(judge_backend(gate, backend, arguments), TLS) == (Outcome.FAILED, message)


@pytest.mark.parametrize(("backend", "arguments", "message"), UNKNOWN)
def test_backends_that_nobody_knows_enough_of_are_not_judged(
    gate: Gate, backend: str, arguments: str, message: str
) -> None:
    verdict = judge_backend(gate, backend, arguments)
    assert said(verdict, TLS) == (Outcome.DEFERRED, message)
    # A plan does not decide it either, so that one will be judged is no help.
    assert [each for each in verdict.unjudged if TLS in each] == [
        f"main.tf:2: {TLS} backend.{backend}: {message}"
    ]


LOCKS = [
    ("s3", S3, Outcome.FAILED),
    ("s3", "", Outcome.DEFERRED),
    ("s3", "use_lockfile = true", Outcome.PASSED),
    ("s3", "use_lockfile = false", Outcome.FAILED),
    ("s3", 'dynamodb_table = "locks"', Outcome.PASSED),
    ("http", 'address = "https://s"', Outcome.FAILED),
    ("http", 'address = "https://s"\n lock_address = "https://s/lock"', Outcome.PASSED),
    ("http", "", Outcome.DEFERRED),
    ("consul", 'path = "p"', Outcome.PASSED),
    ("consul", 'path = "p"\n lock = false', Outcome.FAILED),
    ("oss", 'bucket = "b"', Outcome.FAILED),
    ("oss", 'bucket = "b"\n tablestore_table = "t"', Outcome.PASSED),
    ("swift", "", Outcome.FAILED),
]


@pytest.mark.parametrize(("backend", "arguments", "outcome"), LOCKS)
def test_locks(gate: Gate, backend: str, arguments: str, outcome: Outcome) -> None:
    assert said(judge_backend(gate, backend, arguments), LOCK)[0] == outcome


def test_a_local_state_is_denied_where_much_is_at_stake(gate: Gate) -> None:
    for tier, expected in (("staging", {"backend.local"}), ("development", set())):
        assert outcomes(judge_backend(gate, "local", "", tier), REMOTE)["failed"] == expected
    # Without a backend it is local.
    assert outcomes(judge(gate, '# backend "s3" {}\n' + VPC), REMOTE)["failed"] == {"backend.local"}


# Buckets.


def test_buckets(gate: Gate) -> None:
    good = named("aws_s3_bucket", "pass_known", 'each["pass"]')
    good_in_files = named("aws_s3_bucket", "pass")
    unknown = named("aws_s3_bucket", "unknown")
    bad = named(
        "aws_s3_bucket",
        *("fail_without", "fail_objects", "fail_some", "fail_condition", 'each["fail"]'),
    )
    passed = good | good_in_files
    found = outcomes(judge_files(gate, "state"), TLS)
    assert found == sets(passed=passed, failed=bad, deferred=unknown)
    found = outcomes(judge_plan(gate, "state"), TLS)
    assert found == sets(passed=good, failed=bad | unknown | good_in_files)
    found = outcomes(judge_both(gate, "state"), TLS)
    assert found == sets(passed=passed, failed=bad | unknown)


def test_bucket_whose_name_nobody_knows_yet(gate: Gate) -> None:
    denial: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["${aws_s3_bucket.main.arn}", "${aws_s3_bucket.main.arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    }
    text = """
resource "aws_s3_bucket" "main" {{
  bucket_prefix = "state-"
}}
resource "aws_s3_bucket" "other" {{
  bucket_prefix = "other-"
}}
resource "aws_s3_bucket_policy" "main" {{
  bucket = aws_s3_bucket.{}.id
  policy = jsonencode({})
}}
"""
    document = json.dumps({"Statement": denial})
    good = judge(gate, text.format("main", document))
    assert outcomes(good, TLS) == sets(
        passed={"aws_s3_bucket.main"}, failed={"aws_s3_bucket.other"}
    )
    # A policy of the other bucket that denies requests to the first.
    bad = judge(gate, text.format("other", document))
    assert "aws_s3_bucket.other" not in outcomes(bad, TLS)["passed"]
    assert "aws_s3_bucket.main" in outcomes(bad, TLS)["failed"]


def test_messages_and_tiers(gate: Gate) -> None:
    assert messages(judge_files(gate, "state"), TLS)["aws_s3_bucket.fail_without"] == (
        "no aws_s3_bucket_policy denies requests without TLS"
    )
    assert gate.catalogue[TLS].tiers == gate.catalogue[LOCK].tiers == TIERS
    assert gate.catalogue[REMOTE].tiers == ("staging", "production")
