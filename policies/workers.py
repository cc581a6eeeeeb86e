"""Workers keep their credentials to themselves, encrypt their disks, and may do little.

A launch template, a launch configuration and an instance say the same things in other places; an
account may have defaults of its own for what is not written, so all of it has to be written.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from nexusctl.configuration.values import Json, Partial, Unknown
from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Block, Policy, Resource
from nexusctl.policy.verdict import Severity

CONNECT = "rds-db:connect"

# What AWS's own policies may be attached to a worker: sessions and patches through Systems Manager,
# metrics and logs of the CloudWatch agent, traces, and pulling container images.
AWS_MANAGED = frozenset(
    {
        "AmazonSSMManagedInstanceCore",
        "CloudWatchAgentServerPolicy",
        "AWSXRayDaemonWriteAccess",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEC2ContainerRegistryReadOnly",
    }
)


class WorkerMetadata(Policy):
    """A worker's credentials can only be had by a process on the worker itself."""

    about = About(
        id="NEXUS_WORKER_METADATA",
        title="Workers use IMDSv2 with a hop limit of 1",
        severity=Severity.HIGH,
        why="With IMDSv1 one forged request through a worker reads the credentials that sign IAM "
        "tokens for the database.",
        fact="http_tokens = required turns IMDSv1 off, and a token answer with a hop limit of 1 "
        "does not leave the instance (EC2 User Guide, Configure the Instance Metadata Service "
        "options). What is not written follows the AMI and the account.",
        fix='nexusctl writes both; elsewhere set http_tokens = "required" and '
        "http_put_response_hop_limit = 1 in metadata_options",
        resources=("aws_launch_template", "aws_instance", "aws_launch_configuration"),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every `metadata_options` block says both."""
        name, answers = "metadata_options", []
        for block in resource.blocks(name):
            answers.append(block.answer("http_tokens", "required"))
            answers.append(block.answer("http_put_response_hop_limit", 1))
        if _unreadable(resource, name):
            answers.append(Answer.unknown(f"{name} is not known", name))
        elif not answers:
            return Answer.failed(f"no {name} block: the account's defaults decide", name)
        return Answer.worst(answers, "IMDSv2 is required, with a hop limit of 1")


class WorkerDisks(Policy):
    """Nothing that a worker writes to disk can be read without a key."""

    about = About(
        id="NEXUS_WORKER_DISKS",
        title="Workers' EBS volumes are encrypted",
        severity=Severity.HIGH,
        why="Rows that workers spill, log or dump stay on volumes and in their snapshots.",
        fact="A volume is encrypted if the mapping says so or if the account encrypts by default; "
        "else it is as the AMI's snapshot is, and Amazon Linux's is not encrypted (EBS User "
        "Guide, Amazon EBS encryption).",
        fix="nexusctl writes encrypted = true; elsewhere set it for the root volume and each other",
        resources=("aws_launch_template", "aws_instance", "aws_launch_configuration"),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every EBS volume has `encrypted = true`, and at least one is written."""
        if resource.type == "aws_launch_template":
            names = ["block_device_mappings", "block_device_mappings.ebs"]
            mappings = resource.blocks(names[0])
            volumes = [ebs for mapping in mappings for ebs in mapping.blocks("ebs")]
            doubtful = any(isinstance(each.values.get("ebs"), Unknown) for each in mappings)
        else:
            names = ["root_block_device", "ebs_block_device"]
            # The root volume is the one that there always is.
            volumes = resource.blocks(names[0])
            volumes += resource.blocks(names[1]) if volumes else []
            doubtful = False
        answers = [volume.answer("encrypted", True) for volume in volumes]
        if doubtful or any(_unreadable(resource, name) for name in names):
            answers.append(Answer.unknown(f"{names[0]} is not known", names[0]))
        elif not volumes:
            answers.append(Answer.failed(f"{names[0]} has no volume: the AMI decides", names[0]))
        return Answer.worst(answers, "all EBS volumes are encrypted")


def _unreadable(resource: Resource, block: str) -> bool:
    """Whether it is not known which blocks of that name there are."""
    return resource.uncertain(block) or isinstance(resource.values.get(block), Unknown)


class WorkerAddress(Policy):
    """Workers have private addresses only."""

    about = About(
        id="NEXUS_WORKER_ADDRESS",
        title="Workers have no public address",
        severity=Severity.HIGH,
        why="A worker with a public address can be reached, and can send data out, past the proxy "
        "and the endpoints.",
        fact="Where associate_public_ip_address is not written the subnet's "
        "MapPublicIpOnLaunch decides (EC2 User Guide, Public IPv4 addresses); an Elastic IP "
        "address is public by itself.",
        fix="nexusctl writes associate_public_ip_address = false; elsewhere set it on each network "
        "interface, or on the instance",
        resources=("aws_launch_template", "aws_instance", "aws_launch_configuration"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`associate_public_ip_address` is false on every network interface; no Elastic IP."""
        argument, answers = "associate_public_ip_address", []
        if resource.type == "aws_launch_template":
            name = "network_interfaces"
            answers += [each.answer(argument, False) for each in resource.blocks(name)]
            if _unreadable(resource, name):
                answers.append(Answer.unknown(f"{name} is not known", name))
            elif not answers:
                return Answer.failed(f"no {name} block: the subnet decides on the address", name)
        else:
            answers.append(resource.answer(argument, False))
        elastic = [
            *resource.referring("aws_eip", "instance"),
            *resource.referring("aws_eip_association", "instance_id"),
        ]
        answers += [Answer.failed(f"{each.address} gives it a public address") for each in elastic]
        return Answer.worst(answers, "it gets no public address")


class WorkerKeyPair(Policy):
    """Nobody signs in to a worker with a key of their own."""

    about = About(
        id="NEXUS_WORKER_KEY_PAIR",
        title="Workers have no SSH key pair",
        severity=Severity.MEDIUM,
        why="Whoever has the private key gets onto the workers, without IAM and without a trace in "
        "CloudTrail.",
        fact="A key pair's public key is put on the instance at launch and stays there; Session "
        "Manager needs none and logs its sessions (EC2 User Guide, Amazon EC2 key pairs; Systems "
        "Manager User Guide, Session Manager).",
        fix="nexusctl sets no key_name; elsewhere remove it and use aws ssm start-session",
        resources=("aws_launch_template", "aws_instance", "aws_launch_configuration"),
    )

    def judge(self, resource: Resource) -> Answer:
        """`key_name` is not set."""
        key = resource.value("key_name")
        if key is UNKNOWN:
            return Answer.unknown("key_name is not known", "key_name")
        if key is ABSENT:
            return Answer.passed("key_name is not set")
        return Answer.failed(f"key_name is {key}", "key_name")


# Roles and policies.


class WorkerRole(Policy):
    """A worker's role may do what workers do."""

    about = About(
        id="NEXUS_WORKER_ROLE",
        title="The workers' role has least privilege",
        severity=Severity.HIGH,
        why="Whoever gets onto one of the many workers has all that their role may do.",
        fact="An instance has the permissions of every policy of its role, inline or attached (IAM "
        "User Guide, Identity-based policies); AWS's *FullAccess policies allow a whole service on "
        "every resource.",
        fix="nexusctl attaches rds-db:connect and AmazonSSMManagedInstanceCore; elsewhere name the "
        "actions and resources that workers need",
        resources=("aws_launch_template", "aws_instance", "aws_launch_configuration"),
    )

    def judge(self, resource: Resource) -> Answer:
        """No policy of the role behind `iam_instance_profile` allows a service on everything."""
        name = "iam_instance_profile"
        if resource.value(name) in (ABSENT, []) and not resource.uncertain(name):
            return Answer.passed("it has no role")
        profiles = _pointed(resource, name, "aws_iam_instance_profile")
        if not profiles or resource.uncertain(name):
            return Answer.unknown(f"{name} leads to no instance profile made here", name)
        answers = []
        for profile in profiles:
            roles = _pointed(profile, "role", "aws_iam_role")
            if not roles:
                answers.append(Answer.unknown(f"the role of {profile.address} is not known", name))
            for role in roles:
                answers += _privileges(role)
        return Answer.worst(answers, "no policy of its role allows a whole service on everything")


def _pointed(resource: Resource, name: str, *types: str) -> list[Resource]:
    """All resources that an argument points at, or none where not all of them are known."""
    found = resource.refers_to(name, *types)
    if isinstance(resource.values.get(name), str):
        return found
    referred = [
        reference
        for path, references in resource.instance.references.items()
        if path[0] == name
        for reference in references
    ]
    known = all(any(_of(each, reference) for each in found) for reference in referred)
    return found if known else []


def _of(resource: Resource, reference: str) -> bool:
    declared = resource.instance.declared
    return reference == declared or reference.startswith(f"{declared}.")


# The resources that give a role a policy: the argument with the role, and that with the policies.
_GIVING = (
    ("aws_iam_role_policy", "role", "policy"),
    ("aws_iam_role_policy_attachment", "role", "policy_arn"),
    ("aws_iam_policy_attachment", "roles", "policy_arn"),
    ("aws_iam_role_policy_attachments_exclusive", "role_name", "policy_arns"),
)


def _privileges(role: Resource) -> Iterator[Answer]:
    """What is to be said of each policy of a role, however it got it."""
    if _unreadable(role, "inline_policy"):
        yield Answer.unknown(f"inline_policy of {role.address} is not known")
    for block in role.blocks("inline_policy"):
        yield from _allowed(block, f"inline_policy of {role.address}")
    yield from _attached(role, "managed_policy_arns")
    for kind, holder, policies in _GIVING:
        for other in role.of_type(kind):
            roles = {each.address for each in other.refers_to(holder, "aws_iam_role")}
            unknown = any(isinstance(each, Unknown) for each in _items(other.values.get(holder)))
            if role.address in roles and policies == "policy":
                yield from _allowed(other, other.address)
            elif role.address in roles:
                yield from _attached(other, policies)
            elif unknown and not _pointed(other, holder, "aws_iam_role"):
                yield Answer.unknown(f"which role {other.address} is for is not known")


def _attached(resource: Resource, name: str) -> Iterator[Answer]:
    """What is to be said of the policies that an argument names by ARN."""
    for item in _items(resource.values.get(name)):
        amazons = _AMAZONS.search(_text(item) or "")
        if amazons and amazons[1] not in AWS_MANAGED:
            yield Answer.failed(f"{resource.address} attaches {amazons[1]}")
        elif not amazons:
            policies = _pointed(resource, name, "aws_iam_policy")
            for policy in policies:
                yield from _allowed(policy, policy.address)
            if not policies:
                yield Answer.unknown(f"{name} of {resource.address} leads to no policy made here")


# The ARN of a policy of AWS's own, which has no account in it.
_AMAZONS = re.compile(r"^arn:[^:]+:iam::aws:policy/(?:.+/)?([^/$]+)$")


def _items(value: object) -> list[Any]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str | None:
    """A text with `${}` for each part that AWS will give, or None where a variable is in it."""
    if isinstance(value, Unknown):
        given = value.references
        if not given or any(re.search(r"(^|\.)var\.", each) for each in given):
            return None
        return value.text if isinstance(value, Partial) else "${}"
    return str(value)


def _allowed(block: Block, where: str) -> Iterator[Answer]:
    """Whether a policy document allows all of a service, or everything, on every resource."""
    statements = _statements(block)
    if statements is None:
        yield Answer.unknown(f"the policy of {where} is not known")
        return
    for statement in statements:
        actions = _any(_is_service(each) for each in _actions(statement))
        resources = _any(_is_everything(each) for each in _resources(statement))
        if actions is True and resources is True:
            yield Answer.failed(f"{where} allows a whole service on every resource")
        elif False not in (actions, resources):
            yield Answer.unknown(f"what {where} allows is not known")


def _statements(block: Block) -> list[Mapping[str, Any]] | None:
    """The statements of `policy` that allow something; None where they are not known."""
    value = block.values.get("policy")
    if isinstance(value, str):
        value = json.loads(value)
    document: Any = value.value if isinstance(value, Json) else value
    found = _items(document.get("Statement")) if isinstance(document, Mapping) else [document]
    if not all(isinstance(statement, Mapping) for statement in found):
        return None
    return [statement for statement in found if statement.get("Effect") != "Deny"]


def _actions(statement: Mapping[str, Any]) -> list[str | None]:
    """The patterns of actions; what NotAction leaves is as good as everything."""
    if "NotAction" in statement:
        return ["*"]
    return [_text(action) for action in _items(statement.get("Action"))]


def _resources(statement: Mapping[str, Any]) -> list[str | None]:
    """The patterns of resources; what NotResource leaves is as good as everything."""
    if "NotResource" in statement:
        return ["*"]
    return [_text(resource) for resource in _items(statement.get("Resource"))]


def _any(answers: Iterable[bool | None]) -> bool | None:
    """Whether one is true; None where that depends on one that is not known."""
    every = list(answers)
    return True if True in every else None if None in every else False


def _is_service(action: str | None) -> bool | None:
    """`*`, `service:*` and the like are whole services."""
    return None if action is None else bool(re.fullmatch(r"([^:]*:)?[*?]*\*[*?]*", action))


def _is_everything(resource: str | None) -> bool | None:
    """`*`, or an ARN that names nothing but a kind: `arn:aws:iam::*:role/*`.

    `${}` at the start is a whole ARN.
    """
    if resource is None or resource.startswith("${}"):
        return None if resource is None else False
    named = "".join(resource.split(":", 5)[5:])
    return not re.sub(r"^[a-z-]+[/:]", "", named).strip("*?")


class IamScope(Policy):
    """No policy gives a whole service away."""

    about = About(
        id="NEXUS_IAM_SCOPE",
        title="No IAM policy allows a whole service on every resource",
        severity=Severity.HIGH,
        why="Who gets hold of such a role reads every secret, or makes itself administrator.",
        fact="A wildcard in an ARN matches across accounts and regions: arn:aws:iam::*:role/* is "
        'every role, as "*" is (IAM User Guide, Resource element).',
        fix="name the actions and the resources; no policy of this stack needs a whole service",
        resources=(
            "aws_iam_policy",
            "aws_iam_role_policy",
            "aws_iam_user_policy",
            "aws_iam_group_policy",
            "aws_iam_role",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """No statement has `service:*`, or wider, on nothing but wildcards."""
        if resource.type != "aws_iam_role":
            return Answer.worst(_allowed(resource, resource.address), _NO_SERVICE)
        answers = [
            answer
            for block in resource.blocks("inline_policy")
            for answer in _allowed(block, f"inline_policy of {resource.address}")
        ]
        if _unreadable(resource, "inline_policy"):
            answers.append(Answer.unknown("inline_policy is not known", "inline_policy"))
        return Answer.worst(answers, _NO_SERVICE)


_NO_SERVICE = "no statement allows a whole service on every resource"


class ConnectScope(Policy):
    """Who may connect to the database may do so as one user through one proxy."""

    about = About(
        id="NEXUS_CONNECT_SCOPE",
        title="rds-db:connect is allowed for one user of one proxy at a time",
        severity=Severity.CRITICAL,
        why="With a wildcard a worker's token also opens the master user's session, and those of "
        "every other database in the account.",
        fact="rds-db:connect is allowed on arn:aws:rds-db:REGION:ACCOUNT:dbuser:RESOURCE_ID/USER; "
        "with * in their place it is allowed for every proxy and instance, or every user (RDS User "
        "Guide, Creating and using an IAM policy for IAM database access).",
        fix="nexusctl writes one policy for each of users; elsewhere name the proxy's prx- id and "
        "the user in Resource, and no wider action on *",
        resources=(
            "aws_iam_policy",
            "aws_iam_role_policy",
            "aws_iam_user_policy",
            "aws_iam_group_policy",
            "aws_iam_role",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every statement that allows it names its users, without a wildcard."""
        answers = []
        blocks: list[Block] = [resource]
        if resource.type == "aws_iam_role":
            blocks = [*resource.blocks("inline_policy")]
            if _unreadable(resource, "inline_policy"):
                answers.append(Answer.unknown("inline_policy is not known", "inline_policy"))
        for block in blocks:
            answers += _connects(block)
        return Answer.worst(
            answers, "rds-db:connect is allowed for named users only, or not at all"
        )


def _connects(block: Block) -> Iterator[Answer]:
    path = (*block.path, "policy")
    statements = _statements(block)
    if statements is None:
        yield Answer.unknown("policy is not known", *path)
        return
    for statement in statements:
        connects = _any(_matches(CONNECT, action) for action in _actions(statement))
        if _any(_matches(CONNECT, _text(each)) for each in _items(statement.get("NotAction"))):
            connects = False
        named = [_names_user(each) for each in _resources(statement)]
        if connects is True and False in named:
            yield Answer.failed(f"{CONNECT} is allowed for more than one named user", *path)
        elif connects is not False and not all(named):
            yield Answer.unknown(f"whom {CONNECT} is allowed for is not known", *path)


def _matches(action: str, pattern: str | None) -> bool | None:
    """Whether a pattern of actions has this one; case does not count."""
    return None if pattern is None else fnmatchcase(action, pattern.lower())


def _names_user(resource: str | None) -> bool | None:
    """Whether a pattern is about one database user, or about none; None where it is not known."""
    if resource is None or resource == "${}":
        return None
    service = [*resource.split(":"), "", "", ""][2]
    if service and not fnmatchcase("rds-db", service):
        return True
    return bool(_USER.fullmatch(resource))


_USER = re.compile(r"arn:[^:]+:rds-db:[^:]*:[^:]*:dbuser:[^:/*?]+/[^:/*?]+")


worker_metadata = WorkerMetadata()
worker_disks = WorkerDisks()
worker_address = WorkerAddress()
worker_key_pair = WorkerKeyPair()
worker_role = WorkerRole()
iam_scope = IamScope()
connect_scope = ConnectScope()
