"""When a rule fits, where several groups of rules ask it."""

from fnmatch import fnmatchcase

from nexusctl.change.rule import Condition, Context
from nexusctl.terraform.plan import UNKNOWN, Action, AttributeChange

GONE = frozenset({Action.DESTROY, Action.REPLACE})
NEW = frozenset({Action.CREATE})
# What is at stake, from the least on (`tier` of the environment, and the tag of every resource).
TIERS = ("sandbox", "development", "staging", "production")
TIER = "tags_all.Tier"
ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
# Types that hold what cannot be made again, of this stack and beyond.
STATEFUL = (
    "aws_backup_vault",
    "aws_db_instance",
    "aws_db_snapshot",
    "aws_dynamodb_table",
    "aws_ebs_*",
    "aws_ecr_repository",
    "aws_efs_*",
    "aws_elasticache_*",
    "aws_kms_*key",
    "aws_opensearch_domain",
    "aws_rds_*cluster*",
    "aws_s3_bucket",
    "aws_secretsmanager_secret*",
    "aws_ssm_parameter",
)


def becomes(value: object) -> Condition:
    """It becomes this value."""
    return lambda _context, attribute: attribute.after == value


def ceases(value: object) -> Condition:
    """It was this value and is another one."""
    return lambda _context, attribute: attribute.before == value and attribute.after != value


def less(left: object, right: object) -> bool:
    """Whether both are numbers, which what AWS computes is not yet, and the first is less."""
    return isinstance(left, int | float) and isinstance(right, int | float) and left < right


def shrinks(_context: Context, attribute: AttributeChange) -> bool:
    """It becomes a lesser number."""
    return less(attribute.after, attribute.before)


def computed(_context: Context, attribute: AttributeChange) -> bool:
    """AWS gives it a value; nobody wrote one."""
    return attribute.after == UNKNOWN


def written(context: Context, attribute: AttributeChange) -> bool:
    """Somebody wrote a value, or wrote none any more."""
    return not computed(context, attribute)


def stands(context: Context, _attribute: AttributeChange) -> bool:
    """The stack is there already."""
    return not context.new_stack


def lost_outside(context: Context, _attribute: AttributeChange) -> bool:
    """Somebody deleted it."""
    return context.lost_outside


def tier_falls(_context: Context, attribute: AttributeChange) -> bool:
    """Whether what is applied was told to be more at stake than what is written now."""
    sides = (attribute.after, attribute.before)
    after, before = (TIERS.index(each) if each in TIERS else None for each in sides)
    return less(after, before)


def is_stateful(context: Context, _attribute: AttributeChange) -> bool:
    """Its type holds what cannot be made again."""
    return any(fnmatchcase(context.change.type, pattern) for pattern in STATEFUL)
