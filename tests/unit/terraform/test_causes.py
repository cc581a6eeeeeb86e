"""Why Terraform failed, read from what it says."""

import json

import pytest

from nexusctl.errors import AwsFailed, NexusError, Refused
from nexusctl.terraform.causes import StateLock, aws_cause, state_lock
from nexusctl.terraform.events import Diagnostic, parse

# As Terraform 1.11.4 says it with the S3 backend and a lock file.
LOCKED = """\
Error message: operation error S3: PutObject, https response error StatusCode: 412, \
RequestID: x, HostID: y, api error PreconditionFailed: At least one of the pre-conditions \
you specified did not hold
Lock Info:
  ID:        11111111-2222-3333-4444-555555555555
  Path:      some-bucket/keystone-nexus/prod/terraform.tfstate
  Operation: OperationTypeApply
  Who:       somebody@elsewhere
  Version:   1.11.4
  Created:   2026-01-02 03:04:05.6 +0000 UTC
  Info:      


Terraform acquires a state lock to protect the state from being written
by multiple users at the same time. Please resolve the issue above and try
again. For most commands, you can disable locking with the "-lock=false"
flag, but this is not recommended."""  # noqa: W291 - it does end that line with spaces


def error(summary: str, detail: str) -> Diagnostic:
    body = {"severity": "error", "summary": summary, "detail": detail}
    event = parse(json.dumps({"type": "diagnostic", "diagnostic": body}))
    assert isinstance(event, Diagnostic)
    return event


def test_the_holder_is_read_from_the_diagnostic() -> None:
    diagnostics = [error("Other", ""), error("Error acquiring the state lock", LOCKED)]
    assert state_lock(diagnostics) == StateLock(
        id="11111111-2222-3333-4444-555555555555",
        who="somebody@elsewhere",
        operation="OperationTypeApply",
        created="2026-01-02 03:04:05.6 +0000 UTC",
    )


def test_what_the_lock_does_not_say_is_unknown() -> None:
    found = state_lock([error("Error acquiring the state lock", "Lock Info:\n  ID: 7\n")])
    assert found == StateLock("7", "unknown", "unknown", "unknown")


@pytest.mark.parametrize(
    ("summary", "detail"),
    [
        ("Error acquiring the state lock", "Error message: access denied"),
        ("Invalid value for variable", LOCKED),
        ("Error acquiring the state lock", ""),
    ],
)
def test_an_error_without_a_lock_to_name_names_none(summary: str, detail: str) -> None:
    assert state_lock([error(summary, detail)]) is None
    assert state_lock([]) is None


@pytest.mark.parametrize(
    ("said", "kind", "hint"),
    [
        ("AWS account ID not allowed: 999988887777", Refused, "aws.account_id"),
        ("No valid credential sources found", AwsFailed, "sign in"),
        ("api error ExpiredToken: The security token is expired", AwsFailed, "again"),
        ('S3 bucket "x" does not exist.', AwsFailed, "state.bucket"),
        ("api error AccessDenied: no", AwsFailed, "lack a right"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", AwsFailed, "cannot be reached"),
    ],
)
def test_what_aws_refused_has_a_hint(said: str, kind: type[NexusError], hint: str) -> None:
    for diagnostic in (error(said, ""), error("planning", f"...\n{said}")):
        cause = aws_cause([error("Other", ""), diagnostic])
        assert cause is not None
        assert cause.error is kind
        assert hint in cause.hint


def test_an_error_of_terraforms_own_is_not_awss() -> None:
    assert aws_cause([error("Invalid value for variable", "allowed are 0 to 300")]) is None
