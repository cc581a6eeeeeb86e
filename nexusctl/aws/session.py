"""A session with the account that an environment names, on AWS or on the sandbox in its place."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore import exceptions as botocore
from botocore.config import Config

from nexusctl.environment.model import Aws
from nexusctl.errors import AwsFailed, Refused

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})


class Session:
    """Clients of AWS's services; made by `session`.

    `caller` is the ARN of who has signed in, before any role is assumed.
    """

    def __init__(self, made: boto3.Session, caller: str = "") -> None:
        self._session = made
        self.caller = caller

    def client(self, service: str, *, region: str | None = None) -> Any:
        """A client of boto3's, in the environment's region unless another is named."""
        make: Any = self._session.client
        return make(service, region_name=region, config=_CONFIG)


@contextmanager
def session(aws: Aws, variables: Mapping[str, str]) -> Iterator[Session]:
    """A session in `aws.account_id`. `variables` are the process environment that leads there.

    Raises:
        AwsFailed: AWS refuses, or cannot be reached; also for what is asked inside the block.
        Refused: the credentials are of another account.
    """
    with _process_environment(variables), _explained():
        made = boto3.Session(profile_name=aws.profile, region_name=aws.region)
        identity = _identity(made)
        caller = str(identity["Arn"])
        if aws.assume_role_arn:
            made = _assumed(made, aws)
            identity = _identity(made)
        account = identity["Account"]
        if account != aws.account_id:
            raise Refused(
                f"these credentials are of the account {account}, not {aws.account_id}",
                hint="sign in to the account that aws.account_id names",
            )
        yield Session(made, caller)


def _identity(made: boto3.Session) -> dict[str, Any]:
    identity: dict[str, Any] = Session(made).client("sts").get_caller_identity()
    return identity


def _assumed(made: boto3.Session, aws: Aws) -> boto3.Session:
    answer = (
        Session(made)
        .client("sts")
        .assume_role(RoleArn=aws.assume_role_arn, RoleSessionName="nexusctl")
    )
    credentials = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=aws.region,
    )


@contextmanager
def _process_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """boto3 looks for credentials and endpoints in its own process's environment alone."""
    before, wanted = dict(os.environ), dict(variables)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except botocore.NoCredentialsError as error:
        raise AwsFailed(
            f"AWS: {error}",
            hint="sign in to AWS (aws sso login, AWS_PROFILE, or aws.profile in the environment), "
            "or try it without an account: --sandbox",
        ) from error
    except botocore.ConnectionError as error:
        raise AwsFailed(
            f"AWS: {error}", hint="AWS cannot be reached from here: check the network and region"
        ) from error
    except botocore.ClientError as error:
        raise AwsFailed(
            f"AWS: {error}", hint="these credentials have expired, or lack the right it names"
        ) from error
    except botocore.BotoCoreError as error:
        raise AwsFailed(f"AWS: {error}", hint="check aws.profile and aws.region") from error
