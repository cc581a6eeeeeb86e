"""Nothing that customers stored is lost: deletion, backups, a standby, patches."""

from typing import Any

from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Policy, Resource
from nexusctl.policy.verdict import Severity


class DeletionProtection(Policy):
    """RDS refuses to delete the database."""

    about = About(
        id="NEXUS_DELETION_PROTECTION",
        title="The database is protected against deletion",
        severity=Severity.CRITICAL,
        why="One destroy, or one change that replaces the instance, deletes every shipment and "
        "inventory record.",
        fact="With DeletionProtection on, DeleteDBInstance fails until somebody turns it off; it "
        "is off by default (RDS User Guide, Deleting a DB instance).",
        fix="set database.deletion_protection: true",
        resources=("aws_db_instance", "aws_rds_cluster", "aws_rds_global_cluster"),
        settings=("database.deletion_protection",),
        remedy=True,
        tiers=("staging", "production"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`deletion_protection` is true."""
        return resource.answer("deletion_protection", True)


class BackupRetention(Policy):
    """A week of automatic backups."""

    about = About(
        id="NEXUS_BACKUP_RETENTION",
        title="Automatic backups of the database are kept for at least 7 days",
        severity=Severity.HIGH,
        why="Corruption that is noticed after a weekend can only be undone from backups that are "
        "older than it.",
        fact="The retention period, 0 to 35 days, is how far back point-in-time recovery reaches, "
        "and 0 turns automated backups off (RDS User Guide, Backup retention period). The "
        "provider's default is 0 for an instance, 1 for a cluster (backup_retention_period).",
        fix="set database.backup_retention: 7d, or more up to 35d",
        resources=("aws_db_instance", "aws_rds_cluster"),
        settings=("database.backup_retention",),
        remedy="7d",
        tiers=("staging", "production"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`backup_retention_period` is 7 or more."""
        return _keeps_backups(resource, 7)


class Backups(Policy):
    """Automatic backups at all. Where more is at stake, `BackupRetention` says so."""

    about = About(
        id="NEXUS_BACKUPS",
        title="The database has automatic backups",
        severity=Severity.HIGH,
        why="Without automated backups a dropped table is gone, and the rehearsal of a restore has "
        "nothing to restore.",
        fact="A retention period of 0 turns automated backups and point-in-time recovery off (RDS "
        "User Guide, Backup retention period). The provider's default is 0 for an instance, 1 for "
        "a cluster (backup_retention_period).",
        fix="set database.backup_retention: 1d, or more up to 35d",
        resources=("aws_db_instance", "aws_rds_cluster"),
        settings=("database.backup_retention",),
        remedy="1d",
        tiers=("sandbox", "development"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`backup_retention_period` is 1 or more."""
        return _keeps_backups(resource, 1)


def _keeps_backups(database: Resource, days: int) -> Answer:
    name = "backup_retention_period"
    if _is_replica(database):
        return Answer.passed("a read replica: its source has the backups")
    kept = database.value(name)
    if kept is UNKNOWN:
        return Answer.unknown(f"{name} is not known", name)
    if kept is ABSENT and database.type == "aws_rds_cluster":
        kept = 1
    if kept is ABSENT:
        return Answer.failed(f"{name} is not set, so 0: no backups are kept", name)
    if int(kept) < days:
        return Answer.failed(f"{name} is {kept}, less than {days}", name)
    return Answer.passed(f"{name} is {kept}")


def _is_replica(database: Resource) -> bool:
    """Whether the database is certainly a copy of another one.

    Not by a variable alone, which may be null.
    """
    source = database.value("replicate_source_db")
    return isinstance(source, str) or bool(
        database.refers_to("replicate_source_db", "aws_db_instance")
    )


def _flag(resource: Resource, name: str) -> Any:
    """A boolean argument as Terraform reads it: "true" is true to it, too."""
    value = resource.value(name)
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class MultiAz(Policy):
    """A standby in a second Availability Zone."""

    about = About(
        id="NEXUS_MULTI_AZ",
        title="The database has a standby in a second Availability Zone",
        severity=Severity.HIGH,
        why="Without a standby a failed zone, host or disk stops all workers until a backup is "
        "restored by hand.",
        fact="RDS replicates synchronously to a Multi-AZ standby and fails over to it by itself, "
        "typically within 60 to 120 seconds (RDS User Guide, Multi-AZ DB instance deployments). "
        "Aurora fails over to another instance of the cluster, and makes a new one, which takes "
        "minutes, where there is none (Aurora User Guide, High availability).",
        fix="set database.multi_az: true; give an Aurora cluster two instances, in two zones if "
        "availability_zone is set",
        resources=("aws_db_instance", "aws_rds_cluster"),
        settings=("database.multi_az",),
        remedy=True,
        tiers=("staging", "production"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`multi_az` is true; a cluster has two instances, and not both in one zone."""
        if resource.type == "aws_db_instance":
            return resource.answer("multi_az", True)
        if resource.value("db_cluster_instance_class") is not ABSENT:
            return _of_rds(resource)
        return _two_instances(resource)


def _of_rds(cluster: Resource) -> Answer:
    """A Multi-AZ DB cluster: RDS gives one with an instance class of its own three instances."""
    if cluster.value("db_cluster_instance_class") is UNKNOWN:
        return Answer.unknown("db_cluster_instance_class is not known", "db_cluster_instance_class")
    return Answer.passed("RDS makes its instances, in three zones")


def _two_instances(cluster: Resource) -> Answer:
    """The instances of an Aurora cluster. AWS spreads those without `availability_zone`."""
    members = _members(cluster)
    zones = [each.value("availability_zone") for each in members]
    # Without a key that is known a reference is to all the clusters of a for_each.
    mixed = any(len(each.refers_to("cluster_identifier", cluster.type)) > 1 for each in members)
    if mixed or not all(each.instance.known for each in members):
        return Answer.unknown("how many instances it has is not known")
    if len(members) < _INSTANCES:
        return Answer.failed(f"it has {len(members) or 'no'} aws_rds_cluster_instance, not two")
    if UNKNOWN in zones:
        return Answer.unknown("the availability_zone of its instances is not known")
    if ABSENT not in zones and len(set(zones)) < _INSTANCES:
        return Answer.failed("its instances are all in one availability_zone")
    return Answer.passed(f"it has {len(members)} instances")


def _members(cluster: Resource) -> list[Resource]:
    """The instances of a cluster, by identifier or by what that refers to."""
    every = cluster.referring("aws_rds_cluster_instance", "cluster_identifier")
    name = cluster.value("cluster_identifier")
    given = [(each, each.value("cluster_identifier")) for each in every]
    return [each for each, of in given if UNKNOWN in (of, name) or of == name or name is ABSENT]


# One fails over to the other.
_INSTANCES = 2


class FinalSnapshot(Policy):
    """Whoever deletes the database leaves a last snapshot."""

    about = About(
        id="NEXUS_FINAL_SNAPSHOT",
        title="Deleting the database leaves a final snapshot",
        severity=Severity.HIGH,
        why="Automated backups go with the instance: without a final snapshot a deleted database "
        "cannot be brought back.",
        fact="DeleteDBInstance takes a final snapshot unless SkipFinalSnapshot is set, and then "
        "needs a name for it (RDS User Guide, Deleting a DB instance).",
        fix="set database.skip_final_snapshot: false; elsewhere set final_snapshot_identifier, too",
        resources=("aws_db_instance", "aws_rds_cluster"),
        settings=("database.skip_final_snapshot",),
        remedy=False,
        tiers=("staging", "production"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`skip_final_snapshot` is not true, and the snapshot has a name."""
        skip, name = "skip_final_snapshot", "final_snapshot_identifier"
        if _is_replica(resource):
            return Answer.passed("a read replica, of which RDS takes no final snapshot")
        skips = _flag(resource, skip)
        if skips is UNKNOWN:
            return Answer.unknown(f"{skip} is not known", skip)
        if skips is not ABSENT and skips is not False:
            return Answer.failed(f"{skip} is true", skip)
        # Of a name made of parts, one known part is enough: it is not empty.
        identifier = resource.text(name)
        if identifier is ABSENT:
            return Answer.failed(f"{name} is not set: deleting the database would fail", name)
        if identifier is UNKNOWN or identifier == "${}":
            return Answer.unknown(f"{name} is not known", name)
        return Answer.passed("a final snapshot is taken")


class MinorUpgrades(Policy):
    """Minor versions of PostgreSQL are installed, by RDS or by whoever edits the version."""

    about = About(
        id="NEXUS_MINOR_UPGRADES",
        title="The database gets PostgreSQL's minor upgrades",
        severity=Severity.MEDIUM,
        why="A database that nobody upgrades keeps known vulnerabilities, until RDS forces an "
        "upgrade at a time of its own.",
        fact="With AutoMinorVersionUpgrade RDS installs minor versions in the maintenance window "
        "(RDS User Guide, Automatic minor version upgrades). RDS refuses to go back to an older "
        "one, so an engine_version that names its minor version must not be upgraded by RDS.",
        fix="set database.engine_version to a version with its minor part and raise it, or to the "
        'major part alone such as "16"',
        resources=("aws_db_instance", "aws_rds_cluster_instance"),
        settings=("database.engine_version",),
    )

    def judge(self, resource: Resource) -> Answer:
        """`auto_minor_version_upgrade` is not false, or `engine_version` names a minor version."""
        name = "auto_minor_version_upgrade"
        automatic, version = _flag(resource, name), resource.value("engine_version")
        if automatic in (True, ABSENT):
            return Answer.passed(f"{name} is not false")
        if isinstance(version, str) and "." in version:
            return Answer.passed(f"engine_version {version} names its minor version")
        if UNKNOWN in (automatic, version):
            return Answer.unknown(f"{name} or engine_version is not known", name)
        return Answer.failed(f"{name} is false, and engine_version names no minor version", name)


deletion_protection = DeletionProtection()
backup_retention = BackupRetention()
backups = Backups()
multi_az = MultiAz()
final_snapshot = FinalSnapshot()
minor_upgrades = MinorUpgrades()
