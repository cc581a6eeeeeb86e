"""What somebody changed outside Terraform."""

from dataclasses import replace

from nexusctl.change.rule import Condition, Context, Effect, Level, Rule
from nexusctl.change.rules import RULES, sources
from nexusctl.change.rules.conditions import ANYWHERE, GONE, becomes, is_stateful, shrinks
from nexusctl.terraform.plan import Action, AttributeChange

_TOLD_OUTSIDE = frozenset(
    {
        Effect.LOGS_DELETED,
        Effect.SECURITY_LOWERED,
        Effect.PROTECTION_LOWERED,
        Effect.ACCESS_OPENED,
        Effect.ACCESS_CLOSED,
        Effect.ACCESS_CHANGED,
    }
)


_TOLD_OUTSIDE_TOO = frozenset(
    {"pool-smaller", "pool-larger", "scaling-policy", "workers-suspended"}
)


_STRANGE = (
    "A group whose rules are resources of their own may have others, which Terraform leaves alone."
)


def _is_open_to_all(_context: Context, attribute: AttributeChange) -> bool:
    return any(network in str(attribute.after) for network in ANYWHERE)


def _parameter(name: str, values: frozenset[str]) -> Condition:
    """The group has this parameter, with one of these values."""
    return lambda context, _attribute: any(
        each.get("name") == name and each.get("value") in values
        for each in context.after.get("parameter") or ()
    )


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
        source=sources.SECURITY_GROUP_RULES,
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
        source=sources.SECURITY_GROUP_RULES,
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
        source=sources.IAM_CHANGES,
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
        source=sources.ROUTES,
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
        source=sources.ROUTES,
    ),
    Rule(
        id="outside-database-groups",
        resource="aws_db_instance",
        attributes=("vpc_security_group_ids*",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="other security groups than the stack's decide who reaches the database{next}",
        fact="An instance lets in what any of its security groups lets in.",
        source=sources.RDS_SETTINGS,
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
        source=sources.PROXY_MODIFY,
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
        source=sources.PROXY_MODIFY,
    ),
    Rule(
        id="outside-proxy-secret",
        resource="aws_db_proxy",
        attributes=("auth[[]*].secret_arn",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="the proxy signs in with another secret{next}",
        fact="A proxy takes every user who has a secret in its Auth.",
        source=sources.PROXY_MODIFY,
    ),
    Rule(
        id="outside-database-stopped",
        resource="aws_db_instance",
        attributes=("status",),
        condition="it is stopped",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="the database is stopped: every connection fails, and AWS refuses to modify it; start "
        "it: aws rds start-db-instance --db-instance-identifier {identifier}{next}",
        fact="A stopped instance cannot be modified. RDS starts it by itself after seven days.",
        source=sources.RDS_STOP,
    ),
    Rule(
        id="outside-backups-off",
        resource="aws_db_instance",
        attributes=("backup_retention_period",),
        when=becomes(0),
        condition="it is 0",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody turned backups off: all automated ones are deleted for good, and those that "
        "are made once they are on again begin anew{next}",
        fact="Setting the retention to 0 turns backups off and deletes those that exist.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="outside-backups-shorter",
        resource="aws_db_instance",
        attributes=("backup_retention_period",),
        when=shrinks,
        condition="it shrank",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody shortened the retention: backups older than {after} days are deleted for "
        "good, and a longer one brings none back{next}",
        fact="Automated backups older than the retention are deleted.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="outside-upgrades-on",
        resource="aws_db_instance",
        attributes=("auto_minor_version_upgrade",),
        when=becomes(True),
        condition="it is true",
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="RDS upgrades the minor version by itself, in a maintenance window to come: that is "
        "an outage, and nothing goes back{next}",
        fact="An upgrade of a minor version causes an outage, Multi-AZ or not.",
        source=sources.RDS_UPGRADE,
    ),
    Rule(
        id="outside-parameter-group",
        resource="aws_db_instance",
        attributes=("parameter_group_name",),
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="after its next restart the database has the parameters of the group {after}, not of "
        "the stack's: whether it insists on TLS, too{next}",
        fact="Another DB parameter group is in use after a reboot; rds.force_ssl is one of its "
        "parameters.",
        source=sources.RDS_PARAMETERS,
    ),
    Rule(
        id="outside-parameter-tls",
        resource="aws_db_parameter_group",
        attributes=('parameter[[]"ssl_min_protocol_version"]*',),
        when=_parameter("ssl_min_protocol_version", frozenset({"TLSv1", "TLSv1.1"})),
        condition="it is TLSv1 or TLSv1.1",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the database takes connections with versions of TLS that are broken{next}",
        fact="ssl_min_protocol_version is the oldest version of TLS that the database takes.",
        source=sources.RDS_SSL,
    ),
    Rule(
        id="outside-parameter-statements",
        resource="aws_db_parameter_group",
        attributes=('parameter[[]"log_statement"]*',),
        when=_parameter("log_statement", frozenset({"mod", "all"})),
        condition="it is mod or all",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="SQL statements are written to the log, with whatever personal data is in them{next}",
        fact="log_statement decides which statements PostgreSQL logs: none, ddl, mod or all.",
        source=sources.RDS_LOGS,
    ),
    Rule(
        id="outside-proxy-role",
        resource="aws_db_proxy",
        attributes=("role_arn",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="the proxy reads its secrets with {after}: where that may not, it signs in to the "
        "database no more{next}",
        fact="A proxy reads secrets with the permissions of its role.",
        source=sources.PROXY_SETUP,
    ),
    Rule(
        id="outside-proxy-query",
        resource="aws_db_proxy_default_target_group",
        attributes=("connection_pool_config*.init_query",),
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the proxy runs other SQL than the files say on every database connection that it "
        "opens{next}",
        fact="InitQuery is SQL that the proxy runs when it opens a connection to the database.",
        source=sources.PROXY_POOL,
    ),
    Rule(
        id="outside-boundary",
        resource="aws_iam_role",
        attributes=("permissions_boundary",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="somebody gave the role another permissions boundary, or took it away: what a "
        "boundary does not allow is refused{next}",
        fact="A role may do what its policies and its boundary both allow.",
        source=sources.BOUNDARIES,
    ),
    Rule(
        id="outside-instance-role",
        resource="aws_iam_instance_profile",
        attributes=("role",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="the workers have the role {after}: they may do what that may, and nothing that only "
        "the stack's may{next}",
        fact="The instances of a profile get the credentials of the role in it.",
        source=sources.IAM_CHANGES,
    ),
    Rule(
        id="outside-secret-copied",
        resource="aws_secretsmanager_secret",
        attributes=("replica",),
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="somebody copied the password to {after}, where other keys and rules guard it: aws "
        "secretsmanager remove-regions-from-replication --secret-id {id} "
        "--remove-replica-regions REGION{next}",
        fact="A replica is encrypted with a key of its region: unless one is named, with the "
        "account's aws/secretsmanager. Terraform leaves alone replicas that it does not write.",
        source=sources.COPIED_SECRETS,
    ),
    Rule(
        id="outside-workers-template",
        resource="aws_autoscaling_group",
        attributes=("launch_template*", "mixed_instances_policy*"),
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="new workers come from another launch template, or version of it, than the stack's: "
        "its image, role, security groups and program are whatever somebody put there{next}",
        fact="A group uses a new launch template for the instances that it launches from then on.",
        source=sources.LAUNCH_TEMPLATES,
    ),
    Rule(
        id="outside-workers-fewer",
        resource="aws_autoscaling_group",
        attributes=("max_size",),
        when=shrinks,
        condition="it shrank",
        level=Level.DISRUPTIVE,
        effect=Effect.CAPACITY_UNDONE,
        says="the group has {after} instances at most: those beyond are terminated, and under load "
        "it grows no further{next}",
        fact="With a maximum below the desired capacity the group scales in to it at once.",
        source=sources.GROUP_SIZE,
    ),
    Rule(
        id="outside-scaling-off",
        resource="aws_autoscaling_policy",
        attributes=("enabled",),
        when=becomes(False),
        condition="it is false",
        level=Level.DISRUPTIVE,
        effect=Effect.CAPACITY_CHANGED,
        says="the group no longer grows under load{next}",
        fact="A scaling policy that is disabled does nothing until it is enabled again.",
        source=sources.TARGET_TRACKING,
    ),
    Rule(
        id="outside-dns",
        resource="aws_vpc",
        attributes=("enable_dns_*",),
        when=becomes(False),
        condition="it is false",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="names in the VPC do not resolve as the stack needs it: what is in it reaches neither "
        "the endpoints of AWS nor the proxy by name{next}",
        fact="Without enableDnsSupport the VPC's resolver answers nobody; the private names of "
        "endpoints need enableDnsHostnames, too.",
        source=sources.DNS,
    ),
    Rule(
        id="outside-dhcp",
        resource="aws_vpc",
        attributes=("dhcp_options_id",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="what is in the VPC asks the name servers that {after} names: a name may lead "
        "elsewhere, or nowhere{next}",
        fact="Instances take a VPC's DHCP options when they renew their lease.",
        source=sources.DHCP_OPTIONS,
    ),
    Rule(
        id="outside-endpoint",
        resource="aws_vpc_endpoint",
        attributes=(
            "private_dns_enabled",
            "route_table_ids*",
            "security_group_ids*",
            "subnet_ids*",
        ),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others reach AWS through the endpoint than the files say: who has no way left to the "
        "service waits, and fails{next}",
        fact="Route tables, or subnets, security groups and private names, are the ways to an "
        "endpoint; these subnets have no other to AWS.",
        source=sources.ENDPOINTS,
    ),
    Rule(
        id="outside-alarm-silenced",
        resource="aws_cloudwatch_metric_alarm",
        attributes=("actions_enabled",),
        when=becomes(False),
        condition="it is false",
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="the alarm tells nobody any more{next}",
        fact="An alarm whose actions are disabled changes its state, and does nothing.",
        source=sources.ALARMS,
    ),
    Rule(
        id="outside-alarm-elsewhere",
        resource="aws_cloudwatch_metric_alarm",
        attributes=("alarm_actions*",),
        level=Level.DISRUPTIVE,
        effect=Effect.PROTECTION_LOWERED,
        says="the alarm tells others than the files say, or nobody{next}",
        fact="An alarm does what its actions are, and nothing without any.",
        source=sources.ALARMS,
    ),
    Rule(
        id="outside-logs-key",
        resource="aws_cloudwatch_log_group",
        attributes=("kms_key_id",),
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="new logs are encrypted with another key than the stack's{next}",
        fact="Events are encrypted with the key that the group has when they come; without one, "
        "with CloudWatch's own.",
        source=sources.LOG_GROUPS,
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
        source=sources.ROTATION,
    ),
    Rule(
        id="outside-rotation-function",
        resource="aws_secretsmanager_secret_rotation",
        attributes=("rotation_lambda_arn",),
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="{after} makes the passwords from the next rotation on, and knows them{next}",
        fact="The function of a rotation makes the new password, and sets it in the database.",
        source=sources.ROTATION,
    ),
    Rule(
        id="outside-rotation-deleted",
        resource="aws_secretsmanager_secret_rotation",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="a password is no longer rotated{next}",
        fact="Without a rotation the value of a secret stays as it is.",
        source=sources.ROTATION,
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
        source=sources.IAM_CHANGES,
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
        source=sources.KEY_DELETE,
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
        source=sources.DELETED_SECRETS,
    ),
    Rule(
        id="outside-database-lost",
        resource="aws_db_instance",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the database; restore a snapshot of it before anything else{next}",
        fact="A final or a manual snapshot outlives the instance; so may retained backups.",
        source=sources.RDS_DELETE,
    ),
    Rule(
        id="outside-lost",
        resource="*",
        actions=GONE,
        when=is_stateful,
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
        source=sources.LOG_GROUPS,
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
        id="outside-template-changed",
        resource="aws_launch_template",
        attributes=("*",),
        level=Level.DISRUPTIVE,
        effect=Effect.INSTANCES_RECYCLED,
        says="somebody made another version of the launch template, which the group does not take "
        "by itself{next}, and with that replaces all workers by instance refresh",
        fact="A group launches the version that it names; the stack's names the newest of "
        "Terraform's, and starts an instance refresh when that is another one.",
        source=sources.INSTANCE_REFRESH,
    ),
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
