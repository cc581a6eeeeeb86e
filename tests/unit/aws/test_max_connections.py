"""What a running database has, asked of moto in this process."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from nexusctl.aws.max_connections import measure
from nexusctl.aws.session import session
from nexusctl.capacity.budget import Measured
from nexusctl.environment.model import Aws
from nexusctl.errors import AwsFailed, Refused

NAME = "keystone-nexus-prod"
REGION = "eu-central-1"
AWS = Aws(region=REGION, account_id=DEFAULT_ACCOUNT_ID, assume_role_arn=None, profile=None)
NO_CREDENTIALS = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


@pytest.fixture
def rds() -> Iterator[Any]:
    """RDS with a parameter group, a database and a proxy of one name, as an apply leaves them."""
    with mock_aws():
        client: Any = boto3.client("rds", region_name=REGION)
        client.create_db_parameter_group(
            DBParameterGroupName=NAME, DBParameterGroupFamily="postgres16", Description="x"
        )
        client.create_db_instance(
            DBInstanceIdentifier=NAME,
            DBInstanceClass="db.r6g.xlarge",
            Engine="postgres",
            DBParameterGroupName=NAME,
        )
        yield client


def set_parameter(rds: Any, value: str) -> None:
    rds.modify_db_parameter_group(
        DBParameterGroupName=NAME,
        Parameters=[
            {
                "ParameterName": "max_connections",
                "ParameterValue": value,
                "ApplyMethod": "pending-reboot",
            }
        ],
    )


def report(allowed: int) -> None:
    cloudwatch: Any = boto3.client("cloudwatch", region_name=REGION)
    cloudwatch.put_metric_data(
        Namespace="AWS/RDS",
        MetricData=[
            {
                "MetricName": "MaxDatabaseConnectionsAllowed",
                "Dimensions": [{"Name": "ProxyName", "Value": NAME}],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=2),
                "Value": allowed,
            }
        ],
    )


def make_proxy(rds: Any, percent: int) -> None:
    ec2: Any = boto3.client("ec2", region_name=REGION)
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"][:2]]
    rds.create_db_proxy(
        DBProxyName=NAME,
        EngineFamily="POSTGRESQL",
        Auth=[{"AuthScheme": "SECRETS", "SecretArn": "arn:aws:secretsmanager:x:1:secret:y"}],
        RoleArn=f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/proxy",
        VpcSubnetIds=subnets,
    )
    rds.modify_db_proxy_target_group(
        DBProxyName=NAME,
        TargetGroupName="default",
        ConnectionPoolConfig={"MaxConnectionsPercent": percent},
    )


def measured() -> Measured:
    with session(AWS, os.environ) as aws:
        return measure(aws, NAME)


def test_a_number_in_the_parameter_group(rds: Any) -> None:
    set_parameter(rds, "750")
    assert measured() == Measured(750, f"parameter group {NAME}")


def test_a_formula_and_what_the_proxy_says_it_came_to(rds: Any) -> None:
    set_parameter(rds, "LEAST({DBInstanceClassMemory/9531392},5000)")
    make_proxy(rds, 70)
    report(2438)
    found = measured()
    assert found.max_connections == 3483
    assert found.exact
    assert "2438 connections, which is 70 %" in found.origin


def test_a_formula_alone_is_an_estimate(rds: Any) -> None:
    set_parameter(rds, "{DBInstanceClassMemory/12582880}")
    found = measured()
    assert not found.exact
    assert 2500 < found.max_connections < 2731
    assert "on db.r6g.xlarge; the proxy has not reported yet" in found.origin


def test_without_a_parameter_it_is_the_formula_of_rds(rds: Any) -> None:
    found = measured()
    assert not found.exact
    assert found.max_connections == 3486


def test_a_formula_that_nobody_knows(rds: Any) -> None:
    set_parameter(rds, "SUM({DBInstanceClassMemory/9531392},10)")
    with pytest.raises(AwsFailed, match="no formula") as error:
        measured()
    assert "measured_max_connections" in (error.value.hint or "")


def test_there_is_no_database() -> None:
    with mock_aws(), pytest.raises(AwsFailed, match=f"there is no database {NAME}") as error:
        measured()
    assert error.value.exit_code == 7


def test_another_account(rds: Any) -> None:
    elsewhere = AWS.model_copy(update={"account_id": "444455556666"})
    with pytest.raises(Refused, match="444455556666"), session(elsewhere, os.environ):
        pass


def test_a_role_is_assumed(rds: Any) -> None:
    role = AWS.model_copy(
        update={"assume_role_arn": f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/deploy"}
    )
    with session(role, os.environ) as aws:
        arn = aws.client("sts").get_caller_identity()["Arn"]
    assert arn.endswith(":assumed-role/deploy/nexusctl")


def test_without_credentials() -> None:
    with pytest.raises(AwsFailed, match="credentials") as error, session(AWS, NO_CREDENTIALS):
        pass
    assert "--sandbox" in (error.value.hint or "")


def test_aws_out_of_reach() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_MAX_ATTEMPTS": "1"}
    nowhere = NO_CREDENTIALS | keys | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with pytest.raises(AwsFailed, match="Could not connect"), session(AWS, nowhere):
        pass


def test_a_profile_that_does_not_exist() -> None:
    unknown = AWS.model_copy(update={"profile": "nobody"})
    with pytest.raises(AwsFailed, match="nobody"), session(unknown, NO_CREDENTIALS):
        pass


def test_the_process_environment_is_as_it_was(rds: Any) -> None:
    before = dict(os.environ)
    measured()
    with pytest.raises(AwsFailed), session(AWS, NO_CREDENTIALS):
        pass
    assert dict(os.environ) == before
