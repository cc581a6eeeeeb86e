"""What a rule on changes is made of; the rules themselves are in `rules/`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from nexusctl.terraform.plan import UNKNOWN, Action, AttributeChange, ResourceChange, root_of


class Level(StrEnum):
    """How much a change matters.

    `NONE`: nobody notices. `LOW`: nothing breaks. `DISRUPTIVE`: connections break, somebody is
    refused, a guard falls, or logs are deleted. `DESTRUCTIVE`: data is lost, or may be; backups are
    data.
    """

    NONE = "none"
    LOW = "low"
    DISRUPTIVE = "disruptive"
    DESTRUCTIVE = "destructive"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return list(Level)[::-1].index(self)


class Effect(StrEnum):
    """What happens, in the stack's words. The order is that of reports within a level."""

    DATA_LOST = "data lost"
    DATABASE_REPLACED = "database replaced"
    SECURITY_LOWERED = "security lowered"
    PROTECTION_LOWERED = "protection lowered"
    DATABASE_RESTARTED = "database restarted"
    AWS_REFUSES = "AWS refuses"
    PROXY_REPLACED = "proxy replaced"
    CREDENTIALS_ROTATED = "credentials rotated"
    CAPACITY_UNDONE = "capacity undone"
    LOGS_DELETED = "logs deleted"
    ACCESS_OPENED = "access opened"
    ACCESS_CLOSED = "access closed"
    ACCESS_CHANGED = "access changed"
    INSTANCES_RECYCLED = "instances recycled"
    REPLACED = "replaced"
    DESTROYED = "destroyed"
    PROTECTION_CHANGED = "protection changed"
    WAITS_FOR_RESTART = "waits for a restart"
    DATABASE_MODIFIED = "database modified in place"
    PROXY_MODIFIED = "proxy modified in place"
    CAPACITY_CHANGED = "capacity changed"
    INSTANCES_LATER = "new instances only"
    MODIFIED = "modified in place"
    CHANGED_OUTSIDE = "changed outside Terraform"
    FORGOTTEN = "no longer managed"
    CREATED = "created"
    NOTHING = "nothing to notice"

    @property
    def rank(self) -> int:
        """0 for what reports begin with."""
        return list(Effect).index(self)


@dataclass(frozen=True, slots=True)
class Context:
    """A change, with all that the resource has before and after it but for sensitive values.

    `new_stack`: the plan makes the database, so there is nobody yet to whom it could matter.
    `keeps_database`: there is one, which the plan neither destroys nor replaces.
    `moves`: the plan takes the stack to another VPC.
    `outside`: it is no plan but what was changed outside Terraform; `planned` is what the next
    apply does to the resource then, and `written` are the arguments that the files decide.
    `lost_outside`: the state knows the resource, and somebody has deleted it.
    """

    change: ResourceChange
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    new_stack: bool = False
    keeps_database: bool = False
    moves: bool = False
    outside: bool = False
    lost_outside: bool = False
    planned: ResourceChange | None = None
    written: frozenset[str] = frozenset()

    def planned_for(self, attribute: AttributeChange) -> tuple[AttributeChange, ...]:
        """What the next apply makes of this attribute, but for what AWS computes.

        Of other parts of the same argument, where the plan does not say it of this one.
        """
        root = root_of(attribute.path)
        planned = self.planned.attributes if self.planned else ()
        argument = [each for each in planned if root_of(each.path) == root]
        known = [each for each in argument if each.after != UNKNOWN]
        same = [each for each in known if each.path == attribute.path]
        return tuple(same or known or (argument if root in self.written else ()))


Condition = Callable[[Context, AttributeChange], bool]


def always(_context: Context, _attribute: AttributeChange) -> bool:
    """The condition of a rule that has none."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one kind of change does.

    `resource` is a resource type or a pattern of such. `attributes` are patterns of the paths of
    attributes (`auth[[]*].iam_auth`, as fnmatch has them); with none, the rule is about resources
    as a whole. `when` decides where type and attribute do not, and `condition` says it in words.
    `says` may use `{attribute}`, `{before}`, `{after}`, `{id}` of the resource, what `words_of`
    gives and, of what was changed outside, `{next}`: what the next apply does about it.
    `fact` is the rule of AWS's behind it, `source` where AWS says so.
    """

    id: str
    resource: str
    attributes: tuple[str, ...] = ()
    actions: frozenset[Action] = frozenset({Action.UPDATE})
    when: Condition = always
    condition: str = ""
    level: Level
    effect: Effect
    says: str
    fact: str
    source: str = ""

    def fits(self, context: Context, attribute: AttributeChange) -> bool:
        """Whether this is what the rule is about. `attribute` has no path for a whole resource."""
        change = context.change
        return (
            change.action in self.actions
            and fnmatchcase(change.type, self.resource)
            and (
                any(fnmatchcase(attribute.path, pattern) for pattern in self.attributes)
                if self.attributes
                else not attribute.path
            )
            and self.when(context, attribute)
        )


def words_of(context: Context) -> dict[str, str]:
    """What a rule's `says` may use besides the attribute itself."""
    before, after = context.before, context.after
    now = after.get("apply_immediately") is True
    window = f"in the maintenance window {after.get('maintenance_window')} UTC"
    snapshot = before.get("final_snapshot_identifier")
    from_when = "from now on" if now else f"from the change {window} on"
    return {
        "identifier": str((before or after).get("identifier")),
        "window": window,
        "when": "now" if now else window,
        "from_when": "any more" if context.outside else from_when,
        "rounded": str(rounded_up(before.get("allocated_storage"))),
        "running": _counted(before.get("desired_capacity")),
        "staying": _counted(staying(context)),
        "minimum": str(after.get("min_size")),
        "maximum": str(after.get("max_size")),
        "healthy": str(_healthy(after)),
        "snapshot": f"the final snapshot {snapshot}" if snapshot else "a final snapshot",
        "why": _why(context.change),
    }


def rounded_up(storage: object) -> int | None:
    """The least GiB that RDS lets this many grow to: 10 % more (ModifyDBInstance)."""
    return -(-storage * 11 // 10) if isinstance(storage, int) else None


def staying(context: Context) -> int | None:
    """How many instances of a group are left of those that run, with the sizes after the change."""
    running = context.before.get("desired_capacity")
    after = (context.after.get(name) for name in ("desired_capacity", "max_size"))
    if not isinstance(running, int):
        return None
    return min([running, *(size for size in after if isinstance(size, int))])


def _healthy(group: Mapping[str, Any]) -> object:
    """The percentage of a group that an instance refresh leaves in service; AWS's default is 90."""
    refresh = (group.get("instance_refresh") or [{}])[0].get("preferences") or [{}]
    percentage = refresh[0].get("min_healthy_percentage")
    return 90 if percentage is None else percentage


def _why(change: ResourceChange) -> str:
    return "; it is tainted: its creation did not come to its end" if change.tainted else ""


def _counted(running: object) -> str:
    if not isinstance(running, int):
        return "instances"
    return f"{running} instance" + ("" if running == 1 else "s")
