"""What is said of what others changed: of recorded plans, and of attributes one by one."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexusctl.change.impact import Impact, drift, impact
from nexusctl.change.rule import Effect, Level
from nexusctl.change.rules.outside import OUTSIDE
from nexusctl.terraform.plan import Action
from tests.fixtures.plans.edits import Edit
from tests.unit.change.plans import ALL_EDITS, Recorded, plan_of

DATABASE = "module.database.aws_db_instance.main"
KEY = "module.database.aws_kms_key.main"
PROXY = "module.proxy.aws_db_proxy.main"
GROUP = "module.workers.aws_autoscaling_group.main"
WORKERS = "module.workers.aws_iam_role.main"
SECRET = 'module.secrets.aws_secretsmanager_secret.main["reports"]'
SUBNET = 'module.network.aws_subnet.private["eu-central-1a"]'
PUT_BACK = "; the next apply puts it back"
LEFT = "; no apply puts it back: undo it in AWS"

# Of a stack that somebody opened: the effect, the resource, the attribute, and how it ends.
OPENED: list[tuple[Effect, str, str, str]] = [
    (Effect.SECURITY_LOWERED, "module.proxy.aws_iam_role.main", "inline_policy", LEFT),
    (Effect.SECURITY_LOWERED, WORKERS, "managed_policy_arns", LEFT),
    (Effect.SECURITY_LOWERED, WORKERS, "assume_role_policy", PUT_BACK),
    (Effect.SECURITY_LOWERED, "module.network.aws_route_table.private[0]", "route", LEFT),
    (Effect.SECURITY_LOWERED, "module.secrets.aws_kms_key.main", "policy", PUT_BACK),
    (Effect.SECURITY_LOWERED, SECRET, "policy", LEFT),
    (Effect.SECURITY_LOWERED, "module.proxy.aws_iam_role_policy.secrets", "policy", PUT_BACK),
    (Effect.SECURITY_LOWERED, 'module.proxy.aws_iam_policy.connect["ingest"]', "policy", PUT_BACK),
    (Effect.SECURITY_LOWERED, "module.network.aws_vpc_endpoint.s3[0]", "policy", PUT_BACK),
    (Effect.SECURITY_LOWERED, SUBNET, "map_public_ip_on_launch", PUT_BACK),
    (Effect.SECURITY_LOWERED, PROXY, 'auth["Database user nexus_reports"].iam_auth', PUT_BACK),
    (Effect.ACCESS_OPENED, PROXY, 'auth["rogue"]', PUT_BACK),
    (Effect.ACCESS_CHANGED, DATABASE, "vpc_security_group_ids", PUT_BACK),
    (Effect.ACCESS_CLOSED, KEY, "is_enabled", PUT_BACK),
    (Effect.CAPACITY_CHANGED, GROUP, "suspended_processes", PUT_BACK),
]


@pytest.mark.parametrize("case", OPENED, ids=[f"{case[1]}-{case[2]}" for case in OPENED])
def test_what_others_opened_is_told_with_what_the_next_apply_does(
    recorded: Recorded, case: tuple[Effect, str, str, str]
) -> None:
    effect, address, attribute, ending = case
    (said,) = [
        each
        for each in recorded("drift_compromised").statements
        if each.address == address and attribute in {one.path for one in each.attributes}
    ]
    assert (said.level, said.effect) == (Level.DISRUPTIVE, effect)
    assert ending in said.says
    # What the files do not write has no line in them.
    assert bool(said.module_line) is (ending == PUT_BACK)


def test_the_setting_is_the_one_that_says_what_should_be(recorded: Recorded) -> None:
    settings = {
        each.rule.id: {origin.dotted for origin in each.origins}
        for each in recorded("drift_compromised").statements
    }
    assert settings.pop("proxy-iam-off") == {"proxy.iam_auth"}
    assert set().union(*settings.values()) == set()


def test_nothing_else_is_told_of_it(recorded: Recorded) -> None:
    found = recorded("drift_compromised")
    addresses = {each.address for each in found.statements}
    assert addresses == {address for _, address, _, _ in OPENED} | {SUBNET.replace("1a", "1b")}
    assert found.unnoticed == {}


def test_what_can_be_had_back_is_named_before_the_next_apply(recorded: Recorded) -> None:
    said = {each.address: each.says for each in recorded("drift_deleted").statements}
    assert "then aws kms enable-key; the next apply makes a new one" in said[KEY]
    assert "restore-secret --secret-id arn:aws:secretsmanager:" in said[SECRET]
    assert said[SECRET].endswith("; the next apply makes a new one")


def test_turning_iam_back_on_refuses_those_who_have_a_password() -> None:
    (said,) = [
        each
        for each in impact(plan_of("drift_compromised")).statements
        if each.rule.id == "proxy-iam-on"
    ]
    assert said.level is Level.DISRUPTIVE
    assert "by password are refused" in said.says


def entry(kind: str, before: Any, after: Any, *actions: str) -> dict[str, Any]:
    return {
        "address": f"{kind}.x",
        "type": kind,
        "change": {"actions": list(actions), "before": before, "after": after},
    }


def drifted(kind: str, before: Any, after: Any, planned: dict[str, Any] | None = None) -> Impact:
    """What is said of a change outside, where `planned` is what the plan makes of the resource."""
    changes = [] if planned is None else [planned]
    outside = entry(kind, before, after, "delete" if after is None else "update")
    with tempfile.TemporaryDirectory() as directory:
        provenance = Recorded(Path(directory)).provenance(Edit())
        return drift({"resource_changes": changes, "resource_drift": [outside]}, provenance)


def put_back(kind: str, before: Any, after: Any) -> Impact:
    return drifted(kind, before, after, entry(kind, after, before, "update"))


def test_what_the_next_apply_leaves_alone_is_no_drift() -> None:
    zones = ({"zones": ["a"]}, {"zones": ["a", "b"]})
    assert drifted("aws_thing_of_tomorrow", *zones).statements == ()
    (said,) = put_back("aws_thing_of_tomorrow", *zones).statements
    assert (said.level, said.says) == (Level.LOW, f"somebody changed it{PUT_BACK}")


@pytest.mark.parametrize(
    ("actions", "ending"),
    [
        (("delete",), "; the next apply destroys it"),
        (("delete", "create"), "; the next apply replaces it"),
    ],
)
def test_what_goes_with_the_next_apply_is_told_as_that(
    actions: tuple[str, ...], ending: str
) -> None:
    policies = ({"policy": '{"Statement": []}'}, {"policy": "{}"})
    planned = entry("aws_kms_key", policies[1], None, *actions)
    (said,) = drifted("aws_kms_key", *policies, planned=planned).statements
    assert f"{ending}: data lost, all that the key encrypted" in said.says
    assert said.level is Level.DESTRUCTIVE


def test_labels_stay_labels_whatever_becomes_of_the_resource() -> None:
    tagged: dict[str, Any] = {"tags": {"seen-by": "auditor"}}
    planned = entry("aws_kms_key", tagged, {"tags": {}}, "delete", "create")
    found = drifted("aws_kms_key", {"tags": {}}, tagged, planned)
    assert (found.statements, found.unnoticed) == ((), {Action.UPDATE: ("aws_kms_key.x",)})


def test_what_is_not_made_again_is_not_said_to_be() -> None:
    (said,) = drifted("aws_thing_of_tomorrow", {"id": "x"}, None).statements
    assert said.says == "somebody deleted it"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', False),
        (None, "", False),
        ('{"a": 1}', '{"a": 2}', True),
        ("", '{"a": 1}', True),
    ],
)
def test_the_same_policy_in_another_notation_is_no_drift(
    before: str | None, after: str, told: bool
) -> None:
    found = drifted("aws_kms_key", {"policy": before}, {"policy": after})
    assert bool(found.statements) is told


def test_a_rotation_that_was_cancelled_lowers_security() -> None:
    applied = {"rotation_enabled": True, "rotation_lambda_arn": "arn:f", "rotation_rules": [{}]}
    after = {"rotation_enabled": False, "rotation_lambda_arn": "", "rotation_rules": []}
    planned = entry("aws_secretsmanager_secret_rotation", after, applied, "update")
    (said,) = drifted("aws_secretsmanager_secret_rotation", applied, after, planned).statements
    assert (said.level, said.effect) == (Level.DISRUPTIVE, Effect.SECURITY_LOWERED)
    assert said.says == f"a password is no longer rotated{PUT_BACK}"


def test_tls_turned_off_is_told_where_it_is_the_only_parameter() -> None:
    parameter = {"name": "rds.force_ssl", "value": "1", "apply_method": "immediate"}
    groups = ({"parameter": [parameter]}, {"parameter": [parameter | {"value": "0"}]})
    (said,) = put_back("aws_db_parameter_group", *groups).statements
    assert said.effect is Effect.SECURITY_LOWERED
    assert [each.path for each in said.attributes] == ['parameter["rds.force_ssl"].value']


def test_a_smaller_pool_is_told_by_what_it_does() -> None:
    pools = [{"connection_pool_config": [{"max_connections_percent": each}]} for each in (70, 1)]
    (said,) = put_back("aws_db_proxy_default_target_group", *pools).statements
    assert "under load they wait" in said.says


# Of a stack that somebody made work no more: the rule, and what the next apply does.
RECONFIGURED: list[tuple[str, str]] = [
    ("outside-database-stopped", f"instance-identifier keystone-nexus-recorded{LEFT}"),
    ("outside-parameter-group", PUT_BACK),
    ("outside-parameter-tls", PUT_BACK),
    ("outside-parameter-statements", PUT_BACK),
    ("outside-proxy-role", PUT_BACK),
    ("outside-boundary", PUT_BACK),
    ("outside-instance-role", PUT_BACK),
    ("outside-secret-copied", f"--remove-replica-regions REGION{LEFT}"),
    ("outside-workers-template", f"{PUT_BACK}: instances recycled, all 2 instances, by instance"),
    ("outside-workers-fewer", PUT_BACK),
    ("outside-scaling-off", PUT_BACK),
    ("outside-dns", PUT_BACK),
    ("outside-dhcp", LEFT),
    ("outside-endpoint", PUT_BACK),
    ("outside-alarm-silenced", PUT_BACK),
    ("template-metadata", PUT_BACK),
    ("outside-template-changed", f"{PUT_BACK}, and with that replaces all workers"),
]


def test_what_no_longer_works_or_guards_is_told_as_that(recorded: Recorded) -> None:
    found = recorded("drift_reconfigured")
    said = {each.rule.id: each for each in found.statements}
    assert said.keys() == {rule for rule, _ in RECONFIGURED}
    for rule, ending in RECONFIGURED:
        assert ending in said[rule].says
        assert said[rule].level is Level.DISRUPTIVE
    assert said["outside-secret-copied"].says.startswith("somebody copied the password to eu-west-")


def test_only_settings_that_say_what_should_be_are_named(recorded: Recorded) -> None:
    origins = {
        each.rule.id: [origin.dotted for origin in each.origins]
        for each in recorded("drift_reconfigured").statements
    }
    assert origins["outside-workers-fewer"] == ["workers.max_size"]
    assert origins["outside-parameter-group"] == origins["outside-instance-role"] == []


def by_hand(name: str, recorded: Recorded, *, was: dict[str, Any] | None = None) -> Impact:
    """What a recorded plan takes back, as what somebody did by hand. `was` it otherwise before?"""
    plan = plan_of(name)
    changes = [each for each in plan["resource_changes"] if each["address"] == DATABASE]
    drifts = [undone(each, was or {}) for each in changes]
    document = plan | {"resource_changes": changes, "resource_drift": drifts}
    return drift(document, recorded.provenance(ALL_EDITS[name]))


def undone(change: dict[str, Any], was: dict[str, Any]) -> dict[str, Any]:
    sides = change["change"]
    swapped = {"before": sides["after"] | was, "after": sides["before"], "after_unknown": {}}
    return change | {"change": sides | swapped}


def test_what_rds_refuses_to_put_back_is_not_said_to_be(recorded: Recorded) -> None:
    (said,) = by_hand("engine_older", recorded).statements
    assert said.level is Level.DISRUPTIVE
    assert "; AWS refuses the next apply: RDS does not go back to an older version" in said.says
    assert "puts it back" not in said.says


def test_what_the_next_apply_breaks_is_told_and_counts(recorded: Recorded) -> None:
    (said,) = by_hand("instance_class", recorded).statements
    assert said.says.startswith(f"somebody changed it{PUT_BACK}: database restarted, in the maint")
    assert said.level is Level.DISRUPTIVE


def test_what_the_files_say_otherwise_by_now_is_not_put_back(recorded: Recorded) -> None:
    found = by_hand("instance_class", recorded, was={"instance_class": "db.t3.micro"})
    (said,) = found.statements
    assert "; the next apply makes it db.r6g.xlarge: database restarted" in said.says
    assert [origin.dotted for origin in said.origins] == ["database.instance_class"]


def test_backups_that_are_deleted_are_gone_whatever_is_put_back() -> None:
    window = {"maintenance_window": "sun:03:00-sun:04:00"}
    days = [{"backup_retention_period": each, **window} for each in (14, 0)]
    (said,) = put_back("aws_db_instance", *days).statements
    assert (said.level, said.effect) == (Level.DESTRUCTIVE, Effect.DATA_LOST)
    happened, _, coming = said.says.partition(PUT_BACK)
    assert "are deleted for good" in happened
    assert "window" not in happened
    assert coming.startswith(": database restarted, in the maintenance window sun:03:00")


def test_what_happened_already_waits_for_no_window() -> None:
    assert not [rule.id for rule in OUTSIDE if "{when}" in rule.says or "{window}" in rule.says]


def test_what_the_files_say_by_now_is_no_drift(recorded: Recorded) -> None:
    plan = plan_of("backups_shorter")
    document = plan | {"resource_changes": [], "resource_drift": plan["resource_changes"]}
    assert drift(document, recorded.provenance(ALL_EDITS["backups_shorter"])).statements == ()


def test_a_tier_that_the_files_lower_too_is_no_drift(recorded: Recorded) -> None:
    high, low = ({"tags_all": {"Tier": tier}} for tier in ("production", "staging"))
    outside = entry("aws_db_instance", high, low, "update") | {"address": DATABASE}
    assert drift({"resource_drift": [outside]}, recorded.provenance(Edit())).statements == ()


def test_what_the_files_say_and_terraform_ignores_is_drift(recorded: Recorded) -> None:
    plan = plan_of("backups_shorter")
    document = plan | {"resource_changes": [], "resource_drift": plan["resource_changes"]}
    ignoring = (
        "  depends_on = [aws_cloudwatch_log_group.main]\n",
        "  lifecycle {\n    ignore_changes = [backup_retention_period]\n  }\n",
    )
    edit = replace(ALL_EDITS["backups_shorter"], modules={"database/main.tf": ignoring})
    (said,) = drift(document, recorded.provenance(edit)).statements
    assert said.says.endswith(LEFT)


POOL = {"max_connections_percent": 70}
MORE_TOLD = [
    ("aws_db_instance", "auto_minor_version_upgrade", (False, True), "outside-upgrades-on"),
    ("aws_cloudwatch_log_group", "kms_key_id", ("arn:k", ""), "outside-logs-key"),
    ("aws_cloudwatch_metric_alarm", "alarm_actions", (["arn:a"], []), "outside-alarm-elsewhere"),
    (
        "aws_db_proxy_default_target_group",
        "connection_pool_config",
        ([POOL | {"init_query": ""}], [POOL | {"init_query": "SET x = 1"}]),
        "outside-proxy-query",
    ),
    (
        "aws_secretsmanager_secret_rotation",
        "rotation_lambda_arn",
        ("arn:f", "arn:g"),
        "outside-rotation-function",
    ),
]


@pytest.mark.parametrize(("kind", "attribute", "sides", "rule"), MORE_TOLD)
def test_more_that_lowers_a_guard_is_told_as_that(
    kind: str, attribute: str, sides: tuple[object, object], rule: str
) -> None:
    before, after = ({attribute: side} for side in sides)
    (said,) = put_back(kind, before, after).statements
    assert (said.rule.id, said.level) == (rule, Level.DISRUPTIVE)
    assert PUT_BACK in said.says


def test_what_is_not_known_yet_but_written_is_not_said_to_stay(recorded: Recorded) -> None:
    roles = ({"role_arn": "arn:mine"}, {"role_arn": "arn:others"})
    outside = entry("aws_db_proxy", *roles, "update") | {"address": PROXY}
    planned = entry("aws_db_proxy", roles[1], {}, "update") | {"address": PROXY}
    planned["change"]["after_unknown"] = {"role_arn": True}
    document = {"resource_changes": [planned], "resource_drift": [outside]}
    (said,) = drift(document, recorded.provenance(Edit())).statements
    assert said.says.endswith("; the next apply makes it what the files say")


STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("statement", "effect"),
    [
        (STATEMENT, Effect.SECURITY_LOWERED),
        (STATEMENT | {"Principal": {"AWS": ["arn:a", "*"]}}, Effect.SECURITY_LOWERED),
        (STATEMENT | {"Condition": {"Bool": {"a": "b"}}}, Effect.ACCESS_CHANGED),
        (STATEMENT | {"Principal": {"AWS": "arn:a"}}, Effect.ACCESS_CHANGED),
        (STATEMENT | {"Effect": "Deny"}, Effect.ACCESS_CHANGED),
        ("nonsense", Effect.ACCESS_CHANGED),
    ],
)
def test_a_key_policy_that_lets_anybody_in_is_told_as_that(
    statement: object, effect: Effect
) -> None:
    for statements in (statement, [statement]):
        after = {"policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}
        plan = {"resource_changes": [entry("aws_kms_key", {"policy": "{}"}, after, "update")]}
        (said,) = impact(plan).statements
        assert (said.level, said.effect) == (Level.DISRUPTIVE, effect)


def test_a_key_that_is_enabled_again_is_told_in_a_plan() -> None:
    enabled = entry("aws_kms_key", {"is_enabled": False}, {"is_enabled": True}, "update")
    (said,) = impact({"resource_changes": [enabled]}).statements
    assert (said.level, said.effect) == (Level.LOW, Effect.ACCESS_OPENED)
    assert "can be read again" in said.says
