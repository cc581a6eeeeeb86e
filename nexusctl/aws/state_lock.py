"""The lock on a state in S3."""

import json
import re
import shlex

from botocore.exceptions import ClientError

from nexusctl.aws.session import Session
from nexusctl.environment.model import State
from nexusctl.errors import AwsFailed
from nexusctl.terraform.causes import StateLock

# RFC 3339, as Go writes and reads times: Terraform refuses a lock whose time it cannot read.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def held_lock(aws: Session, state: State) -> StateLock | None:
    """The lock that somebody holds on `state`, which must be one in S3; None if nobody does.

    Terraform keeps it as an object beside the state:
    https://developer.hashicorp.com/terraform/language/backend/s3#state-locking

    Raises:
        AwsFailed: AWS refuses, or the object is no lock that Terraform could release.
    """
    key = f"{state.key}.tflock"
    try:
        body = aws.client("s3", region=state.region).get_object(Bucket=state.bucket, Key=key)[
            "Body"
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise
    match _parsed(body.read()):
        case {
            "ID": str(id_),
            "Who": str(who),
            "Operation": str(operation),
            "Created": str(created),
        }:
            lock = StateLock(id_, who, operation, created)
            # An ID that begins with a dash would be an option to Terraform.
            if not id_.startswith("-") and _MOMENT.fullmatch(created) and lock.created_at:
                return lock
    raise AwsFailed(
        f"s3://{state.bucket}/{key} is no lock that Terraform can read, nor release",
        hint=f"if nobody is at work: {shlex.join(['aws', 's3', 'rm', f's3://{state.bucket}/{key}'])}",
    )


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None
