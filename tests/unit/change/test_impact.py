"""What is said of plans that real Terraform made: tests/fixtures/plans/."""

import json
from typing import Any

import pytest

from nexusctl.change.impact import Impact, Statement, impact
from nexusctl.change.rule import Effect, Level
from nexusctl.change.rules import RULES
from nexusctl.change.rules.any_resource import FALLBACK, NOISE
from nexusctl.terraform.plan import Action
from tests.unit.change.plans import ALL_EDITS, PLANS, Recorded, plan_of

DATABASE = "module.database.aws_db_instance.main"
PARAMETERS = "module.database.aws_db_parameter_group.main"
PROXY = "module.proxy.aws_db_proxy.main"
POOL = "module.proxy.aws_db_proxy_default_target_group.main"
ALARM = 'module.alarms.aws_cloudwatch_metric_alarm.metric["availability"]'
GROUP = "module.workers.aws_autoscaling_group.main"
KEY = "module.secrets.aws_kms_key.main"
SECRET = 'module.secrets.aws_secretsmanager_secret.main["reports"]'
VERSION = 'module.secrets.aws_secretsmanager_secret_version.main["reports"]'
VPC = "module.network.aws_vpc.main[0]"
SUBNET = 'module.network.aws_subnet.private["eu-central-1b"]'
SUBNET_GROUP = "module.database.aws_db_subnet_group.main"
LAMBDA = "module.proxy.aws_vpc_security_group_ingress_rule.lambda"
RESTARTED = Effect.DATABASE_RESTARTED

Case = tuple[str, str, Effect, str, str | None, str | None, str]

# The most severe statement: plan, level, effect, address, attribute, setting, and words of it.
WORST: list[Case] = [
    ("cidr_block", "disruptive", Effect.AWS_REFUSES, VPC, "cidr_block", "network.cidr_block",
     "no VPC is deleted while the database is in it"),
    ("network_given", "disruptive", Effect.AWS_REFUSES, VPC, None, None,
     "a new environment beside this one"),
    ("zone_exchanged", "disruptive", Effect.AWS_REFUSES, SUBNET, None,
     "network.availability_zones", "no subnet is deleted while the database"),
    ("instance_class", "disruptive", RESTARTED, DATABASE, "instance_class",
     "database.instance_class", "in the maintenance window sun:03:00-sun:04:00 UTC, by a failover"),
    ("instance_class_now", "disruptive", RESTARTED, DATABASE, "instance_class",
     "database.instance_class", "now, by a failover"),
    ("single_instance_class", "disruptive", RESTARTED, DATABASE, "instance_class",
     "database.instance_class", "now; no connections until it is back"),
    ("apply_immediately", "disruptive", Effect.DATABASE_MODIFIED, DATABASE, "apply_immediately",
     "database.apply_immediately", "happens now, restarts too"),
    ("tier_lowered", "disruptive", Effect.PROTECTION_LOWERED, DATABASE, "tags_all.Tier",
     "tier", "the tier falls from production to development"),
    ("multi_az_off", "disruptive", Effect.PROTECTION_LOWERED, DATABASE, "multi_az",
     "database.multi_az", "no standby"),
    ("single_multi_az_on", "low", Effect.DATABASE_MODIFIED, DATABASE, "multi_az",
     "database.multi_az", "without an outage"),
    ("engine_minor", "disruptive", RESTARTED, DATABASE, "engine_version",
     "database.engine_version", "in the maintenance window"),
    ("engine_minor_now", "disruptive", RESTARTED, DATABASE, "engine_version",
     "database.engine_version", "now; no connections"),
    ("engine_major", "disruptive", Effect.AWS_REFUSES, DATABASE, "engine_version",
     "database.engine_version", "keystone-nexus-recorded --engine-version 17.4 --allow-major-"),
    ("engine_any_minor", "disruptive", RESTARTED, DATABASE, "engine_version",
     "database.engine_version", "in the maintenance window"),
    ("engine_older", "disruptive", Effect.AWS_REFUSES, DATABASE, "engine_version",
     "database.engine_version", "does not go back to an older version: the apply will fail here"),
    ("storage_grown_little", "low", Effect.DATABASE_MODIFIED, DATABASE, "allocated_storage",
     "database.allocated_storage_gib", "to 110 GiB, not to 105"),
    ("storage_grown", "low", Effect.DATABASE_MODIFIED, DATABASE, "allocated_storage",
     "database.allocated_storage_gib", "without an outage"),
    ("storage_shrunk", "disruptive", Effect.AWS_REFUSES, DATABASE, "allocated_storage",
     "database.allocated_storage_gib", "cannot shrink"),
    ("storage_type", "low", Effect.DATABASE_MODIFIED, DATABASE, "storage_type",
     "database.storage_type", "without an outage"),
    ("parameter_dynamic", "low", Effect.DATABASE_MODIFIED, PARAMETERS,
     'parameter["work_mem"].value', "database.parameters.work_mem", "without a restart"),
    ("parameter_static", "low", Effect.WAITS_FOR_RESTART, PARAMETERS,
     'parameter["max_connections"].value', "database.parameters.max_connections",
     "until somebody restarts"),
    ("parameter_added", "low", Effect.WAITS_FOR_RESTART, PARAMETERS,
     'parameter["wal_buffers"].value', "database.parameters.wal_buffers", "until somebody"),
    ("parameter_removed", "low", Effect.DATABASE_MODIFIED, PARAMETERS,
     'parameter["work_mem"].value', "database.parameters", "without a restart"),
    ("force_ssl_off", "disruptive", Effect.SECURITY_LOWERED, PARAMETERS,
     'parameter["rds.force_ssl"].value', None, "without TLS"),
    ("backups_off", "destructive", Effect.DATA_LOST, DATABASE, "backup_retention_period",
     "database.backup_retention", "all automated backups are deleted"),
    ("backups_shorter", "destructive", Effect.DATA_LOST, DATABASE, "backup_retention_period",
     "database.backup_retention", "older than 3 days"),
    ("backups_longer", "low", Effect.DATABASE_MODIFIED, DATABASE, "backup_retention_period",
     "database.backup_retention", "now, whatever apply_immediately says"),
    ("backup_window", "low", Effect.DATABASE_MODIFIED, DATABASE, "backup_window",
     "database.backup_window", "now, whatever apply_immediately says"),
    ("storage_limit", "low", Effect.DATABASE_MODIFIED, DATABASE, "max_allocated_storage",
     "database.max_allocated_storage_gib", "now, whatever apply_immediately says"),
    ("maintenance_window", "low", Effect.DATABASE_MODIFIED, DATABASE, "maintenance_window",
     "database.maintenance_window", "at once if that is now"),
    ("deletion_protection_off", "disruptive", Effect.PROTECTION_LOWERED, DATABASE,
     "deletion_protection", "database.deletion_protection", "can be deleted"),
    ("final_snapshot_off", "disruptive", Effect.PROTECTION_LOWERED, DATABASE,
     "final_snapshot_identifier", "database.skip_final_snapshot", "nothing of it will be left"),
    ("log_retention", "disruptive", Effect.LOGS_DELETED,
     'module.database.aws_cloudwatch_log_group.main["postgresql"]', "retention_in_days",
     "database.log_retention", "older than 7 days"),
    ("log_retention_longer", "low", Effect.MODIFIED,
     'module.database.aws_cloudwatch_log_group.main["postgresql"]', "retention_in_days",
     "database.log_retention", "kept longer"),
    ("database_renamed", "destructive", Effect.DATABASE_REPLACED, DATABASE, "db_name",
     "database.name", "all data is lost but for the final snapshot keystone-nexus-recorded-final-"),
    ("single_renamed", "destructive", Effect.DATABASE_REPLACED, DATABASE, "db_name",
     "database.name", "without a final snapshot"),
    ("master_username", "destructive", Effect.DATABASE_REPLACED, DATABASE, "username",
     "database.master_username", "all data is lost"),
    ("database_tainted", "destructive", Effect.DATABASE_REPLACED, DATABASE, None, None, "tainted"),
    ("publicly_accessible", "disruptive", Effect.SECURITY_LOWERED, DATABASE,
     "publicly_accessible", None, "public address"),
    ("storage_encryption_off", "destructive", Effect.DATABASE_REPLACED, DATABASE,
     "storage_encrypted", None, "all data is lost"),
    ("iam_database_authentication_off", "disruptive", Effect.SECURITY_LOWERED, DATABASE,
     "iam_database_authentication_enabled", None, "passwords only"),
    ("certificate_authority", "low", Effect.DATABASE_MODIFIED, DATABASE, "ca_cert_identifier",
     None, "must trust the new authority"),
    ("tls_off", "disruptive", Effect.SECURITY_LOWERED, PROXY, "require_tls",
     "proxy.require_tls", "without TLS"),
    ("iam_off", "disruptive", Effect.SECURITY_LOWERED, PROXY,
     'auth["Database user nexus_ingest"].iam_auth', "proxy.iam_auth",
     "passwords instead of IAM tokens"),
    ("debug_logging", "disruptive", Effect.SECURITY_LOWERED, PROXY, "debug_logging",
     "proxy.debug_logging", "personal data"),
    ("idle_timeout", "low", Effect.PROXY_MODIFIED, PROXY, "idle_client_timeout",
     "proxy.idle_client_timeout", "600 s"),
    ("borrow_timeout", "low", Effect.PROXY_MODIFIED, POOL,
     "connection_pool_config[0].connection_borrow_timeout",
     "proxy.connection_pool.connection_borrow_timeout", "stay connected"),
    ("zone_added", "disruptive", Effect.PROXY_REPLACED, PROXY, "vpc_subnet_ids",
     "network.availability_zones[2]", "every client is cut off"),
    ("engine_family", "disruptive", Effect.PROXY_REPLACED, PROXY, "engine_family", None,
     "endpoint"),
    ("proxy_tainted", "disruptive", Effect.PROXY_REPLACED, PROXY, None, None, "tainted"),
    ("proxy_on_request", "disruptive", Effect.PROXY_REPLACED, PROXY, None, None, "cut off"),
    ("secret_version", "disruptive", Effect.CREDENTIALS_ROTATED, VERSION,
     "secret_string_wo_version", "users.reports.secret_version", "no new connections"),
    ("username", "disruptive", Effect.CREDENTIALS_ROTATED, VERSION, None,
     "users.reports.username", "no new connections"),
    ("user_added", "low", Effect.PROXY_MODIFIED, PROXY, 'auth["Database user nexus_audit"]',
     "users.audit.username", "stay"),
    ("user_removed", "destructive", Effect.DATA_LOST,
     'module.secrets.aws_secretsmanager_secret.main["reports"]', None, "users",
     "cannot sign in as that user"),
    ("secrets_key_replaced", "destructive", Effect.DATA_LOST, "module.secrets.aws_kms_key.main",
     None, None, "unreadable"),
    ("tags", "disruptive", Effect.INSTANCES_RECYCLED, GROUP, "launch_template[0].version",
     "tags.team", "all 2 instances, by instance refresh: 90 %"),
    ("instance_type", "disruptive", Effect.INSTANCES_RECYCLED, GROUP,
     "launch_template[0].version", "workers.instance_type", "all 2 instances"),
    ("command", "disruptive", Effect.INSTANCES_RECYCLED, GROUP, "launch_template[0].version",
     "workers.command", "all 2 instances"),
    ("max_size", "low", Effect.CAPACITY_CHANGED, GROUP, "max_size", "workers.max_size", "stay"),
    ("max_size_below_running", "disruptive", Effect.CAPACITY_UNDONE, GROUP, "max_size",
     "workers.max_size", "5 instances run, and this terminates all but 3"),
    ("recycled_at_once", "disruptive", Effect.INSTANCES_RECYCLED, GROUP,
     "launch_template[0].version", "workers.instance_type", ": 0 % stay in service"),
    ("alarm_tainted", "low", Effect.REPLACED, ALARM, None, None, "until it is made again"),
    ("min_size", "low", Effect.CAPACITY_CHANGED, GROUP, "min_size", "workers.min_size",
     "from 2 instances to 4"),
    ("min_and_max_size", "low", Effect.CAPACITY_CHANGED, GROUP, "max_size", "workers.max_size",
     "from 2 instances to 4"),
    ("desired_capacity", "disruptive", Effect.CAPACITY_UNDONE, GROUP, "desired_capacity", None,
     "terminates all but 2"),
    ("target_cpu", "low", Effect.CAPACITY_CHANGED, "module.workers.aws_autoscaling_policy.cpu",
     "target_tracking_configuration[0].target_value", "workers.target_cpu_percent", "grows"),
    ("lambda_added", "low", Effect.ACCESS_OPENED, f'{LAMBDA}["sg-0b1b2c3d4e5f60719"]', None,
     "lambda_clients[0].security_group_id", "lets more through"),
    ("lambda_moved", "disruptive", Effect.ACCESS_CLOSED, f'{LAMBDA}["sg-0a1b2c3d4e5f60718"]', None,
     "lambda_clients", "refused"),
    ("ingress_opened", "disruptive", Effect.SECURITY_LOWERED,
     f'{LAMBDA}["sg-0a1b2c3d4e5f60718"]', "cidr_ipv4", None, "any address"),
    ("lambda_removed", "disruptive", Effect.ACCESS_CLOSED, f'{LAMBDA}["sg-0a1b2c3d4e5f60718"]',
     None, "lambda_clients", "refused"),
    ("everything_from_the_proxy", "disruptive", Effect.SECURITY_LOWERED,
     "module.proxy.aws_vpc_security_group_ingress_rule.database", "ip_protocol", None, "all ports"),
    ("destroy", "destructive", Effect.DATA_LOST, DATABASE, None, None, "final snapshot"),
    ("single_destroy", "destructive", Effect.DATA_LOST, DATABASE, None, None,
     "without a final snapshot"),
    ("drift_ingress", "disruptive", Effect.SECURITY_LOWERED,
     "module.database.aws_security_group.main", "ingress", None,
     "lets tcp 5432 from 0.0.0.0/0 in; no apply puts it back: undo it in AWS"),
    ("drift_tls", "disruptive", Effect.SECURITY_LOWERED, PROXY, "require_tls",
     "proxy.require_tls", "without TLS; the next apply puts it back"),
    ("drift_deleted", "destructive", Effect.DATA_LOST, "module.database.aws_kms_key.main", None,
     None, "cancel-key-deletion --key-id"),
]  # fmt: skip


def stated(of: Impact, effect: Effect) -> Statement:
    (found,) = [each for each in of.statements if each.effect is effect]
    return found


@pytest.mark.parametrize("case", WORST, ids=[case[0] for case in WORST])
def test_worst_of_a_plan_comes_first(recorded: Recorded, case: Case) -> None:
    name, level, effect, address, attribute, setting, words = case
    found = recorded(name)
    first = found.statements[0]
    assert (found.level, first.effect, first.address) == (level, effect, address)
    assert (first.attributes[0].path if first.attributes else None) == attribute
    assert [each.dotted for each in first.origins[:1]] == ([setting] if setting else [])
    assert words in first.says
    assert list(found.statements) == sorted(found.statements, key=lambda each: each.level.rank)


def test_every_recorded_plan_has_an_edit_and_every_edit_a_plan() -> None:
    assert {file.stem for file in PLANS.glob("*.json")} == set(ALL_EDITS)


@pytest.mark.parametrize("name", ["nothing", "first", "drift_nothing", "drift_tags"])
def test_what_nobody_notices_is_only_counted(recorded: Recorded, name: str) -> None:
    found = recorded(name)
    assert (found.level, found.statements, found.losses) == (Level.NONE, (), ())
    counts = {action: len(addresses) for action, addresses in found.unnoticed.items()}
    assert (
        counts
        == {
            "nothing": {},
            "first": {Action.CREATE: 59},
            "drift_nothing": {},
            "drift_tags": {Action.UPDATE: 1},
        }[name]
    )


def test_setting_is_named_with_its_line(recorded: Recorded) -> None:
    origin = recorded("tls_off").statements[0].origins[0]
    assert origin.location is not None
    lines = origin.location.file.read_text().splitlines()
    assert lines[origin.location.line - 1].strip() == "require_tls: false"


def test_where_a_module_alone_is_behind_it_its_line_is_named(
    recorded: Recorded,
) -> None:
    first = recorded("publicly_accessible").statements[0]
    assert not first.origins
    file, _, line = str(first.module_line).partition(":")
    assert file == "modules/database/main.tf"
    assert int(line) > 0


def test_what_an_emptied_list_takes_with_it_is_blamed_on_the_list(recorded: Recorded) -> None:
    said = recorded("lambda_removed").statements
    assert {each.effect for each in said} == {Effect.ACCESS_CLOSED}
    assert len(said) == 2, "the rule, and what the function's role may do"
    for each in said:
        (origin,) = each.origins
        assert origin.location is not None
        lines = origin.location.file.read_text().splitlines()
        assert lines[origin.location.line - 1] == "lambda_clients: []"


def test_instances_that_are_not_refreshed_wait_until_they_are_replaced(
    recorded: Recorded,
) -> None:
    found = recorded("no_instance_refresh")
    assert found.level is Level.LOW
    assert any("the 2 instances that run stay" in each.says for each in found.statements)


def test_what_follows_from_a_replaced_proxy_is_blamed_on_the_same_line(
    recorded: Recorded,
) -> None:
    found = recorded("zone_added")
    assert {each.dotted for said in found.statements for each in said.origins} == {
        "network.availability_zones[2]"
    }
    recycled = stated(found, Effect.INSTANCES_RECYCLED)  # their user data has its endpoint
    assert recycled.address == GROUP


@pytest.mark.parametrize("name", ["cidr_block", "network_given"])
def test_database_stays_in_its_vpc(recorded: Recorded, name: str) -> None:
    refused = [each for each in recorded(name).statements if each.effect is Effect.AWS_REFUSES]
    assert [each.address for each in refused[:2]] == [VPC, SUBNET_GROUP]
    assert {each.address for each in refused[2:]} == {SUBNET, SUBNET.replace("1b", "1a")}
    assert "the apply will fail here" in refused[1].says


def test_other_vpc_of_others_is_refused_by_the_subnet_group_alone() -> None:
    plan = plan_of("network_given")
    plan["resource_changes"] = [
        each for each in plan["resource_changes"] if not each["address"].startswith("module.net")
    ]
    first = impact(plan).statements[0]
    assert (first.effect, first.address) == (Effect.AWS_REFUSES, SUBNET_GROUP)


def test_network_goes_once_the_database_is_gone(recorded: Recorded) -> None:
    assert not any(each.effect is Effect.AWS_REFUSES for each in recorded("destroy").statements)
    rest = plan_of("destroy")
    rest["resource_changes"] = [
        each for each in rest["resource_changes"] if each["type"] != "aws_db_instance"
    ]
    assert not any(each.effect is Effect.AWS_REFUSES for each in impact(rest).statements)


def test_database_stays_where_it_is_when_its_group_gets_another_subnet(recorded: Recorded) -> None:
    (said,) = [each for each in recorded("zone_added").statements if each.address == SUBNET_GROUP]
    assert (said.level, said.effect) == (Level.LOW, Effect.DATABASE_MODIFIED)
    assert "it stays where it is" in said.says


def test_user_with_another_name_is_refused_until_the_role_is_there(recorded: Recorded) -> None:
    said = [each for each in recorded("username").statements if each.address == PROXY]
    assert [(each.level, each.effect) for each in said] == [
        (Level.DISRUPTIVE, Effect.ACCESS_CLOSED),
        (Level.LOW, Effect.PROXY_MODIFIED),
    ]
    assert "once an administrator has made the role in PostgreSQL" in said[1].says


def test_database_that_upgrades_itself_restarts(recorded: Recorded) -> None:
    (said,) = [
        each
        for each in recorded("engine_any_minor").statements
        if each.attributes[0].path == "auto_minor_version_upgrade"
    ]
    assert (said.level, said.effect) == (Level.DISRUPTIVE, RESTARTED)
    assert "this one or a later one" in said.says


def test_waiting_for_the_window_is_nothing_that_happens() -> None:
    plan = plan_of("apply_immediately")
    change = plan["resource_changes"][0]["change"]
    change["before"], change["after"] = change["after"], change["before"]
    (said,) = impact(plan).statements
    assert (said.level, said.effect) == (Level.LOW, Effect.PROTECTION_CHANGED)
    assert "changes nothing of the database" in said.says


@pytest.mark.parametrize(("limit", "shrinks"), [(500, False), (0, True), (105, True)])
def test_rounded_storage_would_shrink_again_only_where_nothing_else_grows_it(
    limit: int, shrinks: bool
) -> None:
    plan = plan_of("storage_grown_little")
    for side in ("before", "after"):
        plan["resource_changes"][0]["change"][side]["max_allocated_storage"] = limit
    (said,) = impact(plan).statements
    assert "to 110 GiB, not to 105" in said.says
    assert ("the next plan would shrink it again" in said.says) is shrinks


def test_all_sizes_of_a_group_are_told_in_one_sentence(recorded: Recorded) -> None:
    (said,) = recorded("min_and_max_size").statements
    assert {each.path for each in said.attributes} == {"min_size", "max_size"}


@pytest.mark.parametrize(
    ("attribute", "before", "after", "level"),
    [
        ("connection_borrow_timeout", 30, 0, Level.DISRUPTIVE),
        ("connection_borrow_timeout", 0, 30, Level.LOW),
        ("max_connections_percent", 70, 50, Level.DISRUPTIVE),
        ("max_connections_percent", 50, 70, Level.LOW),
    ],
)
def test_clients_that_wait_for_a_smaller_pool_fail(
    attribute: str, before: int, after: int, level: Level
) -> None:
    plan = plan_of("borrow_timeout")
    for side, value in (("before", before), ("after", after)):
        pool = plan["resource_changes"][0]["change"][side]["connection_pool_config"][0]
        pool |= {"connection_borrow_timeout": 30, attribute: value}
    (said,) = impact(plan).statements
    assert said.level is level


@pytest.mark.parametrize(
    ("before", "after", "deleted"), [(30, 7, True), (0, 7, True), (30, 90, False), (30, 0, False)]
)
def test_logs_are_deleted_when_they_are_kept_shorter(
    before: int, after: int, deleted: bool
) -> None:
    days = {"retention_in_days": before}, {"retention_in_days": after}
    (said,) = impact(change("aws_cloudwatch_log_group", ["update"], *days)).statements
    assert (said.effect is Effect.LOGS_DELETED) is deleted


@pytest.mark.parametrize(
    ("network", "everywhere"),
    [
        ({"cidr_ipv4": "0.0.0.0/0"}, True),
        ({"cidr_ipv4": "128.0.0.0/1"}, True),
        ({"cidr_ipv6": "::/0"}, True),
        ({"cidr_ipv4": "10.0.0.0/8"}, False),
    ],
)
@pytest.mark.parametrize("actions", [["create"], ["update"]])
def test_half_of_all_addresses_is_anybody(
    network: dict[str, str], everywhere: bool, actions: list[str]
) -> None:
    before = dict.fromkeys(network, "10.1.0.0/16") if actions == ["update"] else None
    rule = change("aws_vpc_security_group_ingress_rule", actions, before, network)
    (said,) = impact(rule).statements
    assert (said.effect is Effect.SECURITY_LOWERED) is everywhere


def test_what_is_said_of_a_smaller_group_agrees(recorded: Recorded) -> None:
    said = {each.effect: each for each in recorded("scaled_in_and_recycled").statements}
    smaller = said[Effect.CAPACITY_UNDONE]
    assert smaller.says == "5 instances run, and this terminates all but 3"
    assert {each.path for each in smaller.attributes} == {"max_size", "min_size"}
    assert said[Effect.INSTANCES_RECYCLED].says.startswith("all 3 instances")
    assert Effect.CAPACITY_CHANGED not in said, "none says that all of them stay"


@pytest.mark.parametrize(
    "attribute", ["vpc_security_group_ids", "publicly_accessible", "auto_minor_version_upgrade"]
)
def test_what_ignores_apply_immediately_does_not_wait_for_the_window(attribute: str) -> None:
    window = {"maintenance_window": "sun:03:00-sun:04:00", "apply_immediately": False}
    before, after = window | {attribute: True}, window | {attribute: False}
    (said,) = impact(change("aws_db_instance", ["update"], before, after)).statements
    assert (said.level, said.says) == (Level.LOW, "now, whatever apply_immediately says")


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ("16.10", "16.9", True),
        ("17.4", "16.4", True),
        ("16.9", "16.10", False),
        ("16.4", "16", False),
    ],
)
def test_older_versions_are_told_by_number(before: str, after: str, refused: bool) -> None:
    versions = {"engine_version": before}, {"engine_version": after}
    (said,) = impact(change("aws_db_instance", ["update"], *versions)).statements
    assert (said.effect is Effect.AWS_REFUSES) is refused


def test_what_was_deleted_outside_is_data_that_the_plan_does_not_bring_back(
    recorded: Recorded,
) -> None:
    found = recorded("deleted_outside")
    lost = found.of(Level.DESTRUCTIVE)
    assert {each.address for each in lost} == {DATABASE, KEY, SECRET, VERSION}
    assert all(each.action is Action.CREATE for each in lost)
    assert all(each.says.startswith("somebody deleted") for each in lost)
    assert not any(each.origins or each.module_line for each in lost), "nobody edited a line"
    database = next(each for each in lost if each.address == DATABASE)
    assert "restore it from a snapshot first" in database.says
    assert {each.address for each in found.losses} == {DATABASE, KEY, SECRET, VERSION}


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("aws_s3_bucket", Level.DESTRUCTIVE),
        ("aws_dynamodb_table", Level.DESTRUCTIVE),
        ("aws_secretsmanager_secret_rotation", Level.LOW),
        ("aws_thing_of_tomorrow", Level.NONE),
    ],
)
def test_what_holds_no_data_is_only_made_again(kind: str, level: Level) -> None:
    made = change(kind, ["create"], None, {"name": "x"})
    gone = change(kind, ["delete"], {"name": "x"}, None)
    assert impact(made | {"resource_drift": gone["resource_changes"]}).level is level
    assert impact(made).level is (level if level is Level.LOW else Level.NONE)


def test_destroying_everything_blames_no_line(recorded: Recorded) -> None:
    assert all(not each.origins for each in recorded("destroy").statements)


def test_plan_is_judged_without_its_environment_too() -> None:
    first = impact(plan_of("tls_off")).statements[0]
    assert (first.effect, first.origins, first.module_line) == (Effect.SECURITY_LOWERED, (), None)


def change(kind: str, actions: list[str], before: Any, after: Any, **more: Any) -> Any:
    """A change of what the stack has no resource for."""
    body = {"actions": actions, "before": before, "after": after, **more}
    return {"resource_changes": [{"address": f"{kind}.x", "type": kind, "change": body}]}


@pytest.mark.parametrize(
    ("kind", "actions", "level", "effect"),
    [
        ("aws_s3_bucket", ["delete", "create"], Level.DESTRUCTIVE, Effect.DATA_LOST),
        ("aws_dynamodb_table", ["delete"], Level.DESTRUCTIVE, Effect.DATA_LOST),
        ("aws_thing_of_tomorrow", ["delete", "create"], Level.DISRUPTIVE, Effect.REPLACED),
        ("aws_thing_of_tomorrow", ["delete"], Level.DISRUPTIVE, Effect.DESTROYED),
        ("aws_thing_of_tomorrow", ["update"], Level.LOW, Effect.MODIFIED),
        ("aws_thing_of_tomorrow", ["forget"], Level.LOW, Effect.FORGOTTEN),
    ],
)
def test_unknown_types_are_told_by_their_action(
    kind: str, actions: list[str], level: Level, effect: Effect
) -> None:
    (first,) = impact(change(kind, actions, {"a": 1}, {"a": 2})).statements
    assert (first.level, first.effect) == (level, effect)


def test_what_aws_computes_undoes_no_capacity() -> None:
    unknown = {"after_unknown": {"desired_capacity": True}}
    group = change("aws_autoscaling_group", ["update"], {"desired_capacity": 5}, {}, **unknown)
    assert impact(group).statements == ()


def test_sensitive_values_are_in_nothing_that_is_said() -> None:
    secret = {"final_snapshot_identifier": "hush-1", "password": "hush-2", "db_name": "a"}
    after = {"final_snapshot_identifier": "hush-3", "password": "hush-4", "db_name": "b"}
    sensitive = {"final_snapshot_identifier": True, "password": True}
    marks = {"before_sensitive": sensitive, "after_sensitive": sensitive}
    for actions in (["update"], ["delete"], ["delete", "create"]):
        document = change(
            "aws_db_instance", actions, secret, after, **marks, replace_paths=[["password"]]
        )
        assert "hush" not in repr(impact(document))


def test_recorded_plans_hold_no_secret() -> None:
    for file in PLANS.glob("*.json"):
        text = file.read_text()
        assert len(text) < 150_000
        assert "127.0.0.1" not in text
        plan = json.loads(text)
        for each in (*plan["resource_changes"], *plan["resource_drift"]):
            before, after = (each["change"].get(side) or {} for side in ("before", "after"))
            assert {before.get("secret_string"), after.get("secret_string")} <= {None, ""}
            assert {before.get("password"), after.get("password")} <= {None}


def test_rules_have_ids_of_their_own_and_most_a_source() -> None:
    rules = (*NOISE, *RULES, *FALLBACK)
    ids = [rule.id for rule in rules]
    assert len(ids) == len(set(ids))
    assert all(
        rule.fact and rule.source.startswith("https://docs.aws.amazon.com/") for rule in RULES
    )
