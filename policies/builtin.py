"""checkov's own checks that are worth having here, under their own ids.

Taken are those that look at what keeps data and credentials safe and that answer right. `LEFT_OUT`
says why the others that one might look for are not: policies here say the same and more, and nobody
should read everything twice; or the check is wrong for this stack; or it is about cost and comfort,
which are for the modules to decide.

A check's own answer is not always to be believed. It passes what it cannot read, and it gets values
in checkov's form: what is not known is a text such as "${aws_kms_key.main.arn}". So where something
in `inspects` is not known, a pass counts for nothing (see `Builtin`).
"""

from checkov.terraform.checks.resource.aws.IAMAdminPolicyDocument import check as ckv_aws_62
from checkov.terraform.checks.resource.aws.IAMStarActionPolicyDocument import check as ckv_aws_63
from checkov.terraform.checks.resource.aws.IAMStarResourcePolicyDocument import (
    check as ckv_aws_355,
)
from checkov.terraform.checks.resource.aws.RDSEncryption import check as ckv_aws_16
from checkov.terraform.checks.resource.aws.RDSIAMAuthentication import check as ckv_aws_161

from nexusctl.policy.check import About, Answer, Builtin, Resource
from nexusctl.policy.verdict import Severity

LEFT_OUT: dict[str, str] = {
    "CKV_AWS_17": "NEXUS_NOT_PUBLIC looks at the same resources and wants the same.",
    "CKV_AWS_24": "NEXUS_NO_OPEN_INGRESS wants no port open to the internet, 22 included. This one "
    "passes a group as soon as one of its rules admits the group itself, and fails a rule with a "
    "range of ports and a referenced_security_group_id.",
    "CKV_AWS_25": "NEXUS_NO_OPEN_INGRESS wants no port open to the internet, 3389 included; wrong "
    "in the same places as CKV_AWS_24.",
    "CKV_AWS_260": "NEXUS_NO_OPEN_INGRESS wants no port open to the internet, 80 included.",
    "CKV_AWS_277": "NEXUS_NO_OPEN_INGRESS wants no port open to the internet.",
    "CKV_AWS_382": "NEXUS_WORKER_REACH names all that workers may reach.",
    "CKV_AWS_130": "NEXUS_PRIVATE_SUBNETS wants the same, of default subnets too.",
    "CKV_AWS_79": "NEXUS_WORKER_METADATA wants the same of every metadata_options block; this "
    "check looks at the first.",
    "CKV_AWS_341": "NEXUS_WORKER_METADATA wants the hop limit written, and of aws_instance too.",
    "CKV_AWS_88": "NEXUS_WORKER_ADDRESS wants it written on every network interface; this check "
    "looks at the first and passes one that leaves it to the subnet.",
    "CKV_AWS_8": "NEXUS_WORKER_DISKS wants the same, of launch templates too; this check has no "
    "answer for a volume that does not say whether it is encrypted.",
    "CKV_AWS_133": "NEXUS_BACKUPS and NEXUS_BACKUP_RETENTION want the same and more; this check "
    "passes an instance without backup_retention_period, for which the provider sends 0.",
    "CKV_AWS_157": "NEXUS_MULTI_AZ wants the same, in the tiers where it is worth its price.",
    "CKV_AWS_226": "NEXUS_MINOR_UPGRADES also takes an engine_version that names a minor version, "
    "which RDS must not upgrade by itself.",
    "CKV_AWS_293": "NEXUS_DELETION_PROTECTION wants the same, in staging and production.",
    "CKV_AWS_274": "NEXUS_MANAGED_POLICIES wants the same of everybody, and of more than "
    "AdministratorAccess.",
    "CKV_AWS_286": 'Escalation of privileges by what is allowed on "*": CKV_AWS_355 refuses that.',
    "CKV_AWS_287": 'Credentials given out by what is allowed on "*": CKV_AWS_355 refuses that.',
    "CKV_AWS_288": 'Exfiltration of data by what is allowed on "*": CKV_AWS_355 refuses that.',
    "CKV_AWS_289": 'Management of permissions allowed on "*": CKV_AWS_355 refuses that.',
    "CKV_AWS_290": 'Writing allowed on "*": CKV_AWS_355 refuses that.',
    "CKV_AWS_46": "NEXUS_NO_HARDCODED_PASSWORD decodes user_data; this check does not, and misses "
    "PGPASSWORD=.",
    "CKV2_AWS_69": "NEXUS_DATABASE_TLS looks at rds.force_ssl; this check passes PostgreSQL 14 "
    "without a parameter group, where TLS is not forced, and fails 16 with a group that leaves the "
    "default of 1.",
    "CKV2_AWS_30": "It is an `or` of conditions that any parameter group with one of two names "
    "meets, whichever instance it belongs to. The stack logs slow statements; logging every one "
    "would log customers' data.",
    "CKV2_AWS_5": "It knows no aws_db_proxy, so it fails the proxy's security group as unused.",
    "CKV2_AWS_12": "The network module closes the default group; NEXUS_DATABASE_REACH, "
    "NEXUS_PROXY_REACH and NEXUS_WORKER_REACH fail whatever uses a default group.",
    "CKV2_AWS_11": "Flow logs cost more than the traffic between three security groups is worth.",
    "CKV2_AWS_57": "NEXUS_SECRET_ROTATION wants the same and a schedule, in production: elsewhere "
    "there is no function to rotate with.",
    "CKV_AWS_304": "How often a password is rotated is users.*.rotation.every; 90 days is no limit "
    "of AWS's.",
    "CKV_AWS_149": "NEXUS_CUSTOMER_KEYS wants the same, of replicas too.",
    "CKV_AWS_7": "NEXUS_KEY_ROTATION wants the same.",
    "CKV_AWS_33": "NEXUS_NOT_SHARED wants the same, of an aws_kms_key_policy, too.",
    "CKV_AWS_258": "NEXUS_NOT_SHARED wants the same.",
    "CKV_AWS_301": "NEXUS_NOT_SHARED wants the same, and takes an organization.",
    "CKV_AWS_3": "NEXUS_WORKER_DISKS wants the same.",
    "CKV_AWS_96": "NEXUS_CUSTOMER_KEYS wants the same.",
    "CKV2_AWS_64": "The modules write a policy for each of their KMS keys.",
    "CKV_AWS_118": "Enhanced monitoring shows the processes of the host; alarms here watch the "
    "proxy, and Performance Insights the statements.",
    "CKV_AWS_129": "The database module exports the postgresql and upgrade logs, always.",
    "CKV_AWS_353": "The database module turns Performance Insights on, always.",
    "CKV_AWS_354": "NEXUS_CUSTOMER_KEYS wants the same where Performance Insights is on.",
    "CKV_AWS_211": "NEXUS_DATABASE_CA wants the same, and the authority written.",
    "CKV2_AWS_60": "The database module copies tags to snapshots, always.",
    "CKV_AWS_338": "A year of logs is for an auditor to ask for: database.log_retention decides.",
    "CKV_AWS_66": "database.log_retention is always set.",
    "CKV_AWS_158": "NEXUS_CUSTOMER_KEYS wants the same of the database's log groups.",
    "CKV_AWS_153": "Tags are for the bill. The workers module tags instances, volumes and "
    "interfaces.",
    "CKV_AWS_315": "The workers module has a launch template; policies here judge launch "
    "configurations as strictly.",
    "CKV2_AWS_15": "The workers serve no load balancer, so there is nothing to ask for health.",
    "CKV_AWS_126": "The workers module turns detailed monitoring on; the check knows aws_instance "
    "only.",
    "CKV_AWS_23": "A description keeps nothing safe.",
}


class StorageEncryption(Builtin):
    """CKV_AWS_16."""

    about = About(
        id="CKV_AWS_16",
        title="The database's storage is encrypted",
        severity=Severity.HIGH,
        why="Storage, backups, replicas and snapshots in clear can be read by whoever gets hold of "
        "a copy, and storage cannot be encrypted later without a new instance.",
        fact="StorageEncrypted covers the storage, automated backups, read replicas and snapshots; "
        "it is off by default and can only be set when an instance is created (RDS User Guide, "
        "Encrypting Amazon RDS resources).",
        fix="nexusctl writes storage_encrypted = true; elsewhere set it in aws_db_instance",
        resources=("aws_db_instance",),
    )
    check = ckv_aws_16
    inspects = ("storage_encrypted",)


class IamAuthentication(Builtin):
    """CKV_AWS_161."""

    about = About(
        id="CKV_AWS_161",
        title="The database accepts IAM authentication",
        severity=Severity.MEDIUM,
        why="Administrators and migrations, which connect past the proxy, would need passwords "
        "that somebody keeps.",
        fact="IAMDatabaseAuthenticationEnabled lets the instance accept tokens of 15 minutes in "
        "place of passwords; it is off by default (RDS User Guide, IAM database authentication).",
        fix="nexusctl writes iam_database_authentication_enabled = true; elsewhere set it in "
        "aws_db_instance",
        resources=("aws_db_instance",),
    )
    check = ckv_aws_161
    inspects = ("iam_database_authentication_enabled", "engine")


class NoAdministrator(Builtin):
    """CKV_AWS_62."""

    about = About(
        id="CKV_AWS_62",
        title="No IAM policy allows everything on every resource",
        severity=Severity.CRITICAL,
        why="Whoever has it is an administrator of the account: every database, key and secret.",
        fact='A statement that allows Action "*" on Resource "*" is AdministratorAccess (IAM User '
        "Guide, Apply least-privilege permissions).",
        fix="nexusctl writes policies with single actions; elsewhere name actions and resources",
        resources=(
            "aws_iam_role_policy",
            "aws_iam_user_policy",
            "aws_iam_group_policy",
            "aws_iam_policy",
            "aws_ssoadmin_permission_set_inline_policy",
        ),
    )
    check = ckv_aws_62
    inspects = ("policy", "inline_policy")


class NoStarAction(Builtin):
    """CKV_AWS_63."""

    about = About(
        id="CKV_AWS_63",
        title="No IAM policy allows every action",
        severity=Severity.HIGH,
        why='"*" holds actions that nobody thought of, such as deleting the resource or changing '
        "who may use it.",
        fact='Action "*" matches every action of every service, also those that AWS adds later '
        "(IAM User Guide, IAM JSON policy elements: Action).",
        fix="nexusctl writes policies with single actions; elsewhere name the actions",
        resources=(
            "aws_iam_role_policy",
            "aws_iam_user_policy",
            "aws_iam_group_policy",
            "aws_iam_policy",
            "aws_ssoadmin_permission_set_inline_policy",
        ),
    )
    check = ckv_aws_63
    inspects = ("policy", "inline_policy")


class NoStarResource(Builtin):
    """CKV_AWS_355."""

    about = About(
        id="CKV_AWS_355",
        title='No IAM policy allows on "*" what can be allowed on single resources',
        severity=Severity.HIGH,
        why="On every resource means every secret, key and database in the account, not those of "
        "this stack.",
        fact="Actions with resource types can be limited to ARNs; only those without need "
        'Resource "*" (Service Authorization Reference, Actions table).',
        fix="nexusctl writes policies with single ARNs; elsewhere name the resources",
        resources=(
            "aws_iam_role_policy",
            "aws_iam_user_policy",
            "aws_iam_group_policy",
            "aws_iam_policy",
            "aws_ssoadmin_permission_set_inline_policy",
        ),
    )
    check = ckv_aws_355
    inspects = ("policy", "inline_policy")

    def judge(self, resource: Resource) -> Answer:
        """checkov's result on this document: it would answer from what it once read by the name."""
        self.check.policy_document_cache.clear()
        return super().judge(resource)


storage_encryption = StorageEncryption()
iam_authentication = IamAuthentication()
no_administrator = NoAdministrator()
no_star_action = NoStarAction()
no_star_resource = NoStarResource()
