"""What an environment presumes to exist in its AWS account before Terraform runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """The facts of one environment that the sandbox must make true.

    With `vpc_id`, the security groups lie in that VPC, otherwise in the account's default VPC.
    """

    account_id: str
    region: str
    state_bucket: str | None = None
    state_region: str | None = None
    assume_role_arn: str | None = None
    vpc_id: str | None = None
    private_subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    role_names: tuple[str, ...] = ()
    topic_arns: tuple[str, ...] = ()
