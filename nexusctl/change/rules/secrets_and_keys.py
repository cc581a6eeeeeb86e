"""Secrets, keys and the bucket of the state."""

from nexusctl.change.rule import Effect, Level, Rule
from nexusctl.change.rules import sources
from nexusctl.change.rules.conditions import GONE, NEW, ceases, lost_outside
from nexusctl.terraform.plan import Action

_ROTATED = (
    "until the role in PostgreSQL has the new password, the proxy opens no new connections for it; "
    "those that are open stay"
)


_ROTATED_FACT = (
    "The proxy reads the secret for new database connections. Writing a secret changes nothing in "
    "PostgreSQL."
)


SECRETS_AND_KEYS: tuple[Rule, ...] = (
    Rule(
        id="secret-lost-outside",
        resource="aws_secretsmanager_secret",
        actions=NEW,
        when=lost_outside,
        condition="somebody deleted it",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the credentials of a database user: this makes others, which "
        "PostgreSQL does not know; while its recovery window lasts, restore it: aws secretsmanager "
        "restore-secret",
        fact="A deleted secret can be restored for its recovery window (7 to 30 days), then never; "
        "until then no other one may have its name.",
        source=sources.DELETED_SECRETS,
    ),
    Rule(
        id="secret-value-lost-outside",
        resource="aws_secretsmanager_secret_version",
        actions=NEW,
        when=lost_outside,
        condition="somebody deleted it",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the password in the secret: this writes another, which PostgreSQL "
        "does not know",
        fact=_ROTATED_FACT,
        source=sources.DELETED_SECRETS,
    ),
    Rule(
        id="key-lost-outside",
        resource="aws_kms_key",
        actions=NEW,
        when=lost_outside,
        condition="somebody deleted it",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the key: this makes another one, which reads nothing that the old "
        "one encrypted; while its waiting period lasts, keep it: aws kms cancel-key-deletion, then "
        "enable-key",
        fact="A key is deleted after a waiting period of 7 to 30 days, in which it is unusable; "
        "then what it encrypted cannot be recovered.",
        source=sources.KEY_DELETE,
    ),
    Rule(
        id="secret-lost",
        resource="aws_secretsmanager_secret",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="the credentials of a database user are gone: the proxy cannot sign in as that user",
        fact="A deleted secret can be restored for its recovery window (7 to 30 days), then never; "
        "until then no other one may have its name.",
        source=sources.DELETED_SECRETS,
    ),
    Rule(
        id="secret-value-lost",
        resource="aws_secretsmanager_secret_version",
        actions=frozenset({Action.DESTROY}),
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="the password in the secret is gone, and nobody else knows it",
        fact="A version without a staging label is deprecated and deleted in time.",
        source=sources.ROTATION,
    ),
    Rule(
        id="secret-rotated",
        resource="aws_secretsmanager_secret_version",
        actions=frozenset({Action.REPLACE}),
        level=Level.DISRUPTIVE,
        effect=Effect.CREDENTIALS_ROTATED,
        says=_ROTATED,
        fact=_ROTATED_FACT,
        source=sources.PROXY_SETUP,
    ),
    Rule(
        id="secret-written",
        resource="aws_secretsmanager_secret_version",
        attributes=("secret_string*", "secret_binary*"),
        level=Level.DISRUPTIVE,
        effect=Effect.CREDENTIALS_ROTATED,
        says=_ROTATED,
        fact=_ROTATED_FACT,
        source=sources.PROXY_SETUP,
    ),
    Rule(
        id="secret-made",
        resource="aws_secretsmanager_secret",
        actions=NEW,
        level=Level.NONE,
        effect=Effect.CREATED,
        says="a database user gets credentials",
        fact="Neither Terraform nor the proxy makes the role in PostgreSQL.",
        source=sources.PROXY_SETUP,
    ),
    Rule(
        id="rotation-made",
        resource="aws_secretsmanager_secret_rotation",
        actions=NEW,
        level=Level.LOW,
        effect=Effect.CREDENTIALS_ROTATED,
        says="from now on by schedule; the first time after one interval",
        fact="Without RotateImmediately the first rotation waits for the schedule.",
        source=sources.ROTATION,
    ),
    Rule(
        id="rotation-ended",
        resource="aws_secretsmanager_secret_rotation",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="a password is no longer rotated",
        fact="Without a rotation the value of a secret stays as it is.",
        source=sources.ROTATION,
    ),
    Rule(
        id="key-lost",
        resource="aws_kms_key",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="all that the key encrypted becomes unreadable, backups and snapshots too",
        fact="A key is deleted after a waiting period of 7 to 30 days, in which it is unusable; "
        "then what it encrypted cannot be recovered.",
        source=sources.KEY_DELETE,
    ),
    Rule(
        id="key-rotation-off",
        resource="aws_kms_key",
        attributes=("enable_key_rotation",),
        when=ceases(True),
        condition="it was true",
        level=Level.LOW,
        effect=Effect.SECURITY_LOWERED,
        says="the key's material is no longer rotated",
        fact="What older material encrypted stays readable.",
        source=sources.KEY_DELETE,
    ),
    Rule(
        id="bucket-lost",
        resource="aws_s3_bucket",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="all that the bucket holds is lost",
        fact="Its name may be taken by anybody afterwards.",
        source=sources.BUCKET_DELETE,
    ),
    Rule(
        id="key-disabled",
        resource="aws_kms_key",
        attributes=("is_enabled",),
        when=ceases(True),
        condition="it was true",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="nothing that the key encrypts can be read: RDS stops a database whose key it is, and "
        "after seven days that is for good",
        fact="An instance that cannot use its key is stopped, and can be started again for seven "
        "days once the key is enabled; then only a backup is left.",
        source=sources.RDS_ENCRYPTION,
    ),
    Rule(
        id="key-enabled",
        resource="aws_kms_key",
        attributes=("is_enabled",),
        level=Level.LOW,
        effect=Effect.ACCESS_OPENED,
        says="what the key encrypts can be read again; a database that RDS has stopped for it has "
        "to be started",
        fact="A key that is enabled works within minutes.",
        source=sources.RDS_ENCRYPTION,
    ),
)
