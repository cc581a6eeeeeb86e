"""What a plan repeats of a resource although other resources of that plan change it.

AWS tells of a role together with its policies, of a security group with its rules, of a route table
with its routes. Where the configuration leaves these arguments out, the provider fills them in with
what stands before the change (they are Optional and Computed in its schema). What is planned of
such a policy, rule or route is in a resource of its own, and judged there; what the plan does not
manage stays as it is, and is judged where it stands.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

_Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """Resources of the types `part` are told of a second time, in `argument` of one of `whole`.

    `points` names the whole in the part, which has it as its `named`. `left` is what is left of the
    argument without what a part is or was. `overwrites`: a part that is made takes the place of
    what is there already; elsewhere AWS refuses to make it.
    """

    whole: tuple[str, ...]
    argument: str
    part: tuple[str, ...]
    points: str
    named: tuple[str, ...]
    left: Callable[[Any, _Values], Any]
    overwrites: bool = False


def _without_policy(policies: Any, policy: _Values) -> Any:
    return [each for each in policies if each.get("name") != policy.get("name")]


def _without_arn(arns: Any, attachment: _Values) -> Any:
    return [each for each in arns if each != attachment.get("policy_arn")]


_DESTINATIONS = {
    "cidr_block": "destination_cidr_block",
    "ipv6_cidr_block": "destination_ipv6_cidr_block",
    "destination_prefix_list_id": "destination_prefix_list_id",
}


def _without_route(routes: Any, route: _Values) -> Any:
    return [
        each
        for each in routes
        if not any(each.get(a) and each[a] == route.get(b) for a, b in _DESTINATIONS.items())
    ]


# Whom a rule is about: the list in the group's own block, and the arguments of the two resources.
_PEERS = {
    "cidr_blocks": ("cidr_ipv4", "cidr_blocks"),
    "ipv6_cidr_blocks": ("cidr_ipv6", "ipv6_cidr_blocks"),
    "prefix_list_ids": ("prefix_list_id", "prefix_list_ids"),
    "security_groups": ("referenced_security_group_id", "source_security_group_id"),
}
_EVERY_PROTOCOL = ("-1", "all")


def _without_rule(blocks: Any, rule: _Values) -> Any:
    """AWS has each peer once for a protocol and its ports, whatever the description."""
    left = []
    for block in blocks:
        if _ports(block) == _ports(rule):
            peers = {
                name: [one for one in block.get(name) or () if one not in _peers(rule, arguments)]
                for name, arguments in _PEERS.items()
            }
            to_itself = block.get("self") and not _to_itself(rule)
            if any(peers.values()) or to_itself:
                left.append({**block, **peers, "self": to_itself})
        else:
            left.append(block)
    return left


def _ports(rule: _Values) -> tuple[object, ...]:
    protocol = str(rule.get("ip_protocol") or rule.get("protocol"))
    if protocol in _EVERY_PROTOCOL:
        return ("-1",)
    return (protocol, rule.get("from_port"), rule.get("to_port"))


def _peers(rule: _Values, arguments: tuple[str, ...]) -> list[object]:
    values = [rule.get(name) for name in arguments]
    return [one for each in values for one in (each if isinstance(each, list) else [each])]


def _to_itself(rule: _Values) -> bool:
    group = rule.get("security_group_id")
    return bool(rule.get("self") or (group and group == rule.get("referenced_security_group_id")))


def _nothing(_value: Any, _part: _Values) -> None:
    return None


_GROUPS = ("aws_security_group", "aws_default_security_group")
_TABLES = ("aws_route_table", "aws_default_route_table")
_PARTS = (
    _Part(
        ("aws_iam_role",),
        "inline_policy",
        ("aws_iam_role_policy",),
        "role",
        ("name", "id"),
        _without_policy,
        overwrites=True,
    ),
    _Part(
        ("aws_iam_role",),
        "managed_policy_arns",
        ("aws_iam_role_policy_attachment",),
        "role",
        ("name", "id"),
        _without_arn,
    ),
    _Part(_TABLES, "route", ("aws_route",), "route_table_id", ("id",), _without_route),
    *(
        _Part(
            _GROUPS,
            direction,
            (f"aws_vpc_security_group_{direction}_rule",),
            "security_group_id",
            ("id",),
            _without_rule,
        )
        for direction in ("ingress", "egress")
    ),
    *(
        _Part((whole,), "policy", (f"{whole}_policy",), points, named, _nothing, overwrites=True)
        for whole, points, named in (
            ("aws_kms_key", "key_id", ("key_id", "id", "arn")),
            ("aws_s3_bucket", "bucket", ("bucket", "id")),
            ("aws_secretsmanager_secret", "secret_arn", ("arn", "id")),
        )
    ),
)


class ReadBack:
    """What a plan (the JSON of `terraform show -json`) changes of such parts."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._changed: dict[tuple[str, str], list[_Values]] = defaultdict(list)
        for resource in plan.get("resource_changes", []):
            if resource.get("mode") == "managed" and "deposed" not in resource:
                change = resource["change"]
                actions = set(change["actions"])
                for part in (each for each in _PARTS if resource["type"] in each.part):
                    sides = [change.get("before")] if actions & {"update", "delete"} else []
                    if part.overwrites and actions & {"update", "create"}:
                        sides.append(change.get("after"))
                    for whole in part.whole:
                        self._changed[whole, part.argument] += [each for each in sides if each]

    def left(self, resource: Mapping[str, Any], certain: Collection[str]) -> dict[str, Any]:
        """The arguments of which a plan repeats what it changes elsewhere: what will be left.

        `resource` is one of the plan's `resource_changes`. `certain` are arguments to be believed,
        because the configuration writes them.
        """
        before, after = (resource["change"].get(side) or {} for side in ("before", "after"))
        found: dict[str, Any] = {}
        for part in _PARTS:
            name = part.argument
            value = after.get(name)
            changed = self._changed.get((resource["type"], name))
            if not changed or not value or value != before.get(name) or name in certain:
                continue
            names = {before.get(each) for each in part.named} - {None}
            for each in changed:
                if each.get(part.points) in names and value:
                    value = part.left(value, each)
            if value != after[name]:
                found[name] = value
        return found
