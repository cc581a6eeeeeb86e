"""Alarms and log groups."""

from nexusctl.change.rule import Context, Effect, Level, Rule
from nexusctl.change.rules import sources
from nexusctl.change.rules.conditions import GONE, less
from nexusctl.terraform.plan import Action, AttributeChange

# What the provider writes for a group without a retention.
_FOR_EVER = 0


def _kept_shorter(_context: Context, attribute: AttributeChange) -> bool:
    return attribute.after != _FOR_EVER and (
        attribute.before == _FOR_EVER or less(attribute.after, attribute.before)
    )


ALARMS_AND_LOGS: tuple[Rule, ...] = (
    Rule(
        id="alarm-replaced",
        resource="aws_cloudwatch_metric_alarm",
        actions=frozenset({Action.REPLACE}),
        level=Level.LOW,
        effect=Effect.REPLACED,
        says="nobody is told until it is made again and has looked at its metric{why}",
        fact="Alarms watch; what they watch does not change with them. A new one begins with "
        "INSUFFICIENT_DATA.",
        source=sources.ALARMS,
    ),
    Rule(
        id="alarm-gone",
        resource="aws_cloudwatch_metric_alarm",
        actions=frozenset({Action.DESTROY}),
        level=Level.LOW,
        effect=Effect.DESTROYED,
        says="nobody is told any more",
        fact="Alarms watch; what they watch does not change with them.",
        source=sources.ALARMS,
    ),
    Rule(
        id="logs-lost",
        resource="aws_cloudwatch_log_group",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.LOGS_DELETED,
        says="the logs it holds are deleted{why}",
        fact="Deleting a log group deletes its events for good.",
        source=sources.LOG_GROUPS,
    ),
    Rule(
        id="log-retention-shorter",
        resource="aws_cloudwatch_log_group",
        attributes=("retention_in_days",),
        when=_kept_shorter,
        condition="it shrinks",
        level=Level.DISRUPTIVE,
        effect=Effect.LOGS_DELETED,
        says="logs older than {after} days are deleted",
        fact="Events older than the retention are deleted, usually within 72 hours.",
        source=sources.LOG_GROUPS,
    ),
    Rule(
        id="log-retention-longer",
        resource="aws_cloudwatch_log_group",
        attributes=("retention_in_days",),
        level=Level.LOW,
        effect=Effect.MODIFIED,
        says="logs are kept longer; what is deleted already does not come back",
        fact="Events older than the retention are deleted, usually within 72 hours.",
        source=sources.LOG_GROUPS,
    ),
)
