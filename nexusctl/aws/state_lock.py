"""The lock on a state in S3."""

import json

from botocore.exceptions import ClientError

from nexusctl.aws.session import Session
from nexusctl.environment.model import State
from nexusctl.errors import AwsFailed
from nexusctl.terraform.causes import StateLock


def held_lock(aws: Session, state: State) -> StateLock | None:
    """The lock that somebody holds on `state`, which must be one in S3; None if nobody does.

    Terraform keeps it as an object beside the state:
    https://developer.hashicorp.com/terraform/language/backend/s3#state-locking

    Raises:
        AwsFailed: AWS refuses, or the object is no lock of Terraform's.
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
            return StateLock(id_, who, operation, created)
    raise AwsFailed(
        f"s3://{state.bucket}/{key} is no lock that Terraform has written",
        hint=f"if nobody is at work: aws s3 rm s3://{state.bucket}/{key}",
    )


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None
