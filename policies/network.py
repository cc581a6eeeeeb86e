"""Nothing is public, and two Availability Zones hold everything."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Any

from nexusctl.configuration.values import Unknown
from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Pointed, Policy, Resource
from nexusctl.policy.networks import LARGEST_NETWORK, is_everywhere, network_of
from nexusctl.policy.security_groups import GROUPS, Rule, inline, rules
from nexusctl.policy.verdict import Severity

# Fewer Availability Zones do not outlive the failure of one.
_ZONES = 2


class NotPublic(Policy):
    """The database has no public address."""

    about = About(
        id="NEXUS_NOT_PUBLIC",
        title="The database has no public address",
        severity=Severity.CRITICAL,
        why="A database on the internet is tried for passwords within minutes, past the proxy and "
        "its IAM authentication.",
        fact="PubliclyAccessible gives the instance a name that resolves to a public address (RDS "
        "User Guide, Hiding a DB instance in a VPC from the internet). A proxy cannot be publicly "
        "accessible at all (RDS User Guide, Quotas and limitations for RDS Proxy).",
        fix="nexusctl writes publicly_accessible = false; elsewhere set it, or leave it out",
        resources=("aws_db_instance", "aws_rds_cluster_instance"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`publicly_accessible` is false, or not set: false is the provider's default."""
        return _never_true(resource, "publicly_accessible")


def _never_true(resource: Resource, name: str) -> Answer:
    value = resource.value(name)
    if value is UNKNOWN:
        return Answer.unknown(f"{name} is not known", name)
    if value in (ABSENT, False, "false"):
        return Answer.passed(f"{name} is not true")
    return Answer.failed(f"{name} is true", name)


class PrivateSubnets(Policy):
    """Nothing gets a public address for being started in a subnet."""

    about = About(
        id="NEXUS_PRIVATE_SUBNETS",
        title="Subnets give out no public addresses",
        severity=Severity.CRITICAL,
        why="Every worker that starts in such a subnet is on the internet.",
        fact="MapPublicIpOnLaunch gives a public IPv4 address to each network interface made in "
        "the subnet; it is off by default, except in default subnets (Amazon VPC User Guide, IP "
        "addressing for your VPCs and subnets).",
        fix="nexusctl writes map_public_ip_on_launch = false; elsewhere set it in aws_subnet",
        resources=("aws_subnet", "aws_default_subnet"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`map_public_ip_on_launch` is not true; for a default subnet it has to be written."""
        name = "map_public_ip_on_launch"
        if resource.type == "aws_default_subnet" and resource.value(name) is ABSENT:
            return Answer.failed(f"{name} is not set, and true for a default subnet", name)
        return _never_true(resource, name)


class NoInternetRoute(Policy):
    """No route leads to an internet gateway, and so none leads in from there."""

    about = About(
        id="NEXUS_NO_INTERNET_ROUTE",
        title="No route leads to an internet gateway",
        severity=Severity.CRITICAL,
        why="A subnet with such a route is public: the database, the proxy and the workers are one "
        "security group rule away from the internet.",
        fact="A subnet is public when its route table has a route to an internet gateway, and RDS "
        "Proxy must not stand in one (Amazon VPC User Guide, Subnet types; RDS User Guide, Quotas "
        "and limitations for RDS Proxy).",
        fix="nexusctl makes no internet gateway: interface_endpoints lead to AWS's services; "
        "elsewhere remove the route, or keep public subnets in a root of their own",
        resources=("aws_route", "aws_route_table", "aws_default_route_table"),
    )

    def judge(self, resource: Resource) -> Answer:
        """No `gateway_id`, of the route or of any route in the table, is an internet gateway."""
        routes: list[Block] = [resource] if resource.type == "aws_route" else []
        answers = [_private(resource, route) for route in [*routes, *resource.blocks("route")]]
        written = resource.values.get("route")
        hidden = isinstance(written, list) and len(written) != len(resource.blocks("route"))
        if isinstance(written, Unknown) or hidden or resource.uncertain("route"):
            answers.append(Answer.unknown("its routes are not known", "route"))
        return Answer.worst(answers, "no route leads to an internet gateway")


def _private(resource: Resource, route: Block) -> Answer:
    path = (*route.path, "gateway_id")
    internet = resource.points_at("gateway_id", "aws_internet_gateway", block=route)
    gateways = ("aws_internet_gateway", "aws_vpn_gateway")
    others = resource.points_at("gateway_id", *gateways, block=route)
    if internet.here or any(each.startswith("igw-") for each in internet.ids):
        return Answer.failed("gateway_id is that of an internet gateway", *path)
    if others.unknown:
        return Answer.unknown("gateway_id is not known", *path)
    return Answer.passed("gateway_id is not that of an internet gateway")


class NoOpenIngress(Policy):
    """No security group is open to the internet, on any port."""

    about = About(
        id="NEXUS_NO_OPEN_INGRESS",
        title="No security group is open to the internet",
        severity=Severity.CRITICAL,
        why="Whoever scans the internet finds what is behind such a rule as soon as a route leads "
        "there.",
        fact="0.0.0.0/0 and ::/0 admit every address (Amazon VPC User Guide, Security group "
        "rules). Two halves such as 0.0.0.0/1 do the same; no private network is larger than /8, "
        "nor are all of them together as large as two (RFC 1918, RFC 6598).",
        fix="nexusctl writes no such rule: one that is in no file was added in AWS, revoke it "
        "there; elsewhere admit a security group, or the addresses that are meant",
        resources=(
            "aws_security_group",
            "aws_default_security_group",
            "aws_security_group_rule",
            "aws_vpc_security_group_ingress_rule",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """No ingress is from a network larger than /8, written here or in a prefix list.

        Nor are the networks of all rules of a group together.
        """
        if resource.type in GROUPS:
            found, answers = inline(resource, "ingress")
            answers += _together(resource)
        else:
            kind = resource.value("type")
            if kind == "egress":
                return Answer.passed("it is about egress")
            found, answers = [Rule(resource, resource)], []
        for rule in found:
            answers += _closed(rule)
        return Answer.worst(answers, "no ingress is from everywhere")


def _closed(rule: Rule) -> Iterator[Answer]:
    for name, address in rule.addresses():
        yield _narrow(address, f"{name} of {rule}", *rule.path, name)
    lists = rule.prefix_lists()
    if lists.ids or lists.unknown:
        yield Answer.unknown(f"what is in the prefix list of {rule} is not known", *rule.path)
    for prefix_list in lists.here:
        entries: list[Block] = [
            *prefix_list.blocks("entry"),
            *prefix_list.referring("aws_ec2_managed_prefix_list_entry", "prefix_list_id"),
        ]
        for entry in entries:
            yield _narrow(entry.value("cidr"), f"cidr in {prefix_list.address}", *rule.path)
        if prefix_list.uncertain("entry"):
            yield Answer.unknown(f"the entries of {prefix_list.address} are not known", *rule.path)


def _together(group: Resource) -> Iterator[Answer]:
    """Whether the networks of all rules of a group are, together, larger than a private one."""
    found, _ = rules(group, "ingress")
    addresses = [str(each) for rule in found for _, each in rule.addresses() if each is not UNKNOWN]
    for kind in (IPv4Network, IPv6Network):
        networks = [each for each in map(network_of, addresses) if isinstance(each, kind)]
        total = sum(each.num_addresses for each in collapse_addresses(networks))
        largest = kind((0, LARGEST_NETWORK)).num_addresses
        if len(networks) > 1 and total >= 2 * largest:
            yield Answer.failed(f"its {len(networks)} rules' networks are, together, everywhere")


def _narrow(address: Any, where: str, *path: str | int) -> Answer:
    """Whether a CIDR block is no larger than a private network can be."""
    if address is UNKNOWN:
        return Answer.unknown(f"{where} is not known", *path)
    if network_of(address) is None:
        return Answer.failed(f"{where} is no network", *path)
    if is_everywhere(address):
        return Answer.failed(f"{where} is {address}: everywhere", *path)
    return Answer.passed(f"{where} is {address}")


class TwoZones(Policy):
    """The failure of one Availability Zone leaves the database, the proxy and workers."""

    about = About(
        id="NEXUS_TWO_ZONES",
        title="The database, RDS Proxy and the workers have subnets in two Availability Zones",
        severity=Severity.HIGH,
        why="In a single zone its failure takes the whole stack down, however many standbys and "
        "workers there are.",
        fact="A DB subnet group and a proxy need subnets in at least two Availability Zones (RDS "
        "User Guide, Working with a DB instance in a VPC and Getting started with RDS Proxy); an "
        "Auto Scaling group spreads its instances over the zones of its subnets and accepts one.",
        fix="set two or more of network.availability_zones, or two or more of "
        "network.private_subnet_ids in different zones",
        resources=("aws_db_subnet_group", "aws_db_proxy", "aws_autoscaling_group"),
        settings=("network.availability_zones", "network.private_subnet_ids"),
    )

    def judge(self, resource: Resource) -> Answer:
        """Two subnets in two zones. The zones of subnets that are not managed here nobody knows:
        two of those are enough."""
        name = _SUBNETS[resource.type]
        zones = resource.value("availability_zones")
        if resource.value(name) in (ABSENT, []) and isinstance(zones, list):
            if len({zone for zone in zones if zone is not UNKNOWN}) >= _ZONES:
                return Answer.passed("availability_zones has two zones")
            name = "availability_zones"
        value = resource.value(name)
        if value in (ABSENT, []):
            return Answer.failed(f"{name} is not set", name)
        if name == "availability_zones" and (value is UNKNOWN or UNKNOWN in value):
            return Answer.unknown(f"{name} is not known", name)
        if value is UNKNOWN:
            return _of_all(resource, name)
        if len(value) < _ZONES:
            return Answer.failed(f"{name} has one entry, not two", name)
        return _two_zones(resource.points_at(name, "aws_subnet"), name)


_SUBNETS = {
    "aws_db_subnet_group": "subnet_ids",
    "aws_db_proxy": "vpc_subnet_ids",
    "aws_autoscaling_group": "vpc_zone_identifier",
}


def _of_all(resource: Resource, name: str) -> Answer:
    """By the subnets that a list of unknown length rests on: a plan knows how many there are."""
    every = [
        resource.subject.owners(reference, resource.instance)
        for reference in resource.rests_on(name)
    ]
    subnets = tuple(Resource.of(each, resource.subject) for found in every for each in found)
    counted = all(each.type == "aws_subnet" and each.instance.known for each in subnets)
    if subnets and all(every) and counted:
        return _two_zones(Pointed(subnets), name)
    return Answer.unknown(f"{name} is not known", name)


def _two_zones(subnets: Pointed, name: str) -> Answer:
    """At least two zones, by what is known: a subnet that is not managed here may be in any."""
    zones = [_zone(subnet) for subnet in subnets.here]
    known = {zone for zone in zones if zone is not UNKNOWN}
    if len(known) >= _ZONES:
        return Answer.passed(f"{name} are in {len(known)} Availability Zones")
    if subnets.unknown or UNKNOWN in zones:
        return Answer.unknown(f"the Availability Zones of {name} are not known", name)
    if subnets.ids and len(known) + len(set(subnets.ids)) >= _ZONES:
        return Answer.passed(f"{name} are two subnets, not managed here: their zones are not known")
    return Answer.failed(f"{name} are all in one Availability Zone", name)


def _zone(subnet: Resource) -> Any:
    """A subnet's zone by name or id; AWS chooses where none is written."""
    zone = subnet.value("availability_zone")
    zone = subnet.value("availability_zone_id") if zone in (ABSENT, UNKNOWN) else zone
    return UNKNOWN if zone is ABSENT else zone


not_public = NotPublic()
private_subnets = PrivateSubnets()
no_internet_route = NoInternetRoute()
no_open_ingress = NoOpenIngress()
two_zones = TwoZones()
