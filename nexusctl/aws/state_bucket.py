"""The bucket that the state lies in."""

from nexusctl.aws.session import Session
from nexusctl.environment.model import State


def put_beside_state(aws: Session, state: State, name: str, content: bytes) -> None:
    """Store an object beside the state. The bucket's own encryption holds.

    `state` must be one in S3. It takes the right s3:PutObject on `KEY.audit/*`.
    """
    key = f"{state.key}.audit/{name}"
    aws.client("s3", region=state.region).put_object(
        Bucket=state.bucket, Key=key, Body=content, ContentType="application/jsonl"
    )
