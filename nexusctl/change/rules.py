"""What changes of this stack's resources do to live connections and data: the table of rules.

To add one, write an entry into the group of its resource. An attribute of an update is told by the
first rule that fits, and so is a resource that is made, destroyed or replaced. `docs/impact.md` is
made from this table by `python -m nexusctl.change.reference`.

Facts are AWS's own documents' and name them. `_RDS` and the like are their addresses.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from nexusctl.change.rule import Condition, Context, Effect, Level, Rule, rounded_up
from nexusctl.terraform.plan import UNKNOWN, Action, AttributeChange

_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
_RDS = f"{_GUIDE}/USER_ModifyInstance.Settings.html"
_MODIFY = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html"
_RESTORE = f"{_GUIDE}/USER_RestoreFromSnapshot.html"
_APPLY = f"{_GUIDE}/USER_ModifyInstance.ApplyImmediately.html"
_DELETE = f"{_GUIDE}/USER_DeleteInstance.html"
_MAJOR = f"{_GUIDE}/USER_UpgradeDBInstance.PostgreSQL.MajorVersion.html"
_UPGRADE = f"{_GUIDE}/USER_UpgradeDBInstance.PostgreSQL.html"
_STORAGE = f"{_GUIDE}/USER_PIOPS.ModifyingExisting.html"
_PARAMETERS = f"{_GUIDE}/USER_WorkingWithParamGroups.html"
_SSL = f"{_GUIDE}/PostgreSQL.Concepts.General.SSL.html"
_ROTATE_CA = f"{_GUIDE}/UsingWithRDS.SSL-certificate-rotation.html"
_PROXY = f"{_GUIDE}/rds-proxy-managing.html"
_PROXY_SETUP = f"{_GUIDE}/rds-proxy-creating.html"
_PROXY_POOL = f"{_GUIDE}/rds-proxy-connections.html"
_PROXY_API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBProxy.html"
_SECRET = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html"  # noqa: S105
_ROTATION = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html"
_KMS = "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html"
_REFRESH = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html"
_SIZE = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-capacity-limits.html"
_TEMPLATE = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-templates.html"
_TRACKING = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html"
_FIREWALL = (
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html"
)
_IAM_CHANGES = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html"
    "#troubleshoot_general_eventual-consistency"
)
_LOGS = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
    "Working-with-log-groups-and-streams.html"
)
_ALARMS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"
_IMDS = (
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html"
)
_TRUST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html"
_KEY_POLICY = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"
_ENCRYPTION = f"{_GUIDE}/Overview.Encryption.html"
_SECRET_POLICY = (
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/"  # noqa: S105
    "auth-and-access_resource-policies.html"
)
_ENDPOINT = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
_SUBNET = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html"
_ROUTES = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"
_SUSPENDED = (
    "https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"
)

GONE = frozenset({Action.DESTROY, Action.REPLACE})
NEW = frozenset({Action.CREATE})
_SECURITY_GROUP_RULES = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
# What is at stake, from the least on (`tier` of the environment, and the tag of every resource).
TIERS = ("sandbox", "development", "staging", "production")
TIER = "tags_all.Tier"
ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def _now(context: Context, _attribute: AttributeChange) -> bool:
    return context.after.get("apply_immediately") is True


def _later(context: Context, attribute: AttributeChange) -> bool:
    return not _now(context, attribute)


def _standby(context: Context, _attribute: AttributeChange) -> bool:
    """Multi-AZ before and after: only then the standby can be changed first."""
    return context.before.get("multi_az") is True and context.after.get("multi_az") is True


def _becomes(value: object) -> Condition:
    return lambda _context, attribute: attribute.after == value


def _ceases(value: object) -> Condition:
    return lambda _context, attribute: attribute.before == value and attribute.after != value


def _less(left: object, right: object) -> bool:
    """Whether both are numbers, which what AWS computes is not yet, and the first is less."""
    return isinstance(left, int | float) and isinstance(right, int | float) and left < right


def _shrinks(_context: Context, attribute: AttributeChange) -> bool:
    return _less(attribute.after, attribute.before)


def _grows_little(context: Context, attribute: AttributeChange) -> bool:
    return _less(attribute.before, attribute.after) and _less(
        attribute.after, rounded_up(context.before.get("allocated_storage"))
    )


def _is_older(_context: Context, attribute: AttributeChange) -> bool:
    """`16.3` after `16.4`; `16` after `16.4` is no other version."""
    before, after = (
        [int(number) for number in re.findall(r"\d+", str(side))]
        for side in (attribute.before, attribute.after)
    )
    length = min(len(before), len(after))
    return after[:length] < before[:length]


def _major_changes(_context: Context, attribute: AttributeChange) -> bool:
    before, after = (str(side).split(".")[0] for side in (attribute.before, attribute.after))
    return before != after


def _computed(_context: Context, attribute: AttributeChange) -> bool:
    """AWS gives it a value; nobody wrote one."""
    return attribute.after == UNKNOWN


def _written(context: Context, attribute: AttributeChange) -> bool:
    return not _computed(context, attribute)


def _and(*conditions: Condition) -> Condition:
    return lambda context, attribute: all(each(context, attribute) for each in conditions)


def _parameter_is_static(context: Context, attribute: AttributeChange) -> bool:
    """RDS applies it at the next reboot: that is what `pending-reboot` is for."""
    for side in (context.after, context.before):
        for block in side.get("parameter") or ():
            if attribute.path.startswith(f'parameter["{block.get("name")}"]'):
                return bool(block.get("apply_method") == "pending-reboot")
    return False


def _below_running(context: Context, attribute: AttributeChange) -> bool:
    return _less(attribute.after, context.before.get("desired_capacity"))


def _too_many_run(context: Context, _attribute: AttributeChange) -> bool:
    return _less(context.after.get("max_size"), context.before.get("desired_capacity"))


def _above_running(context: Context, attribute: AttributeChange) -> bool:
    return _less(context.before.get("desired_capacity"), attribute.after)


def _refreshes(context: Context, _attribute: AttributeChange) -> bool:
    return bool(context.after.get("instance_refresh"))


def _open_to_all(context: Context, _attribute: AttributeChange) -> bool:
    return bool(ANYWHERE & {context.after.get("cidr_ipv4"), context.after.get("cidr_ipv6")})


def _tier_falls(_context: Context, attribute: AttributeChange) -> bool:
    """Whether what is applied was told to be more at stake than what is written now."""
    sides = (attribute.after, attribute.before)
    after, before = (TIERS.index(each) if each in TIERS else None for each in sides)
    return _less(after, before)


def _stands(context: Context, _attribute: AttributeChange) -> bool:
    return not context.new_stack


def _opens(is_open: Callable[[Mapping[str, Any]], bool]) -> Condition:
    """Whether a statement of a policy is now what none was before."""

    def condition(_context: Context, attribute: AttributeChange) -> bool:
        before, after = (
            any(is_open(statement) for statement in _allowing(side))
            for side in (attribute.before, attribute.after)
        )
        return after and not before

    return condition


def _allowing(policy: object) -> list[Mapping[str, Any]]:
    """The statements of a policy that allow without a condition; none where it is no JSON."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else {}
    except ValueError:
        return []
    statements = document.get("Statement") if isinstance(document, dict) else None
    return [
        each
        for each in (statements if isinstance(statements, list) else [statements])
        if isinstance(each, dict) and each.get("Effect") == "Allow" and not each.get("Condition")
    ]


def _to_anybody(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return "NotPrincipal" in statement or _names_all(named)


def _on_everything(statement: Mapping[str, Any]) -> bool:
    return "NotResource" in statement or _names_all(statement.get("Resource"))


def _names_all(value: object) -> bool:
    return "*" in value if isinstance(value, list) else value == "*"


def _lost_outside(context: Context, _attribute: AttributeChange) -> bool:
    return context.lost_outside


def _without_snapshot(context: Context, _attribute: AttributeChange) -> bool:
    """What is applied decides: the provider deletes with the settings in the state."""
    return context.before.get("skip_final_snapshot") is True


def _restart(
    rule_id: str,
    attributes: tuple[str, ...],
    fact: str,
    source: str = _RDS,
    *,
    by_failover: bool = False,
) -> list[Rule]:
    """A change that RDS restarts the database for: at once, or in the maintenance window.

    `by_failover`: with a standby it is changed first, and takes over.
    """

    def rule(name: str, when: Condition, condition: str, says: str, more: str = "") -> Rule:
        return Rule(
            id=f"{rule_id}-{name}",
            resource="aws_db_instance",
            attributes=attributes,
            when=when,
            condition=condition,
            level=Level.DISRUPTIVE,
            effect=Effect.DATABASE_RESTARTED,
            says=says,
            fact=fact + more,
            source=source,
        )

    failover = "by a failover to the standby: 1 to 2 minutes without connections"
    restart = "no connections until it is back, several minutes"
    waits = " Without ApplyImmediately it waits for the maintenance window."
    rules = [
        rule("now", _now, "apply_immediately", f"now; {restart}"),
        rule("later", _later, "not apply_immediately", f"{{window}}; {restart}", waits),
    ]
    if by_failover:
        both = _and(_now, _standby), _and(_later, _standby)
        rules = [
            rule("now-failover", both[0], "apply_immediately, Multi-AZ", f"now, {failover}"),
            rule(
                "later-failover",
                both[1],
                "not apply_immediately, Multi-AZ",
                f"{{window}}, {failover}",
                waits,
            ),
            *rules,
        ]
    return rules


# Those of which AWS's table of settings says so; `port` and the like have rules of their own.
_AT_ONCE = (
    "allow_major_version_upgrade",
    "auto_minor_version_upgrade",
    "backup_retention_period",
    "backup_window",
    "copy_tags_to_snapshot",
    "enabled_cloudwatch_logs_exports*",
    "max_allocated_storage",
    "monitoring_*",
    "performance_insights_*",
    "publicly_accessible",
    "vpc_security_group_ids*",
)

_DATABASE: tuple[Rule, ...] = (
    Rule(
        id="tier-lowered",
        resource="aws_db_instance",
        attributes=(TIER,),
        when=_tier_falls,
        condition="to a lower one",
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="the tier falls from {before} to {after}: the policies of {before} and what its "
        "apply and destroy insist on hold no longer",
        fact="To AWS the tier is a tag. Of what production is protected from it refuses one thing "
        "by itself: to delete an instance whose deletion protection is on.",
        source=_DELETE,
    ),
    Rule(
        id="database-destroyed-for-good",
        resource="aws_db_instance",
        actions=frozenset({Action.DESTROY}),
        when=_without_snapshot,
        condition="skip_final_snapshot is applied",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="the database is destroyed, without a final snapshot",
        fact="Deleting an instance deletes its automated backups; without a final snapshot nothing "
        "can be restored.",
        source=_DELETE,
    ),
    Rule(
        id="database-destroyed",
        resource="aws_db_instance",
        actions=frozenset({Action.DESTROY}),
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="the database is destroyed; {snapshot} is taken first",
        fact="Deleting an instance deletes its automated backups; the final snapshot stays.",
        source=_DELETE,
    ),
    Rule(
        id="database-replaced-for-good",
        resource="aws_db_instance",
        actions=frozenset({Action.REPLACE}),
        when=_without_snapshot,
        condition="skip_final_snapshot is applied",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATABASE_REPLACED,
        says="all data is lost, without a final snapshot; the new one is empty{why}",
        fact="Deleting an instance deletes its automated backups; a new one begins empty.",
        source=_DELETE,
    ),
    Rule(
        id="database-replaced",
        resource="aws_db_instance",
        actions=frozenset({Action.REPLACE}),
        level=Level.DESTRUCTIVE,
        effect=Effect.DATABASE_REPLACED,
        says="all data is lost but for {snapshot}; the new one is empty{why}",
        fact="Deleting an instance deletes its automated backups but not the final snapshot; a new "
        "one begins empty.",
        source=_DELETE,
    ),
    Rule(
        id="database-lost",
        resource="aws_db_instance",
        actions=NEW,
        when=_lost_outside,
        condition="somebody deleted it",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the database: this makes an empty one; restore it from a snapshot "
        "first, if one is left, and import it",
        fact="A deleted instance comes back only from a snapshot: a final or a manual one, or a "
        "retained automated backup. What is restored is a new resource to Terraform.",
        source=_RESTORE,
    ),
    Rule(
        id="database-storage-shrunk",
        resource="aws_db_instance",
        attributes=("allocated_storage",),
        when=_shrinks,
        condition="it shrinks",
        level=Level.DISRUPTIVE,
        effect=Effect.AWS_REFUSES,
        says="storage cannot shrink: the apply will fail here",
        fact="The allocated storage of an instance cannot be reduced.",
        source=_STORAGE,
    ),
    Rule(
        id="database-storage-rounded",
        resource="aws_db_instance",
        attributes=("allocated_storage",),
        when=_grows_little,
        condition="it grows by less than 10 %",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="storage grows {when} to {rounded} GiB, not to {after}, and the next plan would "
        "shrink it again, which RDS refuses; write {rounded} or more",
        fact="AllocatedStorage that is not at least 10 % greater is rounded up so that it is.",
        source=_MODIFY,
    ),
    Rule(
        id="database-storage-grown",
        resource="aws_db_instance",
        attributes=("allocated_storage",),
        when=_now,
        condition="apply_immediately",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="storage grows now, without an outage; slower while it is optimised, and it cannot "
        "change again for six hours",
        fact="Scaling storage up causes no outage; the instance is in storage-optimization and "
        "cannot be modified again for six hours or until that has ended.",
        source=_STORAGE,
    ),
    Rule(
        id="database-storage-grown-later",
        resource="aws_db_instance",
        attributes=("allocated_storage",),
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="storage grows {window}, without an outage",
        fact="Scaling storage up causes no outage; without ApplyImmediately it waits for the "
        "maintenance window.",
        source=_STORAGE,
    ),
    Rule(
        id="database-storage-type",
        resource="aws_db_instance",
        attributes=("storage_type", "iops", "storage_throughput"),
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="storage changes {when}, without an outage; slower while it is optimised",
        fact="Changes between General Purpose and Provisioned IOPS SSD storage cause no outage; "
        "the performance is degraded meanwhile.",
        source=_RDS,
    ),
    Rule(
        id="database-older-version",
        resource="aws_db_instance",
        attributes=("engine_version",),
        when=_is_older,
        condition="the version is an older one",
        level=Level.DISRUPTIVE,
        effect=Effect.AWS_REFUSES,
        says="RDS does not go back to an older version: the apply will fail here; write {before} "
        "again; the way back is a snapshot from before the upgrade, restored into another instance",
        fact="EngineVersion is the version to upgrade to: ModifyDBInstance refuses any that is not "
        "an upgrade of the one that runs.",
        source=_UPGRADE,
    ),
    Rule(
        id="database-major-version-refused",
        resource="aws_db_instance",
        attributes=("engine_version",),
        when=lambda context, attribute: (
            _major_changes(context, attribute)
            and context.after.get("allow_major_version_upgrade") is not True
        ),
        condition="the major version changes, without allow_major_version_upgrade",
        level=Level.DISRUPTIVE,
        effect=Effect.AWS_REFUSES,
        says="a major upgrade has to be allowed by allow_major_version_upgrade: the apply will "
        "fail here",
        fact="ModifyDBInstance refuses another major version unless AllowMajorVersionUpgrade is "
        "set.",
        source=_MAJOR,
    ),
    Rule(
        id="database-major-version",
        resource="aws_db_instance",
        attributes=("engine_version",),
        when=_major_changes,
        condition="the major version changes",
        level=Level.DISRUPTIVE,
        effect=Effect.DATABASE_RESTARTED,
        says="{when}, for a major upgrade: minutes to hours without connections, the standby "
        "too; it cannot be undone",
        fact="A major upgrade takes the primary and the standby down until pg_upgrade has ended; "
        "going back means restoring a snapshot.",
        source=_MAJOR,
    ),
    *_restart(
        "database-minor-version",
        ("engine_version",),
        "An upgrade of a minor version causes an outage, Multi-AZ or not.",
        _UPGRADE,
    ),
    *_restart(
        "database-class",
        ("instance_class",),
        "Another class causes an outage. With Multi-AZ the standby is changed first, and the "
        "outage is the failover to it.",
        by_failover=True,
    ),
    *_restart("database-log-volume", ("dedicated_log_volume",), "The change causes a reboot."),
    Rule(
        id="database-port",
        resource="aws_db_instance",
        attributes=("port", "identifier"),
        level=Level.DISRUPTIVE,
        effect=Effect.DATABASE_RESTARTED,
        says="the endpoint is another one, and the database restarts",
        fact="Another port or identifier reboots the instance; the port does so whatever "
        "ApplyImmediately says.",
        source=_RDS,
    ),
    Rule(
        id="database-moved",
        resource="aws_db_instance",
        attributes=("db_subnet_group_name",),
        level=Level.DISRUPTIVE,
        effect=Effect.DATABASE_RESTARTED,
        says="{when}: the instance moves to other subnets and is down meanwhile",
        fact="Moving an instance to another DB subnet group causes an outage.",
        source=_RDS,
    ),
    Rule(
        id="database-multi-az-on",
        resource="aws_db_instance",
        attributes=("multi_az",),
        when=_becomes(True),
        condition="it becomes true",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="a standby is made {when}, without an outage; slower until it is in step",
        fact="Converting to Multi-AZ causes no outage, but latency rises while the standby is made "
        "from a snapshot.",
        source=_RDS,
    ),
    Rule(
        id="database-multi-az-off",
        resource="aws_db_instance",
        attributes=("multi_az",),
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="no standby {from_when}: when the zone or the instance fails, the database is down "
        "until it is repaired",
        fact="Converting to Single-AZ causes no outage; there is nothing left to fail over to.",
        source=_RDS,
    ),
    Rule(
        id="database-backups-off",
        resource="aws_db_instance",
        attributes=("backup_retention_period",),
        when=_becomes(0),
        condition="it becomes 0",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="all automated backups are deleted {when}, and no point in time can be restored any "
        "more; the database restarts for it",
        fact="Setting the retention to 0 turns backups off and deletes those that exist; changes "
        "between 0 and another value cause an outage.",
        source=_RDS,
    ),
    Rule(
        id="database-backups-on",
        resource="aws_db_instance",
        attributes=("backup_retention_period",),
        when=lambda _context, attribute: attribute.before == 0,
        condition="it was 0",
        level=Level.DISRUPTIVE,
        effect=Effect.DATABASE_RESTARTED,
        says="{when}, for the first backup",
        fact="Changes of the retention between 0 and another value cause an outage.",
        source=_RDS,
    ),
    Rule(
        id="database-backups-shorter",
        resource="aws_db_instance",
        attributes=("backup_retention_period",),
        when=_shrinks,
        condition="it shrinks",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="backups older than {after} days are deleted, at once",
        fact="Automated backups older than the retention are deleted; changes between two values "
        "other than 0 are applied as soon as possible, whatever ApplyImmediately says.",
        source=_RDS,
    ),
    Rule(
        id="database-public",
        resource="aws_db_instance",
        attributes=("publicly_accessible",),
        when=_becomes(True),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the database gets a public address",
        fact="PubliclyAccessible takes effect at once, whatever ApplyImmediately says.",
        source=_RDS,
    ),
    Rule(
        id="database-iam-off",
        resource="aws_db_instance",
        attributes=("iam_database_authentication_enabled",),
        when=_ceases(True),
        condition="it was true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the database takes no IAM tokens {from_when}: passwords only",
        fact="IAM database authentication can be turned off without an outage.",
        source=_RDS,
    ),
    Rule(
        id="database-protection-off",
        resource="aws_db_instance",
        attributes=("deletion_protection",),
        when=_ceases(True),
        condition="it was true",
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="the database can be deleted from now on",
        fact="Deletion protection changes at once; with it RDS refuses DeleteDBInstance.",
        source=_DELETE,
    ),
    Rule(
        id="database-snapshot-off",
        resource="aws_db_instance",
        attributes=("skip_final_snapshot", "final_snapshot_identifier"),
        when=lambda context, _attribute: context.after.get("skip_final_snapshot") is True,
        condition="skip_final_snapshot is true",
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="when the database is deleted, nothing of it will be left",
        fact="The setting is Terraform's own: with it DeleteDBInstance takes no final snapshot.",
        source=_DELETE,
    ),
    Rule(
        id="database-guarded",
        resource="aws_db_instance",
        attributes=("deletion_protection", "skip_final_snapshot", "final_snapshot_identifier"),
        level=Level.LOW,
        effect=Effect.PROTECTION_CHANGED,
        says="what happens when the database is deleted",
        fact="Nothing happens to the running instance.",
        source=_DELETE,
    ),
    Rule(
        id="database-pending-now",
        resource="aws_db_instance",
        attributes=("apply_immediately",),
        when=_becomes(True),
        condition="it becomes true",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="whatever waits for the maintenance window happens now, restarts too",
        fact="With ApplyImmediately all pending modifications are made at once; if one needs an "
        "outage, that is unexpected downtime.",
        source=_APPLY,
    ),
    Rule(
        id="database-certificate",
        resource="aws_db_instance",
        attributes=("ca_cert_identifier",),
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="another server certificate {when}, without a restart; clients that verify it must "
        "trust the new authority",
        fact="PostgreSQL from 13 on takes a new certificate without a restart; older versions "
        "restart.",
        source=_ROTATE_CA,
    ),
    Rule(
        id="database-window",
        resource="aws_db_instance",
        attributes=("maintenance_window",),
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="what waits for the maintenance window happens in the new one; at once if that is now",
        fact="If the new window includes the present time and an action is pending, it is carried "
        "out at once.",
        source=_RDS,
    ),
    Rule(
        id="database-master-user",
        resource="aws_db_instance",
        attributes=("manage_master_user_password", "password*", "master_user_secret_kms_key_id"),
        level=Level.LOW,
        effect=Effect.CREDENTIALS_ROTATED,
        says="the master user's; the proxy and its clients use others",
        fact="RDS makes a new password when it begins to manage it or gets another key.",
        source=_RDS,
    ),
    Rule(
        id="database-parameter-group",
        resource="aws_db_instance",
        attributes=("parameter_group_name",),
        level=Level.LOW,
        effect=Effect.WAITS_FOR_RESTART,
        says="another parameter group: its settings hold after the next restart, which "
        "nothing here does, unless a version upgrade restarts it anyway",
        fact="Another DB parameter group is in use after a reboot, which RDS does not do for it.",
        source=_PARAMETERS,
    ),
    Rule(
        id="database-modified-now",
        resource="aws_db_instance",
        attributes=_AT_ONCE,
        when=_written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="now, whatever apply_immediately says",
        fact="These settings are applied at once or as soon as possible, whatever ApplyImmediately "
        "says, and cause no outage.",
        source=_RDS,
    ),
    Rule(
        id="database-modified",
        resource="aws_db_instance",
        attributes=("*",),
        when=_written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="{when}",
        fact="AWS documents no outage for it.",
        source=_RDS,
    ),
    Rule(
        id="parameter-tls-off",
        resource="aws_db_parameter_group",
        attributes=('parameter[[]"rds.force_ssl"].value',),
        when=_ceases("1"),
        condition="it was 1",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the database takes connections without TLS",
        fact="rds.force_ssl is a dynamic parameter: new connections are judged by it at once.",
        source=_SSL,
    ),
    Rule(
        id="parameter-static",
        resource="aws_db_parameter_group",
        attributes=("parameter*.value",),
        when=_parameter_is_static,
        condition="apply_method is pending-reboot",
        level=Level.LOW,
        effect=Effect.WAITS_FOR_RESTART,
        says="nothing happens until somebody restarts the database, which then is an outage",
        fact="Changes to static parameters take effect after the instance is rebooted by hand; the "
        "maintenance window does not reboot for them.",
        source=_PARAMETERS,
    ),
    Rule(
        id="parameter-dynamic",
        resource="aws_db_parameter_group",
        attributes=("parameter*.value",),
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="now, without a restart, whatever apply_immediately says",
        fact="Changes to dynamic parameters are applied at once.",
        source=_PARAMETERS,
    ),
    Rule(
        id="parameter-noise",
        resource="aws_db_parameter_group",
        attributes=("parameter*",),
        level=Level.NONE,
        effect=Effect.NOTHING,
        says="how a parameter is applied",
        fact="Name and apply method belong to the parameter's value.",
        source=_PARAMETERS,
    ),
    Rule(
        id="parameter-group-replaced",
        resource="aws_db_parameter_group",
        actions=frozenset({Action.REPLACE}),
        level=Level.LOW,
        effect=Effect.WAITS_FOR_RESTART,
        says="a new group is made, and the database moves to it before the old one goes{why}",
        fact="A parameter group is for one major version; it cannot be deleted while in use.",
        source=_PARAMETERS,
    ),
)

_PROXIES: tuple[Rule, ...] = (
    Rule(
        id="proxy-destroyed",
        resource="aws_db_proxy",
        actions=frozenset({Action.DESTROY}),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="the proxy is destroyed: every client is cut off",
        fact="Deleting a proxy ends its connections; it may take an hour.",
        source=_PROXY,
    ),
    Rule(
        id="proxy-replaced",
        resource="aws_db_proxy",
        actions=frozenset({Action.REPLACE}),
        level=Level.DISRUPTIVE,
        effect=Effect.PROXY_REPLACED,
        says="every client is cut off until the new proxy is available, minutes to an hour; its "
        "endpoint and prx- id are new, so clients and IAM policies change too{why}",
        fact="Engine family and subnets of a proxy cannot be changed. Its name is unique in the "
        "region, so the old one goes first.",
        source=_PROXY,
    ),
    Rule(
        id="proxy-target-destroyed",
        resource="aws_db_proxy_target",
        actions=frozenset({Action.DESTROY}),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="the proxy has no database any more: every client's connections fail",
        fact="A proxy without a registered target has nothing to borrow connections from.",
        source=_PROXY_SETUP,
    ),
    Rule(
        id="proxy-target-replaced",
        resource="aws_db_proxy_target",
        actions=frozenset({Action.REPLACE}),
        level=Level.DISRUPTIVE,
        effect=Effect.PROXY_REPLACED,
        says="the proxy has no database until it is registered again: connections fail or wait",
        fact="A proxy without a registered target has nothing to borrow connections from.",
        source=_PROXY_SETUP,
    ),
    Rule(
        id="proxy-target-group-replaced",
        resource="aws_db_proxy_default_target_group",
        actions=frozenset({Action.REPLACE}),
        level=Level.LOW,
        effect=Effect.PROXY_MODIFIED,
        says="the pool's settings are written anew",
        fact="The default target group lives and dies with its proxy; what changes are its "
        "settings.",
        source=_PROXY_SETUP,
    ),
    Rule(
        id="proxy-tls-off",
        resource="aws_db_proxy",
        attributes=("require_tls",),
        when=_ceases(True),
        condition="it was true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the proxy takes connections without TLS",
        fact="RequireTLS is changed in place, for new connections.",
        source=_PROXY_API,
    ),
    Rule(
        id="proxy-tls-on",
        resource="aws_db_proxy",
        attributes=("require_tls",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="clients that connect without TLS are refused",
        fact="RequireTLS is changed in place, for new connections.",
        source=_PROXY_API,
    ),
    Rule(
        id="proxy-iam-off",
        resource="aws_db_proxy",
        attributes=("auth[[]*].iam_auth",),
        when=_ceases("REQUIRED"),
        condition="it was REQUIRED",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the proxy takes passwords instead of IAM tokens: clients with tokens are refused",
        fact="For PostgreSQL iam_auth is REQUIRED or DISABLED; with DISABLED clients sign in by "
        "the password in the secret.",
        source=_PROXY_SETUP,
    ),
    Rule(
        id="proxy-iam-on",
        resource="aws_db_proxy",
        attributes=("auth[[]*].iam_auth",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="clients that sign in by password are refused: IAM tokens only",
        fact="With iam_auth REQUIRED a client needs rds-db:connect and a token.",
        source=_PROXY_SETUP,
    ),
    Rule(
        id="proxy-auth",
        resource="aws_db_proxy",
        attributes=("auth", "auth[[]*"),
        level=Level.LOW,
        effect=Effect.PROXY_MODIFIED,
        says="the database users it knows; connections that are open stay",
        fact="Auth is replaced as a whole, in place; users without a secret cannot sign in any "
        "more.",
        source=_PROXY_API,
    ),
    Rule(
        id="proxy-debug-logging",
        resource="aws_db_proxy",
        attributes=("debug_logging",),
        when=_becomes(True),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="SQL statements are written to the log, with whatever personal data is in them",
        fact="Enhanced logging includes the text of SQL statements; it turns itself off after 24 "
        "hours.",
        source=_PROXY_SETUP,
    ),
    Rule(
        id="proxy-idle-timeout",
        resource="aws_db_proxy",
        attributes=("idle_client_timeout",),
        level=Level.LOW,
        effect=Effect.PROXY_MODIFIED,
        says="clients that are idle for longer than {after} s are disconnected",
        fact="IdleClientTimeout is changed in place.",
        source=_PROXY_POOL,
    ),
    Rule(
        id="proxy-security-groups",
        resource="aws_db_proxy",
        attributes=("vpc_security_group_ids*",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="other security groups decide who reaches it",
        fact="Security groups of a proxy are changed in place.",
        source=_PROXY_API,
    ),
    Rule(
        id="proxy-modified",
        resource="aws_db_proxy",
        attributes=("*",),
        when=_written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.PROXY_MODIFIED,
        says="its clients stay connected",
        fact="All settings of a proxy but engine family, VPC and subnets are changed in place.",
        source=_PROXY_API,
    ),
    Rule(
        id="pool-smaller",
        resource="aws_db_proxy_default_target_group",
        attributes=("connection_pool_config*.max_connections_percent",),
        when=_shrinks,
        condition="it shrinks",
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="fewer database connections for all clients: under load they wait, and fail after the "
        "borrow timeout",
        fact="MaxConnectionsPercent limits the pool; a client that gets no connection in time gets "
        "an error.",
        source=_PROXY_POOL,
    ),
    Rule(
        id="pool-larger",
        resource="aws_db_proxy_default_target_group",
        attributes=("connection_pool_config*.max_connections_percent",),
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="more of max_connections for the proxy, less for everybody who connects directly",
        fact="MaxConnectionsPercent is a share of the database's max_connections.",
        source=_PROXY_POOL,
    ),
    Rule(
        id="pool-modified",
        resource="aws_db_proxy_default_target_group",
        attributes=("connection_pool_config*",),
        level=Level.LOW,
        effect=Effect.PROXY_MODIFIED,
        says="its clients stay connected",
        fact="The settings of a pool are changed in place.",
        source=_PROXY_POOL,
    ),
)

_ROTATED = (
    "until the role in PostgreSQL has the new password, the proxy opens no new connections for it; "
    "those that are open stay"
)
_ROTATED_FACT = (
    "The proxy reads the secret for new database connections. Writing a secret changes nothing in "
    "PostgreSQL."
)

_SECRETS: tuple[Rule, ...] = (
    Rule(
        id="secret-lost-outside",
        resource="aws_secretsmanager_secret",
        actions=NEW,
        when=_lost_outside,
        condition="somebody deleted it",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the credentials of a database user: this makes others, which "
        "PostgreSQL does not know; while its recovery window lasts, restore it: aws secretsmanager "
        "restore-secret",
        fact="A deleted secret can be restored for its recovery window (7 to 30 days), then never; "
        "until then no other one may have its name.",
        source=_SECRET,
    ),
    Rule(
        id="secret-value-lost-outside",
        resource="aws_secretsmanager_secret_version",
        actions=NEW,
        when=_lost_outside,
        condition="somebody deleted it",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the password in the secret: this writes another, which PostgreSQL "
        "does not know",
        fact=_ROTATED_FACT,
        source=_SECRET,
    ),
    Rule(
        id="key-lost-outside",
        resource="aws_kms_key",
        actions=NEW,
        when=_lost_outside,
        condition="somebody deleted it",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the key: this makes another one, which reads nothing that the old "
        "one encrypted; while its waiting period lasts, keep it: aws kms cancel-key-deletion, then "
        "enable-key",
        fact="A key is deleted after a waiting period of 7 to 30 days, in which it is unusable; "
        "then what it encrypted cannot be recovered.",
        source=_KMS,
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
        source=_SECRET,
    ),
    Rule(
        id="secret-value-lost",
        resource="aws_secretsmanager_secret_version",
        actions=frozenset({Action.DESTROY}),
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="the password in the secret is gone, and nobody else knows it",
        fact="A version without a staging label is deprecated and deleted in time.",
        source=_ROTATION,
    ),
    Rule(
        id="secret-rotated",
        resource="aws_secretsmanager_secret_version",
        actions=frozenset({Action.REPLACE}),
        level=Level.DISRUPTIVE,
        effect=Effect.CREDENTIALS_ROTATED,
        says=_ROTATED,
        fact=_ROTATED_FACT,
        source=_PROXY_SETUP,
    ),
    Rule(
        id="secret-written",
        resource="aws_secretsmanager_secret_version",
        attributes=("secret_string*", "secret_binary*"),
        level=Level.DISRUPTIVE,
        effect=Effect.CREDENTIALS_ROTATED,
        says=_ROTATED,
        fact=_ROTATED_FACT,
        source=_PROXY_SETUP,
    ),
    Rule(
        id="secret-made",
        resource="aws_secretsmanager_secret",
        actions=NEW,
        level=Level.NONE,
        effect=Effect.CREATED,
        says="a database user gets credentials",
        fact="Neither Terraform nor the proxy makes the role in PostgreSQL.",
        source=_PROXY_SETUP,
    ),
    Rule(
        id="rotation-made",
        resource="aws_secretsmanager_secret_rotation",
        actions=NEW,
        level=Level.LOW,
        effect=Effect.CREDENTIALS_ROTATED,
        says="from now on by schedule; the first time after one interval",
        fact="Without RotateImmediately the first rotation waits for the schedule.",
        source=_ROTATION,
    ),
    Rule(
        id="rotation-ended",
        resource="aws_secretsmanager_secret_rotation",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="a password is no longer rotated",
        fact="Without a rotation the value of a secret stays as it is.",
        source=_ROTATION,
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
        source=_KMS,
    ),
    Rule(
        id="key-rotation-off",
        resource="aws_kms_key",
        attributes=("enable_key_rotation",),
        when=_ceases(True),
        condition="it was true",
        level=Level.LOW,
        effect=Effect.SECURITY_LOWERED,
        says="the key's material is no longer rotated",
        fact="What older material encrypted stays readable.",
        source=_KMS,
    ),
    Rule(
        id="bucket-lost",
        resource="aws_s3_bucket",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="all that the bucket holds is lost",
        fact="Its name may be taken by anybody afterwards.",
        source=_S3,
    ),
)

_WORKERS: tuple[Rule, ...] = (
    Rule(
        id="workers-refreshed",
        resource="aws_autoscaling_group",
        attributes=("launch_template*", "mixed_instances_policy*"),
        when=_refreshes,
        condition="instance_refresh is set",
        level=Level.DISRUPTIVE,
        effect=Effect.INSTANCES_RECYCLED,
        says="all {staying}, by instance refresh: {healthy} % stay in service, and the connections "
        "of those that go are closed",
        fact="An instance refresh terminates and launches instances in batches within the healthy "
        "percentages; Terraform starts it when the launch template changes.",
        source=_REFRESH,
    ),
    Rule(
        id="workers-stale",
        resource="aws_autoscaling_group",
        attributes=("launch_template*", "mixed_instances_policy*"),
        level=Level.LOW,
        effect=Effect.INSTANCES_LATER,
        says="the {running} that run stay as they are until they are replaced",
        fact="A group uses a new launch template for the instances that it launches from then on.",
        source=_TEMPLATE,
    ),
    Rule(
        id="workers-undone",
        resource="aws_autoscaling_group",
        attributes=("desired_capacity",),
        when=_below_running,
        condition="it is less than what runs",
        level=Level.DISRUPTIVE,
        effect=Effect.CAPACITY_UNDONE,
        says="{before} run, and this terminates all but {after}",
        fact="A desired capacity that is set replaces the scaling policy's.",
        source=_SIZE,
    ),
    Rule(
        id="workers-desired",
        resource="aws_autoscaling_group",
        attributes=("desired_capacity",),
        when=_written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="the group launches up to {after}",
        fact="A desired capacity that is set replaces the scaling policy's.",
        source=_SIZE,
    ),
    Rule(
        id="workers-scaled-in",
        resource="aws_autoscaling_group",
        attributes=("max_size", "min_size"),
        when=_too_many_run,
        condition="max_size is less than what runs",
        level=Level.DISRUPTIVE,
        effect=Effect.CAPACITY_UNDONE,
        says="{running} run, and this terminates all but {maximum}",
        fact="With a maximum below the desired capacity the group scales in to it at once.",
        source=_SIZE,
    ),
    Rule(
        id="workers-scaled-out",
        resource="aws_autoscaling_group",
        attributes=("min_size",),
        when=_above_running,
        condition="it is more than what runs",
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="the group grows from {running} to {after} at once",
        fact="With a minimum above the desired capacity the group scales out to it.",
        source=_SIZE,
    ),
    Rule(
        id="workers-limits",
        resource="aws_autoscaling_group",
        attributes=("min_size", "max_size"),
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="{running} run and stay",
        fact="Limits that the desired capacity is within terminate and launch nothing.",
        source=_SIZE,
    ),
    Rule(
        id="workers-refresh-settings",
        resource="aws_autoscaling_group",
        attributes=("instance_refresh*",),
        level=Level.LOW,
        effect=Effect.INSTANCES_LATER,
        says="how the next replacement goes",
        fact="Preferences are those of a refresh when it starts.",
        source=_REFRESH,
    ),
    Rule(
        id="workers-lost",
        resource="aws_autoscaling_group",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.INSTANCES_RECYCLED,
        says="all {running} are terminated{why}",
        fact="Deleting a group terminates its instances.",
        source=_SIZE,
    ),
    Rule(
        id="template-metadata",
        resource="aws_launch_template",
        attributes=("metadata_options*.http_tokens",),
        when=_ceases("required"),
        condition="it was required",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="new instances answer IMDSv1: their credentials can be had by a forged request",
        fact="IMDSv2 asks for a token that forged requests cannot get.",
        source=_IMDS,
    ),
    Rule(
        id="template-public",
        resource="aws_launch_template",
        attributes=("network_interfaces*.associate_public_ip_address",),
        when=_becomes("true"),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="new instances get public addresses",
        fact="The template decides for instances that are launched from then on.",
        source=_TEMPLATE,
    ),
    Rule(
        id="template-modified",
        resource="aws_launch_template",
        attributes=("*",),
        when=_written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.INSTANCES_LATER,
        says="what new instances are",
        fact="A launch template is versioned; instances that run do not change.",
        source=_TEMPLATE,
    ),
    Rule(
        id="scaling-policy",
        resource="aws_autoscaling_policy",
        attributes=("target_tracking_configuration*", "step_adjustment*", "scaling_adjustment"),
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="when the group grows and shrinks",
        fact="Target tracking keeps the metric at its target within the group's limits.",
        source=_TRACKING,
    ),
)

_RULE_TYPES = "aws_vpc_security_group_*gress_rule"

_ACCESS: tuple[Rule, ...] = (
    Rule(
        id="access-anybody",
        resource="aws_vpc_security_group_ingress_rule",
        actions=frozenset({Action.CREATE, Action.REPLACE}),
        when=_open_to_all,
        condition="from 0.0.0.0/0 or ::/0",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="any address may connect",
        fact="Rules take effect at once.",
        source=_FIREWALL,
    ),
    Rule(
        id="access-anybody-now",
        resource="aws_vpc_security_group_ingress_rule",
        attributes=("cidr_ipv?",),
        when=_open_to_all,
        condition="from 0.0.0.0/0 or ::/0",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="any address may connect",
        fact="Rules take effect at once.",
        source=_FIREWALL,
    ),
    Rule(
        id="access-opened",
        resource=_RULE_TYPES,
        actions=NEW,
        when=_stands,
        condition="the stack is there already",
        level=Level.LOW,
        effect=Effect.ACCESS_OPENED,
        says="a security group lets more through",
        fact="Rules take effect at once.",
        source=_FIREWALL,
    ),
    Rule(
        id="access-all-protocols",
        resource=_RULE_TYPES,
        attributes=("ip_protocol",),
        when=_becomes("-1"),
        condition="it becomes -1",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="all ports and protocols are let through",
        fact="-1 stands for all protocols; ports are ignored then.",
        source=_FIREWALL,
    ),
    Rule(
        id="access-closed",
        resource=_RULE_TYPES,
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="new connections through it are refused{why}",
        fact="Connections that are tracked go on until they end or time out.",
        source=_FIREWALL,
    ),
    Rule(
        id="access-changed",
        resource=_RULE_TYPES,
        attributes=("cidr_*", "from_port", "to_port", "ip_protocol", "prefix*", "referenced*"),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others are let in than before",
        fact="Rules take effect at once; connections that are tracked go on until they end.",
        source=_FIREWALL,
    ),
    Rule(
        id="grant-made",
        resource="aws_iam_role_policy_attachment",
        actions=NEW,
        when=_stands,
        condition="the stack is there already",
        level=Level.LOW,
        effect=Effect.ACCESS_OPENED,
        says="a role is allowed more",
        fact="Changes of IAM are visible everywhere after seconds.",
        source=_IAM_CHANGES,
    ),
    Rule(
        id="grant-ended",
        resource="aws_iam_*policy*",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="new connections that need this permission are refused{why}",
        fact="Changes of IAM are visible everywhere after seconds; connections that are open stay.",
        source=_IAM_CHANGES,
    ),
    Rule(
        id="grant-changed",
        resource="aws_iam_*policy",
        attributes=("policy",),
        level=Level.LOW,
        effect=Effect.MODIFIED,
        says="what a role may do",
        fact="Changes of IAM are visible everywhere after seconds; connections that are open stay.",
        source=_IAM_CHANGES,
    ),
)

# Who may do what: policies that resources carry, and what stands between the stack and the world.
_POLICIES: tuple[Rule, ...] = (
    Rule(
        id="trust-open",
        resource="aws_iam_role",
        attributes=("assume_role_policy",),
        when=_opens(_to_anybody),
        condition="it allows any principal, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="anybody may take on the role, and do what it may",
        fact="Without a condition the principal * stands for every AWS account.",
        source=_TRUST,
    ),
    Rule(
        id="trust-changed",
        resource="aws_iam_role",
        attributes=("assume_role_policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others may take on the role than before",
        fact="A trust policy holds for sessions that begin; those that have begun go on.",
        source=_TRUST,
    ),
    Rule(
        id="key-open",
        resource="aws_kms_key",
        attributes=("policy",),
        when=_opens(_to_anybody),
        condition="it allows any principal, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="anybody may use the key",
        fact="A key policy alone can allow; without a condition the principal * is everybody.",
        source=_KEY_POLICY,
    ),
    Rule(
        id="key-policy-changed",
        resource="aws_kms_key",
        attributes=("policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others may use the key than before",
        fact="Who may not use the key can read and write nothing that it encrypts.",
        source=_KEY_POLICY,
    ),
    Rule(
        id="key-disabled",
        resource="aws_kms_key",
        attributes=("is_enabled",),
        when=_ceases(True),
        condition="it was true",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="nothing that the key encrypts can be read: RDS stops a database whose key it is, and "
        "after seven days that is for good",
        fact="An instance that cannot use its key is stopped, and can be started again for seven "
        "days once the key is enabled; then only a backup is left.",
        source=_ENCRYPTION,
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
        source=_ENCRYPTION,
    ),
    Rule(
        id="secret-open",
        resource="aws_secretsmanager_secret*",
        attributes=("policy",),
        when=_opens(_to_anybody),
        condition="it allows any principal, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="anybody who may use its key may read the password",
        fact="A resource policy alone can allow; without a condition the principal * is everybody.",
        source=_SECRET_POLICY,
    ),
    Rule(
        id="secret-policy-changed",
        resource="aws_secretsmanager_secret*",
        attributes=("policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others may read the secret, or are refused",
        fact="A resource policy allows and denies besides what IAM policies do.",
        source=_SECRET_POLICY,
    ),
    Rule(
        id="grant-open",
        resource="aws_iam_*policy",
        attributes=("policy",),
        when=_opens(_on_everything),
        condition="it allows something on every resource, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="what a role may do, it may do to every resource",
        fact="Changes of IAM are visible everywhere after seconds.",
        source=_IAM_CHANGES,
    ),
    Rule(
        id="endpoint-open",
        resource="aws_vpc_endpoint",
        attributes=("policy",),
        when=_opens(_on_everything),
        condition="it allows something on every resource, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the endpoint lets through to everybody's resources: data can leave by it",
        fact="An endpoint policy limits what can be reached through it, whoever asks.",
        source=_ENDPOINT,
    ),
    Rule(
        id="endpoint-policy-changed",
        resource="aws_vpc_endpoint",
        attributes=("policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="other requests go through the endpoint than before",
        fact="An endpoint policy limits what can be reached through it, whoever asks.",
        source=_ENDPOINT,
    ),
    Rule(
        id="subnet-public",
        resource="aws_subnet",
        attributes=("map_public_ip_on_launch",),
        when=_becomes(True),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="what is launched in the subnet gets a public address",
        fact="The subnet decides where the launch does not; what runs keeps what it has.",
        source=_SUBNET,
    ),
    Rule(
        id="workers-suspended",
        resource="aws_autoscaling_group",
        attributes=("suspended_processes*",),
        when=lambda context, _attribute: bool(context.after.get("suspended_processes")),
        condition="any is suspended",
        level=Level.DISRUPTIVE,
        effect=Effect.CAPACITY_CHANGED,
        says="the group does not do all of its work: without Launch and Terminate it neither "
        "scales nor replaces instances that fail",
        fact="A suspended process does nothing until it is resumed.",
        source=_SUSPENDED,
    ),
    Rule(
        id="workers-resumed",
        resource="aws_autoscaling_group",
        attributes=("suspended_processes*",),
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="the group does all of its work again",
        fact="What a suspended process would have done is done when it is resumed.",
        source=_SUSPENDED,
    ),
)

_REST: tuple[Rule, ...] = (
    Rule(
        id="alarm-replaced",
        resource="aws_cloudwatch_metric_alarm",
        actions=frozenset({Action.REPLACE}),
        level=Level.LOW,
        effect=Effect.REPLACED,
        says="nobody is told until it is made again and has looked at its metric{why}",
        fact="Alarms watch; what they watch does not change with them. A new one begins with "
        "INSUFFICIENT_DATA.",
        source=_ALARMS,
    ),
    Rule(
        id="alarm-gone",
        resource="aws_cloudwatch_metric_alarm",
        actions=frozenset({Action.DESTROY}),
        level=Level.LOW,
        effect=Effect.DESTROYED,
        says="nobody is told any more",
        fact="Alarms watch; what they watch does not change with them.",
        source=_ALARMS,
    ),
    Rule(
        id="logs-lost",
        resource="aws_cloudwatch_log_group",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.LOGS_DELETED,
        says="the logs it holds are deleted{why}",
        fact="Deleting a log group deletes its events for good.",
        source=_LOGS,
    ),
    Rule(
        id="log-retention-shorter",
        resource="aws_cloudwatch_log_group",
        attributes=("retention_in_days",),
        when=_shrinks,
        condition="it shrinks",
        level=Level.DISRUPTIVE,
        effect=Effect.LOGS_DELETED,
        says="logs older than {after} days are deleted",
        fact="Events older than the retention are deleted, usually within 72 hours.",
        source=_LOGS,
    ),
)

RULES: tuple[Rule, ...] = (
    *_DATABASE,
    *_PROXIES,
    *_SECRETS,
    *_WORKERS,
    *_POLICIES,
    *_ACCESS,
    *_REST,
)

# Attributes whose change nobody notices, of any resource.
LABELS = ("tags", "tags.*", "tags_all", "tags_all.*", "tag[[]*", "description")

# Types that hold what cannot be made again, of this stack and beyond.
STATEFUL = (
    "aws_backup_vault",
    "aws_db_instance",
    "aws_db_snapshot",
    "aws_dynamodb_table",
    "aws_ebs_*",
    "aws_ecr_repository",
    "aws_efs_*",
    "aws_elasticache_*",
    "aws_kms_*key",
    "aws_opensearch_domain",
    "aws_rds_*cluster*",
    "aws_s3_bucket",
    "aws_secretsmanager_secret*",
    "aws_ssm_parameter",
)


def is_stateful(resource_type: str) -> bool:
    """Whether resources of this type hold what cannot be made again."""
    return any(fnmatchcase(resource_type, pattern) for pattern in STATEFUL)


def _is_stateful(context: Context, _attribute: AttributeChange) -> bool:
    return is_stateful(context.change.type)


# Asked before `RULES`.
NOISE: tuple[Rule, ...] = (
    Rule(
        id="labels",
        resource="*",
        attributes=LABELS,
        when=lambda context, attribute: (
            not (
                context.change.type == "aws_db_instance"
                and attribute.path == TIER
                and _tier_falls(context, attribute)
            )
        ),
        condition="but for a tier that falls",
        level=Level.NONE,
        effect=Effect.NOTHING,
        says="labels only",
        fact="Tags and descriptions change nothing that runs.",
    ),
    Rule(
        id="empty",
        resource="*",
        attributes=("*",),
        when=lambda _context, attribute: not (attribute.before or attribute.after),
        condition="nothing, said in another way",
        level=Level.NONE,
        effect=Effect.NOTHING,
        says="nothing",
        fact="The provider tells null, an empty text and false apart; AWS does not.",
    ),
)

# Asked after `RULES`: one of them always fits.
FALLBACK: tuple[Rule, ...] = (
    Rule(
        id="computed",
        resource="*",
        attributes=("*",),
        when=_computed,
        condition="AWS computes it",
        level=Level.NONE,
        effect=Effect.NOTHING,
        says="AWS may give it another value",
        fact="It follows from what else changes.",
    ),
    Rule(
        id="modified",
        resource="*",
        attributes=("*",),
        level=Level.LOW,
        effect=Effect.MODIFIED,
        says="no rule says what this does to the stack",
        fact="The provider changes it without replacing the resource.",
    ),
    Rule(
        id="state-lost",
        resource="*",
        actions=GONE,
        when=_is_stateful,
        condition="the type holds data",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="what it holds is lost{why}",
        fact="Terraform deletes it; a replacement begins empty.",
    ),
    Rule(
        id="replaced",
        resource="*",
        actions=frozenset({Action.REPLACE}),
        level=Level.DISRUPTIVE,
        effect=Effect.REPLACED,
        says="it is missing or another one meanwhile{why}",
        fact="Terraform deletes it and makes a new one.",
    ),
    Rule(
        id="destroyed",
        resource="*",
        actions=frozenset({Action.DESTROY}),
        level=Level.DISRUPTIVE,
        effect=Effect.DESTROYED,
        says="what uses it fails",
        fact="Terraform deletes it.",
    ),
    Rule(
        id="forgotten",
        resource="*",
        actions=frozenset({Action.FORGET}),
        level=Level.LOW,
        effect=Effect.FORGOTTEN,
        says="it stays as it is, and Terraform no longer knows it",
        fact="Terraform takes it out of the state only.",
    ),
    Rule(
        id="state-lost-outside",
        resource="*",
        actions=NEW,
        when=lambda context, attribute: context.lost_outside and _is_stateful(context, attribute),
        condition="somebody deleted it, and the type holds data",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted it: this makes an empty one; restore it first if that can be done",
        fact="Terraform makes anew what the state has and AWS has not.",
    ),
    Rule(
        id="created",
        resource="*",
        actions=NEW,
        level=Level.NONE,
        effect=Effect.CREATED,
        says="it is new",
        fact="Terraform makes it; nothing used it before.",
    ),
)


_TOLD_OUTSIDE = frozenset(
    {
        Effect.DATA_LOST,
        Effect.LOGS_DELETED,
        Effect.SECURITY_LOWERED,
        Effect.PROTECTION_LOWERED,
        Effect.ACCESS_OPENED,
        Effect.ACCESS_CLOSED,
        Effect.ACCESS_CHANGED,
    }
)

_TOLD_OUTSIDE_TOO = frozenset({"pool-smaller", "pool-larger", "workers-suspended"})

_STRANGE = (
    "A group whose rules are resources of their own may have others, which Terraform leaves alone."
)


def _is_open_to_all(_context: Context, attribute: AttributeChange) -> bool:
    return any(network in str(attribute.after) for network in ANYWHERE)


# What rules say of when and how Terraform does it is not true of what others did.
OUTSIDE: tuple[Rule, ...] = (
    Rule(
        id="outside-opened-to-all",
        resource="aws_*security_group",
        attributes=("ingress",),
        when=_is_open_to_all,
        condition="somebody has added a rule for any address",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="somebody lets {after} in{next}",
        fact=_STRANGE,
        source=_SECURITY_GROUP_RULES,
    ),
    Rule(
        id="outside-opened",
        resource="aws_*security_group",
        attributes=("ingress", "egress"),
        condition="somebody has added a rule",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_OPENED,
        says="somebody lets {after} through{next}",
        fact=_STRANGE,
        source=_SECURITY_GROUP_RULES,
    ),
    Rule(
        id="outside-role-granted",
        resource="aws_iam_role",
        attributes=("inline_policy", "managed_policy_arns"),
        condition="somebody has added a policy",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="somebody gave the role the policy {after}{next}",
        fact="A role may do what any of its policies allows. Terraform leaves alone those that are "
        "no resources of its own.",
        source=_IAM_CHANGES,
    ),
    Rule(
        id="outside-route-to-all",
        resource="aws_route_table",
        attributes=("route",),
        when=_is_open_to_all,
        condition="somebody has added a route to any address",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="somebody gave the private subnets a route to {after}{next}",
        fact="A route to an internet gateway or the like is what a private subnet has not. "
        "Terraform leaves alone routes that are no resources of its own.",
        source=_ROUTES,
    ),
    Rule(
        id="outside-route",
        resource="aws_route_table",
        attributes=("route",),
        condition="somebody has added a route",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="somebody gave the private subnets a route to {after}{next}",
        fact="Terraform leaves alone routes that are no resources of its own.",
        source=_ROUTES,
    ),
    Rule(
        id="outside-database-groups",
        resource="aws_db_instance",
        attributes=("vpc_security_group_ids*",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="other security groups than the stack's decide who reaches the database{next}",
        fact="An instance lets in what any of its security groups lets in.",
        source=_RDS,
    ),
    Rule(
        id="outside-proxy-user-added",
        resource="aws_db_proxy",
        attributes=("auth[[]*]",),
        when=lambda _context, attribute: attribute.before is None,
        condition="somebody has added one",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_OPENED,
        says="somebody lets the proxy sign in with another secret{next}",
        fact="A proxy takes every user who has a secret in its Auth.",
        source=_PROXY_API,
    ),
    Rule(
        id="outside-proxy-user-removed",
        resource="aws_db_proxy",
        attributes=("auth[[]*]",),
        when=lambda _context, attribute: attribute.after is None,
        condition="somebody has removed one",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="the proxy refuses a database user{next}",
        fact="A proxy takes only users who have a secret in its Auth.",
        source=_PROXY_API,
    ),
    Rule(
        id="outside-proxy-secret",
        resource="aws_db_proxy",
        attributes=("auth[[]*].secret_arn",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="the proxy signs in with another secret{next}",
        fact="A proxy takes every user who has a secret in its Auth.",
        source=_PROXY_API,
    ),
    Rule(
        id="outside-rotation-cancelled",
        resource="aws_secretsmanager_secret_rotation",
        attributes=("rotation_enabled", "rotation_lambda_arn", "rotation_rules*"),
        when=lambda context, _attribute: context.after.get("rotation_enabled") is False,
        condition="rotation_enabled is false",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="a password is no longer rotated{next}",
        fact="Without a rotation the value of a secret stays as it is.",
        source=_ROTATION,
    ),
    Rule(
        id="outside-rotation-deleted",
        resource="aws_secretsmanager_secret_rotation",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="a password is no longer rotated{next}",
        fact="Without a rotation the value of a secret stays as it is.",
        source=_ROTATION,
    ),
    *(
        replace(rule, says=f"{rule.says}{{next}}")
        for rule in RULES
        if (rule.effect in _TOLD_OUTSIDE or rule.id in _TOLD_OUTSIDE_TOO)
        and Action.UPDATE in rule.actions
    ),
    Rule(
        id="outside-grant-changed",
        resource="aws_iam_*policy",
        attributes=("policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="somebody changed what a role may do{next}",
        fact="Changes of IAM are visible everywhere after seconds; connections that are open stay.",
        source=_IAM_CHANGES,
    ),
    Rule(
        id="outside-key-lost",
        resource="aws_kms_key",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deletes the key, and all that it encrypted becomes unreadable; for 7 to 30 "
        "days that can be undone, before anything else: aws kms cancel-key-deletion --key-id {id}, "
        "then aws kms enable-key{next}",
        fact="Deletion waits for 7 to 30 days, in which it can be cancelled; the key is disabled "
        "then. Terraform takes a key that waits for one that is gone.",
        source=_KMS,
    ),
    Rule(
        id="outside-secret-lost",
        resource="aws_secretsmanager_secret",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the credentials of a database user; if that can still be undone, "
        "do so before anything else: aws secretsmanager restore-secret --secret-id {id}{next}",
        fact="A deleted secret can be restored for its recovery window (7 to 30 days), unless it "
        "was deleted by force.",
        source=_SECRET,
    ),
    Rule(
        id="outside-database-lost",
        resource="aws_db_instance",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the database; restore a snapshot of it before anything else{next}",
        fact="A final or a manual snapshot outlives the instance; so may retained backups.",
        source=_DELETE,
    ),
    Rule(
        id="outside-lost",
        resource="*",
        actions=GONE,
        when=_is_stateful,
        condition="the type holds data",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted it, and what it held{next}",
        fact="Terraform makes anew what the state has and AWS has not.",
    ),
    Rule(
        id="outside-logs-lost",
        resource="aws_cloudwatch_log_group",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.LOGS_DELETED,
        says="somebody deleted it, with the logs it held{next}",
        fact="Deleting a log group deletes its events for good.",
        source=_LOGS,
    ),
    Rule(
        id="outside-deleted",
        resource="*",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.DESTROYED,
        says="somebody deleted it{next}",
        fact="Terraform makes anew what the state has and AWS has not.",
    ),
)

# Asked after `OUTSIDE`, of what Terraform would undo: it always fits.
OUTSIDE_FALLBACK: tuple[Rule, ...] = (
    Rule(
        id="outside-changed",
        resource="*",
        attributes=("*",),
        level=Level.LOW,
        effect=Effect.CHANGED_OUTSIDE,
        says="somebody changed it{next}",
        fact="Terraform makes AWS what the files say.",
    ),
)
