"""Rules between settings: combinations that cannot work, each with the paths that take part.

A rule is a function whose parameters are the top-level settings it needs (and `environment`, the
environment's name), so that it can be judged although other settings are wrong.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from nexusctl.environment.model import (
    Alarms,
    Aws,
    Database,
    LambdaClient,
    Network,
    Proxy,
    Settings,
    State,
    User,
    Workers,
    minutes_of,
)
from nexusctl.environment.tree import ValuePath

# An IAM role's 64 characters less "-workers", the longest that the modules append.
NAME_LIMIT = 56
_WEEK = 7 * 1440
# EC2 Auto Scaling API, RefreshPreferences.
_REFRESH_RANGE = 100


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Values that exclude each other."""

    paths: tuple[ValuePath, ...]
    message: str
    hint: str


Found = Iterator[Contradiction]


def _name_length(project: str, environment: str) -> Found:
    name = f"{project}-{environment}"
    if len(name) > NAME_LIMIT:
        yield Contradiction(
            (("project",),),
            f"the name {name} has {len(name)} characters, and the names of resources that start "
            f"with it leave room for {NAME_LIMIT}",
            f"shorten project by {len(name) - NAME_LIMIT} characters",
        )


def _state_bucket(state: State) -> Found:
    if state.backend == "s3" and state.bucket is None:
        yield Contradiction(
            (("state", "bucket"), ("state", "backend")),
            "state.bucket is missing: the backend s3 needs it",
            "add bucket: NAME under state",
        )
    if state.backend == "local" and state.bucket is not None:
        yield Contradiction(
            (("state", "bucket"), ("state", "backend")),
            "state.bucket has no meaning for the backend local",
            "remove it (inherited: bucket: null), or write backend: s3",
        )


def _assumed_account(aws: Aws) -> Found:
    if aws.assume_role_arn and aws.assume_role_arn.split(":")[4] != aws.account_id:
        yield Contradiction(
            (("aws", "assume_role_arn"), ("aws", "account_id")),
            f"the role is not in the account {aws.account_id}",
            "name a role of aws.account_id, or correct the account",
        )


def _one_network(network: Network) -> Found:
    new = [name for name in ("cidr_block", "availability_zones") if getattr(network, name)]
    if network.interface_endpoints and not network.cidr_block:
        new.append("interface_endpoints")  # with cidr_block they may be the default
    existing = [name for name in ("vpc_id", "private_subnet_ids") if getattr(network, name)]
    if new and existing:
        yield Contradiction(
            tuple(("network", name) for name in (*existing, *new)),
            f"network describes both a new VPC ({', '.join(new)}) and an existing one "
            f"({', '.join(existing)})",
            "keep one; inherited values go with null (cidr_block, vpc_id) or [] (the lists)",
        )
        return
    for all_of, written in (
        (("vpc_id", "private_subnet_ids"), existing),
        (("cidr_block", "availability_zones"), new),
    ):
        missing = [name for name in all_of if name not in written]
        if written and missing:
            yield Contradiction(
                tuple(("network", name) for name in (missing[0], *written)),
                f"network.{missing[0]} is missing: {written[0]} needs it",
                f"add {missing[0]} under network",
            )
    if not new and not existing:
        yield Contradiction(
            (("network",),),
            "network describes no VPC",
            "add cidr_block and availability_zones for a new VPC, or vpc_id and "
            "private_subnet_ids for an existing one",
        )


def _zones_in_region(network: Network, aws: Aws) -> Found:
    for index, zone in enumerate(network.availability_zones):
        if zone[:-1] != aws.region:
            yield Contradiction(
                (("network", "availability_zones", index), ("aws", "region")),
                f"{zone} is not a zone of the region {aws.region}",
                f"name zones such as {aws.region}a",
            )


def _storage(database: Database) -> Found:
    # RDS User Guide, storage autoscaling: the threshold must be at least 10 % above the allocated.
    allocated, highest = database.allocated_storage_gib, database.max_allocated_storage_gib
    if highest and highest * 10 < allocated * 11:
        least = -(-allocated * 11 // 10)
        yield Contradiction(
            (("database", "max_allocated_storage_gib"), ("database", "allocated_storage_gib")),
            f"storage of {allocated} GiB cannot grow up to {highest} GiB: RDS wants 10 % more",
            f"write max_allocated_storage_gib: {least} or more, or 0 for storage that never grows",
        )


def _windows_apart(database: Database) -> Found:
    backup, backup_length = minutes_of(database.backup_window)
    maintenance, maintenance_length = minutes_of(database.maintenance_window)
    for day in range(7):
        after_start = (day * 1440 + backup - maintenance) % _WEEK
        if after_start < maintenance_length or after_start + backup_length > _WEEK:
            yield Contradiction(
                (("database", "backup_window"), ("database", "maintenance_window")),
                f"the backup window {database.backup_window} overlaps the maintenance window "
                f"{database.maintenance_window}: RDS refuses that",
                "move one of them",
            )
            return


def _tls_enforced(database: Database) -> Found:
    if database.parameters.get("rds.force_ssl", "1") != "1":
        yield Contradiction(
            (("database", "parameters", "rds.force_ssl"),),
            "rds.force_ssl is always 1: the database refuses connections without TLS",
            "remove it",
        )


def _idle_connections(proxy: Proxy) -> Found:
    pool = proxy.connection_pool
    if pool.max_idle_connections_percent > pool.max_connections_percent:
        path: ValuePath = ("proxy", "connection_pool")
        yield Contradiction(
            ((*path, "max_idle_connections_percent"), (*path, "max_connections_percent")),
            f"the pool cannot keep {pool.max_idle_connections_percent} % idle of at most "
            f"{pool.max_connections_percent} %",
            f"write max_idle_connections_percent: {pool.max_connections_percent} or less",
        )


def _usernames(users: Mapping[str, User], database: Database) -> Found:
    times = Counter(user.username for user in users.values())
    for key, user in users.items():
        if user.username == database.master_username:
            yield Contradiction(
                (("users", key, "username"), ("database", "master_username")),
                f"{user.username} is the master user: applications must not be it",
                "choose another username",
            )
        if times[user.username] > 1:
            yield Contradiction(
                tuple(
                    ("users", other, "username")
                    for other in sorted(users, key=lambda other: other != key)
                    if users[other].username == user.username
                ),
                f"{times[user.username]} users are called {user.username}: the proxy finds "
                "credentials by username",
                "give each its own username",
            )


def _rotation_functions(users: Mapping[str, User], aws: Aws) -> Found:
    for key, user in users.items():
        if user.rotation is None:
            continue
        path: ValuePath = ("users", key, "rotation", "function_arn")
        region, account = user.rotation.function_arn.split(":")[3:5]
        if region != aws.region:
            yield Contradiction(
                (path, ("aws", "region")),
                f"the function is not in the region {aws.region}, where the secret is",
                "name a function of that region",
            )
        if account != aws.account_id:
            yield Contradiction(
                (path, ("aws", "account_id")),
                f"the function is not in the account {aws.account_id}, where the secret is",
                "name a function of that account",
            )


def _unknown_user(path: ValuePath, user: str, users: Mapping[str, User]) -> Found:
    if user not in users:
        yield Contradiction(
            (path, ("users",)), f"there is no user {user}", f"write one of {', '.join(users)}"
        )


def _worker_user(workers: Workers, users: Mapping[str, User]) -> Found:
    return _unknown_user(("workers", "user"), workers.user, users)


def _group_size(workers: Workers) -> Found:
    if workers.min_size > workers.max_size:
        yield Contradiction(
            (("workers", "min_size"), ("workers", "max_size")),
            f"min_size {workers.min_size} is more than max_size {workers.max_size}",
            "lower min_size or raise max_size",
        )


def _refresh_range(workers: Workers) -> Found:
    refresh = workers.instance_refresh
    if refresh.max_healthy_percentage - refresh.min_healthy_percentage > _REFRESH_RANGE:
        path: ValuePath = ("workers", "instance_refresh")
        yield Contradiction(
            ((*path, "max_healthy_percentage"), (*path, "min_healthy_percentage")),
            f"max_healthy_percentage {refresh.max_healthy_percentage} is over {_REFRESH_RANGE} "
            f"more than min_healthy_percentage {refresh.min_healthy_percentage}",
            "bring them closer together",
        )


def _lambda_users(lambda_clients: tuple[LambdaClient, ...], users: Mapping[str, User]) -> Found:
    for index, client in enumerate(lambda_clients):
        yield from _unknown_user(("lambda_clients", index, "user"), client.user, users)


def _lambda_names(lambda_clients: tuple[LambdaClient, ...]) -> Found:
    first: dict[str, int] = {}
    for index, client in enumerate(lambda_clients):
        if first.setdefault(client.name, index) != index:
            yield Contradiction(
                (
                    ("lambda_clients", index, "name"),
                    ("lambda_clients", first[client.name], "name"),
                ),
                f"the function {client.name} is listed twice",
                "keep one of them",
            )


def _topics_in_region(alarms: Alarms, aws: Aws) -> Found:
    # CloudWatch User Guide: an alarm and the SNS topic it notifies are in the same region.
    for index, arn in enumerate(alarms.topic_arns):
        if arn.split(":")[3] != aws.region:
            yield Contradiction(
                (("alarms", "topic_arns", index), ("aws", "region")),
                f"the topic is not in the region {aws.region}, where the alarms are",
                "name a topic of that region",
            )


RULES: tuple[Callable[..., Found], ...] = (
    _name_length,
    _state_bucket,
    _assumed_account,
    _one_network,
    _zones_in_region,
    _storage,
    _windows_apart,
    _tls_enforced,
    _idle_connections,
    _usernames,
    _rotation_functions,
    _worker_user,
    _group_size,
    _refresh_range,
    _lambda_users,
    _lambda_names,
    _topics_in_region,
)


def contradictions(settings: Settings, environment: str, *, partial: bool) -> Found:
    """What the rules find. `partial` settings lack attributes; rules in need of them rest."""
    known = {**vars(settings), "environment": environment}
    for rule in RULES:
        needed = rule.__code__.co_varnames[: rule.__code__.co_argcount]
        if known.keys() >= set(needed):
            try:
                yield from list(rule(**{name: known[name] for name in needed}))
            except AttributeError:
                if not partial:
                    raise
