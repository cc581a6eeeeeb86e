"""Rules in the stack's security groups that no resource of the stack has written.

A security group of Terraform's shows every rule that AWS has for it, those that are resources of
their own too. So a rule of somebody else's is no drift to Terraform, and no apply removes it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from nexusctl.terraform.plan import Action, AttributeChange, ResourceChange

_GROUPS = frozenset({"aws_security_group", "aws_default_security_group"})
_DIRECTIONS = {
    "aws_vpc_security_group_ingress_rule": "ingress",
    "aws_vpc_security_group_egress_rule": "egress",
}
_OF_BLOCKS = ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups")
_OF_RULES = ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")
_ALL = "-1"


class _Rule(NamedTuple):
    """What one rule lets through between a group and one other side."""

    group: str
    direction: str
    protocol: str
    ports: tuple[int, int] | None
    peer: str

    def __str__(self) -> str:
        first, last = self.ports or (None, None)
        ports = f" {first}" if first == last else f" {first}-{last}"
        what = "everything" if self.protocol == _ALL else f"{self.protocol}{ports}"
        return f"{what} {'from' if self.direction == 'ingress' else 'to'} {self.peer}"


def opened_by_others(
    document: Mapping[str, Any],
) -> Iterator[tuple[ResourceChange, dict[str, Any]]]:
    """The groups with such rules, each as a change to its `ingress` or `egress`, and its values.

    `document` is the JSON of a plan; what AWS has is in its prior state.
    """
    values = document.get("prior_state", {}).get("values", {})
    resources = list(_resources(values.get("root_module", {})))
    written = {rule for each in resources for rule in _written(each)}
    for resource in resources:
        if resource["type"] not in _GROUPS:
            continue
        strange = [rule for rule in _shown(resource["values"]) if rule not in written]
        attributes = tuple(
            AttributeChange(direction, None, ", ".join(map(str, found)))
            for direction in ("ingress", "egress")
            if (found := sorted(rule for rule in strange if rule.direction == direction))
        )
        if attributes:
            change = ResourceChange(
                resource["address"], resource["type"], Action.UPDATE, attributes
            )
            yield change, resource["values"]


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in module.get("resources", ()) if each["mode"] == "managed")
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _written(resource: Mapping[str, Any]) -> Iterator[_Rule]:
    """What a rule that is a resource of its own lets through."""
    direction, values = _DIRECTIONS.get(resource["type"]), resource["values"]
    if direction:
        peers = (values[name] for name in _OF_RULES if values.get(name))
        yield from _rules(
            values["security_group_id"], direction, values["ip_protocol"], values, peers
        )


def _shown(values: Mapping[str, Any]) -> Iterator[_Rule]:
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
