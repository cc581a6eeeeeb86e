"""Rules of security groups as the policies read them.

They are written in three forms, and all three are looked at: `ingress` and `egress` of the group
itself, `aws_security_group_rule`, and `aws_vpc_security_group_ingress_rule` with its twin for
egress. Their arguments have different names but the same meanings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nexusctl.configuration.values import Unknown
from nexusctl.policy.check import ABSENT, UNKNOWN, Answer, Block, Pointed, Resource

__all__ = ["GROUPS", "Rule", "in_groups", "inline", "rules"]

GROUPS = ("aws_security_group", "aws_default_security_group")

# The same argument in the three forms of a rule.
_ADDRESSES = ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6")
_PREFIX_LISTS = ("prefix_list_ids", "prefix_list_id")
_PEERS = ("security_groups", "source_security_group_id", "referenced_security_group_id")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a security group, in any of the three forms."""

    resource: Resource
    block: Block

    def __str__(self) -> str:
        inline = ".".join(str(part + 1 if isinstance(part, int) else part) for part in self.path)
        return f"{self.resource.address}.{inline}" if inline else self.resource.address

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where it stands in its resource."""
        return self.block.path

    def addresses(self) -> Iterator[tuple[str, Any]]:
        """Its CIDR blocks, each text or UNKNOWN, with the argument's name."""
        for name in _ADDRESSES:
            value = self.block.value(name)
            for item in value if isinstance(value, list) else [value]:
                if item is not ABSENT:
                    yield name, item

    def prefix_lists(self, *types: str) -> Pointed:
        """The prefix lists that it names, by a list managed here or a resource of these types."""
        kinds = ("aws_ec2_managed_prefix_list", *types)
        found = (self.resource.points_at(name, *kinds, block=self.block) for name in _PREFIX_LISTS)
        return sum(found, Pointed())

    def prefix_lists_rest_on(self) -> frozenset[str]:
        """What the prefix lists that it names are made of: addresses, variables and the like."""
        found = (self.resource.rests_on(name, self.block) for name in _PREFIX_LISTS)
        return frozenset().union(*found)

    def peers(self) -> Pointed:
        """The security groups that it names."""
        found = (self.resource.points_at(name, *GROUPS, block=self.block) for name in _PEERS)
        return sum(found, Pointed())

    def only_port(self, port: Any) -> Answer:
        """Whether it is about that TCP port and nothing else."""
        protocol = self.block.value("protocol")
        protocol = self.block.value("ip_protocol") if protocol is ABSENT else protocol
        ports = [self.block.value("from_port"), self.block.value("to_port")]
        if UNKNOWN in (protocol, port, *ports):
            return Answer.unknown(f"the port of {self} is not known")
        # 6 is TCP's number, which AWS takes for its name.
        if str(protocol) not in ("tcp", "6") or any(str(each) != str(port) for each in ports):
            return Answer.failed(f"{self} is not about TCP port {port} alone")
        return Answer.passed(f"{self} is about TCP port {port}")

    def no_addresses(self) -> Iterator[Answer]:
        """What it says of each CIDR block: a rule between security groups has none."""
        for name, address in self.addresses():
            if address is UNKNOWN:
                yield Answer.unknown(f"{name} of {self} is not known")
            else:
                yield Answer.failed(f"{self} has {name} {address}")


def rules(group: Resource, direction: str) -> tuple[list[Rule], list[Answer]]:
    """All rules of a security group for `ingress` or `egress`; and which are not known."""
    found, doubts = inline(group, direction)
    apart = group.subject.once(("rules", direction), lambda: _apart(group, direction))
    found += apart.found.get(group.address, [])
    doubtful = [*apart.doubtful.get(group.address, []), *apart.anywhere]
    doubts += [Answer.unknown(f"which group {each} is for is not known") for each in doubtful]
    return found, doubts


def inline(group: Resource, direction: str) -> tuple[list[Rule], list[Answer]]:
    """The rules that a security group itself has for `ingress` or `egress`; what is not known."""
    found = [Rule(group, block) for block in group.blocks(direction)]
    written = group.values.get(direction)
    hidden = isinstance(written, list) and len(written) != len(found)
    if isinstance(written, Unknown) or hidden or group.uncertain(direction):
        return found, [Answer.unknown(f"{direction} of {group.address} is not known")]
    return found, []


@dataclass(slots=True)
class _Apart:
    """The rules that are resources of their own, by the address of their group."""

    found: dict[str, list[Rule]]
    doubtful: dict[str, list[str]]
    anywhere: list[str]


def _apart(group: Resource, direction: str) -> _Apart:
    apart = _Apart({}, {}, [])
    kinds = ("aws_security_group_rule", f"aws_vpc_security_group_{direction}_rule")
    for rule in group.of_type(*kinds):
        kind = rule.value("type") if rule.type == "aws_security_group_rule" else direction
        if kind not in (direction, UNKNOWN):
            continue
        groups = rule.points_at("security_group_id", *GROUPS)
        for name in groups.names:
            if kind is UNKNOWN:
                apart.doubtful.setdefault(name, []).append(rule.address)
            else:
                apart.found.setdefault(name, []).append(Rule(rule, rule))
        if groups.unknown:
            apart.anywhere.append(rule.address)
    return apart


def in_groups(resource: Resource, name: str, *types: str) -> Mapping[str, list[str]]:
    """The members of each security group among all resources of these types, by their argument."""

    def members() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for instance in (each for kind in types for each in resource.subject.of_type(kind)):
            member = Resource.of(instance, resource.subject)
            for group in member.points_at(name, *GROUPS).names:
                found.setdefault(group, []).append(member.address)
        return found

    return resource.subject.once(("members", name, types), members)
