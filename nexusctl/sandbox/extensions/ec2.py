"""EC2: launch templates and security group rules that read back what was written."""

import inspect
from collections.abc import Callable
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.utils import parse_user_data

Create = Callable[[LaunchTemplate, dict[str, Any], str], LaunchTemplateVersion]
Modify = Callable[[EC2Backend, str, dict[str, dict[str, Any]]], None]


def install() -> None:
    """Add everything."""
    LaunchTemplate.create_version = of_cleaned_data(LaunchTemplate.create_version)
    # ec2:CreateTags and DeleteTags: moto tells the tags that a template was made with for ever.
    LaunchTemplate.tags = property(LaunchTemplate.get_tags, lambda _template, _tags: None)
    SecurityGroupRule.description = property(description)
    EC2Backend.modify_security_group_rules = of_any_peer(EC2Backend.modify_security_group_rules)
    SecurityGroupRule.__init__ = keeping_description(SecurityGroupRule.__init__)


def of_cleaned_data(create: Create) -> Create:
    """ec2:CreateLaunchTemplate and ...Version.

    moto mixes the template's own tags into its data, and takes the user data of a later version
    for text that is not encoded.
    """

    def create_version(
        self: LaunchTemplate, data: dict[str, Any], description: str
    ) -> LaunchTemplateVersion:
        tags = [
            each
            for each in data.pop("TagSpecifications", [])
            if each["ResourceType"] != "launch-template"
        ]
        data |= {"TagSpecifications": tags} if tags else {}
        if isinstance(data.get("UserData"), str):
            data["UserData"] = parse_user_data(data["UserData"])
        return create(self, data, description)

    return create_version


def keeping_description(create: Callable[..., None]) -> Callable[..., None]:
    """ec2:AuthorizeSecurityGroupIngress and ...Egress: the descriptions of rules.

    moto keeps them for CIDR blocks only, not for security groups and prefix lists.
    """

    parameters = inspect.signature(create)

    def __init__(self: SecurityGroupRule, *values: Any, **named: Any) -> None:  # noqa: N807
        create(self, *values, **named)
        given = parameters.bind(self, *values, **named).arguments
        peers = (given.get(kind) for kind in ("ip_range", "source_group", "prefix_list_id"))
        self.peer = next(filter(None, peers), {})

    return __init__


def description(self: SecurityGroupRule) -> str | None:
    """What `keeping_description` kept, or a later ec2:ModifySecurityGroupRules set."""
    return self.peer.get("Description")  # type: ignore[no-any-return]


def of_any_peer(modify: Modify) -> Modify:
    """ec2:ModifySecurityGroupRules: moto changes CIDR blocks only."""

    def modify_security_group_rules(
        self: EC2Backend, group_id: str, rules: dict[str, dict[str, Any]]
    ) -> None:
        modify(self, group_id, rules)
        group = self.get_security_group_by_name_or_id(group_id)
        for rule_id, given in rules.items():
            rule = group.get_rule(rule_id)
            if "CidrIpv4" in given or "CidrIpv6" in given:
                continue
            rule.ip_range = {}  # moto has put the description here
            rule.peer = {"Description": given.get("Description")}
            if "ReferencedGroupId" in given:
                owner = {"OwnerId": self.account_id, "UserId": self.account_id}
                rule.source_group = {"GroupId": given["ReferencedGroupId"]} | owner | rule.peer
            rule.prefix_list_id = given.get("PrefixListId")

    return modify_security_group_rules
