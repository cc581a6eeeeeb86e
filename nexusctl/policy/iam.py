"""IAM roles, what is attached to them, and statements of documents, as the policies read them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nexusctl.configuration.values import Json, Partial, Unknown
from nexusctl.policy.check import Block, Pointed, Resource

__all__ = [
    "Attached",
    "Given",
    "any_of",
    "attached",
    "everybody",
    "given",
    "items",
    "statements",
    "text",
]

# The ARN of a managed policy: AWS's own have "aws" where the others have an account.
_ARN = re.compile(r"arn:[^:]+:iam::(?P<account>[^:]*):policy/(?:.+/)?(?P<name>[^/]+)")

# The resources that give a role a policy: the argument with the role, and that with the policies.
_GIVING = (
    ("aws_iam_role_policy", "role", "policy"),
    ("aws_iam_role_policy_attachment", "role", "policy_arn"),
    ("aws_iam_policy_attachment", "roles", "policy_arn"),
    ("aws_iam_role_policy_attachments_exclusive", "role_name", "policy_arns"),
)

# The condition keys that say who it is; and the operators that are not met without the key.
_WHO = frozenset(
    {
        *(
            "aws:principalaccount",
            "aws:principalarn",
            "aws:principalorgid",
            "aws:principalorgpaths",
        ),
        *("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"),
        *("aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "kms:calleraccount"),
    }
)
_IS = re.compile(r"(foranyvalue:)?(stringequals(ignorecase)?|stringlike|arnequals|arnlike)")


@dataclass(frozen=True, slots=True)
class Attached:
    """A managed policy that an argument names by ARN.

    `amazons` is its name if it is one of AWS's own, "" if it is but its name is not known, and None
    if it is not; then `policy` is what the ARN points at.
    """

    amazons: str | None
    policy: Pointed


def attached(resource: Resource, name: str) -> Iterator[Attached]:
    """The managed policies that an argument of a resource names."""
    for item in items(resource.values.get(name)):
        arn = _ARN.fullmatch(text(item) or "")
        policy = resource.points_at(name, "aws_iam_policy", block=Block({name: item}, ()))
        if arn and not policy.here:
            known = "" if "${}" in arn["name"] else arn["name"]
            amazons = known if arn["account"] == "aws" else None
            yield Attached(amazons, Pointed(ids=(arn[0],)))
        else:
            yield Attached(None, policy)


@dataclass(slots=True)
class Given:
    """Who gives roles which policies: each resource with the argument that holds them.

    `anybody` are those of which it is not known what role they are for.
    """

    by_role: dict[str, list[tuple[Resource, str]]] = field(default_factory=dict)
    anybody: list[str] = field(default_factory=list)


def given(resource: Resource) -> Given:
    """Who gives the roles beside a resource their policies, but for the roles themselves."""

    def found() -> Given:
        every = Given()
        for kind, holder, policies in _GIVING:
            for instance in resource.subject.of_type(kind):
                other = Resource.of(instance, resource.subject)
                roles = other.points_at(holder, "aws_iam_role")
                for role in roles.here:
                    every.by_role.setdefault(role.address, []).append((other, policies))
                if roles.unknown:
                    every.anybody.append(other.address)
        return every

    return resource.subject.once("given", found)


def items(value: object) -> list[Any]:
    """The elements of a list, a single value, or nothing."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def text(value: object) -> str | None:
    """A text with `${}` for each part that AWS will give, or None where a variable is in it."""
    if isinstance(value, Unknown):
        rests_on = value.references
        if not rests_on or any(re.search(r"(^|\.)var\.", each) for each in rests_on):
            return None
        return value.text if isinstance(value, Partial) else "${}"
    return str(value)


def statements(block: Block, name: str = "policy") -> list[Mapping[str, Any]] | None:
    """The statements of a document that allow something; None where they are not known."""
    value = block.values.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    document: Any = value.value if isinstance(value, Json) else value
    found = items(document.get("Statement")) if isinstance(document, Mapping) else [document]
    if not all(isinstance(statement, Mapping) for statement in found):
        return None
    return [statement for statement in found if statement.get("Effect") != "Deny"]


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Whether one is true; None where that depends on one that is not known."""
    every = list(answers)
    return True if True in every else None if None in every else False


def everybody(statement: Mapping[str, Any]) -> bool | None:
    """Whether a statement of a resource's policy is for everybody; None where it is not known.

    A condition on who it is makes it one for some. One on anything else, TLS say, does not. An
    OpenID Connect provider such as GitHub's vouches for all of its users: who of them is meant, one
    of its claims has to say.
    """
    if "NotPrincipal" in statement:
        return True
    principal, condition = statement.get("Principal"), statement.get("Condition")
    kinds = principal if isinstance(principal, Mapping) else {"AWS": principal}
    named = [text(each) for kind in kinds.values() for each in items(kind)]
    answers: list[bool | None] = []
    if "*" in named or None in named:
        limited = _limits(condition, _WHO.__contains__)
        certain = "*" in named and limited is False
        answers.append(False if limited else True if certain else None)
    if any(_is_provider(each) for each in items(kinds.get("Federated"))):
        claimed = _limits(condition, _is_claim)
        answers.append(None if claimed is None else not claimed)
    return any_of(answers)


def _is_provider(principal: object) -> bool:
    of = principal.references if isinstance(principal, Unknown) else ()
    if any("aws_iam_openid_connect_provider." in each for each in of):
        return True
    return ":oidc-provider/" in (text(principal) or "")


def _is_claim(key: str) -> bool:
    """Whether a condition key is a claim about a user. Tokens for AWS share their audience."""
    return ":" in key and not key.startswith(("aws:", "sts:")) and not key.endswith(":aud")


def _limits(condition: object, is_who: Callable[[str], bool]) -> bool | None:
    """Whether a condition names somebody by one of the keys that say who it is."""
    if isinstance(condition, Unknown):
        return None
    return any_of(
        _names_some(values)
        for operator, keys in (condition.items() if isinstance(condition, Mapping) else ())
        if _IS.fullmatch(str(operator).lower()) and isinstance(keys, Mapping)
        for key, values in keys.items()
        if is_who(str(key).lower())
    )


def _names_some(values: object) -> bool | None:
    """Whether none of the values of a condition is a wildcard for all."""
    known = [text(each) for each in items(values)]
    if any(each is not None and not each.strip("*?") for each in known):
        return False
    return None if None in known else bool(known)
