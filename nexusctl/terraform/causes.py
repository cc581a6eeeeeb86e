"""Why Terraform failed, where its words tell: a held state lock, or AWS itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nexusctl.errors import AwsFailed, NexusError, Refused
from nexusctl.terraform.events import Diagnostic


@dataclass(frozen=True, slots=True)
class StateLock:
    """The lock that kept Terraform from the state."""

    id: str
    who: str
    operation: str
    created: str


def state_lock(diagnostics: Sequence[Diagnostic]) -> StateLock | None:
    """The state lock that an error speaks of, if it speaks of one."""
    for diagnostic in diagnostics:
        if "state lock" in diagnostic.summary.lower():
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


@dataclass(frozen=True, slots=True)
class AwsCause:
    """What AWS answered, as the kind of error it is, and what can be done about it."""

    error: type[NexusError]
    hint: str


# What the AWS SDK for Go, the provider and the S3 backend say; the first that matches counts.
CAUSES = (
    (
        r"AWS account ID not allowed",
        AwsCause(Refused, "these credentials are of another account than aws.account_id"),
    ),
    (
        r"No valid credential sources|cached credentials|failed to get shared config profile",
        AwsCause(
            AwsFailed,
            "sign in to AWS (aws sso login, AWS_PROFILE, or aws.profile in the environment), "
            "or try it without an account: --sandbox",
        ),
    ),
    (
        r"ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient",
        AwsCause(AwsFailed, "these credentials have expired or are wrong: sign in to AWS again"),
    ),
    (
        r"NoSuchBucket|S3 bucket \S+ does not exist",
        AwsCause(AwsFailed, "create the state bucket (state.bucket) first, with versioning"),
    ),
    (
        r"AccessDenied|UnauthorizedOperation|is not authorized to perform",
        AwsCause(AwsFailed, "these credentials lack a right that the message names"),
    ),
    (
        r"connection refused|no such host|i/o timeout|exceeded maximum number of attempts",
        AwsCause(AwsFailed, "AWS cannot be reached from here: check the network and the region"),
    ),
)


def aws_cause(diagnostics: Sequence[Diagnostic]) -> AwsCause | None:
    """What AWS has to do with a failure, None if nothing that is known here."""
    said = "\n".join(f"{each.summary}\n{each.detail}" for each in diagnostics)
    return next((cause for pattern, cause in CAUSES if re.search(pattern, said)), None)
