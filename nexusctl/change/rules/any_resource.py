"""What holds for any resource: asked before the rules on one, and after them."""

from nexusctl.change.rule import Effect, Level, Rule
from nexusctl.change.rules.conditions import GONE, NEW, TIER, computed, is_stateful, tier_falls
from nexusctl.terraform.plan import Action

# Attributes whose change nobody notices, of any resource.
LABELS = ("tags", "tags.*", "tags_all", "tags_all.*", "tag[[]*", "description")


# Asked before `RULES`.
NOISE: tuple[Rule, ...] = (
    Rule(
        id="labels",
        resource="*",
        attributes=LABELS,
        when=lambda context, attribute: (
            not (
                context.change.type == "aws_db_instance"
                and attribute.path == TIER
                and tier_falls(context, attribute)
            )
        ),
        condition="but for a tier that falls",
        level=Level.NONE,
        effect=Effect.NOTHING,
        says="labels only",
        fact="Tags and descriptions change nothing that runs.",
    ),
    Rule(
        id="empty",
        resource="*",
        attributes=("*",),
        when=lambda _context, attribute: not (attribute.before or attribute.after),
        condition="nothing, said in another way",
        level=Level.NONE,
        effect=Effect.NOTHING,
        says="nothing",
        fact="The provider tells null, an empty text and false apart; AWS does not.",
    ),
)


# Asked after `RULES`: one of them always fits.
FALLBACK: tuple[Rule, ...] = (
    Rule(
        id="computed",
        resource="*",
        attributes=("*",),
        when=computed,
        condition="AWS computes it",
        level=Level.NONE,
        effect=Effect.NOTHING,
        says="AWS may give it another value",
        fact="It follows from what else changes.",
    ),
    Rule(
        id="modified",
        resource="*",
        attributes=("*",),
        level=Level.LOW,
        effect=Effect.MODIFIED,
        says="no rule says what this does to the stack",
        fact="The provider changes it without replacing the resource.",
    ),
    Rule(
        id="state-lost",
        resource="*",
        actions=GONE,
        when=is_stateful,
        condition="the type holds data",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="what it holds is lost{why}",
        fact="Terraform deletes it; a replacement begins empty.",
    ),
    Rule(
        id="replaced",
        resource="*",
        actions=frozenset({Action.REPLACE}),
        level=Level.DISRUPTIVE,
        effect=Effect.REPLACED,
        says="it is missing or another one meanwhile{why}",
        fact="Terraform deletes it and makes a new one.",
    ),
    Rule(
        id="destroyed",
        resource="*",
        actions=frozenset({Action.DESTROY}),
        level=Level.DISRUPTIVE,
        effect=Effect.DESTROYED,
        says="what uses it fails",
        fact="Terraform deletes it.",
    ),
    Rule(
        id="forgotten",
        resource="*",
        actions=frozenset({Action.FORGET}),
        level=Level.LOW,
        effect=Effect.FORGOTTEN,
        says="it stays as it is, and Terraform no longer knows it",
        fact="Terraform takes it out of the state only.",
    ),
    Rule(
        id="state-lost-outside",
        resource="*",
        actions=NEW,
        when=lambda context, attribute: context.lost_outside and is_stateful(context, attribute),
        condition="somebody deleted it, and the type holds data",
        level=Level.DESTRUCTIVE,
        effect=Effect.DATA_LOST,
        says="somebody deleted it: this makes an empty one; restore it first if that can be done",
        fact="Terraform makes anew what the state has and AWS has not.",
    ),
    Rule(
        id="created",
        resource="*",
        actions=NEW,
        level=Level.NONE,
        effect=Effect.CREATED,
        says="it is new",
        fact="Terraform makes it; nothing used it before.",
    ),
)
