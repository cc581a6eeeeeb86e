"""Who may do what: the policies that roles, keys, secrets and endpoints carry."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from nexusctl.change.rule import Condition, Context, Effect, Level, Rule
from nexusctl.change.rules import sources
from nexusctl.change.rules.conditions import GONE, NEW, stands
from nexusctl.terraform.plan import AttributeChange


def _opens(is_open: Callable[[Mapping[str, Any]], bool]) -> Condition:
    """Whether a statement of a policy is now what none was before."""

    def condition(_context: Context, attribute: AttributeChange) -> bool:
        before, after = (
            any(is_open(statement) for statement in _allowing(side))
            for side in (attribute.before, attribute.after)
        )
        return after and not before

    return condition


def _allowing(policy: object) -> list[Mapping[str, Any]]:
    """The statements of a policy that allow without a condition; none where it is no JSON."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else {}
    except ValueError:
        return []
    statements = document.get("Statement") if isinstance(document, dict) else None
    return [
        each
        for each in (statements if isinstance(statements, list) else [statements])
        if isinstance(each, dict) and each.get("Effect") == "Allow" and not each.get("Condition")
    ]


def _to_anybody(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return "NotPrincipal" in statement or _names_all(named)


def _on_everything(statement: Mapping[str, Any]) -> bool:
    return "NotResource" in statement or _names_all(statement.get("Resource"))


def _names_all(value: object) -> bool:
    return "*" in value if isinstance(value, list) else value == "*"


PERMISSIONS: tuple[Rule, ...] = (
    Rule(
        id="trust-open",
        resource="aws_iam_role",
        attributes=("assume_role_policy",),
        when=_opens(_to_anybody),
        condition="it allows any principal, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="anybody may take on the role, and do what it may",
        fact="Without a condition the principal * stands for every AWS account.",
        source=sources.TRUST_POLICY,
    ),
    Rule(
        id="trust-changed",
        resource="aws_iam_role",
        attributes=("assume_role_policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others may take on the role than before",
        fact="A trust policy holds for sessions that begin; those that have begun go on.",
        source=sources.TRUST_POLICY,
    ),
    Rule(
        id="key-open",
        resource="aws_kms_key",
        attributes=("policy",),
        when=_opens(_to_anybody),
        condition="it allows any principal, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="anybody may use the key",
        fact="A key policy alone can allow; without a condition the principal * is everybody.",
        source=sources.KEY_POLICY,
    ),
    Rule(
        id="key-policy-changed",
        resource="aws_kms_key",
        attributes=("policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others may use the key than before",
        fact="Who may not use the key can read and write nothing that it encrypts.",
        source=sources.KEY_POLICY,
    ),
    Rule(
        id="secret-open",
        resource="aws_secretsmanager_secret*",
        attributes=("policy",),
        when=_opens(_to_anybody),
        condition="it allows any principal, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="anybody who may use its key may read the password",
        fact="A resource policy alone can allow; without a condition the principal * is everybody.",
        source=sources.RESOURCE_POLICY,
    ),
    Rule(
        id="secret-policy-changed",
        resource="aws_secretsmanager_secret*",
        attributes=("policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others may read the secret, or are refused",
        fact="A resource policy allows and denies besides what IAM policies do.",
        source=sources.RESOURCE_POLICY,
    ),
    Rule(
        id="grant-open",
        resource="aws_iam_*policy",
        attributes=("policy",),
        when=_opens(_on_everything),
        condition="it allows something on every resource, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="what a role may do, it may do to every resource",
        fact="Changes of IAM are visible everywhere after seconds.",
        source=sources.IAM_CHANGES,
    ),
    Rule(
        id="grant-made",
        resource="aws_iam_role_policy_attachment",
        actions=NEW,
        when=stands,
        condition="the stack is there already",
        level=Level.LOW,
        effect=Effect.ACCESS_OPENED,
        says="a role is allowed more",
        fact="Changes of IAM are visible everywhere after seconds.",
        source=sources.IAM_CHANGES,
    ),
    Rule(
        id="grant-ended",
        resource="aws_iam_*policy*",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="new connections that need this permission are refused{why}",
        fact="Changes of IAM are visible everywhere after seconds; connections that are open stay.",
        source=sources.IAM_CHANGES,
    ),
    Rule(
        id="grant-changed",
        resource="aws_iam_*policy",
        attributes=("policy",),
        level=Level.LOW,
        effect=Effect.MODIFIED,
        says="what a role may do",
        fact="Changes of IAM are visible everywhere after seconds; connections that are open stay.",
        source=sources.IAM_CHANGES,
    ),
    Rule(
        id="endpoint-open",
        resource="aws_vpc_endpoint",
        attributes=("policy",),
        when=_opens(_on_everything),
        condition="it allows something on every resource, without a condition",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="the endpoint lets through to everybody's resources: data can leave by it",
        fact="An endpoint policy limits what can be reached through it, whoever asks.",
        source=sources.ENDPOINT_POLICY,
    ),
    Rule(
        id="endpoint-policy-changed",
        resource="aws_vpc_endpoint",
        attributes=("policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="other requests go through the endpoint than before",
        fact="An endpoint policy limits what can be reached through it, whoever asks.",
        source=sources.ENDPOINT_POLICY,
    ),
)
