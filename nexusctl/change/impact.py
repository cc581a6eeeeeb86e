"""What a plan does to live connections and data, in the stack's words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from nexusctl.change.provenance import Provenance, Tracer
from nexusctl.change.rule import Context, Effect, Level, Rule, words_of
from nexusctl.change.rules import FALLBACK, NOISE, OUTSIDE, RULES
from nexusctl.change.strangers import opened_by_others
from nexusctl.environment.origin import Origin
from nexusctl.terraform.plan import (
    Action,
    AttributeChange,
    ResourceChange,
    action_of,
    is_hidden,
    parse_plan,
)

DATABASE = "aws_db_instance"
TABLE = (*NOISE, *RULES, *FALLBACK)
TABLE_OUTSIDE = (*NOISE, *OUTSIDE)
_POSITIONS = {rule.id: number for number, rule in enumerate((*TABLE, *OUTSIDE))}
WHOLE = AttributeChange("", None, None)


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a change does.

    `attributes` are what makes it so, before → after; sensitive values are never in them, and a
    resource that is created or destroyed has none. `origins` are the settings behind it; where a
    module alone is, `module_line` is its `FILE:LINE` in the rendered root.
    """

    rule: Rule
    address: str
    action: Action
    says: str
    attributes: tuple[AttributeChange, ...]
    origins: tuple[Origin, ...]
    module_line: str | None

    @property
    def level(self) -> Level:
        """How much it matters."""
        return self.rule.level

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
    """A resource of which the plan destroys what cannot be made again: the worst said of it.

    `deletion_protection` and `skip_final_snapshot` are as they are applied, None for what has no
    such setting. What is `tainted` goes only because its creation did not come to its end.
    """

    statement: Statement
    deletion_protection: bool | None
    skip_final_snapshot: bool | None
    is_database: bool
    tainted: bool

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
    actions = {each.action for each in plan.changes if each.type == DATABASE}
    # Where all of it goes, no line is to blame.
    tracer = provenance.of(plan) if provenance and Action.DESTROY not in actions else None
    contexts = [
        Context(
            change,
            _side(entry, "before"),
            _side(entry, "after"),
            new_stack=Action.CREATE in actions,
        )
        for entry, change in zip(entries, plan.changes, strict=True)
    ]
    return _impact(contexts, TABLE, tracer)


def drift(document: Mapping[str, Any], provenance: Provenance) -> Impact:
    """What was changed outside Terraform, by a plan's JSON: before is the state, after is AWS.

    Of an update only what the modules write counts: AWS may compute the rest as it likes. A rule
    that somebody has added to a security group counts as well.
    """
    entries = _changing(document.get("resource_drift", ()))
    plan = parse_plan({"resource_changes": entries})
    tracer = provenance.of(plan)
    contexts = []
    for entry, change in zip(entries, plan.changes, strict=True):
        written = tuple(
            each
            for each in change.attributes
            if (each.before or each.after) and tracer.declares(change, each)
        )
        if written or change.action is not Action.UPDATE:
            found = replace(change, attributes=written)
            contexts.append(
                Context(found, _side(entry, "before"), _side(entry, "after"), outside=True)
            )
    contexts += [
        Context(change, {}, values, outside=True) for change, values in opened_by_others(document)
    ]
    return _impact(contexts, TABLE_OUTSIDE, tracer)


def _changing(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that parse_plan makes a change of."""
    return [each for each in entries if action_of(each)]


def _side(entry: Mapping[str, Any], side: Literal["before", "after"]) -> dict[str, Any]:
    """What a resource has before or after, without whatever is sensitive."""
    hidden = entry["change"].get(f"{side}_sensitive") or {}
    values = {} if hidden is True else entry["change"].get(side) or {}
    return {name: value for name, value in values.items() if not is_hidden(hidden.get(name))}


def _impact(contexts: Iterable[Context], table: Sequence[Rule], tracer: Tracer | None) -> Impact:
    statements: list[Statement] = []
    losses: list[Loss] = []
    unnoticed: dict[Action, tuple[str, ...]] = {}
    for context in contexts:
        change = context.change
        found = _statements(context, table, tracer)
        told = [each for each in found if each.level is not Level.NONE]
        statements += told
        losses += [_loss(context, each) for each in told if each.level is Level.DESTRUCTIVE]
        if not told:
            unnoticed[change.action] = (*unnoticed.get(change.action, ()), change.address)
    statements.sort(key=lambda each: each.order)
    return Impact(tuple(statements), unnoticed, tuple(losses))


def _statements(
    context: Context, table: Sequence[Rule], tracer: Tracer | None
) -> Iterator[Statement]:
    """Each rule that fits, with the attributes that it fits."""
    change = context.change
    found: dict[str, tuple[Rule, list[AttributeChange]]] = {}
    attributes = change.attributes if change.action is Action.UPDATE else (WHOLE,)
    for attribute in attributes:
        rule = next(each for each in table if each.fits(context, attribute))
        found.setdefault(rule.id, (rule, []))[1].append(attribute)
    for rule, some in found.values():
        shown = tuple(some) if change.action is Action.UPDATE else _forcing(change)
        yield Statement(
            rule=rule,
            address=change.address,
            action=change.action,
            says=_said(rule, context, some[0]),
            attributes=shown,
            origins=tracer.origins(change, shown) if tracer else (),
            module_line=tracer.line(change, shown) if tracer else None,
        )


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


def _said(rule: Rule, context: Context, attribute: AttributeChange) -> str:
    values = {"attribute": attribute.path, "before": attribute.before, "after": attribute.after}
    return rule.says.format_map(values | words_of(context))


def _loss(context: Context, statement: Statement) -> Loss:
    return Loss(
        statement,
        context.before.get("deletion_protection"),
        context.before.get("skip_final_snapshot"),
        context.change.type == DATABASE,
        context.change.tainted,
    )
