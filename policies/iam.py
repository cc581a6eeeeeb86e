"""Roles and users may do little: what they need, on what is theirs."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from nexusctl.configuration.values import Unknown
from nexusctl.policy.check import ABSENT, About, Answer, Block, Pointed, Policy, Resource
from nexusctl.policy.iam import any_of, attached, given, items, statements, text
from nexusctl.policy.verdict import Severity

CONNECT = "rds-db:connect"
READ_SECRET = "secretsmanager:getsecretvalue"  # noqa: S105 - an action, in lower case
SECRET = "aws_secretsmanager_secret"  # noqa: S105 - a resource type

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


class WorkerRole(Policy):
    """A worker's role may do what workers do."""

    about = About(
        id="NEXUS_WORKER_ROLE",
        title="The workers' role has least privilege",
        severity=Severity.HIGH,
        why="Whoever gets onto one of the many workers has all that their role may do.",
        fact="An instance has the permissions of every policy of its role, inline or attached (IAM "
        "User Guide, Identity-based policies); AWS's *FullAccess policies allow a whole service on "
        "every resource. Who writes IAM policies or passes roles is administrator, and in place of "
        "a password an IAM token opens the database (IAM User Guide, Granting permissions to pass "
        "a role; RDS User Guide, IAM database authentication).",
        fix="nexusctl attaches rds-db:connect and AmazonSSMManagedInstanceCore; elsewhere name the "
        "actions and resources that workers need: no secret of the database, no state, only "
        "reading of IAM and RDS, and of EC2, KMS, S3, Secrets Manager, SSM and STS what is theirs",
        resources=(
            "aws_launch_template",
            "aws_instance",
            "aws_launch_configuration",
            "aws_spot_instance_request",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """The role behind `iam_instance_profile` is EC2's, and allows workers' actions only."""
        name = "iam_instance_profile"
        if resource.value(name) in (ABSENT, []) and not resource.uncertain(name):
            return Answer.passed("it has no role")
        profiles = resource.points_at(name, "aws_iam_instance_profile")
        if not profiles.all_here or resource.uncertain(name):
            return Answer.unknown(f"{name} leads to no instance profile made here", name)
        answers = []
        for profile in profiles.here:
            roles = profile.points_at("role", "aws_iam_role")
            if not roles.all_here:
                answers.append(Answer.unknown(f"the role of {profile.address} is not known", name))
            for role in roles.here:
                answers += [*_trusted(role), *_privileges(role)]
        return Answer.worst(answers, "its role may do what workers do")


def _trusted(role: Resource) -> Iterator[Answer]:
    """Whether a whole account may take the role, without a condition such as an external id."""
    name = "assume_role_policy"
    allowing = [] if role.value(name) is ABSENT else statements(role, name)
    if allowing is None:
        yield Answer.unknown(f"{name} of {role.address} is not known")
    for statement in allowing or ():
        principal = statement.get("Principal")
        named = principal.get("AWS") if isinstance(principal, Mapping) else principal
        for each in items(named) if not statement.get("Condition") else ():
            who = text(each)
            if who is None:
                yield Answer.unknown(f"whom {name} of {role.address} lets in is not known")
            elif _ACCOUNT.fullmatch(who):
                yield Answer.failed(f"{role.address} can be taken by all of account {who}")


_ACCOUNT = re.compile(r"\*|[0-9]{12}|arn:[^:]+:iam::[^:]*:root")


def _privileges(role: Resource) -> Iterator[Answer]:
    """What is to be said of each policy of a role, however it got it."""
    if role.uncertain("inline_policy"):
        yield Answer.unknown(f"inline_policy of {role.address} is not known")
    for block in role.blocks("inline_policy"):
        yield from _workers(role, block, f"inline_policy of {role.address}")
    yield from _attached(role, "managed_policy_arns")
    others = given(role)
    for other, name in others.by_role.get(role.address, ()):
        if name == "policy":
            yield from _workers(other, other, other.address)
        else:
            yield from _attached(other, name)
    for address in others.anybody:
        yield Answer.unknown(f"which role {address} is for is not known")


def _attached(resource: Resource, name: str) -> Iterator[Answer]:
    """What is to be said of the policies that an argument names by ARN."""
    for each in attached(resource, name):
        for policy in each.policy.here:
            yield from _workers(policy, policy, policy.address)
        if each.amazons and each.amazons not in AWS_MANAGED:
            yield Answer.failed(f"{resource.address} attaches {each.amazons}")
        elif not each.amazons and not each.policy.all_here:
            yield Answer.unknown(f"{name} of {resource.address} leads to no policy made here")


# All that a worker may do of some services, by how the actions begin. Everything else of them it
# may not do whatever the resource is: write IAM, change or delete databases and keys, or go past
# the proxy by the Data API.
_ONLY: Mapping[str, tuple[str, ...]] = {
    "iam": ("get", "list"),
    "kms": ("decrypt", "describe", "encrypt", "generate", "get", "list", "reencrypt", "verify"),
    "organizations": ("describe", "list"),
    "rds": ("describe", "list"),
    "rds-data": (),
}
# All that it may do of further services where the resource is not named: everything else reads or
# changes what others own.
_ON_EVERYTHING: Mapping[str, tuple[str, ...]] = {
    "ec2": ("describe", "get"),
    "kms": ("describe", "generaterandom", "list"),
    "s3": ("getaccount", "listallmybuckets"),
    "secretsmanager": ("describe", "getrandompassword", "list"),
    "ssm": ("describe", "get", "list", "putcompliance", "putconfigure", "putinventory", "update"),
    "sts": ("decode", "getcalleridentity", "getsession"),
}


def _workers(resource: Resource, block: Block, where: str) -> Iterator[Answer]:
    """Whether a policy document of a resource allows more than workers do."""
    answers = list(_allowed(block, where))
    yield from answers
    for statement in statements(block) or () if not answers else ():
        resources = _resources(statement)
        everything = any_of(_is_everything(each) for each in resources)
        for action in _actions(statement):
            if action is None:
                yield Answer.unknown(f"what {where} allows is not known")
            elif _beyond(action, _ONLY, resources):
                yield Answer.failed(f"{where} allows {action}, which no worker needs")
            elif everything is not False and _beyond(action, _ON_EVERYTHING, resources):
                found = Answer.failed if everything else Answer.unknown
                yield found(f"{where} allows {action} on every resource")
        yield from _opens(resource, statement, where)


def _beyond(
    action: str, services: Mapping[str, tuple[str, ...]], resources: list[str | None]
) -> bool:
    """Whether a pattern of actions has more of one of these services than what is listed."""
    service, _, name = action.lower().partition(":")
    for each, listed in services.items():
        # `*` is about the services of the resources: `*` on a bucket does not write IAM.
        about = service == each or (
            fnmatchcase(each, service) and any(_service(one) in (each, "*") for one in resources)
        )
        if about and not name.startswith(listed):
            return True
    return False


def _service(resource: str | None) -> str:
    """The service in an ARN, `*` where it is every one's, or "" where it is not known."""
    if resource is not None and not resource.strip("*?"):
        return "*"
    return [*(resource or "").split(":"), "", "", ""][2]


def _opens(resource: Resource, statement: Mapping[str, Any], where: str) -> Iterator[Answer]:
    """Whether a statement reads a password of the database, or touches the state."""
    actions = _actions(statement)
    if any(_matches(READ_SECRET, each) for each in actions):
        for each in items(statement.get("Resource")):
            if _is_of_database(resource, each):
                yield Answer.failed(f"{where} opens a secret of the database: workers use IAM")
    if any(each and fnmatchcase("s3", each.lower().partition(":")[0]) for each in actions):
        for backend in resource.subject.of_type("backend.s3"):
            bucket = str(backend.values.get("bucket"))
            patterns = [
                (each or "").partition(":::")[2].split("/")[0] for each in _resources(statement)
            ]
            if any(fnmatchcase(bucket, pattern) for pattern in patterns):
                yield Answer.failed(f"{where} opens {bucket}, the bucket of the state")


def _is_of_database(resource: Resource, arn: object) -> bool:
    """Whether an ARN is that of a master user's secret, or of one that a proxy signs in with."""
    shown = text(arn) or ""
    of = arn.references if isinstance(arn, Unknown) else frozenset[str]()
    # RDS itself gives these names to the secrets that it manages.
    if ":secret:rds!" in shown or any(".master_user_secret" in one for one in of):
        return True
    secret = Block({"Resource": arn}, ())
    pointed = resource.points_at("Resource", SECRET, block=secret)
    secrets = _secrets_of_proxies(resource)
    if not pointed.names.isdisjoint(secrets.names):
        return True
    pattern = shown.partition(":secret:")[2]
    # Secrets Manager ends an ARN with six characters of its own.
    names = [each.value("name") for each in secrets.here]
    return any(fnmatchcase(f"{name}-abcdef", pattern) for name in names if isinstance(name, str))


def _secrets_of_proxies(resource: Resource) -> Pointed:
    def found() -> Pointed:
        proxies = (
            Resource.of(each, resource.subject) for each in resource.subject.of_type("aws_db_proxy")
        )
        auths = ((proxy, auth) for proxy in proxies for auth in proxy.blocks("auth"))
        return sum(
            (proxy.points_at("secret_arn", SECRET, block=auth) for proxy, auth in auths), Pointed()
        )

    return resource.subject.once("secrets of proxies", found)


def _allowed(block: Block, where: str) -> Iterator[Answer]:
    """Whether a policy document allows all of a service, or everything, on every resource."""
    allowing = statements(block)
    if allowing is None:
        yield Answer.unknown(f"the policy of {where} is not known")
        return
    for statement in allowing:
        actions = any_of(_is_service(each) for each in _actions(statement))
        resources = any_of(_is_everything(each) for each in _resources(statement))
        if actions is True and resources is True:
            yield Answer.failed(f"{where} allows a whole service on every resource")
        elif False not in (actions, resources):
            yield Answer.unknown(f"what {where} allows is not known")


def _actions(statement: Mapping[str, Any]) -> list[str | None]:
    """The patterns of actions; what NotAction leaves is as good as everything."""
    if "NotAction" in statement:
        return ["*"]
    return [text(action) for action in items(statement.get("Action"))]


def _resources(statement: Mapping[str, Any]) -> list[str | None]:
    """The patterns of resources; what NotResource leaves is as good as everything."""
    if "NotResource" in statement:
        return ["*"]
    return [text(resource) for resource in items(statement.get("Resource"))]


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
    # What stands first in an ARN of S3 is no kind but the bucket.
    kind = "" if _service(resource) == "s3" else r"^[a-z-]+[/:]"
    return not re.sub(kind, "", named).strip("*?/:")


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
        if resource.uncertain("inline_policy"):
            answers.append(Answer.unknown("inline_policy is not known", "inline_policy"))
        return Answer.worst(answers, _NO_SERVICE)


_NO_SERVICE = "no statement allows a whole service on every resource"


class ManagedPolicies(Policy):
    """Nobody is made an administrator by a policy of AWS's own."""

    about = About(
        id="NEXUS_MANAGED_POLICIES",
        title="Nobody has an AWS managed policy that allows a whole service",
        severity=Severity.HIGH,
        why="Who gets hold of such a user or role reads every secret, deletes the database, or "
        "makes itself administrator.",
        fact="AdministratorAccess, PowerUserAccess, the *FullAccess policies and those of "
        "administrators' job functions allow all of a service, or of every service, on every "
        "resource; SecretsManagerReadWrite reads every secret (AWS Managed Policy Reference).",
        fix="nexusctl attaches AmazonSSMManagedInstanceCore alone; elsewhere write an "
        "aws_iam_policy that names the actions and the resources",
        resources=(
            "aws_iam_group_policy_attachment",
            "aws_iam_group_policy_attachments_exclusive",
            "aws_iam_policy_attachment",
            "aws_iam_role",
            "aws_iam_role_policy_attachment",
            "aws_iam_role_policy_attachments_exclusive",
            "aws_iam_user_policy_attachment",
            "aws_iam_user_policy_attachments_exclusive",
            "aws_ssoadmin_managed_policy_attachment",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """No ARN of a policy is that of such a one. What is in those made here is judged there."""
        answers = []
        for name in ("policy_arn", "policy_arns", "managed_policy_arns", "managed_policy_arn"):
            for each in attached(resource, name):
                if each.amazons and _BROAD.search(each.amazons):
                    answers.append(Answer.failed(f"{name} is that of {each.amazons}", name))
                elif each.amazons == "" or each.policy.unknown:
                    answers.append(Answer.unknown(f"{name} is not known", name))
        return Answer.worst(answers, "it attaches no such policy")


# A *FullAccess policy may have a version or a part of the service behind its name.
_BROAD = re.compile(
    r"FullAccess|^AdministratorAccess|^PowerUserAccess$|^SecretsManagerReadWrite$"
    r"|^(Database|Network|System)Administrator$"
)


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
            if resource.uncertain("inline_policy"):
                answers.append(Answer.unknown("inline_policy is not known", "inline_policy"))
        for block in blocks:
            answers += _connects(block)
        return Answer.worst(
            answers, "rds-db:connect is allowed for named users only, or not at all"
        )


def _connects(block: Block) -> Iterator[Answer]:
    path = (*block.path, "policy")
    allowing = statements(block)
    if allowing is None:
        yield Answer.unknown("policy is not known", *path)
        return
    for statement in allowing:
        connects = any_of(_matches(CONNECT, action) for action in _actions(statement))
        if any_of(_matches(CONNECT, text(each)) for each in items(statement.get("NotAction"))):
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


worker_role = WorkerRole()
iam_scope = IamScope()
managed_policies = ManagedPolicies()
connect_scope = ConnectScope()
