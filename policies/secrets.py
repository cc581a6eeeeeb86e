"""Secrets, and the keys and roles that open them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nexusctl.configuration.values import Json, Partial, Unknown
from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Policy, Resource
from nexusctl.policy.iam import attached, given, items
from nexusctl.policy.verdict import Severity

_KEYS = frozenset({"aws_kms_key", "aws_kms_alias", "aws_kms_external_key", "aws_kms_replica_key"})
# The key of an instance, or of a module around it, in an address.
_INDEX = re.compile(r"\[[^\]]*\]")


class CustomerKeys(Policy):
    """What is encrypted is encrypted with keys of this account's own."""

    about = About(
        id="NEXUS_CUSTOMER_KEYS",
        title="Passwords, data and logs are encrypted with customer-managed keys",
        severity=Severity.HIGH,
        why="Whoever may use the service may use AWS's own key: nobody can take that right away, "
        "and no other account could restore a snapshot of the database.",
        fact="The policy of an AWS managed key such as alias/aws/rds cannot be changed, and what "
        "it encrypts cannot be shared with another account (KMS Developer Guide, AWS KMS keys; RDS "
        "User Guide, Encrypting Amazon RDS resources).",
        fix="set kms_key_id (with storage_encrypted), master_user_secret_kms_key_id and "
        "performance_insights_kms_key_id to keys of your own, as terraform/modules/database and "
        "secrets do; a replica that no file has was made outside: take it away with aws "
        "secretsmanager remove-regions-from-replication",
        resources=(
            "aws_secretsmanager_secret",
            "aws_db_instance",
            "aws_rds_cluster",
            "aws_rds_global_cluster",
            "aws_cloudwatch_log_group",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every key argument names a key, and none of them AWS's own."""
        if resource.type == "aws_rds_global_cluster":
            return _global(resource)
        if resource.type == "aws_secretsmanager_secret":
            replicas = [_keyed(resource, each, "kms_key_id") for each in resource.blocks("replica")]
            if resource.uncertain("replica"):
                replicas.append(Answer.unknown("the number of replicas is not known", "replica"))
            answers = [_keyed(resource, resource, "kms_key_id"), *replicas]
        elif resource.type == "aws_cloudwatch_log_group":
            if not _is_of_database(resource):
                return Answer.passed("it holds no logs of a database")
            answers = [_keyed(resource, resource, "kms_key_id")]
        else:
            answers = list(_database_keys(resource))
        return Answer.worst(answers, "it is encrypted with customer-managed keys")


def _global(cluster: Resource) -> Answer:
    """A global cluster has no key of its own: its clusters do, and one made of a cluster has its
    encryption."""
    if cluster.value("source_db_cluster_identifier") not in (ABSENT, UNKNOWN):
        return Answer.passed("it is encrypted as the cluster that it is made of")
    return cluster.answer("storage_encrypted", True)


def _is_of_database(group: Resource) -> bool:
    """Whether a log group is one of RDS's, or could be."""
    name = group.text("name")
    if name in (ABSENT, UNKNOWN):
        prefix = group.text("name_prefix")
        name = "${}" if prefix in (ABSENT, UNKNOWN) else prefix
    return str(name).startswith(("/aws/rds/", "${}"))


def _database_keys(database: Resource) -> Iterator[Answer]:
    if database.type == "aws_rds_cluster":
        # Of an instance CKV_AWS_16 says it.
        yield database.answer("storage_encrypted", True)
    yield _keyed(database, database, "kms_key_id")
    for switch, name in (
        ("manage_master_user_password", "master_user_secret_kms_key_id"),
        ("performance_insights_enabled", "performance_insights_kms_key_id"),
    ):
        if database.value(switch) is UNKNOWN:
            yield Answer.unknown(f"{switch} is not known", switch)
        if database.value(switch) is True:
            yield _keyed(database, database, name)


def _keyed(resource: Resource, block: Block, name: str) -> Answer:
    """Whether an argument names a key that is not AWS's own."""
    here = (*block.path, name)
    what = f"a {block.path[0]}'s {name}" if block.path else name
    value = block.value(name)
    if value is ABSENT:
        return Answer.failed(f"{what} is not set: AWS's own key is used", *here)
    if value is UNKNOWN:
        kinds = {_kind(each) for each in _references(resource, block.values[name], here)}
        if kinds and kinds <= _KEYS:
            return Answer.passed(f"{what} is a key of this stack")
        return Answer.unknown(f"{what} is not known to be a customer-managed key", *here)
    if re.search(r"(?:^|:)alias/aws/", str(value)):
        return Answer.failed(f"{what} is AWS's own key", *here)
    return Answer.passed(f"{what} is set, and not AWS's own key")


class KeyRotation(Policy):
    """KMS keys get new key material every year."""

    about = About(
        id="NEXUS_KEY_ROTATION",
        title="KMS keys rotate",
        severity=Severity.MEDIUM,
        why="Without rotation everything the stack ever encrypts hangs on one piece of key "
        "material.",
        fact="KMS replaces the material of symmetric keys every 365 days once rotation is "
        "enabled, and keeps the old for decryption; it cannot for asymmetric and HMAC keys (KMS "
        "Developer Guide, Rotate AWS KMS keys).",
        fix="set enable_key_rotation = true on the key, as terraform/modules/database and secrets "
        "do",
        resources=("aws_kms_key",),
    )

    def judge(self, resource: Resource) -> Answer:
        """`enable_key_rotation` is true on a symmetric key."""
        spec = resource.value("customer_master_key_spec")
        if spec not in (ABSENT, UNKNOWN, "SYMMETRIC_DEFAULT"):
            return Answer.passed("KMS does not rotate keys of this spec")
        return resource.answer("enable_key_rotation", True)


class SecretRotation(Policy):
    """Secrets Manager replaces every password, again and again."""

    about = About(
        id="NEXUS_SECRET_ROTATION",
        title="The passwords of database users rotate",
        severity=Severity.HIGH,
        why="A password that leaked once opens the production database for as long as it is not "
        "replaced, and by hand nobody does it.",
        fact="Secrets Manager calls the rotation's Lambda function by the schedule in its rules, "
        "and RDS Proxy reads the new value by itself (Secrets Manager User Guide, Rotate "
        "secrets; RDS User Guide, RDS Proxy).",
        fix="set rotation.function_arn, and rotation.every if 30d is not right, for each of users",
        resources=("aws_secretsmanager_secret",),
        settings=("users",),
        tiers=("production",),
    )

    def judge(self, resource: Resource) -> Answer:
        """A rotation with rules and a function refers to it."""
        answers = [
            _rotates(resource, rotation)
            for rotation in resource.of_type("aws_secretsmanager_secret_rotation")
        ]
        mine = [answer for answer in answers if answer is not None]
        if not mine:
            return Answer.failed("no aws_secretsmanager_secret_rotation refers to it")
        return Answer.worst(mine, "it rotates")


def _rotates(secret: Resource, rotation: Resource) -> Answer | None:
    """What a rotation does for a secret; None if it is that of another one."""
    given = rotation.value("secret_id")
    referred = rotation.refers_to("secret_id", secret.type)
    if isinstance(given, str):
        if given not in (secret.value("arn"), secret.value("id")):
            return None
    elif all(each.address != secret.address for each in referred):
        return None
    elif len(referred) > 1:
        # A key that is not known: of for_each, the one with the same key is meant.
        indexes, others = _INDEX.findall(secret.address), _INDEX.findall(rotation.address)
        if indexes and indexes != others:
            if len(indexes) == len(others):
                return None
            return Answer.unknown(f"which secret {rotation.address} rotates is not known")
    schedules = [
        rules.value(name)
        for rules in rotation.blocks("rotation_rules")
        for name in ("automatically_after_days", "schedule_expression")
    ]
    if UNKNOWN in schedules or rotation.uncertain("rotation_rules"):
        return Answer.unknown(f"the rotation_rules of {rotation.address} are not known")
    if all(schedule is ABSENT for schedule in schedules):
        return Answer.failed(f"{rotation.address} has no schedule in rotation_rules")
    if rotation.value("rotation_lambda_arn") is ABSENT:
        return Answer.failed(f"{rotation.address} has no rotation_lambda_arn")
    return Answer.passed(f"{rotation.address} rotates it")


class ProxyRole(Policy):
    """The proxy's role opens the users' secrets, and nothing else."""

    about = About(
        id="NEXUS_PROXY_ROLE",
        title="RDS Proxy may read the secrets of its users, and nothing else",
        severity=Severity.HIGH,
        why="A role that opens more secrets, or that others may take, turns one mistake into "
        "everybody's passwords.",
        fact="A proxy takes its role as rds.amazonaws.com and needs secretsmanager:GetSecretValue "
        "on the secrets of its auth blocks, and kms:Decrypt on their key (RDS User Guide, Setting "
        "up IAM policies for RDS Proxy).",
        fix="give the proxy a role like that of terraform/modules/proxy: trusted by "
        "rds.amazonaws.com, with one inline policy that names the secrets and their key",
        resources=("aws_db_proxy",),
    )

    def judge(self, resource: Resource) -> Answer:
        """Whom the role trusts, and what its policies allow."""
        given = resource.value("role_arn")
        kinds = {_kind(each) for each in _references(resource, resource.values.get("role_arn"))}
        roles = resource.refers_to("role_arn", "aws_iam_role")
        if given is UNKNOWN and kinds != {"aws_iam_role"}:
            roles = []
        if isinstance(given, str):
            roles = [role for role in roles if role.value("arn") == given]
        if not roles:
            return Answer.unknown("role_arn is not that of a role managed here", "role_arn")
        answers = [answer for role in roles for answer in _role(role)]
        return Answer.worst(answers, f"{roles[0].address} opens the secrets and nothing else")


def _role(role: Resource) -> Iterator[Answer]:
    yield _trust(role)
    for inline in role.blocks("inline_policy"):
        yield from _permissions(role, inline, f"an inline_policy of {role.address}")
    if role.uncertain("inline_policy"):
        yield Answer.unknown(f"inline_policy of {role.address} is not known")
    yield from _managed_policies(role, role, "managed_policy_arns")
    others = given(role)
    for other, name in others.by_role.get(role.address, ()):
        if name == "policy":
            yield from _permissions(role, other, other.address)
        else:
            yield from _managed_policies(role, other, name)
    for address in others.anybody:
        yield Answer.unknown(f"which role {address} is for is not known")


def _trust(role: Resource) -> Answer:
    document = role.document("assume_role_policy")
    if not isinstance(document, Mapping):
        return Answer.unknown(f"assume_role_policy of {role.address} is not known")
    trusted: list[Any] = []
    for statement in _allowing(document):
        principal = statement.get("Principal")
        if isinstance(principal, Mapping) and set(principal) == {"Service"}:
            trusted += items(principal["Service"])
        else:
            trusted.append(principal)
    if UNKNOWN in trusted:
        return Answer.unknown(f"whom {role.address} trusts is not known")
    if any(each != "rds.amazonaws.com" for each in trusted):
        return Answer.failed(f"{role.address} trusts others than rds.amazonaws.com")
    return Answer.passed(f"{role.address} trusts rds.amazonaws.com only")


def _managed_policies(role: Resource, attaching: Resource, name: str) -> Iterator[Answer]:
    """What the managed policies allow that an argument attaches to the role."""
    for each in attached(attaching, name):
        if each.amazons is not None:
            yield Answer.failed(f"{attaching.address} attaches a policy of AWS's own to the role")
        elif not each.policy.all_here:
            yield Answer.unknown(f"{name} of {attaching.address} leads to no policy made here")
        for policy in each.policy.here:
            yield from _permissions(role, policy, policy.address)


_ALLOWED = {
    "secretsmanager:getsecretvalue": "secret",
    "secretsmanager:describesecret": "secret",
    "kms:decrypt": "key",
}


def _permissions(role: Resource, policy: Block, shown: str) -> Iterator[Answer]:
    """What a policy of the role allows, statement by statement."""
    written = policy.values.get("policy")
    # Not `document`: what unknown ARNs are made of matters here.
    document = written.value if isinstance(written, Json) else policy.document("policy")
    if document is ABSENT:
        return
    if not isinstance(document, Mapping):
        yield Answer.unknown(f"the policy of {shown} is not known")
        return
    for statement in _allowing(document):
        if "NotAction" in statement or "NotResource" in statement:
            yield Answer.failed(f"{shown} allows all but something")
            continue
        actions = items(statement.get("Action"))
        if any(isinstance(action, Unknown) for action in actions):
            yield Answer.unknown(f"the actions that {shown} allows are not known")
            continue
        kinds = {_ALLOWED.get(str(action).lower(), "") for action in actions}
        if "" in kinds:
            yield Answer.failed(
                f"{shown} allows more than secretsmanager:GetSecretValue and kms:Decrypt"
            )
            continue
        for kind in kinds:
            resources = items(statement.get("Resource"))
            yield from (_target(role, each, kind, shown) for each in resources)


def _target(role: Resource, arn: object, kind: str, shown: str) -> Answer:
    """Whether an ARN that a policy names is that of a secret managed here, or of one key."""
    text = arn.text if isinstance(arn, Partial) else "" if isinstance(arn, Unknown) else str(arn)
    if "*" in text or "?" in text:
        return Answer.failed(f"{shown} names a {kind} by a wildcard")
    if isinstance(arn, Unknown):
        kinds = {_kind(each) for each in arn.references}
        wanted = {"aws_secretsmanager_secret", "aws_secretsmanager_secret_version"}
        wanted = wanted if kind == "secret" else {*_KEYS}
        if kinds and kinds <= wanted and not isinstance(arn, Partial):
            return Answer.passed(f"{shown} names a {kind} of this stack")
        return Answer.unknown(f"a {kind} that {shown} names is not known")
    arns = {secret.value("arn") for secret in role.of_type("aws_secretsmanager_secret")}
    if kind == "secret" and text not in arns:
        return Answer.failed(f"{shown} names a secret that is not of this stack")
    return Answer.passed(f"{shown} names a {kind}")


def _allowing(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The statements that may allow something; one nobody knows is a statement of unknowns."""
    statements = document.get("Statement")
    for statement in items(statements):
        if not isinstance(statement, Mapping):
            unknown = Unknown(frozenset())
            yield {"Principal": UNKNOWN, "Action": unknown, "Resource": unknown}
        elif statement.get("Effect") != "Deny":
            yield statement


def _kind(address: str) -> str:
    """The resource type in an address, `var` or `data` for what is no resource."""
    return re.sub(r"^(?:module\.[\w-]+(?:\[[^]]*\])?\.)*", "", address).split(".")[0]


def _references(
    resource: Resource, value: object, path: tuple[str | int, ...] = ("role_arn",)
) -> frozenset[str]:
    """What an unknown argument is made of: the addresses of resources, variables and the like."""
    own = value.references if isinstance(value, Unknown) else frozenset()
    return own or resource.instance.references.get(path, frozenset())


customer_keys = CustomerKeys()
key_rotation = KeyRotation()
secret_rotation = SecretRotation()
proxy_role = ProxyRole()
