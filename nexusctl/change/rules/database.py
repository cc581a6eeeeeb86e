"""The database and its parameters."""

import re

from nexusctl.change.rule import Condition, Context, Effect, Level, Rule, rounded_up
from nexusctl.change.rules import sources
from nexusctl.change.rules.conditions import (
    NEW,
    TIER,
    becomes,
    ceases,
    less,
    lost_outside,
    shrinks,
    tier_falls,
    written,
)
from nexusctl.terraform.plan import Action, AttributeChange


def _now(context: Context, _attribute: AttributeChange) -> bool:
    return context.after.get("apply_immediately") is True


def _later(context: Context, attribute: AttributeChange) -> bool:
    return not _now(context, attribute)


def _standby(context: Context, _attribute: AttributeChange) -> bool:
    """Multi-AZ before and after: only then the standby can be changed first."""
    return context.before.get("multi_az") is True and context.after.get("multi_az") is True


def _and(*conditions: Condition) -> Condition:
    return lambda context, attribute: all(each(context, attribute) for each in conditions)


def _autoscales(context: Context, attribute: AttributeChange) -> bool:
    """RDS may grow it further: the provider then takes more than is written for what is meant."""
    return less(attribute.after, context.after.get("max_allocated_storage"))


def _grows_little(context: Context, attribute: AttributeChange) -> bool:
    return less(attribute.before, attribute.after) and less(
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


def _parameter_is_static(context: Context, attribute: AttributeChange) -> bool:
    """RDS applies it at the next reboot: that is what `pending-reboot` is for."""
    for side in (context.after, context.before):
        for block in side.get("parameter") or ():
            if attribute.path.startswith(f'parameter["{block.get("name")}"]'):
                return bool(block.get("apply_method") == "pending-reboot")
    return False


def _without_snapshot(context: Context, _attribute: AttributeChange) -> bool:
    """What is applied decides: the provider deletes with the settings in the state."""
    return context.before.get("skip_final_snapshot") is True


def _restart(
    rule_id: str,
    attributes: tuple[str, ...],
    fact: str,
    source: str = sources.RDS_SETTINGS,
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


DATABASE: tuple[Rule, ...] = (
    Rule(
        id="tier-lowered",
        resource="aws_db_instance",
        attributes=(TIER,),
        when=tier_falls,
        condition="to a lower one",
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="the tier falls from {before} to {after}: the policies of {before} and what its "
        "apply and destroy insist on hold no longer",
        fact="To AWS the tier is a tag. Of what production is protected from it refuses one thing "
        "by itself: to delete an instance whose deletion protection is on.",
        source=sources.RDS_DELETE,
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
        source=sources.RDS_DELETE,
    ),
    Rule(
        id="database-destroyed",
        resource="aws_db_instance",
        actions=frozenset({Action.DESTROY}),
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="the database is destroyed; {snapshot} is taken first",
        fact="Deleting an instance deletes its automated backups; the final snapshot stays.",
        source=sources.RDS_DELETE,
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
        source=sources.RDS_DELETE,
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
        source=sources.RDS_DELETE,
    ),
    Rule(
        id="database-lost",
        resource="aws_db_instance",
        actions=NEW,
        when=lost_outside,
        condition="somebody deleted it",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the database: this makes an empty one; restore it from a snapshot "
        "first, if one is left, and import it",
        fact="A deleted instance comes back only from a snapshot: a final or a manual one, or a "
        "retained automated backup. What is restored is a new resource to Terraform.",
        source=sources.RDS_RESTORE,
    ),
    Rule(
        id="database-storage-shrunk",
        resource="aws_db_instance",
        attributes=("allocated_storage",),
        when=shrinks,
        condition="it shrinks",
        level=Level.DISRUPTIVE,
        effect=Effect.AWS_REFUSES,
        says="storage cannot shrink: the apply will fail here",
        fact="The allocated storage of an instance cannot be reduced.",
        source=sources.RDS_STORAGE,
    ),
    Rule(
        id="database-storage-rounded-autoscaled",
        resource="aws_db_instance",
        attributes=("allocated_storage",),
        when=_and(_grows_little, _autoscales),
        condition="it grows by less than 10 %, below max_allocated_storage",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="storage grows {when} to {rounded} GiB, not to {after}, without an outage",
        fact="AllocatedStorage that is not at least 10 % greater is rounded up so that it is. With "
        "storage autoscaling the provider leaves alone a size above the one that is written.",
        source=sources.RDS_MODIFY,
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
        source=sources.RDS_MODIFY,
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
        source=sources.RDS_STORAGE,
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
        source=sources.RDS_STORAGE,
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
        source=sources.RDS_SETTINGS,
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
        source=sources.RDS_UPGRADE,
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
        says="another major version has to be allowed in the change itself, which nexusctl does "
        "not do: the apply will fail here; write {before} again and upgrade in AWS, with a "
        "parameter group of the new version: aws rds modify-db-instance --db-instance-identifier "
        "{identifier} --engine-version {after} --allow-major-version-upgrade "
        "--db-parameter-group-name NAME; once that has happened, write {after}",
        fact="ModifyDBInstance refuses another major version unless AllowMajorVersionUpgrade is "
        "set. Where the parameter group is no default one, it asks for one of the new family.",
        source=sources.RDS_MAJOR_UPGRADE,
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
        source=sources.RDS_MAJOR_UPGRADE,
    ),
    *_restart(
        "database-minor-version",
        ("engine_version",),
        "An upgrade of a minor version causes an outage, Multi-AZ or not.",
        sources.RDS_UPGRADE,
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
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-moved",
        resource="aws_db_instance",
        attributes=("db_subnet_group_name",),
        level=Level.DISRUPTIVE,
        effect=Effect.DATABASE_RESTARTED,
        says="{when}: the instance moves to other subnets and is down meanwhile",
        fact="Moving an instance to another DB subnet group causes an outage.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-multi-az-on",
        resource="aws_db_instance",
        attributes=("multi_az",),
        when=becomes(True),
        condition="it becomes true",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="a standby is made {when}, without an outage; slower until it is in step",
        fact="Converting to Multi-AZ causes no outage, but latency rises while the standby is made "
        "from a snapshot.",
        source=sources.RDS_SETTINGS,
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
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-backups-off",
        resource="aws_db_instance",
        attributes=("backup_retention_period",),
        when=becomes(0),
        condition="it becomes 0",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="all automated backups are deleted {when}, and no point in time can be restored any "
        "more; the database restarts for it",
        fact="Setting the retention to 0 turns backups off and deletes those that exist; changes "
        "between 0 and another value cause an outage.",
        source=sources.RDS_SETTINGS,
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
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-backups-shorter",
        resource="aws_db_instance",
        attributes=("backup_retention_period",),
        when=shrinks,
        condition="it shrinks",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="backups older than {after} days are deleted, at once",
        fact="Automated backups older than the retention are deleted; changes between two values "
        "other than 0 are applied as soon as possible, whatever ApplyImmediately says.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-public",
        resource="aws_db_instance",
        attributes=("publicly_accessible",),
        when=becomes(True),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the database gets a public address",
        fact="PubliclyAccessible takes effect at once, whatever ApplyImmediately says.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-iam-off",
        resource="aws_db_instance",
        attributes=("iam_database_authentication_enabled",),
        when=ceases(True),
        condition="it was true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the database takes no IAM tokens {from_when}: passwords only",
        fact="IAM database authentication can be turned off without an outage.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-protection-off",
        resource="aws_db_instance",
        attributes=("deletion_protection",),
        when=ceases(True),
        condition="it was true",
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="the database can be deleted from now on",
        fact="Deletion protection changes at once; with it RDS refuses DeleteDBInstance.",
        source=sources.RDS_DELETE,
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
        source=sources.RDS_DELETE,
    ),
    Rule(
        id="database-guarded",
        resource="aws_db_instance",
        attributes=("deletion_protection", "skip_final_snapshot", "final_snapshot_identifier"),
        level=Level.LOW,
        effect=Effect.PROTECTION_CHANGED,
        says="what happens when the database is deleted",
        fact="Nothing happens to the running instance.",
        source=sources.RDS_DELETE,
    ),
    Rule(
        id="database-pending-now",
        resource="aws_db_instance",
        attributes=("apply_immediately",),
        when=becomes(True),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.DATABASE_MODIFIED,
        says="whatever waits for the maintenance window happens now, restarts too",
        fact="With ApplyImmediately all pending modifications are made at once; if one needs an "
        "outage, that is unexpected downtime.",
        source=sources.RDS_APPLY,
    ),
    Rule(
        id="database-pending-later",
        resource="aws_db_instance",
        attributes=("apply_immediately",),
        level=Level.LOW,
        effect=Effect.PROTECTION_CHANGED,
        says="from now on changes wait for the maintenance window; by itself this changes nothing "
        "of the database",
        fact="ApplyImmediately belongs to a request, and is no setting of the instance.",
        source=sources.RDS_APPLY,
    ),
    Rule(
        id="database-upgrades-itself",
        resource="aws_db_instance",
        attributes=("auto_minor_version_upgrade",),
        when=becomes(True),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.DATABASE_RESTARTED,
        says="{window}, this one or a later one, as soon as there is a newer minor version that "
        "RDS upgrades to by itself; no connections until it is back, several minutes",
        fact="An automatic upgrade of a minor version is made in the maintenance window and causes "
        "an outage.",
        source=sources.RDS_UPGRADE,
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
        source=sources.RDS_ROTATE_CA,
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
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-master-user",
        resource="aws_db_instance",
        attributes=("manage_master_user_password", "password*", "master_user_secret_kms_key_id"),
        level=Level.LOW,
        effect=Effect.CREDENTIALS_ROTATED,
        says="the master user's; the proxy and its clients use others",
        fact="RDS makes a new password when it begins to manage it or gets another key.",
        source=sources.RDS_SETTINGS,
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
        source=sources.RDS_PARAMETERS,
    ),
    Rule(
        id="database-modified-now",
        resource="aws_db_instance",
        attributes=_AT_ONCE,
        when=written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="now, whatever apply_immediately says",
        fact="These settings are applied at once or as soon as possible, whatever ApplyImmediately "
        "says, and cause no outage.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="database-modified",
        resource="aws_db_instance",
        attributes=("*",),
        when=written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="{when}",
        fact="AWS documents no outage for it.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="parameter-tls-off",
        resource="aws_db_parameter_group",
        attributes=('parameter[[]"rds.force_ssl"].value',),
        when=ceases("1"),
        condition="it was 1",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the database takes connections without TLS",
        fact="rds.force_ssl is a dynamic parameter: new connections are judged by it at once.",
        source=sources.RDS_SSL,
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
        source=sources.RDS_PARAMETERS,
    ),
    Rule(
        id="parameter-dynamic",
        resource="aws_db_parameter_group",
        attributes=("parameter*.value",),
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="now, without a restart, whatever apply_immediately says",
        fact="Changes to dynamic parameters are applied at once.",
        source=sources.RDS_PARAMETERS,
    ),
    Rule(
        id="parameter-noise",
        resource="aws_db_parameter_group",
        attributes=("parameter*",),
        level=Level.NONE,
        effect=Effect.NOTHING,
        says="how a parameter is applied",
        fact="Name and apply method belong to the parameter's value.",
        source=sources.RDS_PARAMETERS,
    ),
    Rule(
        id="parameter-group-replaced",
        resource="aws_db_parameter_group",
        actions=frozenset({Action.REPLACE}),
        level=Level.LOW,
        effect=Effect.WAITS_FOR_RESTART,
        says="a new group is made, and the database moves to it before the old one goes{why}",
        fact="A parameter group is for one major version; it cannot be deleted while in use.",
        source=sources.RDS_PARAMETERS,
    ),
)
