"""What a plan repeats of a resource, in the shapes that the provider (5.100) gives it."""

import json
from typing import Any

import pytest

from nexusctl.configuration.configuration import read
from nexusctl.policy.planned import instances

OLD, NEW = (json.dumps({"Statement": [{"Action": action}]}) for action in ("*", "s3:GetObject"))
INLINE = {"name": "read-secrets", "policy": OLD}
FOREIGN = {"name": "added-by-hand", "policy": OLD}
GROUP = "sg-0a1b2c3d4e5f60718"
TABLE = "rtb-0a1b2c3d4e5f60718"
ARN = "arn:aws:iam::111122223333:policy/own"


def change(address: str, actions: str, before: Any, after: Any) -> dict[str, Any]:
    told = {"actions": actions.split(), "before": before, "after": after}
    kind, _, _ = address.partition(".")
    return {"address": address, "mode": "managed", "type": kind, "change": told}


def standing(address: str, **values: Any) -> dict[str, Any]:
    return change(address, "no-op", values, values)


def judged(
    whole: dict[str, Any], *parts: dict[str, Any], writes: tuple[str, ...] = (), files: str = ""
) -> Any:
    """The values of `whole` that are judged, in a plan with `parts`."""
    kind, _, name = whole["address"].partition(".")
    resource = {"address": whole["address"], "mode": "managed", "type": kind, "name": name}
    expressions: dict[str, Any] = {argument: [{}] for argument in writes}
    root = {"resources": [resource | {"expressions": expressions}]}
    plan = {
        "planned_values": {"root_module": {}},
        "resource_changes": [whole, *parts],
        "configuration": {"root_module": root},
    }
    configuration = read({"main.tf": files}) if files else None
    (found,) = [one for one in instances(plan, configuration) if one.address == whole["address"]]
    return found.values


def role(*policies: Any) -> dict[str, Any]:
    return standing("aws_iam_role.proxy", name="proxy", id="proxy", inline_policy=[*policies])


def policy(actions: str, **before: Any) -> dict[str, Any]:
    sides = {"role": "proxy", "name": "read-secrets", "policy": OLD} | before
    gone, made = actions == "delete", actions == "create"
    after = None if gone else sides | {"policy": NEW}
    return change("aws_iam_role_policy.secrets", actions, None if made else sides, after)


@pytest.mark.parametrize("actions", ["update", "delete", "create", "delete create"])
def test_a_policy_that_the_plan_changes_is_judged_where_it_is_planned(actions: str) -> None:
    assert judged(role(INLINE), policy(actions))["inline_policy"] == []


def test_a_foreign_policy_stays_and_is_judged() -> None:
    assert judged(role(INLINE, FOREIGN), policy("update"))["inline_policy"] == [FOREIGN]


@pytest.mark.parametrize("actions", ["no-op", "forget"])
def test_a_policy_that_stays_as_it_is_is_judged(actions: str) -> None:
    other = policy("update")
    other["change"]["actions"] = [actions]
    assert judged(role(INLINE), other)["inline_policy"] == [INLINE]


@pytest.mark.parametrize("named", [{"role": "another"}, {"name": "another"}])
def test_a_policy_of_another_role_or_name_says_nothing(named: dict[str, str]) -> None:
    assert judged(role(INLINE), policy("delete", **named))["inline_policy"] == [INLINE]


def test_what_the_configuration_writes_is_judged() -> None:
    assert judged(role(INLINE), policy("update"), writes=("inline_policy",)) == {
        "name": "proxy",
        "id": "proxy",
        "inline_policy": [INLINE],
    }


def test_what_a_dynamic_block_writes_is_judged() -> None:
    """The configuration in a plan does not tell of such a block; the files do."""
    files = """
resource "aws_iam_role" "proxy" {
  name = "proxy"
  dynamic "inline_policy" {
    for_each = var.policies
    content {
      name   = inline_policy.key
      policy = inline_policy.value
    }
  }
}
"""
    assert judged(role(INLINE), policy("update"), files=files)["inline_policy"] == [INLINE]


def test_what_the_plan_itself_changes_is_judged() -> None:
    before, after = ({"name": "proxy", "inline_policy": [one]} for one in (FOREIGN, INLINE))
    changed = change("aws_iam_role.proxy", "update", before, after)
    assert judged(changed, policy("update"))["inline_policy"] == [INLINE]


def rule(**peer: Any) -> dict[str, Any]:
    values = {"ip_protocol": "tcp", "from_port": 5432, "to_port": 5432, "security_group_id": GROUP}
    return values | peer


def block(**peers: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"protocol": "tcp", "from_port": 5432, "to_port": 5432, "self": False}
    lists = ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups")
    return values | {name: [] for name in lists} | {"description": ""} | peers


RULE = "aws_vpc_security_group_ingress_rule.x"


def group(*ingress: dict[str, Any]) -> dict[str, Any]:
    return standing("aws_security_group.x", id=GROUP, ingress=[*ingress])


def test_a_rule_that_the_plan_takes_back_is_not_judged_as_it_stood() -> None:
    wide, narrow = rule(cidr_ipv4="0.0.0.0/0"), rule(cidr_ipv4="10.1.0.0/16")
    put_right = change(RULE, "update", wide, narrow)
    (left,) = judged(group(block(cidr_blocks=["0.0.0.0/0", "10.0.0.0/8"])), put_right)["ingress"]
    assert left["cidr_blocks"] == ["10.0.0.0/8"]
    assert judged(group(block(cidr_blocks=["0.0.0.0/0"])), put_right)["ingress"] == []


@pytest.mark.parametrize(
    "other",
    [
        rule(cidr_ipv4="0.0.0.0/0", to_port=6432),
        rule(cidr_ipv4="0.0.0.0/0", security_group_id="sg-another"),
        rule(cidr_ipv6="::/0"),
    ],
)
def test_a_rule_that_another_one_leaves_is_judged(other: dict[str, Any]) -> None:
    everybody = block(cidr_blocks=["0.0.0.0/0"])
    assert judged(group(everybody), change(RULE, "delete", other, None))["ingress"] == [everybody]


def test_a_rule_for_the_group_itself_and_one_for_every_port() -> None:
    to_itself = rule(referenced_security_group_id=GROUP)
    assert judged(group(block(self=True)), change(RULE, "delete", to_itself, None))["ingress"] == []
    every = {"protocol": "-1", "from_port": 0, "to_port": 0}
    gone = rule(ip_protocol="-1", from_port=None, to_port=None, cidr_ipv4="0.0.0.0/0")
    standing_ = block(**every, cidr_blocks=["0.0.0.0/0"])
    assert judged(group(standing_), change(RULE, "delete", gone, None))["ingress"] == []


def test_attachments_and_routes_that_go_are_not_judged_and_others_are() -> None:
    attached = standing("aws_iam_role.x", name="x", managed_policy_arns=[ARN, f"{ARN}-2"])
    attachment = {"role": "x", "policy_arn": ARN}
    detached = change("aws_iam_role_policy_attachment.x", "delete", attachment, None)
    assert judged(attached, detached)["managed_policy_arns"] == [f"{ARN}-2"]
    out = {"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1", "ipv6_cidr_block": ""}
    peer = {"cidr_block": "10.9.0.0/16", "gateway_id": "", "ipv6_cidr_block": ""}
    table = standing("aws_route_table.x", id=TABLE, route=[out, peer])
    route = {"route_table_id": TABLE, "destination_cidr_block": "0.0.0.0/0"}
    assert judged(table, change("aws_route.x", "delete", route, None))["route"] == [peer]
    # AWS refuses a second route to the same destination: the one that is there stays.
    assert judged(table, change("aws_route.x", "create", None, route))["route"] == [out, peer]


def test_the_policy_of_a_bucket_is_judged_where_it_is_planned() -> None:
    bucket = standing("aws_s3_bucket.x", id="x", bucket="x", policy=OLD)
    sides = ({"bucket": "x", "policy": each} for each in (OLD, NEW))
    assert "policy" not in judged(bucket, change("aws_s3_bucket_policy.x", "update", *sides))
    assert judged(bucket)["policy"] == OLD
