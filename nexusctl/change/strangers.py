"""What others have added to the stack's resources, and no resource of the stack has written.

A security group of Terraform's shows every rule that AWS has for it, those that are resources of
their own too; so does a role its policies, a route table its routes, and a secret its policy. To
Terraform it is drift until the next apply has written it into the state, and no apply removes it.
So it is with the copies of a secret in other regions, and with a database that was stopped.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from nexusctl.terraform.plan import Action, AttributeChange, ResourceChange, existing, root_of

# The attributes that show what is written elsewhere, by resource type.
_SHOWN = {
    "aws_db_instance": ("status",),
    "aws_default_security_group": ("ingress", "egress"),
    "aws_iam_role": ("inline_policy", "managed_policy_arns"),
    "aws_route_table": ("route",),
    "aws_secretsmanager_secret": ("policy", "replica"),
    "aws_security_group": ("ingress", "egress"),
}
_DIRECTIONS = {
    "aws_vpc_security_group_ingress_rule": "ingress",
    "aws_vpc_security_group_egress_rule": "egress",
}
_OF_BLOCKS = ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups")
_OF_RULES = ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")
_ALL = "-1"
_STOPPED = frozenset({"stopping", "stopped"})
_DESTINATIONS = ("cidr_block", "ipv6_cidr_block", "prefix_list_id")
_TARGETS = frozenset(
    {
        "carrier_gateway_id",
        "core_network_arn",
        "egress_only_gateway_id",
        "gateway_id",
        "local_gateway_id",
        "nat_gateway_id",
        "network_interface_id",
        "transit_gateway_id",
        "vpc_endpoint_id",
        "vpc_peering_connection_id",
    }
)


class _Rule(NamedTuple):
    """What one rule lets through between a group and one other side."""

    group: str
    attribute: str
    protocol: str
    ports: tuple[int, int] | None
    peer: str

    def __str__(self) -> str:
        first, last = self.ports or (None, None)
        ports = f" {first}" if first == last else f" {first}-{last}"
        what = "everything" if self.protocol == _ALL else f"{self.protocol}{ports}"
        return f"{what} {'from' if self.attribute == 'ingress' else 'to'} {self.peer}"


class _Other(NamedTuple):
    """Anything else that a resource shows: a policy, a route, a region, or a status."""

    of: str
    attribute: str
    what: str

    def __str__(self) -> str:
        return self.what


def shows_others(resource_type: str, attribute: AttributeChange) -> bool:
    """Whether the attribute shows what is written elsewhere, so that its drift says nothing."""
    return root_of(attribute.path) in _SHOWN.get(resource_type, ())


def added_by_others(
    document: Mapping[str, Any],
) -> Iterator[tuple[ResourceChange, dict[str, Any]]]:
    """The resources with such additions, each as a change to what shows them, and its values.

    `document` is the JSON of a plan; what AWS has is in its prior state.
    """
    resources = list(existing(document))
    written = {each for resource in resources for each in _written(resource)}
    for resource in resources:
        names = _SHOWN.get(resource["type"], ())
        added = [each for each in _shown(resource) if each not in written]
        attributes = tuple(
            AttributeChange(name, None, ", ".join(found))
            for name in names
            if (found := sorted(str(each) for each in added if each.attribute == name))
        )
        if attributes:
            change = ResourceChange(
                resource["address"], resource["type"], Action.UPDATE, attributes
            )
            yield change, resource["values"]


def _written(resource: Mapping[str, Any]) -> Iterator["_Rule | _Other"]:
    """What a resource of its own adds to another one."""
    values = resource["values"]
    match resource["type"]:
        case "aws_vpc_security_group_ingress_rule" | "aws_vpc_security_group_egress_rule" as kind:
            peers = (values[name] for name in _OF_RULES if values.get(name))
            group = values["security_group_id"]
            yield from _rules(group, _DIRECTIONS[kind], values["ip_protocol"], values, peers)
        case "aws_iam_role_policy":
            yield _Other(values["role"], "inline_policy", values["name"])
        case "aws_iam_role_policy_attachment":
            yield _Other(values["role"], "managed_policy_arns", values["policy_arn"])
        case "aws_route":
            yield _Other(values["route_table_id"], "route", _route(values))
        case "aws_secretsmanager_secret_policy":
            yield _Other(values["secret_arn"], "policy", values["policy"])


def _shown(resource: Mapping[str, Any]) -> Iterator["_Rule | _Other"]:
    """What a resource shows that it has."""
    values = resource["values"]
    match resource["type"]:
        case "aws_security_group" | "aws_default_security_group":
            yield from _rules_shown(values)
        case "aws_db_instance":
            if values.get("status") in _STOPPED:
                yield _Other(values["id"], "status", values["status"])
        case "aws_iam_role":
            for policy in values.get("inline_policy") or ():
                yield _Other(values["name"], "inline_policy", policy["name"])
            for arn in values.get("managed_policy_arns") or ():
                yield _Other(values["name"], "managed_policy_arns", arn)
        case "aws_route_table":
            for route in values.get("route") or ():
                yield _Other(values["id"], "route", _route(route))
        case "aws_secretsmanager_secret":
            yield from _shown_of_secret(values)


def _shown_of_secret(values: Mapping[str, Any]) -> Iterator[_Other]:
    if values.get("policy"):
        yield _Other(values["arn"], "policy", values["policy"])
    for replica in values.get("replica") or ():
        yield _Other(values["arn"], "replica", replica["region"])


def _route(values: Mapping[str, Any]) -> str:
    """Where to, and by what: a route is a resource of its own or a block of its table."""
    to = (values.get(name) or values.get(f"destination_{name}") for name in _DESTINATIONS)
    by = (value for name, value in sorted(values.items()) if name in _TARGETS and value)
    return f"{next(filter(None, to), '?')} by {next(by, '?')}"


def _rules_shown(values: Mapping[str, Any]) -> Iterator[_Rule]:
    """What a group shows that it lets through."""
    for direction in ("ingress", "egress"):
        for block in values.get(direction) or ():
            peers = [peer for name in _OF_BLOCKS for peer in block.get(name) or ()]
            peers += [values["id"]] if block.get("self") else []
            yield from _rules(values["id"], direction, block["protocol"], block, peers)


def _rules(
    group: str, direction: str, protocol: str, ports: Mapping[str, Any], peers: Iterable[str]
) -> Iterator[_Rule]:
    between = None if protocol == _ALL else (int(ports["from_port"]), int(ports["to_port"]))
    for peer in peers:
        # A group of another account is written ACCOUNT/GROUP.
        _, foreign, name = peer.rpartition("/sg-")
        yield _Rule(group, direction, protocol, between, f"sg-{name}" if foreign else peer)
