"""What a running database says of its max_connections, through AWS alone.

The parameter group has a number, or RDS's formula. What the formula came to is known to the proxy,
which reports its share of it (RDS User Guide, Monitoring RDS Proxy metrics: of the metric
MaxDatabaseConnectionsAllowed each of the proxy's hosts reports its part, every minute).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from nexusctl.aws.session import Session
from nexusctl.capacity.budget import Measured
from nexusctl.capacity.instance_classes import DEFAULT_FORMULA, evaluate, instance_class
from nexusctl.errors import AwsFailed

_MINUTE = 60
_RECENT = timedelta(minutes=15)


def measure(aws: Session, name: str) -> Measured:
    """max_connections of the database of that name, behind the proxy of the same name.

    Raises:
        AwsFailed: there is no such database, or its parameter is a formula nobody knows.
        EnvironmentInvalid: it is a formula, and nobody knows the memory of the instance's class.
    """
    rds = aws.client("rds")
    instance = _instance(rds, name)
    group = instance["DBParameterGroups"][0]["DBParameterGroupName"]
    parameter = _parameter(rds, group) or DEFAULT_FORMULA
    if parameter.isdecimal():
        return Measured(int(parameter), f"parameter group {group}")
    allowed = _allowed_to_proxy(aws.client("cloudwatch"), name)
    if allowed:
        percent = _pool_percent(rds, name)
        return Measured(
            round(allowed * 100 / percent),
            f"CloudWatch: the proxy may open {allowed} connections, which is {percent} %",
        )
    running = instance["DBInstanceClass"]
    try:
        estimate = evaluate(parameter, instance_class(running).available_bytes)
    except ValueError as error:
        raise AwsFailed(
            f"max_connections of the parameter group {group}: {error}",
            hint="ask the database (SHOW max_connections), and write what it says as "
            "database.measured_max_connections",
        ) from error
    return Measured(
        estimate,
        f"{parameter} of parameter group {group} on {running}; the proxy has not reported yet",
        exact=False,
    )


def _instance(rds: Any, name: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("DBInstanceNotFound", "DBInstanceNotFoundFault"):
            raise AwsFailed(
                f"there is no database {name}",
                hint="apply the environment first, or leave out --measure",
            ) from error
        raise
    instance: Mapping[str, Any] = found["DBInstances"][0]
    return instance


def _parameter(rds: Any, group: str) -> str | None:
    return next(
        (
            each.get("ParameterValue")
            for each in _parameters(rds, group)
            if each["ParameterName"] == "max_connections"
        ),
        None,
    )


def _parameters(rds: Any, group: str) -> Iterator[Mapping[str, Any]]:
    for page in rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group):
        yield from page["Parameters"]


def _allowed_to_proxy(cloudwatch: Any, name: str) -> int | None:
    """The last value reported, None if there was none of late."""
    now = datetime.now(UTC)
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="MaxDatabaseConnectionsAllowed",
        Dimensions=[{"Name": "ProxyName", "Value": name}],
        StartTime=now - _RECENT,
        EndTime=now,
        Period=_MINUTE,
        Statistics=["Sum"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return round(points[-1]["Sum"]) if points else None


def _pool_percent(rds: Any, name: str) -> int:
    groups = rds.describe_db_proxy_target_groups(DBProxyName=name)["TargetGroups"]
    return int(groups[0]["ConnectionPoolConfig"]["MaxConnectionsPercent"])
