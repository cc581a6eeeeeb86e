"""Secrets Manager: rotation that is recorded, staging labels that stay, names that are not free."""

import time
from collections.abc import Callable
from typing import Any

from moto.secretsmanager.exceptions import InvalidParameterException, InvalidRequestException
from moto.secretsmanager.models import FakeSecret
from moto.secretsmanager.responses import SecretsManagerResponse

Create = Callable[[SecretsManagerResponse], str]
Move = Callable[[FakeSecret, dict[str, Any], str], None]

DAY = 86_400
LABELS_OF_AWS = ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")


def install() -> None:
    """Add everything."""
    SecretsManagerResponse.rotate_secret = rotate_secret
    SecretsManagerResponse.create_secret = refusing_names(SecretsManagerResponse.create_secret)
    FakeSecret.reset_default_version = keeping_labels(FakeSecret.reset_default_version)


def refusing_names(create: Create) -> Create:
    """secretsmanager:CreateSecret: the name of a secret that waits to be deleted, in AWS's words.

    moto says of it that the secret exists.
    """

    def create_secret(self: SecretsManagerResponse) -> str:
        secret = self.backend.secrets.get(self._get_param("Name"))
        if secret is not None and secret.is_deleted():
            raise InvalidRequestException(
                "You can't create this secret because a secret with this name is already scheduled "
                "for deletion."
            )
        return create(self)

    return create_secret


def rotate_secret(self: SecretsManagerResponse) -> str:
    """secretsmanager:RotateSecret: moto looks for the function and runs it, in Docker.

    Functions have no life here: a schedule is recorded, and nothing is tested or rotated.
    """
    days = (self._get_param("RotationRules") or {}).get("AutomaticallyAfterDays")
    if self._get_bool_param("RotateImmediately", if_none=True) or days is None:
        raise NotImplementedError(
            "the sandbox runs no function that could rotate a secret: it records a rotation with "
            "AutomaticallyAfterDays and without RotateImmediately"
        )
    secret = self.backend.describe_secret(self._get_param("SecretId"))
    if secret.is_deleted():
        raise InvalidRequestException("the secret is marked for deletion")
    # API reference, RotationRulesType.
    if not 1 <= days <= 1000:  # noqa: PLR2004
        raise InvalidParameterException(f"AutomaticallyAfterDays {days} is not from 1 to 1000")
    function = self._get_param("RotationLambdaARN") or secret.rotation_lambda_arn
    if not function:
        raise InvalidRequestException("the secret has no Lambda function ARN configured")
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = function
    secret.auto_rotate_after_days = days
    secret.next_rotation_date = int(time.time()) + days * DAY
    return secret.to_short_dict()  # type: ignore[no-any-return]


def keeping_labels(move: Move) -> Move:
    """secretsmanager:PutSecretValue: labels that are not AWS's stay, each on one version.

    moto takes them all from a version together with AWSCURRENT.
    """

    def reset_default_version(
        self: FakeSecret, secret_version: dict[str, Any], version_id: str
    ) -> None:
        self.remove_version_stages_from_old_versions(own_labels(secret_version))
        before = self.versions.get(self.default_version_id, {})
        kept = own_labels(before)
        move(self, secret_version, version_id)
        if kept:
            before["version_stages"] += kept

    return reset_default_version


def own_labels(version: dict[str, Any]) -> list[str]:
    """The labels of a version that are not AWS's."""
    return [label for label in version.get("version_stages", []) if label not in LABELS_OF_AWS]
