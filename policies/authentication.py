"""Clients prove who they are with IAM; passwords are made, kept and replaced by AWS."""

import re
from collections.abc import Callable
from typing import ClassVar

from nexusctl.configuration.values import Unknown
from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Policy, Resource
from nexusctl.policy.verdict import Severity


class ProxyAuthentication(Policy):
    """No password is needed, or accepted, to reach the database through the proxy."""

    about = About(
        id="NEXUS_PROXY_AUTHENTICATION",
        title="RDS Proxy requires IAM authentication",
        severity=Severity.CRITICAL,
        why="A proxy that takes passwords needs them on every worker, where they leak and stay.",
        fact="With IAMAuth REQUIRED a proxy takes IAM tokens, which last 15 minutes, and no "
        "passwords (RDS User Guide, Configuring IAM authentication for RDS Proxy).",
        fix="set proxy.iam_auth: REQUIRED",
        resources=("aws_db_proxy",),
        settings=("proxy.iam_auth",),
        remedy="REQUIRED",
    )

    def judge(self, resource: Resource) -> Answer:
        """`iam_auth` is REQUIRED in every `auth` block: any of them lets its user in."""
        return _every_auth(
            resource,
            lambda auth: [auth.answer("iam_auth", "REQUIRED")],
            "iam_auth is REQUIRED in every auth block",
        )


class ProxySecrets(Policy):
    """The proxy knows the passwords of database users from secrets of this stack alone."""

    about = About(
        id="NEXUS_PROXY_SECRETS",
        title="RDS Proxy takes its credentials from secrets of this stack",
        severity=Severity.CRITICAL,
        why="A secret made elsewhere may be read, written and deleted by others, and with it every "
        "worker's way into the database.",
        fact="A proxy reads user name and password from the secret of each auth block; AuthScheme "
        "SECRETS takes a secret's ARN and refuses UserName (RDS API, UserAuthConfig).",
        fix="give each of users a secret, as terraform/modules/secrets does, and each auth block "
        'auth_scheme = "SECRETS" and the secret_arn of one of them; not the master user\'s, as '
        "which no worker should sign in",
        resources=("aws_db_proxy",),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every `auth` block is of SECRETS, with a secret managed here and no `username`."""
        return _every_auth(
            resource,
            lambda auth: [
                auth.answer("auth_scheme", "SECRETS"),
                _own_secret(resource, auth),
                _no_username(auth),
            ],
            "every auth block has a secret of this stack",
        )


class ProxyScram(Policy):
    """Where a client does send a password, the proxy never sees it."""

    about = About(
        id="NEXUS_PROXY_SCRAM",
        title="RDS Proxy verifies passwords by SCRAM-SHA-256",
        severity=Severity.HIGH,
        why="If IAM authentication is ever turned off, workers' passwords are as safe as the "
        "weakest type that the proxy takes: with a stolen MD5 hash anybody can sign in.",
        fact="ClientPasswordAuthType is one of POSTGRES_SCRAM_SHA_256 and POSTGRES_MD5 for "
        "PostgreSQL; left out, AWS chooses (RDS API, UserAuthConfig).",
        fix='set client_password_auth_type = "POSTGRES_SCRAM_SHA_256" in each auth block, as '
        "terraform/modules/proxy does",
        resources=("aws_db_proxy",),
    )

    def judge(self, resource: Resource) -> Answer:
        """`client_password_auth_type` is written in every `auth` block, and is SCRAM."""
        return _every_auth(
            resource,
            lambda auth: [auth.answer("client_password_auth_type", "POSTGRES_SCRAM_SHA_256")],
            "client_password_auth_type is SCRAM in every auth block",
        )


class PasswordScram(Policy):
    """The database keeps no password as an MD5 hash."""

    about = About(
        id="NEXUS_PASSWORD_SCRAM",
        title="The database keeps passwords as SCRAM-SHA-256",
        severity=Severity.HIGH,
        why="With a stolen MD5 hash anybody signs in: it is as good as the password.",
        fact="password_encryption is md5 or scram-sha-256, and from PostgreSQL 14 on the latter by "
        "default; rds.accepted_password_auth_method says which the instance takes (RDS User Guide, "
        "Using SCRAM for PostgreSQL password encryption).",
        fix="leave password_encryption and rds.accepted_password_auth_method out of "
        'database.parameters, or set them to "scram-sha-256" and "scram"',
        resources=("aws_db_parameter_group", "aws_rds_cluster_parameter_group"),
        settings=("database.parameters",),
    )

    _WANTED: ClassVar = {
        "password_encryption": ("scram-sha-256",),
        # With both, which is the default, users are let in whose passwords are older.
        "rds.accepted_password_auth_method": ("scram", "md5+scram"),
    }

    def judge(self, resource: Resource) -> Answer:
        """Where the group sets one of the two parameters, it is to SCRAM."""
        answers = []
        for parameter in resource.blocks("parameter"):
            name, value = parameter.value("name"), parameter.value("value")
            here = (*parameter.path, "value")
            # PostgreSQL takes them in any case.
            wanted = self._WANTED.get(str(name).lower())
            if name is UNKNOWN:
                answers.append(Answer.unknown("the name of a parameter is not known", *here))
            elif wanted and value is UNKNOWN:
                answers.append(Answer.unknown(f"{name} is not known", *here))
            elif wanted and str(value).lower() not in wanted:
                answers.append(Answer.failed(f"{name} is {value}, not SCRAM", *here))
        if resource.uncertain("parameter"):
            answers.append(Answer.unknown("its parameters are not known", "parameter"))
        return Answer.worst(answers, "it sets neither of the two to md5")


class MasterPassword(Policy):
    """RDS makes the master user's password, and nobody else knows it."""

    about = About(
        id="NEXUS_MASTER_PASSWORD",
        title="RDS manages the master user's password",
        severity=Severity.CRITICAL,
        why="A password given to Terraform is in the state, in plans, and wherever it was typed; "
        "it is the one that may do everything.",
        fact="With ManageMasterUserPassword RDS generates the password, keeps it in Secrets "
        "Manager and rotates it every seven days (RDS User Guide, Password management with "
        "Amazon RDS and AWS Secrets Manager).",
        fix="set manage_master_user_password = true on the database, as terraform/modules/database "
        "does, and no password",
        resources=("aws_db_instance", "aws_rds_cluster"),
        waivable=False,
    )

    _PASSWORDS = ("password", "password_wo", "master_password", "master_password_wo")
    _SOURCES = ("replicate_source_db", "replication_source_identifier")

    def judge(self, resource: Resource) -> Answer:
        """`manage_master_user_password` is true and no password is set; a replica has neither."""
        answers = [
            Answer.failed(f"{name} is set", name)
            for name in self._PASSWORDS
            if resource.value(name) is not ABSENT
        ]
        sources = [resource.value(name) for name in self._SOURCES]
        if any(source not in (ABSENT, UNKNOWN) for source in sources):
            return Answer.worst(answers, "a replica has the users of its source")
        answers.append(resource.answer("manage_master_user_password", True))
        return Answer.worst(answers, "manage_master_user_password is true")


def _every_auth(proxy: Resource, judge: Callable[[Block], list[Answer]], otherwise: str) -> Answer:
    """What is said of each `auth` block, if it is known how many there are."""
    blocks = proxy.blocks("auth")
    answers = [answer for auth in blocks for answer in judge(auth)]
    if proxy.uncertain("auth"):
        answers.append(Answer.unknown("the number of auth blocks is not known", "auth"))
    elif not blocks:
        answers.append(Answer.failed("there is no auth block: the proxy knows no database user"))
    return Answer.worst(answers, otherwise)


def _own_secret(proxy: Resource, auth: Block) -> Answer:
    """Whether `secret_arn` is the ARN of a secret managed here."""
    here = (*auth.path, "secret_arn")
    subject = f"secret_arn of auth block {int(auth.path[1]) + 1}"
    value = auth.value("secret_arn")
    if value is ABSENT:
        return Answer.failed(f"{subject} is not set", *here)
    if value is not UNKNOWN:
        arns = {each.value("arn") for each in proxy.of_type("aws_secretsmanager_secret")}
        if value in arns:
            return Answer.passed(f"{subject} is a secret of this stack")
        return Answer.failed(f"{subject} is no secret of this stack", *here)
    kinds = {_kind(reference) for reference in _rests_on(proxy, auth)}
    if kinds and kinds <= {"aws_secretsmanager_secret", "aws_secretsmanager_secret_version"}:
        return Answer.passed(f"{subject} is a secret of this stack")
    if kinds and kinds <= {"aws_db_instance", "aws_rds_cluster"}:
        return Answer.failed(f"{subject} is the master user's secret", *here)
    return Answer.unknown(f"{subject} is not known to be a secret of this stack", *here)


def _rests_on(proxy: Resource, auth: Block) -> frozenset[str]:
    """What an unknown `secret_arn` is made of: the addresses of resources, variables and the like.

    A plan tells of the blocks in another order than their values have: then it is what any of them
    is made of.
    """
    value = auth.values["secret_arn"]
    if isinstance(value, Unknown) and value.references:
        return value.references
    return frozenset().union(
        *(
            found
            for path, found in proxy.instance.references.items()
            if path[0] == "auth" and path[-1] == "secret_arn"
        )
    )


def _kind(address: str) -> str:
    """The resource type in an address, `var` or `data` for what is no resource."""
    return re.sub(r"^(?:module\.[\w-]+(?:\[[^]]*\])?\.)*", "", address).split(".")[0]


def _no_username(auth: Block) -> Answer:
    here = (*auth.path, "username")
    subject = f"username of auth block {int(auth.path[1]) + 1}"
    value = auth.value("username")
    if value is ABSENT:
        return Answer.passed(f"{subject} is not set")
    if value is UNKNOWN:
        return Answer.unknown(f"{subject} is not known", *here)
    return Answer.failed(f"{subject} is set, which AWS refuses beside a secret", *here)


proxy_authentication = ProxyAuthentication()
proxy_secrets = ProxySecrets()
proxy_scram = ProxyScram()
password_scram = PasswordScram()
master_password = MasterPassword()
