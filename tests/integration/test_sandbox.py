"""The sandbox's server, as real processes. Every server a test starts is stopped by it."""

import base64
import fcntl
import os
import shutil
import signal
import socket
import stat
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from nexusctl.errors import ToolUnfit
from nexusctl.sandbox.prerequisites import Prerequisites
from nexusctl.sandbox.record import Files, Record, access_key_id, is_locked, locked
from nexusctl.sandbox.sandbox import Lost, Running, Sandbox, Stopped

ACCOUNT = "011122223333"  # an account id may begin with 0
OTHER_ACCOUNT = "444455556666"
REGION = "eu-central-1"

Client = Callable[..., Any]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of its own, without a server as yet."""
    sandbox = Sandbox(tmp_path / "sandbox")
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose server runs for the whole module: for tests of what AWS answers."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    sandbox.ensure_running()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def client(shared: Sandbox) -> Client:
    """Makes boto3 clients for the emptied shared sandbox."""
    shared.reset()
    return lambda service, account=ACCOUNT: aws(shared, service, account)


def aws(sandbox: Sandbox, service: str, account: str = ACCOUNT, **credentials: str) -> Any:
    running = sandbox.status()
    assert isinstance(running, Running)
    make: Any = boto3.client  # its stubs want the name of a service, not any str
    return make(
        service,
        region_name=REGION,
        endpoint_url=running.endpoint,
        aws_access_key_id=credentials.get("AccessKeyId", access_key_id(account)),
        aws_secret_access_key=credentials.get("SecretAccessKey", "any"),
        aws_session_token=credentials.get("SessionToken"),
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def test_starts_survives_the_commands_and_stops(sandbox: Sandbox, tmp_path: Path) -> None:
    assert sandbox.status() == Stopped()
    first = sandbox.ensure_running()
    assert first.fresh
    assert first.lost is None
    aws(sandbox, "s3").create_bucket(
        Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION}
    )

    again = Sandbox(tmp_path / "sandbox").ensure_running()  # another command, later

    assert (again.endpoint, again.pid, again.fresh) == (first.endpoint, first.pid, False)
    assert [each["Name"] for each in aws(sandbox, "s3").list_buckets()["Buckets"]] == ["kept"]
    assert os.getsid(first.pid) != os.getsid(0)
    before = sandbox.stop()
    assert isinstance(before, Running)
    assert before.pid == first.pid
    assert sandbox.status() == Stopped()
    assert not is_locked(Files(tmp_path / "sandbox").alive)
    assert sandbox.stop() == Stopped()


def test_commands_that_start_at_once_share_one_server(sandbox: Sandbox, tmp_path: Path) -> None:
    started: list[Running] = []

    def start() -> None:
        started.append(Sandbox(tmp_path / "sandbox").ensure_running())

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({each.pid for each in started}) == 1
    assert sorted(each.fresh for each in started) == [False, False, False, True]


def test_a_server_that_was_killed_is_reported_once(sandbox: Sandbox, tmp_path: Path) -> None:
    pid = sandbox.ensure_running().pid
    os.kill(pid, signal.SIGKILL)
    with locked(Files(tmp_path / "sandbox").alive):  # waits until it is dead
        pass

    lost = sandbox.status()
    assert isinstance(lost, Lost)
    assert lost.pid == pid
    with pytest.raises(ToolUnfit, match="does not run"):
        sandbox.reset()

    fresh = sandbox.ensure_running()
    assert fresh.fresh
    assert fresh.pid != pid
    assert fresh.lost == lost
    assert sandbox.ensure_running().lost is None


def test_stopping_what_was_killed_touches_no_process(sandbox: Sandbox, tmp_path: Path) -> None:
    # The pid of a dead server may belong to anybody by now: to this test, for one.
    files = Files(tmp_path / "sandbox")
    files.directory.mkdir()
    files.write_record(Record(os.getpid(), 1, "2026-01-01T00:00:00+00:00", "token"))

    before = sandbox.stop()

    assert isinstance(before, Lost)
    assert before.pid == os.getpid()
    assert sandbox.status() == Stopped()


def test_a_server_whose_directory_is_removed_ends(tmp_path: Path) -> None:
    running = Sandbox(tmp_path / "sandbox").ensure_running()
    alive = os.open(tmp_path / "sandbox" / "server.lock", os.O_RDONLY)
    try:
        shutil.rmtree(tmp_path / "sandbox")
        fcntl.flock(alive, fcntl.LOCK_EX)  # waits until it has ended
    finally:
        os.close(alive)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(running.endpoint.rsplit(":", 1)[1])))


def test_stop_refuses_when_somebody_else_answers(shared: Sandbox) -> None:
    files = Files(shared.log.parent)
    record = files.read_record()
    assert record is not None
    files.write_record(replace(record, token="another"))
    with pytest.raises(ToolUnfit, match="refused 'identity': 403"):
        shared.stop()
    files.write_record(replace(record, pid=os.getpid()))
    with pytest.raises(ToolUnfit, match="is not what answers"):
        shared.stop()
    files.write_record(record)
    assert isinstance(shared.status(), Running)


def test_only_this_machine_and_this_user_reach_it(shared: Sandbox) -> None:
    running = shared.status()
    assert isinstance(running, Running)
    port = int(running.endpoint.rsplit(":", 1)[1])
    assert running.endpoint == f"http://127.0.0.1:{port}"
    for host in ("127.0.0.2", "::1"):  # a server on all addresses would answer here too
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as other, pytest.raises(OSError, match=r"refused|assign|avail"):
            other.connect((host, port))
    directory = shared.log.parent
    for file in directory.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    for path in ("/_nexusctl/reset", "/moto-api/reset"):
        with pytest.raises(urllib.error.HTTPError, match=r"403|404") as refused:
            urllib.request.urlopen(running.endpoint + path, data=b"")
        refused.value.close()


def test_an_answer_comes_in_one_piece(shared: Sandbox) -> None:
    running = shared.status()
    assert isinstance(running, Running)
    address = urlsplit(running.endpoint)
    for _ in range(30):
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: sts.amazonaws.com\r\n\r\n")
            assert b"</" in connection.recv(65536).partition(b"\r\n\r\n")[2]


def test_accounts_do_not_see_each_other(client: Client, shared: Sandbox) -> None:
    for account in (ACCOUNT, OTHER_ACCOUNT):
        assert client("sts", account).get_caller_identity()["Account"] == account
        client("s3", account).create_bucket(
            Bucket=f"of-{account}", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    for account in (ACCOUNT, OTHER_ACCOUNT):
        names = [each["Name"] for each in client("s3", account).list_buckets()["Buckets"]]
        assert names == [f"of-{account}"]


def test_an_assumed_role_leads_to_its_account(client: Client, shared: Sandbox) -> None:
    credentials = client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{OTHER_ACCOUNT}:role/deploy", RoleSessionName="test"
    )["Credentials"]
    del credentials["Expiration"]

    assumed = aws(shared, "sts", **credentials).get_caller_identity()

    assert assumed["Account"] == OTHER_ACCOUNT
    assert assumed["Arn"].endswith(":assumed-role/deploy/test")


PREREQUISITES = Prerequisites(
    account_id=ACCOUNT,
    region=REGION,
    state_bucket="keystone-nexus-state",
    state_region="eu-west-1",
    assume_role_arn=f"arn:aws:iam::{ACCOUNT}:role/deployment/terraform",
    vpc_id="vpc-0123456789abcdef0",
    private_subnet_ids=("subnet-0123456789abcdef0", "subnet-0123456789abcdef1"),
    security_group_ids=("sg-0123456789abcdef0",),
    role_names=("orders",),
    topic_arns=(f"arn:aws:sns:{REGION}:{ACCOUNT}:pager",),
)


def test_prepare_makes_what_is_presumed_and_keeps_it(client: Client, shared: Sandbox) -> None:
    for _ in range(2):
        shared.prepare(PREREQUISITES)

    s3 = aws(shared, "s3")
    assert s3.get_bucket_versioning(Bucket="keystone-nexus-state")["Status"] == "Enabled"
    place = s3.get_bucket_location(Bucket="keystone-nexus-state")["LocationConstraint"]
    assert place == "eu-west-1"
    roles = aws(shared, "iam").list_roles()["Roles"]
    assert sorted((each["Path"], each["RoleName"]) for each in roles) == [
        ("/", "orders"),
        ("/deployment/", "terraform"),
    ]
    topics = aws(shared, "sns").list_topics()["Topics"]
    assert [each["TopicArn"] for each in topics] == list(PREREQUISITES.topic_arns)
    ec2 = aws(shared, "ec2")
    subnets = ec2.describe_subnets(SubnetIds=list(PREREQUISITES.private_subnet_ids))["Subnets"]
    assert {each["VpcId"] for each in subnets} == {PREREQUISITES.vpc_id}
    assert len({each["AvailabilityZone"] for each in subnets}) == 2
    groups = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [PREREQUISITES.vpc_id]}]
    )["SecurityGroups"]
    assert sorted(each["GroupName"] for each in groups) == ["default", "sg-0123456789abcdef0"]
    # Another security group can name it, which is what its id is for.
    proxy = ec2.create_security_group(
        GroupName="proxy", Description="proxy", VpcId=PREREQUISITES.vpc_id
    )["GroupId"]
    allowed = ec2.authorize_security_group_ingress(
        GroupId=proxy,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "UserIdGroupPairs": [{"GroupId": "sg-0123456789abcdef0"}],
            }
        ],
    )
    assert allowed["Return"]


def test_security_groups_without_a_vpc_lie_in_the_default_one(
    client: Client, shared: Sandbox
) -> None:
    shared.prepare(
        Prerequisites(ACCOUNT, REGION, security_group_ids=("sg-00000001", "sg-00000002"))
    )
    ec2 = aws(shared, "ec2")
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    groups = ec2.describe_security_groups(GroupIds=["sg-00000001", "sg-00000002"])
    assert {each["VpcId"] for each in groups["SecurityGroups"]} == {default[0]["VpcId"]}


def test_prepare_says_what_it_cannot_make(shared: Sandbox) -> None:
    with pytest.raises(ToolUnfit, match="not an ARN of the kind expected here: pager"):
        shared.prepare(Prerequisites(ACCOUNT, REGION, topic_arns=("pager",)))


@pytest.fixture
def rds(client: Client, shared: Sandbox) -> Any:
    """RDS with a proxy named `nexus`."""
    shared.prepare(PREREQUISITES)
    rds = aws(shared, "rds")
    rds.create_db_proxy(
        DBProxyName="nexus",
        EngineFamily="POSTGRESQL",
        Auth=[{"AuthScheme": "SECRETS", "SecretArn": "arn:one", "IAMAuth": "REQUIRED"}],
        RoleArn="arn:aws:iam::1:role/one",
        VpcSubnetIds=list(PREREQUISITES.private_subnet_ids),
        VpcSecurityGroupIds=["sg-0123456789abcdef0"],
        RequireTLS=True,
    )
    return rds


def test_a_proxy_is_modified_in_place(rds: Any) -> None:
    before = rds.describe_db_proxies(DBProxyName="nexus")["DBProxies"][0]
    rds.modify_db_proxy(DBProxyName="nexus", IdleClientTimeout=600, DebugLogging=True)
    partly = rds.describe_db_proxies(DBProxyName="nexus")["DBProxies"][0]
    changed = {key for key in before if before[key] != partly[key]}
    assert changed == {"IdleClientTimeout", "DebugLogging", "UpdatedDate"}

    rds.modify_db_proxy(
        DBProxyName="nexus",
        NewDBProxyName="nexus-two",
        Auth=[{"AuthScheme": "SECRETS", "SecretArn": "arn:two", "IAMAuth": "DISABLED"}],
        RoleArn="arn:aws:iam::1:role/two",
        SecurityGroups=["sg-00000002"],
        RequireTLS=False,
    )
    [after] = rds.describe_db_proxies()["DBProxies"]
    assert after["DBProxyName"] == "nexus-two"
    assert [each["SecretArn"] for each in after["Auth"]] == ["arn:two"]
    assert (after["RoleArn"], after["RequireTLS"]) == ("arn:aws:iam::1:role/two", False)
    assert after["VpcSecurityGroupIds"] == ["sg-00000002"]
    assert after["DBProxyArn"] == before["DBProxyArn"]
    [group] = rds.describe_db_proxy_target_groups(DBProxyName="nexus-two")["TargetGroups"]
    assert group["DBProxyName"] == "nexus-two"


def test_pool_settings_read_back(rds: Any) -> None:
    def pool(**settings: int) -> dict[str, Any]:
        rds.modify_db_proxy_target_group(
            DBProxyName="nexus", TargetGroupName="default", ConnectionPoolConfig=settings
        )
        [group] = rds.describe_db_proxy_target_groups(DBProxyName="nexus")["TargetGroups"]
        return dict(group["ConnectionPoolConfig"])

    settings = pool(
        MaxConnectionsPercent=80, MaxIdleConnectionsPercent=0, ConnectionBorrowTimeout=0
    )
    assert settings["MaxConnectionsPercent"] == 80
    assert settings["MaxIdleConnectionsPercent"] == 0
    assert settings["ConnectionBorrowTimeout"] == 0
    assert pool(MaxConnectionsPercent=60)["MaxIdleConnectionsPercent"] == 30


@pytest.mark.parametrize(
    "settings",
    [
        {"MaxConnectionsPercent": 40, "MaxIdleConnectionsPercent": 50},
        {"MaxConnectionsPercent": 101},
        {"ConnectionBorrowTimeout": 301},
    ],
    ids=str,
)
def test_pool_settings_that_aws_refuses(rds: Any, settings: dict[str, int]) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        rds.modify_db_proxy_target_group(
            DBProxyName="nexus", TargetGroupName="default", ConnectionPoolConfig=settings
        )


def test_timeouts_that_aws_refuses(rds: Any) -> None:
    with pytest.raises(ClientError, match="IdleClientTimeout 59 is not between 60 and 28800"):
        rds.modify_db_proxy(DBProxyName="nexus", IdleClientTimeout=59)
    with pytest.raises(ClientError, match="IdleClientTimeout 28801 is not between"):
        rds.create_db_proxy(
            DBProxyName="patient",
            EngineFamily="POSTGRESQL",
            RoleArn="arn:aws:iam::1:role/one",
            Auth=[],
            VpcSubnetIds=list(PREREQUISITES.private_subnet_ids),
            IdleClientTimeout=28801,
        )


def test_an_unknown_proxy_is_not_found(rds: Any) -> None:
    for operation in (
        rds.describe_db_proxy_targets,
        rds.describe_db_proxy_target_groups,
        rds.modify_db_proxy,
        rds.delete_db_proxy,
    ):
        with pytest.raises(rds.exceptions.DBProxyNotFoundFault):
            operation(DBProxyName="absent")


def test_parameters_read_back_and_reset(client: Client) -> None:
    rds = client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="nexus", DBParameterGroupFamily="postgres16", Description="x"
    )
    given = [
        {
            "ParameterName": "rds.force_ssl",
            "ParameterValue": "1",
            "ApplyMethod": "pending-reboot",
        },
        {"ParameterName": "work_mem", "ParameterValue": "8192", "ApplyMethod": "immediate"},
    ]
    rds.modify_db_parameter_group(DBParameterGroupName="nexus", Parameters=given)

    for filters in ({}, {"Source": "user"}):
        read = rds.describe_db_parameters(DBParameterGroupName="nexus", **filters)["Parameters"]
        assert read == [each | {"Source": "user"} for each in given]
    assert not rds.describe_db_parameters(DBParameterGroupName="nexus", Source="engine-default")[
        "Parameters"
    ]

    rds.reset_db_parameter_group(DBParameterGroupName="nexus", Parameters=given[1:])
    [left] = rds.describe_db_parameters(DBParameterGroupName="nexus")["Parameters"]
    assert left["ParameterName"] == "rds.force_ssl"


def test_instances_read_back(client: Client) -> None:
    rds = client("rds")
    for name in ("one", "two"):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            Engine="postgres",
            EngineVersion="16.4",
            DBInstanceClass="db.t4g.small",
            AllocatedStorage=20,
            MasterUsername="nexus_admin",
            ManageMasterUserPassword=True,
            EnablePerformanceInsights=True,
            PerformanceInsightsKMSKeyId="arn:key",
        )
    one, two = rds.describe_db_instances()["DBInstances"]
    assert one["DbiResourceId"] != two["DbiResourceId"]
    assert one["PerformanceInsightsEnabled"]
    assert one["PerformanceInsightsRetentionPeriod"] == 7
    assert one["PerformanceInsightsKMSKeyId"] == "arn:key"
    assert one["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    modified = rds.modify_db_instance(DBInstanceIdentifier="one", EnablePerformanceInsights=False)
    assert not modified["DBInstance"]["PerformanceInsightsEnabled"]


FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:rotate"


@pytest.fixture
def secretsmanager(client: Client) -> Any:
    """Secrets Manager with a secret named `user`, whose version is `first`."""
    secretsmanager = client("secretsmanager")
    secretsmanager.create_secret(Name="user")
    secretsmanager.put_secret_value(
        SecretId="user",
        ClientRequestToken="first".ljust(32, "-"),
        SecretString="one",
        VersionStages=["AWSCURRENT", "terraform"],
    )
    return secretsmanager


def test_the_name_of_a_secret_that_waits_to_be_deleted_is_not_free(secretsmanager: Any) -> None:
    secretsmanager.delete_secret(SecretId="user", RecoveryWindowInDays=7)
    with pytest.raises(ClientError, match="already scheduled for deletion") as refused:
        secretsmanager.create_secret(Name="user")
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    secretsmanager.restore_secret(SecretId="user")
    with pytest.raises(ClientError, match="ResourceExistsException"):
        secretsmanager.create_secret(Name="user")


def test_rotation_is_recorded_and_cancelled(secretsmanager: Any) -> None:
    assert "RotationEnabled" not in secretsmanager.describe_secret(SecretId="user")
    for rotation in (
        {"RotationLambdaARN": FUNCTION, "RotationRules": {"AutomaticallyAfterDays": 30}},
        {"RotationRules": {"AutomaticallyAfterDays": 7}},
    ):
        secretsmanager.rotate_secret(SecretId="user", RotateImmediately=False, **rotation)
        secret = secretsmanager.describe_secret(SecretId="user")
        assert secret["RotationEnabled"]
        assert secret["RotationLambdaARN"] == FUNCTION
        assert secret["RotationRules"] == rotation["RotationRules"]
        assert "LastRotatedDate" not in secret
        assert list(secret["VersionIdsToStages"].values()) == [["AWSCURRENT", "terraform"]]
    assert secretsmanager.get_secret_value(SecretId="user")["SecretString"] == "one"

    secretsmanager.cancel_rotate_secret(SecretId="user")
    assert not secretsmanager.describe_secret(SecretId="user")["RotationEnabled"]


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        ({"SecretId": "absent"}, "ResourceNotFoundException"),
        ({"RotationRules": {"AutomaticallyAfterDays": 1001}}, "InvalidParameterException"),
        ({"RotationLambdaARN": ""}, "InvalidRequestException"),
        ({"RotateImmediately": True}, "NotImplemented"),
        ({"RotationRules": {"ScheduleExpression": "rate(4 hours)"}}, "NotImplemented"),
    ],
    ids=str,
)
def test_rotation_that_is_refused(
    secretsmanager: Any, request_: dict[str, Any], refusal: str
) -> None:
    whole = {
        "SecretId": "user",
        "RotationLambdaARN": FUNCTION,
        "RotationRules": {"AutomaticallyAfterDays": 30},
        "RotateImmediately": False,
    }
    with pytest.raises(ClientError, match=refusal):
        secretsmanager.rotate_secret(**whole | request_)
    secretsmanager.delete_secret(SecretId="user")
    with pytest.raises(ClientError, match="InvalidRequestException"):
        secretsmanager.rotate_secret(**whole)


def test_a_version_keeps_its_own_labels(secretsmanager: Any) -> None:
    for password, stages in (("two", ["AWSPREVIOUS", "terraform"]), ("three", ["terraform"])):
        secretsmanager.put_secret_value(SecretId="user", SecretString=password)
        versions = secretsmanager.describe_secret(SecretId="user")["VersionIdsToStages"]
        assert versions["first".ljust(32, "-")] == stages
    secretsmanager.put_secret_value(
        SecretId="user", SecretString="four", VersionStages=["AWSCURRENT", "terraform"]
    )
    versions = secretsmanager.describe_secret(SecretId="user")["VersionIdsToStages"]
    assert list(versions.values()) == [[], [], ["AWSPREVIOUS"], ["AWSCURRENT", "terraform"]]


def test_what_the_sandbox_lacks_fails_at_once(client: Client) -> None:
    with pytest.raises(ClientError, match=r"NotImplemented.*purchase_reserved_db_instances"):
        client("rds").purchase_reserved_db_instances_offering(ReservedDBInstancesOfferingId="x")
    with pytest.raises(ClientError, match=r"NotImplemented.*does not have this service"):
        client("gamelift").list_builds()


def test_reset_empties_all_accounts(client: Client, shared: Sandbox) -> None:
    for account in (ACCOUNT, OTHER_ACCOUNT):
        client_of = aws(shared, "sns", account)
        client_of.create_topic(Name="pager")
    shared.reset()
    for account in (ACCOUNT, OTHER_ACCOUNT):
        assert not aws(shared, "sns", account).list_topics()["Topics"]


def test_the_process_environment_leads_nowhere_else(
    shared: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = shared.status()
    assert isinstance(running, Running)
    inherited = {
        "PATH": "/bin",
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_S3": "https://elsewhere",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/real",
        "HTTP_PROXY": "http://proxy:3128",
        "NO_PROXY": "internal",
    }
    variables = shared.environment_variables(
        running, inherited, account_id=ACCOUNT, region=REGION, profile="nexus prod"
    )
    assert "real" not in str(variables)
    assert "elsewhere" not in str(variables)
    assert "AWS_PROFILE" not in variables
    assert variables["NO_PROXY"] == variables["no_proxy"] == "internal,127.0.0.1"

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for profile in (None, "nexus prod"):
        session = boto3.Session(profile_name=profile)
        assert session.region_name == REGION
        assert session.client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_security_group_rules_read_back(client: Client) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    peers = [
        ec2.create_security_group(GroupName=name, Description="peer", VpcId=vpc)["GroupId"]
        for name in ("one", "two", "proxy")
    ]
    proxy = peers.pop()
    permission = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    kinds = (
        {"IpRanges": [{"CidrIp": "10.9.0.0/24", "Description": "a block"}]},
        {"UserIdGroupPairs": [{"GroupId": peers[0], "Description": "a group"}]},
        {"PrefixListIds": [{"PrefixListId": "pl-00000001", "Description": "a list"}]},
    )
    for kind in kinds:
        ec2.authorize_security_group_ingress(GroupId=proxy, IpPermissions=[permission | kind])

    def rules() -> list[dict[str, Any]]:
        found = ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [proxy]}]
        )["SecurityGroupRules"]
        return [each for each in found if not each["IsEgress"]]

    assert [each["Description"] for each in rules()] == ["a block", "a group", "a list"]

    ec2.modify_security_group_rules(
        GroupId=proxy,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": rules()[1]["SecurityGroupRuleId"],
                "SecurityGroupRule": permission
                | {"ReferencedGroupId": peers[1], "Description": "another group"},
            }
        ],
    )
    assert [each["Description"] for each in rules()] == ["a block", "another group", "a list"]
    assert rules()[1]["ReferencedGroupInfo"]["GroupId"] == peers[1]


def test_launch_templates_read_back(client: Client) -> None:
    ec2 = client("ec2")
    instance_tags = {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "worker"}]}
    data = {
        "InstanceType": "c7g.large",
        "UserData": base64.b64encode(b"#!/bin/sh").decode(),
        "TagSpecifications": [instance_tags],
    }
    ec2.create_launch_template(
        LaunchTemplateName="workers",
        LaunchTemplateData=data,
        TagSpecifications=[
            {"ResourceType": "launch-template", "Tags": [{"Key": "Name", "Value": "workers"}]}
        ],
    )
    ec2.create_launch_template_version(LaunchTemplateName="workers", LaunchTemplateData=data)
    versions = ec2.describe_launch_template_versions(LaunchTemplateName="workers")
    for version in versions["LaunchTemplateVersions"]:
        assert version["LaunchTemplateData"] == data
    template = versions["LaunchTemplateVersions"][0]["LaunchTemplateId"]
    ec2.create_tags(Resources=[template], Tags=[{"Key": "Tier", "Value": "staging"}])
    ec2.delete_tags(Resources=[template], Tags=[{"Key": "Name"}])
    (told,) = ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"]
    assert told["Tags"] == [{"Key": "Tier", "Value": "staging"}]


def test_a_request_that_is_sent_again_is_answered_as_the_first_time(client: Client) -> None:
    ec2, secretsmanager = client("ec2"), client("secretsmanager")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    template = {"LaunchTemplateName": "workers", "LaunchTemplateData": {"ImageId": "ami-1"}}
    secret = {"Name": "user", "ClientRequestToken": "first".ljust(32, "-")}
    endpoint = {"VpcId": vpc, "ServiceName": f"com.amazonaws.{REGION}.s3"}
    for create, request in (
        (ec2.create_launch_template, template | {"ClientToken": "first"}),
        (ec2.create_launch_template_version, template | {"ClientToken": "first"}),
        (ec2.create_route_table, {"VpcId": vpc, "ClientToken": "first"}),
        (ec2.create_vpc_endpoint, endpoint | {"ClientToken": "first"}),
        (secretsmanager.create_secret, secret),
    ):
        first, second = create(**request), create(**request)
        del first["ResponseMetadata"], second["ResponseMetadata"]
        assert first == second
    another = ec2.create_launch_template_version(**template, ClientToken="second")
    assert another["LaunchTemplateVersion"]["VersionNumber"] == 3
    with pytest.raises(ClientError, match="AlreadyExists"):
        ec2.create_launch_template(**template, ClientToken="second")
    with pytest.raises(ClientError, match="ResourceExistsException"):
        secretsmanager.create_secret(Name="user", ClientRequestToken="second".ljust(32, "-"))


def test_auto_scaling_groups_read_back(client: Client, shared: Sandbox) -> None:
    ec2 = client("ec2")
    autoscaling = aws(shared, "autoscaling")
    data = {"UserData": base64.b64encode(b"#!/bin/sh").decode(), "ImageId": "resolve:ssm:/image"}
    ec2.create_launch_template(LaunchTemplateName="workers", LaunchTemplateData=data)
    ec2.create_launch_template_version(LaunchTemplateName="workers", LaunchTemplateData=data)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="workers",
        MinSize=2,
        MaxSize=4,
        DefaultInstanceWarmup=60,
        VPCZoneIdentifier=ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        LaunchTemplate={"LaunchTemplateName": "workers", "Version": "1"},
    )
    autoscaling.put_scaling_policy(
        AutoScalingGroupName="workers",
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={"TargetValue": 60.0},
    )
    autoscaling.update_auto_scaling_group(
        AutoScalingGroupName="workers",
        MinSize=3,
        LaunchTemplate={"LaunchTemplateName": "workers", "Version": "2"},
    )
    refresh = autoscaling.start_instance_refresh(AutoScalingGroupName="workers")

    [group] = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["DefaultInstanceWarmup"] == 60
    assert len(group["Instances"]) == 3
    [policy] = autoscaling.describe_policies()["ScalingPolicies"]
    assert policy["Enabled"]
    assert "PredictiveScalingConfiguration" not in policy
    [found] = autoscaling.describe_instance_refreshes(AutoScalingGroupName="workers")[
        "InstanceRefreshes"
    ]
    assert found["InstanceRefreshId"] == refresh["InstanceRefreshId"]
    assert found["Status"] == "Successful"
