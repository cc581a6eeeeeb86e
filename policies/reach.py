"""The database admits the proxy, the proxy its clients, and workers reach the proxy only."""

import re
from collections.abc import Iterable, Iterator, Mapping

from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Pointed, Policy, Resource
from nexusctl.policy.planned import has_unknown
from nexusctl.policy.security_groups import GROUPS, Rule, in_groups, rules
from nexusctl.policy.verdict import Severity

POSTGRESQL, HTTPS = 5432, 443
PROXIES = ("aws_db_proxy", "aws_db_proxy_endpoint")
DATABASES = ("aws_db_instance", "aws_rds_cluster")


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
        fix="nexusctl admits the proxy alone: a rule that is in no file was added in AWS, revoke "
        "it there; elsewhere let the one ingress rule of the database's security group have the "
        "proxy's group as its source and the database's port",
        resources=("aws_db_instance", "aws_rds_cluster"),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every rule of every group admits a group of an `aws_db_proxy` to the database's port."""
        name = "vpc_security_group_ids"
        if resource.value(name) in (ABSENT, []):
            return Answer.failed(f"{name} is not set: the VPC's default group is used", name)
        groups = resource.points_at(name, *GROUPS)
        allowed = in_groups(resource, name, "aws_db_proxy")
        port = resource.value("port")
        port = POSTGRESQL if port is ABSENT else port
        answers = [*_unmanaged(groups, name), *_data_api(resource)]
        for group in groups.here:
            found, doubts = rules(group, "ingress")
            answers += doubts
            for rule in found:
                answers += [*rule.no_addresses(), *_only_from(rule, allowed), rule.only_port(port)]
        return _at(answers, "its security groups admit the proxy only", name)


def _data_api(database: Resource) -> Iterator[Answer]:
    """Whether an Aurora cluster takes statements over AWS's API, past every security group."""
    name = "enable_http_endpoint"
    if database.value(name) is UNKNOWN:
        yield Answer.unknown(f"{name} is not known", name)
    elif database.value(name) not in (ABSENT, False, "false"):
        yield Answer.failed(f"{name} is true: the Data API reaches it past the proxy", name)


def _unmanaged(groups: Pointed, *path: str) -> Iterator[Answer]:
    """Doubts about groups whose rules cannot be seen."""
    if groups.unknown:
        yield Answer.unknown("which security groups it has is not known", *path)
    for identifier in groups.ids:
        text = f"security group {identifier} is not managed here, so its rules are not known"
        yield Answer.unknown(text, *path)


def _only_from(rule: Rule, allowed: Mapping[str, object]) -> Iterator[Answer]:
    """A rule's source is one of these security groups."""
    peers, lists = rule.peers(), rule.prefix_lists()
    own = rule.block.value("self")
    if lists.names:
        yield Answer.failed(f"{rule} admits a prefix list")
    if own is UNKNOWN or peers.unknown or lists.unknown:
        yield Answer.unknown(f"the source of {rule} is not known")
    elif own not in (ABSENT, False, "false"):
        yield Answer.failed(f"{rule} admits the group itself")
    for name in sorted(peers.names - allowed.keys()):
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
        groups = resource.points_at(name, *GROUPS)
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
        "documentation, aws_security_group). Only the VPC's default group keeps it. A network "
        "interface has all the groups that are attached to it (Amazon VPC User Guide, Security "
        "groups).",
        fix="nexusctl writes these rules; elsewhere let egress lead to the proxy's security group "
        "on 5432, and to groups of interface endpoints or prefix lists of gateway endpoints on 443",
        resources=(
            "aws_launch_template",
            "aws_instance",
            "aws_launch_configuration",
            "aws_spot_instance_request",
            "aws_network_interface",
            "aws_network_interface_attachment",
            "aws_network_interface_sg_attachment",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every egress rule of every group is to a proxy on 5432, or to an endpoint on 443."""
        groups, answers = _groups_of_worker(resource)
        proxies = _proxies(resource)
        databases = in_groups(resource, "vpc_security_group_ids", *DATABASES)
        endpoints = in_groups(resource, "security_group_ids", "aws_vpc_endpoint")
        answers += _unmanaged(groups)
        for name in sorted(groups.names & (proxies.keys() | databases.keys())):
            of = next(iter(proxies.get(name) or databases[name]))
            answers.append(Answer.failed(f"it has {name}, the security group of {of}"))
        for group in groups.here:
            found, doubts = rules(group, "egress")
            answers += doubts
            for rule in found:
                answers += [*rule.no_addresses(), *_only_to(rule, proxies, endpoints)]
        return Answer.worst(answers, "its security groups lead to the proxy and endpoints only")


def _proxies(resource: Resource) -> Mapping[str, list[str]]:
    """The proxies and endpoints of proxies that have each security group."""
    return in_groups(resource, "vpc_security_group_ids", *PROXIES)


# Where a machine or a network interface names its security groups.
_WORKER_GROUPS = (
    "vpc_security_group_ids",
    "security_groups",
    "security_group_id",  # of aws_network_interface_sg_attachment
)
# The blocks that give a machine a network interface, its own or one that is there already.
_INTERFACES = ("network_interfaces", "network_interface")


def _groups_of_worker(worker: Resource) -> tuple[Pointed, list[Answer]]:
    """The security groups of a machine or interface, and what is wrong or unknown about them."""
    if worker.type == "aws_network_interface_attachment":
        return Pointed(), [*_existing(worker, worker)]
    interfaces = [block for name in _INTERFACES for block in worker.blocks(name)]
    groups = Pointed()
    for block in [worker, *interfaces]:
        for name in _WORKER_GROUPS:
            groups += worker.points_at(name, *GROUPS, block=block)
    hidden = [
        name for name in _INTERFACES if worker.value(name) is UNKNOWN or worker.uncertain(name)
    ]
    if worker.value("security_group_names") not in (ABSENT, []):
        hidden.append("security_group_names")
    answers = [
        Answer.unknown(f"the security groups of {name} are not known", name) for name in hidden
    ]
    # An interface has the groups that it names, else the default one; so has the instance.
    bodies: list[Block] = [*interfaces]
    for block in [] if answers else bodies or [worker]:
        if block.value("network_interface_id") is not ABSENT and block is not worker:
            answers += _existing(worker, block)
        elif all(block.value(name) in (ABSENT, []) for name in _WORKER_GROUPS):
            text = "no security group is named: the VPC's default group is used"
            answers.append(Answer.failed(text, *block.path))
    return groups, answers


def _existing(worker: Resource, block: Block) -> Iterator[Answer]:
    """Doubts about an interface that is a resource of its own; one managed here is judged there."""
    name = "network_interface_id"
    if not worker.points_at(name, "aws_network_interface", block=block).all_here:
        text = f"{name} is not managed here: its security groups are not known"
        yield Answer.unknown(text, *block.path, name)


def _only_to(
    rule: Rule, proxies: Mapping[str, object], endpoints: Mapping[str, object]
) -> Iterator[Answer]:
    """A rule leads to a proxy's group on its port, or to AWS's endpoints on 443."""
    peers = rule.peers()
    own = rule.block.value("self")
    if own is UNKNOWN or peers.unknown:
        yield Answer.unknown(f"where {rule} leads to is not known")
    elif own not in (ABSENT, False, "false"):
        yield Answer.failed(f"{rule} leads to the workers themselves")
    for name in sorted(peers.names - proxies.keys() - endpoints.keys()):
        yield Answer.failed(f"{rule} leads to {name}, neither a proxy's group nor an endpoint's")
    if peers.names & proxies.keys():
        yield rule.only_port(POSTGRESQL)
    lists = rule.prefix_lists("aws_vpc_endpoint")
    yield from _of_services(rule, lists)
    if peers.names & endpoints.keys() or lists.names or lists.unknown:
        yield rule.only_port(HTTPS)


def _of_services(rule: Rule, lists: Pointed) -> Iterator[Answer]:
    """Prefix lists hold the addresses of AWS's services; what else is in one nobody knows."""
    for each in lists.here:
        if each.type == "aws_ec2_managed_prefix_list":
            yield Answer.failed(f"{rule} leads to the addresses in {each.address}")
    kinds = {_kind(each) for each in rule.prefix_lists_rest_on()}
    if kinds and kinds <= _SERVICES:
        return
    endpoints = rule.resource.of_type("aws_vpc_endpoint")
    known = {each.value("prefix_list_id") for each in endpoints} if lists.ids else set()
    for identifier in lists.ids:
        if identifier not in known and not _SERVICES_LIST.fullmatch(identifier):
            yield Answer.unknown(f"what is in prefix list {identifier} of {rule} is not known")
    if lists.unknown:
        yield Answer.unknown(f"which prefix list {rule} leads to is not known")


# What gives the prefix lists of AWS's services and no others.
_SERVICES = {"aws_vpc_endpoint", "data.aws_vpc_endpoint", "data.aws_prefix_list"}
# Customers have prefix lists since 2020, when ids had long had 17 digits: those of 8 are AWS's.
_SERVICES_LIST = re.compile("pl-[0-9a-f]{8}")


def _kind(reference: str) -> str:
    """The type of the resource in a reference, that of a data source after `data.`."""
    found = re.match(r"(?:module\.[\w-]+(?:\[[^]]*\])?\.)*((?:data\.)?[\w-]+)", reference)
    return found[1] if found else reference


class OwnGroups(Policy):
    """Who wears the proxy's security group is let into the database."""

    about = About(
        id="NEXUS_OWN_GROUPS",
        title="Nothing else has the security group of RDS Proxy or of the database",
        severity=Severity.CRITICAL,
        why="The database admits the proxy's security group: whatever else wears it connects past "
        "the pool, as if it were the proxy.",
        fact="A rule whose source is a security group admits every network interface that has the "
        "group, whatever the interface belongs to (Amazon VPC User Guide, Security group rules).",
        fix="nexusctl gives each its own group; elsewhere make a group for the client, and admit "
        "that to the proxy",
        resources=(
            "aws_apprunner_vpc_connector",
            "aws_batch_compute_environment",
            "aws_codebuild_project",
            "aws_dms_replication_instance",
            "aws_ecs_service",
            "aws_ecs_task_set",
            "aws_efs_mount_target",
            "aws_eks_cluster",
            "aws_elasticache_cluster",
            "aws_elasticache_replication_group",
            "aws_elb",
            "aws_glue_connection",
            "aws_glue_dev_endpoint",
            "aws_lambda_function",
            "aws_alb",
            "aws_lb",
            "aws_mwaa_environment",
            "aws_redshift_cluster",
            "aws_sagemaker_notebook_instance",
            "aws_scheduler_schedule",
            "aws_spot_fleet_request",
            "aws_vpc_endpoint",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """None of its groups is one of a proxy or a database of this root."""
        name = "vpc_security_group_ids"
        owners = {**in_groups(resource, name, *DATABASES), **_proxies(resource)}
        if not owners:
            return Answer.passed("there is no proxy and no database here")
        groups = Pointed()
        nested = [block for path in _GROUP_BLOCKS for block in resource.blocks(path)]
        for block in [resource, *nested]:
            for argument in _GROUP_ARGUMENTS:
                groups += resource.points_at(argument, *GROUPS, block=block)
        answers = [
            Answer.failed(f"it has {each}, the security group of {owners[each][0]}")
            for each in sorted(groups.names & owners.keys())
        ]
        hidden = any(resource.uncertain(block) for block in _GROUP_BLOCKS)
        if groups.unknown or hidden:
            answers.append(Answer.unknown("which security groups it has is not known"))
        return Answer.worst(answers, "it has no security group of a proxy or a database")


# Where such resources name their groups: by themselves, or in blocks, one in the other.
_GROUP_ARGUMENTS = (
    "security_groups",
    "security_group_ids",
    "vpc_security_group_ids",
    "security_group_id_list",
)
_GROUP_BLOCKS = (
    "vpc_config",
    "network_configuration",
    "compute_resources",
    "physical_connection_requirements",
    "launch_specification",
    "target.ecs_parameters.network_configuration",
)


class ProxyTarget(Policy):
    """The database behind the proxy is the one that was judged."""

    about = About(
        id="NEXUS_PROXY_TARGET",
        title="RDS Proxy leads to a database of this root",
        severity=Severity.HIGH,
        why="Workers would write customers' rows into a database that nobody here has looked at: "
        "its TLS, its backups and who else reaches it are not known.",
        fact="A target registers one instance or cluster by its identifier, whoever made it (RDS "
        "API, RegisterDBProxyTargets).",
        fix="nexusctl registers its own database; elsewhere let db_instance_identifier or "
        "db_cluster_identifier be that of an aws_db_instance or aws_rds_cluster of the root",
        resources=("aws_db_proxy_target",),
    )

    def judge(self, resource: Resource) -> Answer:
        """`db_instance_identifier` or `db_cluster_identifier` is that of a database made here."""
        found, given = Pointed(), []
        for name in ("db_instance_identifier", "db_cluster_identifier"):
            if resource.value(name) is not ABSENT:
                found, given = found + resource.points_at(name, *DATABASES), [*given, name]
        if found.all_here:
            return Answer.passed(f"{' and '.join(given)} is that of a database of this root")
        shown = ", ".join(found.ids) or "its database"
        text = f"{shown} is not managed here: what protects it is not known"
        return Answer.unknown(text, *given[:1])


class ClientProxy(Policy):
    """Whoever is told where to connect is told of the proxy."""

    about = About(
        id="NEXUS_CLIENT_PROXY",
        title="Clients are given the address of RDS Proxy, not the database's",
        severity=Severity.HIGH,
        why="A client with the database's address goes round the pool, as far as the network lets "
        "it, and a storm of them exhausts max_connections again.",
        fact="A proxy has an endpoint of its own; who connects to the instance's is not pooled "
        "(RDS User Guide, Connecting to a database through RDS Proxy).",
        fix="nexusctl gives workers the proxy's endpoint; elsewhere set PGHOST, DB_HOST and the "
        "like to the endpoint of the aws_db_proxy",
        resources=(
            "aws_launch_template",
            "aws_launch_configuration",
            "aws_instance",
            "aws_spot_instance_request",
            "aws_lambda_function",
            "aws_ecs_task_definition",
            "aws_batch_job_definition",
            "aws_ssm_association",
            "aws_ssm_document",
        ),
    )

    _TEXTS = (
        *("user_data", "user_data_base64", "environment", "container_definitions"),
        *("container_properties", "content", "parameters"),
    )

    def judge(self, resource: Resource) -> Answer:
        """Nothing that it runs or reads holds a database's address."""
        return Answer.worst(
            (answer for name in self._TEXTS for answer in _direct(resource, name)),
            "it is not given the address of a database of this root",
        )


def _direct(resource: Resource, name: str) -> Iterator[Answer]:
    """The addresses of databases in an argument: what it rests on, or, once known, its text."""
    value, texts = resource.values.get(name), f"{resource.values.get(name)} {resource.text(name)}"
    rests_on = sorted(resource.rests_on(name)) if has_unknown(value) else []
    for reference in rests_on:
        if _ADDRESS.search(reference):
            yield Answer.failed(f"{name} has {reference}: past the proxy", name)
    for database in resource.of_type(*DATABASES, "aws_rds_cluster_instance"):
        for address in map(database.value, ("address", "endpoint", "reader_endpoint")):
            if isinstance(address, str) and address in texts:
                yield Answer.failed(f"{name} has the address of {database.address}", name)
    # A plan does not tell what is in a local.
    if any(re.search(r"(^|\.)local\.", each) for each in rests_on):
        yield Answer.unknown(f"what {name} holds is not known", name)


_ADDRESS = re.compile(
    r"(?:^|\.)aws_(?:db_instance|rds_cluster|rds_cluster_instance)\."
    r"[^.]+\.(?:address|endpoint|reader_endpoint)$"
)


database_reach = DatabaseReach()
proxy_reach = ProxyReach()
worker_reach = WorkerReach()
own_groups = OwnGroups()
proxy_target = ProxyTarget()
client_proxy = ClientProxy()
