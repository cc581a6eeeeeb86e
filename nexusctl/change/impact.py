"""What a plan does to live connections and data, in the stack's words."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from nexusctl.change.provenance import Provenance, Tracer
from nexusctl.change.rule import Context, Effect, Level, Rule, words_of
from nexusctl.change.rules import RULES
from nexusctl.change.rules.any_resource import FALLBACK, NOISE
from nexusctl.change.rules.outside import OUTSIDE, OUTSIDE_FALLBACK
from nexusctl.change.strangers import added_by_others, shows_others
from nexusctl.configuration.configuration import Instance, read
from nexusctl.environment.origin import Origin
from nexusctl.terraform.plan import (
    SENSITIVE,
    UNKNOWN,
    Action,
    AttributeChange,
    ResourceChange,
    action_of,
    is_hidden,
    parse_plan,
    root_of,
)

DATABASE = "aws_db_instance"
TABLE = (*NOISE, *RULES, *FALLBACK)
TABLE_OUTSIDE = (*NOISE, *OUTSIDE, *OUTSIDE_FALLBACK)
_POSITIONS = {rule.id: number for number, rule in enumerate((*TABLE, *TABLE_OUTSIDE))}
WHOLE = AttributeChange("", None, None)


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a change does.

    `attributes` are what makes it so, before → after; sensitive values are never in them, and a
    resource that is created or destroyed has none. `origins` are the settings behind it; where a
    module alone is, `module_line` is its `FILE:LINE` in the rendered root.
    `level` is how much it matters: of what was changed outside, the worse of that and of what the
    next apply does about it.
    """

    rule: Rule
    level: Level
    address: str
    action: Action
    says: str
    attributes: tuple[AttributeChange, ...]
    origins: tuple[Origin, ...]
    module_line: str | None

    @property
    def effect(self) -> Effect:
        """What happens, in the stack's words."""
        return self.rule.effect

    @property
    def order(self) -> tuple[int, int, int, str]:
        """What statements are sorted by: the most severe first, then as the table has them."""
        return (self.level.rank, self.effect.rank, _POSITIONS[self.rule.id], self.address)


@dataclass(frozen=True, slots=True)
class Loss:
    """A resource of which what cannot be made again is lost: the worst said of it.

    The plan destroys it, or makes it again, empty, where somebody has deleted it.
    `deletion_protection` and `skip_final_snapshot` are as they are applied, None for what has no
    such setting. What is `tainted` goes only because its creation did not come to its end.
    """

    statement: Statement
    deletion_protection: bool | None
    skip_final_snapshot: bool | None
    is_database: bool
    tainted: bool
    deleted_outside: bool

    @property
    def address(self) -> str:
        """The resource's address."""
        return self.statement.address


@dataclass(frozen=True, slots=True)
class Impact:
    """What a plan does, the most severe first.

    `statements` have no `NONE` among them: those are folded into `unnoticed`, the addresses of
    resources of which there is nothing else to say, by action. `losses` are what `protection.py`
    refuses.
    """

    statements: tuple[Statement, ...]
    unnoticed: Mapping[Action, tuple[str, ...]]
    losses: tuple[Loss, ...]

    @property
    def level(self) -> Level:
        """That of the most severe statement."""
        return self.statements[0].level if self.statements else Level.NONE

    def of(self, level: Level) -> tuple[Statement, ...]:
        """The statements of one level."""
        return tuple(each for each in self.statements if each.level is level)


def impact(document: Mapping[str, Any], provenance: Provenance | None = None) -> Impact:
    """What the plan does that `terraform show -json` prints as `document`.

    `provenance` is the environment and root that were planned; without it no line is named.
    """
    entries = _changing(document.get("resource_changes", ()))
    plan = parse_plan({"resource_changes": entries})
    lost = _lost(document)
    actions = {
        each.action for each in plan.changes if each.type == DATABASE and each.address not in lost
    }
    keeps_database = any(
        each["type"] == DATABASE and action_of(each) in {None, Action.UPDATE}
        for each in document.get("resource_changes", ())
    )
    moves = any(
        each.type == "aws_security_group" and "vpc_id" in each.forced_by for each in plan.changes
    )
    # Where all of it goes, no line is to blame.
    tracer = provenance.of(plan) if provenance and Action.DESTROY not in actions else None
    contexts = [
        Context(
            change,
            _side(entry, "before"),
            _side(entry, "after"),
            new_stack=Action.CREATE in actions,
            keeps_database=keeps_database,
            moves=moves,
            lost_outside=change.address in lost,
        )
        for entry, change in zip(entries, plan.changes, strict=True)
    ]
    return _impact(contexts, TABLE, tracer)


def _lost(document: Mapping[str, Any]) -> frozenset[str]:
    """The addresses of what the state knows and the plan did not find: somebody deleted it."""
    entries = document.get("resource_drift", ())
    return frozenset(each["address"] for each in entries if action_of(each) is Action.DESTROY)


def drift(document: Mapping[str, Any], provenance: Provenance) -> Impact:
    """What was changed outside Terraform, by a plan's JSON: before is the state, after is AWS.

    Of an update that counts which the plan would undo, and that which a rule is about, unless the
    files say it by now; AWS may compute the rest as it likes. What others have added to the stack's
    resources counts as well. What the next apply does about it is told by that plan's own impact.
    """
    entries = _changing(document.get("resource_drift", ()))
    plan = parse_plan({"resource_changes": entries})
    planned = {each.address: each for each in parse_plan(document).changes}
    written = {each.address: _decided(each) for each in read(provenance.rendered.files).instances}
    contexts = []
    for entry, change in zip(entries, plan.changes, strict=True):
        context = Context(
            change,
            _side(entry, "before"),
            _side(entry, "after"),
            outside=True,
            planned=planned.get(change.address),
            written=written.get(change.address, frozenset()),
        )
        counting = tuple(each for each in change.attributes if _counts(context, each))
        if counting or change.action is not Action.UPDATE:
            contexts.append(replace(context, change=replace(change, attributes=counting)))
    contexts += [
        Context(change, {}, values, outside=True, planned=planned.get(change.address))
        for change, values in added_by_others(document)
    ]
    return _impact(contexts, TABLE_OUTSIDE, provenance.of(plan), impact(document).statements)


def _decided(instance: Instance) -> frozenset[str]:
    """The arguments and blocks of which the files decide what they are."""
    ignored = instance.ignored
    # With the provider's default_tags, tags_all are the files', too.
    return frozenset() if "all" in ignored else frozenset({*instance.values, "tags_all"}) - ignored


def _counts(context: Context, attribute: AttributeChange) -> bool:
    if shows_others(context.change.type, attribute) or _alike(attribute.before, attribute.after):
        return False
    if context.planned_for(attribute):
        return True
    # Where the files decide and the plan does nothing, they say by now what AWS has.
    taken_over = root_of(attribute.path) in context.written
    return not taken_over and any(rule.fits(context, attribute) for rule in OUTSIDE)


def _alike(before: object, after: object) -> bool:
    """Whether both are nothing, or the same JSON."""
    if not (before or after):
        return True
    if before == SENSITIVE or not (isinstance(before, str) and isinstance(after, str)):
        return False
    try:
        return bool(json.loads(before) == json.loads(after))
    except ValueError:
        return False


def _changing(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that parse_plan makes a change of."""
    return [each for each in entries if action_of(each)]


def _side(entry: Mapping[str, Any], side: Literal["before", "after"]) -> dict[str, Any]:
    """What a resource has before or after, without whatever is sensitive."""
    hidden = entry["change"].get(f"{side}_sensitive") or {}
    values = {} if hidden is True else entry["change"].get(side) or {}
    return {name: value for name, value in values.items() if not is_hidden(hidden.get(name))}


def _impact(
    contexts: Iterable[Context],
    table: Sequence[Rule],
    tracer: Tracer | None,
    ahead: Sequence[Statement] = (),
) -> Impact:
    """`ahead` is what the next apply does, where it is about what was changed outside."""
    statements: list[Statement] = []
    losses: list[Loss] = []
    unnoticed: dict[Action, tuple[str, ...]] = {}
    for context in contexts:
        change = context.change
        mine = [each for each in ahead if each.address == change.address]
        found = _statements(context, table, tracer, mine)
        told = [each for each in found if each.level is not Level.NONE]
        statements += told
        losses += [_loss(context, each) for each in told if each.level is Level.DESTRUCTIVE]
        if not told:
            unnoticed[change.action] = (*unnoticed.get(change.action, ()), change.address)
    statements.sort(key=lambda each: each.order)
    return Impact(tuple(statements), unnoticed, tuple(losses))


def _statements(
    context: Context, table: Sequence[Rule], tracer: Tracer | None, ahead: Sequence[Statement]
) -> Iterator[Statement]:
    """Each rule that fits, with the attributes that it fits and that fare alike next."""
    change = context.change
    if context.lost_outside:
        tracer = None  # whoever deleted it edited no line
    found: dict[tuple[str, str], tuple[Rule, Level, list[AttributeChange]]] = {}
    attributes = change.attributes if change.action is Action.UPDATE else (WHOLE,)
    for attribute in attributes:
        rule = next(each for each in table if each.fits(context, attribute))
        about = [each for each in ahead if _is_about(each, context, attribute)]
        key = (rule.id, _next_apply(context, rule, attribute, about))
        found.setdefault(key, (rule, _level(rule, about), []))[2].append(attribute)
    for (_, next_apply), (rule, level, some) in found.items():
        shown = tuple(some) if change.action is Action.UPDATE else _forcing(change)
        # What the files do not write has no line, nor has what somebody deleted.
        of_files = not context.outside or any(map(context.planned_for, shown))
        yield Statement(
            rule=rule,
            level=level,
            address=change.address,
            action=change.action,
            says=_said(rule, context, some, next_apply),
            attributes=shown,
            origins=_origins(tracer, context, shown) if tracer else (),
            module_line=tracer.line(change, shown) if tracer and of_files else None,
        )


def _level(rule: Rule, ahead: Iterable[Statement]) -> Level:
    """The worse of both; what nobody notices stays that."""
    levels = [rule.level, *(each.level for each in ahead)]
    return min(levels, key=lambda each: each.rank) if rule.level is not Level.NONE else Level.NONE


def _is_about(ahead: Statement, context: Context, attribute: AttributeChange) -> bool:
    """Whether what the plan does there is done about this attribute, or to all of the resource."""
    planned = context.planned_for(attribute)
    return ahead.action is not Action.UPDATE or any(each in planned for each in ahead.attributes)


_OF_FILES = "makes it what the files say"
_NEXT: Mapping[Action | None, str] = {
    Action.REPLACE: "replaces it",
    Action.DESTROY: "destroys it",
}


def _next_apply(
    context: Context, rule: Rule, attribute: AttributeChange, ahead: Sequence[Statement]
) -> str:
    """What the next apply does about what somebody changed outside, to end a sentence with."""
    action = context.planned.action if context.planned else None
    if not context.outside:
        return ""
    if context.change.action is Action.DESTROY:
        return "; the next apply makes a new one" if action is Action.CREATE else ""
    does = _NEXT.get(action) or _put_back(context, attribute)
    if does is None:
        return "; no apply puts it back: undo it in AWS"
    for each in ahead:
        if each.effect is Effect.AWS_REFUSES:
            return f"; AWS refuses the next apply: {each.says}"
    # That access changes back goes without saying.
    more = [
        f": {each.effect}, {each.says}"
        for each in ahead
        if each.level in {Level.DISRUPTIVE, Level.DESTRUCTIVE}
        and each.effect is not Effect.ACCESS_CHANGED
        and each.rule.id != rule.id
    ]
    return f"; the next apply {does}{''.join(more)}"


def _put_back(context: Context, attribute: AttributeChange) -> str | None:
    """What the plan makes of it: nothing, what it was, or what the files say by now."""
    planned = context.planned_for(attribute)
    was = {each.path: each.before for each in context.change.attributes}
    if not planned:
        return None
    if all(each.path in was and _same(each.after, was[each.path]) for each in planned):
        return "puts it back"
    after = planned[0].after if planned[0].path == attribute.path else UNKNOWN
    plain = isinstance(after, int | float | str) and not str(after).startswith("{")
    return f"makes it {after}" if plain and after not in {SENSITIVE, UNKNOWN} else _OF_FILES


def _same(planned: object, before: object) -> bool:
    """Whether both are one value, as far as it may be known."""
    return planned != SENSITIVE and (planned == before or _alike(planned, before))


def _origins(
    tracer: Tracer, context: Context, shown: Iterable[AttributeChange]
) -> tuple[Origin, ...]:
    """The settings behind it or, of what was changed outside, those that say what should be."""
    if not context.outside:
        return tracer.origins(context.change, shown)
    planned = [each for one in shown for each in context.planned_for(one)]
    return tracer.settings(context.change, planned)


def _forcing(change: ResourceChange) -> tuple[AttributeChange, ...]:
    """The attributes for which a resource is replaced."""
    return tuple(
        each
        for each in change.attributes
        if any(
            each.path == path or each.path.startswith((f"{path}.", f"{path}["))
            for path in change.forced_by
        )
    )


def _said(
    rule: Rule, context: Context, attributes: Sequence[AttributeChange], next_apply: str
) -> str:
    first = attributes[0]
    values = {
        "attribute": first.path,
        "before": first.before,
        "after": first.after,
        "id": (context.before or context.after).get("id"),
        "next": next_apply,
    }
    return rule.says.format_map(values | words_of(context))


def _loss(context: Context, statement: Statement) -> Loss:
    return Loss(
        statement,
        context.before.get("deletion_protection"),
        context.before.get("skip_final_snapshot"),
        context.change.type == DATABASE,
        context.change.tainted,
        context.lost_outside,
    )
