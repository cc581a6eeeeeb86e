"""Stops nexusctl at chosen moments of its work on a stack, and insists on what holds after each."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.faulty_endpoint import BUCKET, Fault, FaultyAws, Request
from tests.integration.progress import Progress, locks, reached, until, work_of

INT, TERM, HUP, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL
FROM_A_TERMINAL = (INT, HUP)  # which sends them to all processes of the command
# Terraform replaces what was being made when it was stopped. These, `apply` refuses to replace.
IRREPLACEABLE = {"aws_kms_key", "aws_db_instance", "aws_secretsmanager_secret"}
STATE, LOCK, UNLOCK = r"^PUT .*\.tfstate$", r"^PUT .*\.tflock$", r"^DELETE .*\.tflock$"


@dataclass(frozen=True)
class Moment:
    """When to stop: as soon as a command of Terraform's runs and, if named, more has come about.

    `says` is a pattern of a line that it writes. `asked` is one of a request to AWS, which is
    answered late, so that a signal comes while it is under way.
    """

    command: str
    says: str = ""
    asked: str = ""

    def picks(self, request: Request) -> bool:
        return bool(self.asked and re.search(self.asked, request.action))


@dataclass(frozen=True)
class Stack:
    """The stack of one environment, and nexusctl at work on it with some options."""

    aws: FaultyAws
    name: str
    options: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What its names begin with."""
        return f"keystone-nexus-{self.name}"

    def stop(
        self,
        command: str,
        moment: Moment,
        signals: Sequence[signal.Signals],
        *,
        seconds_between: float = 0.0,
        late: float = 0.5,
    ) -> str:
        """Stop a command, and return what it said.

        Insists on how it ends, on a hint at the way on, and that no lock and no process is left.
        """
        project, endpoint = self.aws.project, self.aws.endpoint
        progress = Progress(work_of(project, self.name), moment.command)
        endpoint.fail(Fault(late=late), moment.picks)
        before = len(endpoint.seen)
        yes = ["--yes"] if command == "destroy" else []
        process = project.start(command, self.name, *self.options, *yes, through=["setsid"])
        reached(process, progress.begun)
        if moment.says:
            reached(process, lambda: any(re.search(moment.says, it) for it in progress.lines()))
        if moment.asked:
            reached(process, lambda: any(map(moment.picks, endpoint.seen[before:])))
        for number in signals:
            if number in FROM_A_TERMINAL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds_between)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in out + err
        if process.returncode == -KILL:
            assert KILL in signals
        else:
            assert process.returncode == 130, out + err
            hint = err.rpartition("\n hint: ")[2]
            assert f"nexusctl {command} {self.name}" in hint or f"nexusctl plan {self.name}" in hint
            assert locks(project, self.name) == []
        # Terraform outlives a nexusctl that was killed, for as long as it takes to stop in order.
        until(lambda: not self.at_work)
        assert locks(project, self.name) == []
        endpoint.heal()
        return out + err

    @property
    def at_work(self) -> bool:
        """Whether a process is at work in its directory."""
        root = (work_of(self.aws.project, self.name) / "root").resolve()
        return any(_directory(each) == root for each in Path("/proc").glob("[0-9]*"))

    @property
    def resources(self) -> Any:
        """What its state holds."""
        s3 = self.aws.project.client("s3")
        key = f"keystone-nexus/{self.name}/terraform.tfstate"
        if not s3.list_objects_v2(Bucket=BUCKET, Prefix=key).get("Contents"):
            return []
        return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())["resources"]

    def attributes(self, kind: str) -> Any:
        """What its state holds of the one resource of a type."""
        (resource,) = [each for each in self.resources if each["type"] == kind]
        return resource["instances"][0]["attributes"]

    @property
    def known(self) -> set[str]:
        """The IDs of all that the state knows."""
        return {
            instance["attributes"]["identifier" if each["type"] == "aws_db_instance" else "id"]
            for each in self.resources
            if each["mode"] == "managed"
            for instance in each["instances"]
        }

    def standing(self) -> dict[str, set[str]]:
        """What stands, asked from AWS itself: the kind → the IDs that Terraform knows it by."""
        client = self.aws.project.client
        ec2, rds, iam, kms = client("ec2"), client("rds"), client("iam"), client("kms")
        secrets, scaling = client("secretsmanager"), client("autoscaling")
        vpcs = {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]}

        def inside(found: Iterable[Any], name: str) -> set[str]:
            return {each[name] for each in found if each["VpcId"] in vpcs}

        def ours(found: Iterable[Any], name: str) -> set[str]:
            return {each[name] for each in found if self.prefix in each[name]}

        groups = ec2.describe_security_groups()["SecurityGroups"]
        endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
        tables = ec2.describe_route_tables()["RouteTables"]
        keys = [
            kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]
        ]
        return {
            "VPCs": vpcs,
            "subnets": inside(ec2.describe_subnets()["Subnets"], "SubnetId"),
            "security groups": inside(
                (each for each in groups if each["GroupName"] != "default"), "GroupId"
            ),
            "route tables": inside(
                (t for t in tables if not any(a["Main"] for a in t["Associations"])), "RouteTableId"
            ),
            "endpoints": inside(
                (each for each in endpoints if each["State"] != "deleted"), "VpcEndpointId"
            ),
            "launch templates": {
                each["LaunchTemplateId"]
                for each in ec2.describe_launch_templates()["LaunchTemplates"]
                if self.prefix in each["LaunchTemplateName"]
            },
            "databases": ours(rds.describe_db_instances()["DBInstances"], "DBInstanceIdentifier"),
            "proxies": ours(rds.describe_db_proxies()["DBProxies"], "DBProxyName"),
            "subnet groups": ours(
                rds.describe_db_subnet_groups()["DBSubnetGroups"], "DBSubnetGroupName"
            ),
            "parameter groups": ours(
                rds.describe_db_parameter_groups()["DBParameterGroups"], "DBParameterGroupName"
            ),
            "groups": ours(
                scaling.describe_auto_scaling_groups()["AutoScalingGroups"], "AutoScalingGroupName"
            ),
            "keys": {
                each["KeyId"]
                for each in keys
                if each["Enabled"] and self.prefix in each["Description"]
            },
            "key aliases": ours(kms.list_aliases()["Aliases"], "AliasName"),
            "secrets": ours(secrets.list_secrets()["SecretList"], "ARN"),
            "roles": ours(iam.list_roles()["Roles"], "RoleName"),
            "policies": ours(iam.list_policies(Scope="Local")["Policies"], "Arn"),
            "instance profiles": ours(
                iam.list_instance_profiles()["InstanceProfiles"], "InstanceProfileName"
            ),
            "log groups": ours(client("logs").describe_log_groups()["logGroups"], "logGroupName"),
            "alarms": ours(client("cloudwatch").describe_alarms()["MetricAlarms"], "AlarmName"),
        }

    def unknown(self) -> dict[str, set[str]]:
        """What stands and the state does not know."""
        known = self.known
        return {kind: left for kind, ids in self.standing().items() if (left := ids - known)}

    def keep_what_cannot_be_made_again(self) -> None:
        """What was being made when it was stopped is tainted, and would be replaced.

        For keys, secrets and databases `apply` refuses that; `plan` says how to keep them.
        """
        for each in self.resources:
            for instance in each["instances"]:
                if instance.get("status") == "tainted" and each["type"] in IRREPLACEABLE:
                    key = instance.get("index_key")
                    index = "" if key is None else f"[{json.dumps(key)}]"
                    address = f"{each['module']}.{each['type']}.{each['name']}{index}"
                    self.aws.project.must(
                        "terraform", self.name, *self.options, "--", "untaint", address
                    )

    def change(self, settings: str) -> None:
        """Let its file have these settings beside what it extends."""
        file = self.aws.project.root / "environments" / f"{self.name}.yaml"
        file.write_text(f"extends: sandbox\ntier: development\n{settings}\n")


def _directory(process: Path) -> Path | None:
    with suppress(OSError):  # it has ended meanwhile
        return (process / "cwd").readlink()
    return None


def id_of(value: object) -> str | None:
    """The name of a parameter in the name of a test."""
    if isinstance(value, Moment):
        return " ".join(filter(None, [value.command, value.says, value.asked]))
    if isinstance(value, signal.Signals):
        return value.name
    if isinstance(value, list):
        return "+".join(each.name for each in dict.fromkeys(value))
    return None
