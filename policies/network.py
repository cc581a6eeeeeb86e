"""The database admits the proxy, the proxy its clients, workers reach the proxy; nothing is public.

Rules of security groups are written in three forms, and all three are looked at: `ingress` and
`egress` of the group itself, `aws_security_group_rule`, and `aws_vpc_security_group_ingress_rule`
with its twin for egress. Their arguments have different names but the same meanings.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from nexusctl.configuration.values import Unknown
from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Policy, Resource
from nexusctl.policy.verdict import Severity

POSTGRESQL, HTTPS = 5432, 443
GROUPS = ("aws_security_group", "aws_default_security_group")
PROXIES = ("aws_db_proxy", "aws_db_proxy_endpoint")

# The same argument in the three forms of a rule.
_ADDRESSES = ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6")
_PREFIX_LISTS = ("prefix_list_ids", "prefix_list_id")
_PEERS = ("security_groups", "source_security_group_id", "referenced_security_group_id")

# Fewer Availability Zones do not outlive the failure of one.
_ZONES = 2

# 10.0.0.0/8 is the largest private network there is: what is larger has public addresses in it.
_LARGEST_NETWORK = 8


@dataclass(frozen=True, slots=True)
class Pointed:
    """What arguments point at. `ids` are those of resources that are not managed here."""

    here: tuple[Resource, ...] = ()
    ids: tuple[str, ...] = ()
    unknown: bool = False

    def __add__(self, other: "Pointed") -> "Pointed":
        unknown = self.unknown or other.unknown
        return Pointed(self.here + other.here, self.ids + other.ids, unknown)

    @property
    def names(self) -> set[str]:
        """The addresses of those managed here, and the ids of the others."""
        return {resource.address for resource in self.here} | set(self.ids)


def pointed(resource: Resource, block: Block, name: str, *types: str) -> Pointed:
    """What an argument of a resource, or of a block in it, points at.

    Where a value is not known, what its expression refers to decides, and if that is not a resource
    of these types and nothing else, it is not known what it points at.
    """
    candidates = _every(resource, *types)
    value = block.values.get(name)
    total = Pointed()
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Unknown):
            argument = block.path[0] if block.path else name
            references = item.references or _references(resource, argument)
            owners = [[each for each in candidates if _of(each, one)] for one in references]
            here = tuple(each for found in owners for each in found)
            total += Pointed(here, unknown=not owners or not all(owners))
        elif item:
            # Of a group in a peered VPC the account stands before the id.
            identifier = str(item).rpartition("/")[2]
            here = tuple(each for each in candidates if each.value("id") == identifier)
            total += Pointed(here, () if here else (identifier,))
    return total


def _every(resource: Resource, *types: str) -> list[Resource]:
    subject = resource.subject
    return [Resource.of(each, subject) for kind in types for each in subject.of_type(kind)]


def _references(resource: Resource, argument: str | int) -> frozenset[str]:
    every = resource.instance.references.items()
    return frozenset(one for path, some in every if path[0] == argument for one in some)


def _of(resource: Resource, reference: str) -> bool:
    declared = resource.instance.declared
    return reference == declared or reference.startswith(f"{declared}.")


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

    def prefix_lists(self) -> Pointed:
        """The prefix lists that it names."""
        kind = "aws_ec2_managed_prefix_list"
        found = (pointed(self.resource, self.block, name, kind) for name in _PREFIX_LISTS)
        return sum(found, Pointed())

    def peers(self) -> Pointed:
        """The security groups that it names."""
        found = (pointed(self.resource, self.block, name, *GROUPS) for name in _PEERS)
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
    found = [Rule(group, block) for block in group.blocks(direction)]
    doubts = []
    inline = group.values.get(direction)
    hidden = isinstance(inline, list) and len(inline) != len(found)
    if isinstance(inline, Unknown) or hidden or group.uncertain(direction):
        doubts.append(Answer.unknown(f"{direction} of {group.address} is not known"))
    for rule in _every(
        group, "aws_security_group_rule", f"aws_vpc_security_group_{direction}_rule"
    ):
        kind = rule.value("type") if rule.type == "aws_security_group_rule" else direction
        if kind not in (direction, UNKNOWN):
            continue
        groups = pointed(rule, rule, "security_group_id", *GROUPS)
        if group.address in groups.names and kind is not UNKNOWN:
            found.append(Rule(rule, rule))
        elif group.address in groups.names or groups.unknown:
            doubts.append(Answer.unknown(f"which group {rule.address} is for is not known"))
    return found, doubts


def _unmanaged(groups: Pointed, *path: str) -> Iterator[Answer]:
    """Doubts about groups whose rules cannot be seen."""
    if groups.unknown:
        yield Answer.unknown("which security groups it has is not known", *path)
    for identifier in groups.ids:
        text = f"security group {identifier} is not managed here, so its rules are not known"
        yield Answer.unknown(text, *path)


class DatabaseReach(Policy):
    """Only the proxy connects to the database."""

    about = About(
        id="NEXUS_DATABASE_REACH",
        title="The database admits RDS Proxy only",
        severity=Severity.CRITICAL,
        why="Whatever else connects bypasses the pool, and a storm of workers exhausts "
        "max_connections again.",
        fact="A rule whose source is a security group admits the members of that group and "
        "nothing else; the VPC's default group, which an instance gets without one, admits all of "
        "its members (Amazon VPC User Guide, Security group rules and Default security groups).",
        fix="nexusctl admits the proxy alone; elsewhere let the one ingress rule of the database's "
        "security group have the proxy's group as its source and the database's port",
        resources=("aws_db_instance",),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every rule of every group admits a group of an `aws_db_proxy` to the database's port."""
        name = "vpc_security_group_ids"
        if resource.value(name) in (ABSENT, []):
            return Answer.failed(f"{name} is not set: the VPC's default group is used", name)
        groups = pointed(resource, resource, name, *GROUPS)
        proxies = _every(resource, "aws_db_proxy")
        allowed = sum((pointed(proxy, proxy, name, *GROUPS) for proxy in proxies), Pointed()).names
        port = resource.value("port")
        port = POSTGRESQL if port is ABSENT else port
        answers = [*_unmanaged(groups, name)]
        for group in groups.here:
            found, doubts = rules(group, "ingress")
            answers += doubts
            for rule in found:
                answers += [*rule.no_addresses(), *_only_from(rule, allowed), rule.only_port(port)]
        return _at(answers, "its security groups admit the proxy only", name)


def _only_from(rule: Rule, allowed: set[str]) -> Iterator[Answer]:
    """A rule's source is one of these security groups."""
    peers, lists = rule.peers(), rule.prefix_lists()
    own = rule.block.value("self")
    if lists.names:
        yield Answer.failed(f"{rule} admits a prefix list")
    if own is UNKNOWN or peers.unknown or lists.unknown:
        yield Answer.unknown(f"the source of {rule} is not known")
    elif own not in (ABSENT, False, "false"):
        yield Answer.failed(f"{rule} admits the group itself")
    for name in sorted(peers.names - allowed):
        yield Answer.failed(f"{rule} admits {name}, which is not the proxy's group")


def _at(answers: Iterable[Answer], otherwise: str, name: str) -> Answer:
    """The worst answer. Rules are other resources; its line is the one that names the groups."""
    answer = Answer.worst(answers, otherwise)
    return Answer(answer.decision, answer.message, answer.path or (name,))


class ProxyReach(Policy):
    """Security groups of clients connect to the proxy, and to nothing but its port."""

    about = About(
        id="NEXUS_PROXY_REACH",
        title="RDS Proxy admits security groups of clients on its port only",
        severity=Severity.HIGH,
        why="An address range admits everything that ever gets an address in it, not the workers "
        "and Lambda functions that were meant.",
        fact="Clients reach a proxy through the security groups of the proxy and of its endpoints, "
        "for PostgreSQL on port 5432 (RDS User Guide, Getting started with RDS Proxy). Without "
        "groups of its own it has the VPC's default one.",
        fix="nexusctl admits the workers and each of lambda_clients by security group; elsewhere "
        "name the source by referenced_security_group_id, with from_port and to_port 5432",
        resources=("aws_db_proxy", "aws_db_proxy_endpoint"),
    )

    def judge(self, resource: Resource) -> Answer:
        """No rule of its groups has an address or a prefix list, or is about another port."""
        name = "vpc_security_group_ids"
        if resource.value(name) in (ABSENT, []):
            return Answer.failed(f"{name} is not set: the VPC's default group is used", name)
        groups = pointed(resource, resource, name, *GROUPS)
        answers = [*_unmanaged(groups, name)]
        for group in groups.here:
            found, doubts = rules(group, "ingress")
            answers += doubts
            for rule in found:
                answers += [*rule.no_addresses(), rule.only_port(POSTGRESQL)]
                lists = rule.prefix_lists()
                if lists.names:
                    answers.append(Answer.failed(f"{rule} admits a prefix list"))
                elif lists.unknown:
                    answers.append(Answer.unknown(f"prefix lists of {rule} are not known"))
        return _at(answers, "its security groups admit security groups on 5432 only", name)


class WorkerReach(Policy):
    """Workers connect to the proxy and to AWS's own endpoints, and to nothing else."""

    about = About(
        id="NEXUS_WORKER_REACH",
        title="Workers reach RDS Proxy and AWS endpoints only",
        severity=Severity.HIGH,
        why="A worker that can reach the database goes round the pool, and one that can reach the "
        "internet can send customers' data there.",
        fact="AWS gives a new security group an egress rule to everywhere; Terraform removes it "
        "when it makes an aws_security_group, so what is not written is not allowed (provider "
        "documentation, aws_security_group). Only the VPC's default group keeps it.",
        fix="nexusctl writes these rules; elsewhere let egress lead to the proxy's security group "
        "on 5432, and to groups of interface endpoints or prefix lists of gateway endpoints on 443",
        resources=("aws_launch_template", "aws_instance", "aws_launch_configuration"),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every egress rule of every group is to a proxy on 5432, or to an endpoint on 443."""
        groups, answers = _groups_of_worker(resource)
        proxies = _groups_of(resource, "vpc_security_group_ids", *PROXIES)
        endpoints = _groups_of(resource, "security_group_ids", "aws_vpc_endpoint")
        answers += _unmanaged(groups)
        for group in groups.here:
            found, doubts = rules(group, "egress")
            answers += doubts
            for rule in found:
                answers += [*rule.no_addresses(), *_only_to(rule, proxies, endpoints)]
        return Answer.worst(answers, "its security groups lead to the proxy and endpoints only")


def _groups_of(resource: Resource, name: str, *types: str) -> set[str]:
    """The security groups of all resources of these types."""

    def groups() -> set[str]:
        every = _every(resource, *types)
        return sum((pointed(each, each, name, *GROUPS) for each in every), Pointed()).names

    return resource.subject.once((name, types), groups)


def _groups_of_worker(worker: Resource) -> tuple[Pointed, list[Answer]]:
    """The security groups of an instance or template, and what is wrong or unknown about them."""
    names = ("vpc_security_group_ids", "security_groups")
    interfaces: list[Block] = [*worker.blocks("network_interfaces")]
    groups, answers = Pointed(), []
    for block in [worker, *interfaces]:
        for name in names:
            groups += pointed(worker, block, name, *GROUPS)
    for attachment in worker.referring(
        "aws_network_interface_sg_attachment", "network_interface_id"
    ):
        groups += pointed(attachment, attachment, "security_group_id", *GROUPS)
    for name in ("security_group_names", "network_interface", "network_interfaces"):
        known = name == "network_interfaces" and worker.value(name) is not UNKNOWN
        if worker.uncertain(name) or not (known or worker.value(name) in (ABSENT, [])):
            answers.append(Answer.unknown(f"the security groups of {name} are not known", name))
    # An interface has the groups that it names, else the default one; so has the instance.
    for block in [] if answers else interfaces or [worker]:
        if all(block.value(name) in (ABSENT, []) for name in names):
            text = "no security group is named: the VPC's default group is used"
            answers.append(Answer.failed(text, *block.path))
    return groups, answers


def _only_to(rule: Rule, proxies: set[str], endpoints: set[str]) -> Iterator[Answer]:
    """A rule leads to a proxy's group on its port, or to AWS's endpoints on 443."""
    peers, lists = rule.peers(), rule.prefix_lists()
    own = rule.block.value("self")
    if own is UNKNOWN or peers.unknown:
        yield Answer.unknown(f"where {rule} leads to is not known")
    elif own not in (ABSENT, False, "false"):
        yield Answer.failed(f"{rule} leads to the workers themselves")
    for name in sorted(peers.names - proxies - endpoints):
        yield Answer.failed(f"{rule} leads to {name}, neither a proxy's group nor an endpoint's")
    if peers.names & proxies:
        yield rule.only_port(POSTGRESQL)
    # One that is made here holds what somebody wrote; AWS keeps those of its own services.
    for name in sorted({each.address for each in lists.here}):
        yield Answer.failed(f"{rule} leads to the addresses in {name}")
    if peers.names & endpoints or lists.ids or lists.unknown:
        yield rule.only_port(HTTPS)


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
    internet = pointed(resource, route, "gateway_id", "aws_internet_gateway")
    others = pointed(resource, route, "gateway_id", "aws_internet_gateway", "aws_vpn_gateway")
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
        "rules). Two halves such as 0.0.0.0/1 do the same; no private network is larger than /8 "
        "(RFC 1918).",
        fix="nexusctl writes no such rule; elsewhere admit a security group, or the addresses that "
        "are meant",
        resources=(
            "aws_security_group",
            "aws_default_security_group",
            "aws_security_group_rule",
            "aws_vpc_security_group_ingress_rule",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """No ingress is from a network larger than /8, written here or in a prefix list."""
        if resource.type in GROUPS:
            found = [Rule(resource, block) for block in resource.blocks("ingress")]
            written = resource.values.get("ingress")
            answers = []
            hidden = isinstance(written, list) and len(written) != len(found)
            if isinstance(written, Unknown) or hidden or resource.uncertain("ingress"):
                answers.append(Answer.unknown("ingress is not known", "ingress"))
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


def _narrow(address: Any, where: str, *path: str | int) -> Answer:
    """Whether a CIDR block is no larger than a private network can be."""
    if address is UNKNOWN:
        return Answer.unknown(f"{where} is not known", *path)
    try:
        network = ip_network(str(address), strict=False)
    except ValueError:
        return Answer.failed(f"{where} is no network", *path)
    if network.prefixlen < _LARGEST_NETWORK:
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
        if value is UNKNOWN or (name == "availability_zones" and UNKNOWN in value):
            return Answer.unknown(f"{name} is not known", name)
        if len(value) < _ZONES:
            return Answer.failed(f"{name} has one entry, not two", name)
        return _two_zones(pointed(resource, resource, name, "aws_subnet"), name)


_SUBNETS = {
    "aws_db_subnet_group": "subnet_ids",
    "aws_db_proxy": "vpc_subnet_ids",
    "aws_autoscaling_group": "vpc_zone_identifier",
}


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


database_reach = DatabaseReach()
proxy_reach = ProxyReach()
worker_reach = WorkerReach()
not_public = NotPublic()
private_subnets = PrivateSubnets()
no_internet_route = NoInternetRoute()
no_open_ingress = NoOpenIngress()
two_zones = TwoZones()
