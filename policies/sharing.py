"""Nothing of the stack is everybody's: no secret, key, role, snapshot, bucket or function."""

from collections.abc import Iterator

from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Policy, Resource
from nexusctl.policy.iam import everybody, statements
from nexusctl.policy.verdict import Severity

# The argument with a resource's own policy.
_DOCUMENTS = {
    "aws_iam_role": "assume_role_policy",
    "aws_kms_external_key": "policy",
    "aws_kms_key": "policy",
    "aws_kms_key_policy": "policy",
    "aws_kms_replica_external_key": "policy",
    "aws_kms_replica_key": "policy",
    "aws_s3_bucket": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_secretsmanager_secret": "policy",
    "aws_secretsmanager_secret_policy": "policy",
}

# Arguments, and which of their values let everybody in.
_VALUES = {
    "aws_ami_launch_permission": ("group", "all"),
    "aws_db_cluster_snapshot": ("shared_accounts", "all"),
    "aws_db_snapshot": ("shared_accounts", "all"),
    "aws_db_snapshot_copy": ("shared_accounts", "all"),
    "aws_ebs_snapshot_block_public_access": ("state", "unblocked"),
    "aws_ec2_image_block_public_access": ("state", "unblocked"),
    "aws_lambda_function_url": ("authorization_type", "NONE"),
    "aws_rds_cluster_snapshot_copy": ("shared_accounts", "all"),
    "aws_s3_bucket": ("acl", "public-read", "public-read-write", "authenticated-read"),
    "aws_s3_bucket_acl": ("acl", "public-read", "public-read-write", "authenticated-read"),
    "aws_snapshot_create_volume_permission": ("account_id", "all"),
}

# S3's groups of everybody, and of everybody with an account at AWS.
_GRANTEES = {
    "aws_s3_bucket": ("grant", "uri"),
    "aws_s3_bucket_acl": ("access_control_policy.grant.grantee", "uri"),
}
_ALL_USERS = ("/global/AllUsers", "/global/AuthenticatedUsers")

_BLOCKS_PUBLIC_ACCESS = (
    *("block_public_acls", "block_public_policy", "ignore_public_acls"),
    "restrict_public_buckets",
)


class NotShared(Policy):
    """Who may use something is said by name."""

    about = About(
        id="NEXUS_NOT_SHARED",
        title="No secret, key, role, snapshot, bucket or function is open to everybody",
        severity=Severity.CRITICAL,
        why="Everybody with an account at AWS, or without one, could read the passwords, the state "
        "or a copy of the database, or take a role of this account.",
        fact='Principal "*" is everybody in every account (IAM User Guide, Principal element), '
        "only a condition on who it is narrows that, and an OpenID Connect provider vouches for "
        "all of its users; a snapshot shared with all is public (RDS "
        "User Guide, Sharing a DB snapshot); a function URL without IAM answers everybody (Lambda "
        "Developer Guide, Function URLs).",
        fix="nexusctl names accounts, services and roles; elsewhere name them, too, or add a "
        "condition on aws:PrincipalOrgID, aws:PrincipalAccount, aws:SourceArn or the like; for a "
        "provider, on its sub claim",
        resources=(
            "aws_ami_launch_permission",
            "aws_db_cluster_snapshot",
            "aws_db_snapshot",
            "aws_db_snapshot_copy",
            "aws_ebs_snapshot_block_public_access",
            "aws_ec2_image_block_public_access",
            "aws_iam_role",
            "aws_kms_external_key",
            "aws_kms_key",
            "aws_kms_key_policy",
            "aws_kms_replica_external_key",
            "aws_kms_replica_key",
            "aws_lambda_function_url",
            "aws_lambda_permission",
            "aws_rds_cluster_snapshot_copy",
            "aws_s3_account_public_access_block",
            "aws_s3_bucket",
            "aws_s3_bucket_acl",
            "aws_s3_bucket_policy",
            "aws_s3_bucket_public_access_block",
            "aws_secretsmanager_secret",
            "aws_secretsmanager_secret_policy",
            "aws_snapshot_create_volume_permission",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """Neither its own policy nor one of its arguments is for everybody."""
        answers: list[Answer] = []
        if resource.type in _DOCUMENTS:
            answers += _document(resource, _DOCUMENTS[resource.type])
        if resource.type in _VALUES:
            name, *public = _VALUES[resource.type]
            answers += _never(resource, name, public)
        if resource.type in _GRANTEES:
            answers += _grants(resource, *_GRANTEES[resource.type])
        if resource.type == "aws_lambda_permission":
            answers += _permission(resource)
        if resource.type.endswith("_public_access_block"):
            answers += [resource.answer(name, True) for name in _BLOCKS_PUBLIC_ACCESS]
        return Answer.worst(answers, "it is not open to everybody")


def _document(resource: Resource, name: str) -> Iterator[Answer]:
    if resource.value(name) is ABSENT:
        return
    allowing = statements(resource, name)
    if allowing is None:
        yield Answer.unknown(f"{name} is not known", name)
        return
    for statement in allowing:
        everybodys = everybody(statement)
        if everybodys:
            yield Answer.failed(f"{name} lets everybody in", name)
        elif everybodys is None:
            yield Answer.unknown(f"whom {name} lets in is not known", name)


def _never(block: Block, name: str, public: list[str]) -> Iterator[Answer]:
    value, here = block.value(name), (*block.path, name)
    for item in value if isinstance(value, list) else [value]:
        if item is UNKNOWN:
            yield Answer.unknown(f"{name} is not known", *here)
        elif item in public:
            yield Answer.failed(f"{name} is {item}: open to everybody", *here)


def _grants(resource: Resource, blocks: str, name: str) -> Iterator[Answer]:
    for block in resource.blocks(blocks):
        uri = block.value(name)
        if uri is UNKNOWN:
            yield Answer.unknown(f"{name} of a grant is not known", *block.path, name)
        elif str(uri).endswith(_ALL_USERS):
            yield Answer.failed(f"a grant is to {uri}: everybody", *block.path, name)
    if resource.uncertain(blocks):
        yield Answer.unknown("its grants are not known", blocks.partition(".")[0])


def _permission(permission: Resource) -> Iterator[Answer]:
    name = "principal"
    who = permission.value(name)
    limits = [
        permission.value(each) for each in ("principal_org_id", "source_account", "source_arn")
    ]
    if who is UNKNOWN:
        yield Answer.unknown(f"{name} is not known", name)
    elif who == "*" and all(limit in (ABSENT, "*") for limit in limits):
        yield Answer.failed(f"{name} is *: everybody may call the function", name)


not_shared = NotShared()
