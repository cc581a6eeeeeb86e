"""Rules in security groups that nobody's Terraform has written."""

from typing import Any

import pytest

from nexusctl.change.strangers import opened_by_others

Values = dict[str, Any]
BLOCK: Values = {"protocol": "tcp", "from_port": 5432, "to_port": 5432}


def resource(kind: str, name: str, values: Values) -> dict[str, Any]:
    return {"address": f"{kind}.{name}", "type": kind, "mode": "managed", "values": values}


def opened(*resources: dict[str, Any]) -> list[tuple[str, str, object]]:
    module = {"child_modules": [{"resources": list(resources)}]}
    found = opened_by_others({"prior_state": {"values": {"root_module": module}}})
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
