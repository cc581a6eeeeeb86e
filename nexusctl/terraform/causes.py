"""Why Terraform failed, where its words tell: a held state lock, AWS itself, or a full disk."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from nexusctl.errors import AwsFailed, NexusError, Refused, TerraformFailed, ToolUnfit
from nexusctl.terraform.events import Diagnostic

LOCK_NOT_RELEASED = "Error releasing the state lock"
# nexusctl says in its own words, and with its own commands, what these mean.
STATE_SUMMARIES = frozenset(
    {LOCK_NOT_RELEASED, "Failed to save state", "Failed to persist state to backend"}
)


@dataclass(frozen=True, slots=True)
class StateLock:
    """The lock on the state of an environment. `who` is user@host, `created` in UTC."""

    id: str
    who: str
    operation: str
    created: str

    @property
    def doing(self) -> str:
        """The operation in one word: `apply`, where Terraform says `OperationTypeApply`."""
        return self.operation.removeprefix("OperationType").lower()

    @property
    def created_at(self) -> datetime | None:
        """When it was taken; None if that cannot be read."""
        # 2026-01-02 03:04:05.6 +0000 UTC in messages, 2026-01-02T03:04:05.6Z in the lock itself.
        found = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)", self.created)
        try:
            at = datetime.fromisoformat(f"{found[1]}T{found[2]}") if found else None
        except ValueError:  # the 31st of February
            return None
        return at and at.replace(tzinfo=UTC)


def state_lock(diagnostics: Sequence[Diagnostic]) -> StateLock | None:
    """The state lock that kept Terraform from the state, if one did."""
    for diagnostic in diagnostics:
        if "acquiring the state lock" in diagnostic.summary:
            fields = dict(
                re.findall(
                    r"^\s*(ID|Who|Operation|Created):\s*(.*?)\s*$", diagnostic.detail, re.MULTILINE
                )
            )
            if "ID" in fields:
                return StateLock(
                    fields["ID"],
                    fields.get("Who", "unknown"),
                    fields.get("Operation", "unknown"),
                    fields.get("Created", "unknown"),
                )
    return None


def lock_unreadable(diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether what lies in the place of the state lock kept Terraform out, and is none."""
    return any("into LockInfo struct" in each.detail for each in diagnostics)


def lock_left(diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether Terraform could not release the state lock that it held."""
    return any(each.summary == LOCK_NOT_RELEASED for each in diagnostics)


def no_bucket(diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether there is no bucket that the state could be in."""
    said = "\n".join(f"{each.summary}\n{each.detail}" for each in diagnostics)
    return re.search(_NO_BUCKET, said) is not None


@dataclass(frozen=True, slots=True)
class Cause:
    """What is behind a failure, as the kind of error it is.

    `hint` is what has to be done before nexusctl can go on, empty if that is nothing;
    `{import} ID` in it stands for the command that brings each of `addresses`, which are those of
    the resources that it was said of, into the state.
    """

    error: type[NexusError]
    what: str
    hint: str
    addresses: tuple[str, ...] = ()


NO_SPACE = "no space left on device"
_NO_BUCKET = r"NoSuchBucket|S3 bucket \S+ does not exist"
WAYS = "(aws sso login, AWS_PROFILE, or aws.profile in the environment)"
# What the AWS SDK for Go, the provider and the S3 backend say; the first that matches counts.
CAUSES = (
    (
        NO_SPACE + r"|disk quota exceeded",
        Cause(ToolUnfit, "the disk is full", "free space on the disk that holds .nexusctl"),
    ),
    (
        r"AWS account ID not allowed",
        Cause(
            Refused,
            "these credentials are of another account",
            "sign in to the account that aws.account_id names",
        ),
    ),
    (
        r"[Ss]aved plan (is stale|does not match)",
        Cause(Refused, "the state has moved since the plan was made", ""),
    ),
    (
        r"No valid credential sources|cached credentials|failed to get shared config profile",
        Cause(
            AwsFailed,
            "no AWS credentials",
            f"sign in to AWS {WAYS}, or try it without an account: --sandbox",
        ),
    ),
    (
        r"ExpiredToken|RequestExpired|[Tt]oken (has|is) expired",
        Cause(AwsFailed, "the AWS credentials have expired", f"sign in to AWS again {WAYS}"),
    ),
    (
        r"Invalid(ClientTokenId|AccessKeyId)|SignatureDoesNotMatch|UnrecognizedClient|AuthFailure",
        Cause(AwsFailed, "AWS does not know these credentials", f"sign in to AWS again {WAYS}"),
    ),
    (
        # CreateSecret and PutSecretValue of the Secrets Manager API: the name of a deleted secret
        # is free again after its recovery window only.
        r"name is already scheduled for deletion|marked for deletion",
        Cause(
            TerraformFailed,
            "a secret of that name is waiting to be deleted",
            "take it back: aws secretsmanager restore-secret --secret-id NAME (the message above "
            "has NAME; this prints the ARN), then: {import} ARN",
        ),
    ),
    (
        r"already exists|AlreadyExists|\.Duplicate|InvalidSubnet\.Conflict",
        Cause(
            TerraformFailed,
            "AWS holds something that the state does not know",
            "if an earlier apply has made it, or this one by a request whose answer was lost, "
            "bring it into the state with {import} ID; else give it another name",
        ),
    ),
    (
        _NO_BUCKET,
        Cause(
            AwsFailed,
            "the state bucket does not exist",
            "create the state bucket (state.bucket) first, with versioning",
        ),
    ),
    (
        r"AccessDenied|UnauthorizedOperation|is not authorized to perform|api error Forbidden",
        Cause(
            AwsFailed,
            "AWS denied access",
            "these credentials lack a right that the message names, or have expired: get them",
        ),
    ),
    (
        r"Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|Rate exceeded|StatusCode: 429",
        Cause(AwsFailed, "AWS is throttling this account's requests", "wait some minutes"),
    ),
    (
        r"StatusCode: 50[0234]|InternalFailure|InternalError|ServiceUnavailable",
        Cause(
            AwsFailed,
            "AWS answers with errors of its own",
            "wait until it is well again (https://health.aws.amazon.com)",
        ),
    ),
    (
        r"connection refused|no such host|(i/o|handshake) timeout|maximum number of attempts",
        Cause(
            AwsFailed,
            "AWS cannot be reached from here",
            "check the network and the region",
        ),
    ),
)


def known_cause(diagnostics: Sequence[Diagnostic]) -> Cause | None:
    """What is behind a failure, None if it is Terraform's own or nothing that is known here."""
    for pattern, cause in CAUSES:
        said = [
            each for each in diagnostics if re.search(pattern, f"{each.summary}\n{each.detail}")
        ]
        if said:
            addresses = dict.fromkeys(each.address for each in said if each.address)
            return replace(cause, addresses=tuple(addresses))
    return None
