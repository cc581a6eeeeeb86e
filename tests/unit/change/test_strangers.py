"""What others have added, and nobody's Terraform has written."""

from typing import Any

import pytest

from nexusctl.change.strangers import added_by_others

Values = dict[str, Any]
BLOCK: Values = {"protocol": "tcp", "from_port": 5432, "to_port": 5432}


def resource(kind: str, name: str, values: Values) -> dict[str, Any]:
    return {"address": f"{kind}.{name}", "type": kind, "mode": "managed", "values": values}


def opened(*resources: dict[str, Any]) -> list[tuple[str, str, object]]:
    module = {"child_modules": [{"resources": list(resources)}]}
    found = added_by_others({"prior_state": {"values": {"root_module": module}}})
    return [
        (change.address, each.path, each.after) for change, _ in found for each in change.attributes
    ]


def group(ingress: list[Values], kind: str = "aws_security_group") -> dict[str, Any]:
    return resource(kind, "main", {"id": "sg-1", "ingress": ingress, "egress": []})


def rule(**more: object) -> dict[str, Any]:
    values = {"security_group_id": "sg-1", "ip_protocol": "tcp", "from_port": 5432, "to_port": 5432}
    return resource("aws_vpc_security_group_ingress_rule", "main", values | more)


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ({"cidr_blocks": ["10.0.0.0/8"]}, {"cidr_ipv4": "10.0.0.0/8"}),
        ({"ipv6_cidr_blocks": ["fd00::/8"]}, {"cidr_ipv6": "fd00::/8"}),
        ({"prefix_list_ids": ["pl-1"]}, {"prefix_list_id": "pl-1"}),
        ({"security_groups": ["sg-2"]}, {"referenced_security_group_id": "sg-2"}),
        (
            {"security_groups": ["111122223333/sg-2"]},
            {"referenced_security_group_id": "111122223333/sg-2"},
        ),
        ({"self": True}, {"referenced_security_group_id": "sg-1"}),
        (
            {"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["10.0.0.0/8"]},
            {"ip_protocol": "-1", "from_port": None, "to_port": None, "cidr_ipv4": "10.0.0.0/8"},
        ),
    ],
)
def test_a_rule_that_is_a_resource_is_no_stranger(shown: Values, written: Values) -> None:
    shows = group([BLOCK | shown])
    assert opened(shows, rule(**written)) == []
    ((address, path, _),) = opened(shows)
    assert (address, path) == ("aws_security_group.main", "ingress")


def test_strangers_are_told_by_what_they_let_through() -> None:
    shows = group([BLOCK | {"to_port": 5433, "cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}])
    said = "tcp 5432-5433 from 0.0.0.0/0, tcp 5432-5433 from 10.0.0.0/8"
    assert opened(shows, rule(cidr_ipv4="10.0.0.0/8")) == [
        ("aws_security_group.main", "ingress", said)
    ]


def test_a_default_group_has_strangers_too() -> None:
    shows = group([BLOCK | {"protocol": "-1", "self": True}], "aws_default_security_group")
    assert opened(shows) == [("aws_default_security_group.main", "ingress", "everything from sg-1")]


def role(**shown: object) -> dict[str, Any]:
    return resource("aws_iam_role", "main", {"name": "proxy", **shown})


def test_policies_of_a_role_that_are_resources_are_no_strangers() -> None:
    shows = role(
        inline_policy=[{"name": "read", "policy": "{}"}, {"name": "evil", "policy": "{}"}],
        managed_policy_arns=["arn:connect", "arn:admin"],
    )
    inline = {"role": "proxy", "name": "read", "policy": "{}"}
    others = [
        resource("aws_iam_role_policy", "read", inline),
        resource("aws_iam_role_policy", "other", inline | {"role": "workers", "name": "evil"}),
        resource(
            "aws_iam_role_policy_attachment", "a", {"role": "proxy", "policy_arn": "arn:connect"}
        ),
    ]
    assert opened(shows, *others) == [
        ("aws_iam_role.main", "inline_policy", "evil"),
        ("aws_iam_role.main", "managed_policy_arns", "arn:admin"),
    ]


def test_routes_of_a_table_that_are_resources_are_no_strangers() -> None:
    blocks = [
        {"cidr_block": "0.0.0.0/0", "ipv6_cidr_block": "", "gateway_id": "igw-1"},
        {"cidr_block": "10.9.0.0/16", "gateway_id": "", "vpc_peering_connection_id": "pcx-1"},
    ]
    shows = resource("aws_route_table", "private", {"id": "rtb-1", "route": blocks})
    peering = resource(
        "aws_route",
        "peering",
        {
            "route_table_id": "rtb-1",
            "destination_cidr_block": "10.9.0.0/16",
            "vpc_peering_connection_id": "pcx-1",
        },
    )
    told = ("aws_route_table.private", "route", "0.0.0.0/0 by igw-1")
    assert opened(shows, peering) == [told]


def test_a_policy_on_a_secret_is_a_stranger_but_for_that_of_a_resource() -> None:
    shows = resource("aws_secretsmanager_secret", "main", {"arn": "arn:s", "policy": "{}"})
    none = resource("aws_secretsmanager_secret", "main", {"arn": "arn:s", "policy": ""})
    mine = {"secret_arn": "arn:s", "policy": "{}"}
    assert opened(none) == opened(shows, resource("aws_secretsmanager_secret_policy", "p", mine))
    assert opened(none) == []
    assert opened(shows) == [("aws_secretsmanager_secret.main", "policy", "{}")]


def test_a_copy_of_a_secret_in_another_region_is_a_stranger() -> None:
    copies = [{"region": each, "kms_key_id": "k"} for each in ("us-east-1", "eu-west-1")]
    shows = resource("aws_secretsmanager_secret", "main", {"arn": "arn:s", "replica": copies})
    assert opened(shows) == [("aws_secretsmanager_secret.main", "replica", "eu-west-1, us-east-1")]


@pytest.mark.parametrize("status", ["stopping", "stopped", "available", "modifying"])
def test_a_database_is_told_of_where_it_was_stopped(status: str) -> None:
    shows = resource("aws_db_instance", "main", {"id": "db-1", "status": status})
    told = [("aws_db_instance.main", "status", status)] if status.startswith("stop") else []
    assert opened(shows) == told
