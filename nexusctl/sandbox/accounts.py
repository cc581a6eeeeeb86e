"""Which account a request is made in: the sandbox serves all accounts at once."""

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam import models as iam

from nexusctl.sandbox.record import ACCESS_KEY_PREFIX


def account_of(access_key_id: str) -> str:
    """The account that an access key belongs to.

    That is the one written in it, or, for temporary keys of sts:AssumeRole and the keys of IAM
    users, the one that moto made it in.
    """
    written = access_key_id.removeprefix(ACCESS_KEY_PREFIX)
    if written != access_key_id:
        return written
    for account_id, partitions in list(iam.iam_backends.items()):
        if any(access_key_id in backend.access_keys for backend in list(partitions.values())):
            return str(account_id)
    return str(DEFAULT_ACCOUNT_ID)


def install() -> None:
    """Make moto ask `account_of`. It looks its own function up by name in every request."""
    iam.get_account_id_from = account_of
