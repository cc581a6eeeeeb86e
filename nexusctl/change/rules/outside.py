"""What somebody changed outside Terraform."""

from dataclasses import replace

from nexusctl.change.rule import Context, Effect, Level, Rule
from nexusctl.change.rules import RULES, sources
from nexusctl.change.rules.conditions import ANYWHERE, GONE, is_stateful
from nexusctl.terraform.plan import Action, AttributeChange

_TOLD_OUTSIDE = frozenset(
    {
        Effect.DATA_LOST,
        Effect.LOGS_DELETED,
        Effect.SECURITY_LOWERED,
        Effect.PROTECTION_LOWERED,
        Effect.ACCESS_OPENED,
        Effect.ACCESS_CLOSED,
        Effect.ACCESS_CHANGED,
    }
)


_TOLD_OUTSIDE_TOO = frozenset({"pool-smaller", "pool-larger", "workers-suspended"})


_STRANGE = (
    "A group whose rules are resources of their own may have others, which Terraform leaves alone."
)


def _is_open_to_all(_context: Context, attribute: AttributeChange) -> bool:
    return any(network in str(attribute.after) for network in ANYWHERE)


# What rules say of when and how Terraform does it is not true of what others did.
OUTSIDE: tuple[Rule, ...] = (
    Rule(
        id="outside-opened-to-all",
        resource="aws_*security_group",
        attributes=("ingress",),
        when=_is_open_to_all,
        condition="somebody has added a rule for any address",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="somebody lets {after} in{next}",
        fact=_STRANGE,
        source=sources.SECURITY_GROUP_RULES,
    ),
    Rule(
        id="outside-opened",
        resource="aws_*security_group",
        attributes=("ingress", "egress"),
        condition="somebody has added a rule",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_OPENED,
        says="somebody lets {after} through{next}",
        fact=_STRANGE,
        source=sources.SECURITY_GROUP_RULES,
    ),
    Rule(
        id="outside-role-granted",
        resource="aws_iam_role",
        attributes=("inline_policy", "managed_policy_arns"),
        condition="somebody has added a policy",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="somebody gave the role the policy {after}{next}",
        fact="A role may do what any of its policies allows. Terraform leaves alone those that are "
        "no resources of its own.",
        source=sources.IAM_CHANGES,
    ),
    Rule(
        id="outside-route-to-all",
        resource="aws_route_table",
        attributes=("route",),
        when=_is_open_to_all,
        condition="somebody has added a route to any address",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="somebody gave the private subnets a route to {after}{next}",
        fact="A route to an internet gateway or the like is what a private subnet has not. "
        "Terraform leaves alone routes that are no resources of its own.",
        source=sources.ROUTES,
    ),
    Rule(
        id="outside-route",
        resource="aws_route_table",
        attributes=("route",),
        condition="somebody has added a route",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="somebody gave the private subnets a route to {after}{next}",
        fact="Terraform leaves alone routes that are no resources of its own.",
        source=sources.ROUTES,
    ),
    Rule(
        id="outside-database-groups",
        resource="aws_db_instance",
        attributes=("vpc_security_group_ids*",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="other security groups than the stack's decide who reaches the database{next}",
        fact="An instance lets in what any of its security groups lets in.",
        source=sources.RDS_SETTINGS,
    ),
    Rule(
        id="outside-proxy-user-added",
        resource="aws_db_proxy",
        attributes=("auth[[]*]",),
        when=lambda _context, attribute: attribute.before is None,
        condition="somebody has added one",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_OPENED,
        says="somebody lets the proxy sign in with another secret{next}",
        fact="A proxy takes every user who has a secret in its Auth.",
        source=sources.PROXY_MODIFY,
    ),
    Rule(
        id="outside-proxy-user-removed",
        resource="aws_db_proxy",
        attributes=("auth[[]*]",),
        when=lambda _context, attribute: attribute.after is None,
        condition="somebody has removed one",
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="the proxy refuses a database user{next}",
        fact="A proxy takes only users who have a secret in its Auth.",
        source=sources.PROXY_MODIFY,
    ),
    Rule(
        id="outside-proxy-secret",
        resource="aws_db_proxy",
        attributes=("auth[[]*].secret_arn",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="the proxy signs in with another secret{next}",
        fact="A proxy takes every user who has a secret in its Auth.",
        source=sources.PROXY_MODIFY,
    ),
    Rule(
        id="outside-rotation-cancelled",
        resource="aws_secretsmanager_secret_rotation",
        attributes=("rotation_enabled", "rotation_lambda_arn", "rotation_rules*"),
        when=lambda context, _attribute: context.after.get("rotation_enabled") is False,
        condition="rotation_enabled is false",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="a password is no longer rotated{next}",
        fact="Without a rotation the value of a secret stays as it is.",
        source=sources.ROTATION,
    ),
    Rule(
        id="outside-rotation-deleted",
        resource="aws_secretsmanager_secret_rotation",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="a password is no longer rotated{next}",
        fact="Without a rotation the value of a secret stays as it is.",
        source=sources.ROTATION,
    ),
    *(
        replace(rule, says=f"{rule.says}{{next}}")
        for rule in RULES
        if (rule.effect in _TOLD_OUTSIDE or rule.id in _TOLD_OUTSIDE_TOO)
        and Action.UPDATE in rule.actions
    ),
    Rule(
        id="outside-grant-changed",
        resource="aws_iam_*policy",
        attributes=("policy",),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="somebody changed what a role may do{next}",
        fact="Changes of IAM are visible everywhere after seconds; connections that are open stay.",
        source=sources.IAM_CHANGES,
    ),
    Rule(
        id="outside-key-lost",
        resource="aws_kms_key",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deletes the key, and all that it encrypted becomes unreadable; for 7 to 30 "
        "days that can be undone, before anything else: aws kms cancel-key-deletion --key-id {id}, "
        "then aws kms enable-key{next}",
        fact="Deletion waits for 7 to 30 days, in which it can be cancelled; the key is disabled "
        "then. Terraform takes a key that waits for one that is gone.",
        source=sources.KEY_DELETE,
    ),
    Rule(
        id="outside-secret-lost",
        resource="aws_secretsmanager_secret",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the credentials of a database user; if that can still be undone, "
        "do so before anything else: aws secretsmanager restore-secret --secret-id {id}{next}",
        fact="A deleted secret can be restored for its recovery window (7 to 30 days), unless it "
        "was deleted by force.",
        source=sources.DELETED_SECRETS,
    ),
    Rule(
        id="outside-database-lost",
        resource="aws_db_instance",
        actions=GONE,
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted the database; restore a snapshot of it before anything else{next}",
        fact="A final or a manual snapshot outlives the instance; so may retained backups.",
        source=sources.RDS_DELETE,
    ),
    Rule(
        id="outside-lost",
        resource="*",
        actions=GONE,
        when=is_stateful,
        condition="the type holds data",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted it, and what it held{next}",
        fact="Terraform makes anew what the state has and AWS has not.",
    ),
    Rule(
        id="outside-logs-lost",
        resource="aws_cloudwatch_log_group",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.LOGS_DELETED,
        says="somebody deleted it, with the logs it held{next}",
        fact="Deleting a log group deletes its events for good.",
        source=sources.LOG_GROUPS,
    ),
    Rule(
        id="outside-deleted",
        resource="*",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.DESTROYED,
        says="somebody deleted it{next}",
        fact="Terraform makes anew what the state has and AWS has not.",
    ),
)


# Asked after `OUTSIDE`, of what Terraform would undo: it always fits.
OUTSIDE_FALLBACK: tuple[Rule, ...] = (
    Rule(
        id="outside-changed",
        resource="*",
        attributes=("*",),
        level=Level.LOW,
        effect=Effect.CHANGED_OUTSIDE,
        says="somebody changed it{next}",
        fact="Terraform makes AWS what the files say.",
    ),
)
