"""Why Terraform failed, read from what it says."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nexusctl.errors import AwsFailed, NexusError, Refused, TerraformFailed, ToolUnfit
from nexusctl.terraform.causes import (
    StateLock,
    known_cause,
    lock_left,
    lock_unreadable,
    no_bucket,
    state_lock,
)
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


DELETED_SECRET = (
    "creating Secrets Manager Secret (x): operation error Secrets Manager: CreateSecret, https "
    "response error StatusCode: 400, InvalidRequestException: You can't create this secret because "
    "a secret with this name is already scheduled for deletion."
)
EXISTING_SECRET = (
    "CreateSecret, https response error StatusCode: 400, ResourceExistsException: The operation "
    "failed because the secret keystone-nexus-dev/database-users/ingest already exists."
)
MARKED_SECRET = (
    "InvalidRequestException: You can't perform this operation on the secret because it was "
    "marked for deletion."
)


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


def test_the_moment_of_a_lock_is_read_from_the_message_and_from_the_lock_itself() -> None:
    taken = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    for created in ("2026-01-02 03:04:05.6 +0000 UTC", "2026-01-02T03:04:05.612345678Z"):
        lock = StateLock("7", "somebody@elsewhere", "OperationTypeApply", created)
        assert lock.created_at == taken
        assert lock.doing == "apply"
    for unreadable in ("unknown", "2026-02-31T03:04:05Z", "2026-01-02T25:00:00Z"):
        assert StateLock("7", "unknown", "unknown", unreadable).created_at is None


def test_what_lies_in_the_place_of_a_lock_and_is_none_is_told_from_a_lock() -> None:
    said = "failed to unmarshal JSON data into LockInfo struct: unexpected end of JSON input"
    assert lock_unreadable([error("Error acquiring the state lock", f"Error message: x\n{said}")])
    assert not lock_unreadable([error("Error acquiring the state lock", LOCKED)])


def test_a_lock_that_was_not_released_is_none_that_was_in_the_way() -> None:
    released = error("Error releasing the state lock", LOCKED)
    assert lock_left([error("Other", ""), released])
    assert state_lock([released]) is None
    assert not lock_left([error("Error acquiring the state lock", LOCKED)])


@pytest.mark.parametrize(
    ("said", "kind", "what"),
    [
        ("AWS account ID not allowed: 999988887777", Refused, "another account"),
        ("Saved plan is stale", Refused, "the state has moved"),
        ("No valid credential sources found", AwsFailed, "no AWS credentials"),
        ("api error ExpiredToken: The security token is expired", AwsFailed, "have expired"),
        ("ExpiredTokenException: The security token included", AwsFailed, "have expired"),
        ("api error RequestExpired: Request has expired.", AwsFailed, "have expired"),
        ("the SSO session token has expired: refresh failed", AwsFailed, "have expired"),
        ("api error InvalidClientTokenId: no", AwsFailed, "does not know"),
        ('S3 bucket "x" does not exist.', AwsFailed, "state bucket"),
        ("api error AccessDenied: no", AwsFailed, "denied access"),
        ("https response error StatusCode: 403, api error Forbidden", AwsFailed, "denied access"),
        ("StatusCode: 400, api error Throttling: Rate exceeded", AwsFailed, "throttling"),
        ("exceeded maximum number of attempts, 5, api error SlowDown", AwsFailed, "throttling"),
        ("api error RequestLimitExceeded: Request limit", AwsFailed, "throttling"),
        ("StatusCode: 500, api error InternalError: We", AwsFailed, "errors of its own"),
        ("StatusCode: 503, api error ServiceUnavailable:", AwsFailed, "errors of its own"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", AwsFailed, "cannot be reached"),
        ("dial tcp: lookup sts.amazonaws.com: no such host", AwsFailed, "cannot be reached"),
        ("dial tcp 10.0.0.1:443: i/o timeout", AwsFailed, "cannot be reached"),
        ("api error InvalidGroup.Duplicate: The group 'x'", TerraformFailed, "does not know"),
        ("api error EntityAlreadyExists: Role with name x", TerraformFailed, "does not know"),
        (DELETED_SECRET, TerraformFailed, "waiting to be deleted"),
        (EXISTING_SECRET, TerraformFailed, "does not know"),
        (MARKED_SECRET, TerraformFailed, "waiting to be deleted"),
        ("Failed to write plan: no space left on device", ToolUnfit, "the disk is full"),
    ],
)
def test_what_is_behind_a_failure_has_its_kind(
    said: str, kind: type[NexusError], what: str
) -> None:
    for diagnostic in (error(said, ""), error("planning", f"...\n{said}")):
        cause = known_cause([error("Other", ""), diagnostic])
        assert cause is not None
        assert cause.error is kind
        assert what in cause.what


def test_a_cause_knows_of_which_resources_it_was_said() -> None:
    said = [
        replace(error(EXISTING_SECRET, ""), address="module.secrets.aws_secretsmanager_secret.a"),
        replace(error("reading the VPC: context canceled", ""), address="module.network.aws_vpc.b"),
        replace(error("InvalidGroup.Duplicate: The group", ""), address="aws_security_group.c"),
    ]
    cause = known_cause(said)
    assert cause is not None
    assert cause.addresses == ("module.secrets.aws_secretsmanager_secret.a", "aws_security_group.c")


@pytest.mark.parametrize(
    "said",
    [
        "allowed are 0 to 300",
        "timeout while waiting for state to become 'available'",
        "https response error StatusCode: 501, api error NotImplemented",
    ],
)
def test_an_error_of_terraforms_own_has_no_cause_outside(said: str) -> None:
    assert known_cause([error("Invalid value for variable", said)]) is None


def test_a_bucket_that_is_not_there_holds_no_state() -> None:
    assert no_bucket([error('S3 bucket "x" does not exist.', "")])
    assert not no_bucket([error("api error AccessDenied: no", "")])
