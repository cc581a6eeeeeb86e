"""The Auto Scaling Group of the workers."""

from nexusctl.change.rule import Context, Effect, Level, Rule
from nexusctl.change.rules import sources
from nexusctl.change.rules.conditions import GONE, becomes, ceases, less, written
from nexusctl.terraform.plan import AttributeChange


def _below_running(context: Context, attribute: AttributeChange) -> bool:
    return less(attribute.after, context.before.get("desired_capacity"))


def _too_many_run(context: Context, _attribute: AttributeChange) -> bool:
    return less(context.after.get("max_size"), context.before.get("desired_capacity"))


def _too_few_run(context: Context, _attribute: AttributeChange) -> bool:
    return less(context.before.get("desired_capacity"), context.after.get("min_size"))


def _refreshes(context: Context, _attribute: AttributeChange) -> bool:
    return bool(context.after.get("instance_refresh"))


WORKERS: tuple[Rule, ...] = (
    Rule(
        id="workers-refreshed",
        resource="aws_autoscaling_group",
        attributes=("launch_template*", "mixed_instances_policy*"),
        when=_refreshes,
        condition="instance_refresh is set",
        level=Level.DISRUPTIVE,
        effect=Effect.INSTANCES_RECYCLED,
        says="all {staying}, by instance refresh: {healthy} % stay in service, and the connections "
        "of those that go are closed",
        fact="An instance refresh terminates and launches instances in batches within the healthy "
        "percentages; Terraform starts it when the launch template changes.",
        source=sources.INSTANCE_REFRESH,
    ),
    Rule(
        id="workers-stale",
        resource="aws_autoscaling_group",
        attributes=("launch_template*", "mixed_instances_policy*"),
        level=Level.LOW,
        effect=Effect.INSTANCES_LATER,
        says="the {running} that run stay as they are until they are replaced",
        fact="A group uses a new launch template for the instances that it launches from then on.",
        source=sources.LAUNCH_TEMPLATES,
    ),
    Rule(
        id="workers-undone",
        resource="aws_autoscaling_group",
        attributes=("desired_capacity",),
        when=_below_running,
        condition="it is less than what runs",
        level=Level.DISRUPTIVE,
        effect=Effect.CAPACITY_UNDONE,
        says="{before} run, and this terminates all but {after}",
        fact="A desired capacity that is set replaces the scaling policy's.",
        source=sources.GROUP_SIZE,
    ),
    Rule(
        id="workers-desired",
        resource="aws_autoscaling_group",
        attributes=("desired_capacity",),
        when=written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="the group launches up to {after}",
        fact="A desired capacity that is set replaces the scaling policy's.",
        source=sources.GROUP_SIZE,
    ),
    Rule(
        id="workers-scaled-in",
        resource="aws_autoscaling_group",
        attributes=("max_size", "min_size"),
        when=_too_many_run,
        condition="max_size is less than what runs",
        level=Level.DISRUPTIVE,
        effect=Effect.CAPACITY_UNDONE,
        says="{running} run, and this terminates all but {maximum}",
        fact="With a maximum below the desired capacity the group scales in to it at once.",
        source=sources.GROUP_SIZE,
    ),
    Rule(
        id="workers-scaled-out",
        resource="aws_autoscaling_group",
        attributes=("min_size", "max_size"),
        when=_too_few_run,
        condition="min_size is more than what runs",
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="the group grows from {running} to {minimum} at once",
        fact="With a minimum above the desired capacity the group scales out to it.",
        source=sources.GROUP_SIZE,
    ),
    Rule(
        id="workers-limits",
        resource="aws_autoscaling_group",
        attributes=("min_size", "max_size"),
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="{running} run and stay",
        fact="Limits that the desired capacity is within terminate and launch nothing.",
        source=sources.GROUP_SIZE,
    ),
    Rule(
        id="workers-refresh-settings",
        resource="aws_autoscaling_group",
        attributes=("instance_refresh*",),
        level=Level.LOW,
        effect=Effect.INSTANCES_LATER,
        says="how the next replacement goes",
        fact="Preferences are those of a refresh when it starts.",
        source=sources.INSTANCE_REFRESH,
    ),
    Rule(
        id="workers-lost",
        resource="aws_autoscaling_group",
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.INSTANCES_RECYCLED,
        says="all {running} are terminated{why}",
        fact="Deleting a group terminates its instances.",
        source=sources.GROUP_SIZE,
    ),
    Rule(
        id="template-metadata",
        resource="aws_launch_template",
        attributes=("metadata_options*.http_tokens",),
        when=ceases("required"),
        condition="it was required",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="new instances answer IMDSv1: their credentials can be had by a forged request",
        fact="IMDSv2 asks for a token that forged requests cannot get.",
        source=sources.INSTANCE_METADATA,
    ),
    Rule(
        id="template-public",
        resource="aws_launch_template",
        attributes=("network_interfaces*.associate_public_ip_address",),
        when=becomes("true"),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="new instances get public addresses",
        fact="The template decides for instances that are launched from then on.",
        source=sources.LAUNCH_TEMPLATES,
    ),
    Rule(
        id="template-modified",
        resource="aws_launch_template",
        attributes=("*",),
        when=written,
        condition="AWS does not compute it",
        level=Level.LOW,
        effect=Effect.INSTANCES_LATER,
        says="what new instances are",
        fact="A launch template is versioned; instances that run do not change.",
        source=sources.LAUNCH_TEMPLATES,
    ),
    Rule(
        id="scaling-policy",
        resource="aws_autoscaling_policy",
        attributes=("target_tracking_configuration*", "step_adjustment*", "scaling_adjustment"),
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="when the group grows and shrinks",
        fact="Target tracking keeps the metric at its target within the group's limits.",
        source=sources.TARGET_TRACKING,
    ),
    Rule(
        id="workers-suspended",
        resource="aws_autoscaling_group",
        attributes=("suspended_processes*",),
        when=lambda context, _attribute: bool(context.after.get("suspended_processes")),
        condition="any is suspended",
        level=Level.DISRUPTIVE,
        effect=Effect.CAPACITY_CHANGED,
        says="the group does not do all of its work: without Launch and Terminate it neither "
        "scales nor replaces instances that fail",
        fact="A suspended process does nothing until it is resumed.",
        source=sources.SUSPENDED_PROCESSES,
    ),
    Rule(
        id="workers-resumed",
        resource="aws_autoscaling_group",
        attributes=("suspended_processes*",),
        level=Level.LOW,
        effect=Effect.CAPACITY_CHANGED,
        says="the group does all of its work again",
        fact="What a suspended process would have done is done when it is resumed.",
        source=sources.SUSPENDED_PROCESSES,
    ),
)
