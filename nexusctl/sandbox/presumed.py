"""Makes true on moto's backends what an environment presumes; runs in the server."""

import json
import re
from ipaddress import IPv4Network

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.utilities.utils import get_partition

from nexusctl.sandbox.prerequisites import Prerequisites

VPC_CIDR = "10.0.0.0/16"
ROLE_ARN = re.compile(r"arn:[^:]+:iam::(?P<account>\d{12}):role(?P<path>/(?:.+/)?)(?P<name>[^/]+)")
TOPIC_ARN = re.compile(r"arn:[^:]+:sns:(?P<region>[^:]+):(?P<account>\d{12}):(?P<name>[^:]+)")


def create(wanted: Prerequisites) -> None:
    """Create what of `wanted` does not exist yet.

    Raises:
        ValueError: an ARN is none.
    """
    partition = get_partition(wanted.region)
    if wanted.state_bucket:
        create_bucket(wanted.state_bucket, wanted.account_id, wanted.state_region or wanted.region)
    for name in wanted.role_names:
        create_role(wanted.account_id, partition, "/", name, {"Service": "lambda.amazonaws.com"})
    if wanted.assume_role_arn:
        account_id, path, name = parts(ROLE_ARN, wanted.assume_role_arn)
        trusted = {"AWS": f"arn:{partition}:iam::{wanted.account_id}:root"}
        create_role(account_id, partition, path, name, trusted)
    for arn in wanted.topic_arns:
        region, account_id, name = parts(TOPIC_ARN, arn)
        sns_backends[account_id][region].create_topic(name)
    ec2 = ec2_backends[wanted.account_id][wanted.region]
    if wanted.vpc_id:
        create_vpc(ec2, wanted.vpc_id)
        for index, subnet_id in enumerate(wanted.private_subnet_ids):
            create_subnet(ec2, wanted.vpc_id, subnet_id, index)
    for group_id in wanted.security_group_ids:
        create_security_group(ec2, wanted.vpc_id or ec2.default_vpc.id, group_id)


def parts(pattern: re.Pattern[str], arn: str) -> tuple[str, ...]:
    """The named parts of an ARN."""
    match = pattern.fullmatch(arn)
    if match is None:
        raise ValueError(f"not an ARN of the kind expected here: {arn}")
    return match.groups()


def create_bucket(name: str, account_id: str, region: str) -> None:
    """A versioned bucket. Names are unique among all accounts, which may share one."""
    if name not in s3_backends.bucket_accounts:
        backend = s3_backends[account_id][get_partition(region)]
        backend.create_bucket(name, region)
        backend.put_bucket_versioning(name, "Enabled")


def create_role(
    account_id: str, partition: str, path: str, name: str, trusted: dict[str, str]
) -> None:
    """An IAM role that `trusted` may assume."""
    backend = iam_backends[account_id][partition]
    if any(role.name == name for role in backend.get_roles()):
        return
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}],
    }
    backend.create_role(
        role_name=name,
        assume_role_policy_document=json.dumps(trust),
        path=path,
        permissions_boundary=None,
        description="Presumed by the environment",
        tags=[],
        max_session_duration="3600",
    )


def create_vpc(ec2: EC2Backend, vpc_id: str) -> None:
    """A VPC of exactly this id; moto's own way makes up the id. So with the next two."""
    if vpc_id in ec2.vpcs:
        return
    ec2.vpcs[vpc_id] = VPC(ec2, vpc_id, VPC_CIDR, is_default=False)
    ec2.create_route_table(vpc_id, main=True)
    ec2.create_network_acl(vpc_id, default=True)
    ec2.create_security_group("default", "default", vpc_id=vpc_id, is_default=True)


def create_subnet(ec2: EC2Backend, vpc_id: str, subnet_id: str, index: int) -> None:
    """The index-th private subnet of a VPC, one Availability Zone after another."""
    if any(subnet_id in subnets for subnets in ec2.subnets.values()):
        return
    zones = ec2.describe_availability_zones()
    zone = zones[index % len(zones)]
    block = list(IPv4Network(VPC_CIDR).subnets(new_prefix=24))[index]
    subnet = Subnet(
        ec2,
        subnet_id,
        vpc_id,
        str(block),
        ipv6_cidr_block=None,
        availability_zone=zone,
        default_for_az=False,
        map_public_ip_on_launch=False,
    )
    ec2.associate_default_network_acl_with_subnet(subnet_id, vpc_id)
    ec2.subnets[zone.name][subnet_id] = subnet


def create_security_group(ec2: EC2Backend, vpc_id: str, group_id: str) -> None:
    """A security group of a function that nexusctl does not manage."""
    if ec2.get_security_group_from_id(group_id) is None:
        ec2.groups[vpc_id][group_id] = SecurityGroup(
            ec2, group_id, group_id, "Presumed by the environment", vpc_id=vpc_id
        )
