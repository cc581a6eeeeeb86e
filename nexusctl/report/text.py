"""The nouns as text for people. Verdicts are in `verdict_text.py`."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from rich.text import Text

from nexusctl.change.impact import Impact
from nexusctl.change.receipt import Receipt, at
from nexusctl.environment.environment import Environment
from nexusctl.policy.verdict import Verdict
from nexusctl.render.rendered import Rendered
from nexusctl.report.impact import text as impact
from nexusctl.report.verdict_text import verdicts
from nexusctl.report.visible import visible
from nexusctl.terraform.events import Diagnostic
from nexusctl.terraform.plan import SENSITIVE, Action, Plan, ResourceChange

SYMBOLS: Mapping[str, tuple[str, str]] = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "replace": ("±", "magenta"),
    "delete": ("-", "red"),
    "destroy": ("-", "red"),
    "forget": (".", "dim"),
}
MINUTE = 60
VALUE_WIDTH = 48
ATTRIBUTES_SHOWN = 8


def duration(seconds: float) -> str:
    """A time for people: `0.4 s`, `81 s`, `3 min 5 s`."""
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, MINUTE)
    return f"{minutes} min {rest} s" if minutes > 1 else f"{whole} s"


def heading(environment: Environment, *, sandbox: bool) -> Text:
    """Which environment, in which account, and whether that is the real one."""
    aws = environment.settings.aws
    where = "sandbox (embedded AWS)" if sandbox else "AWS"
    return Text.assemble(
        (environment.name, "bold"),
        f" · {where} · account {aws.account_id} · {aws.region} · tier {environment.settings.tier}",
    )


def planned(
    environment: Environment,
    judged: Sequence[Verdict],
    changes: Plan | None,
    done: Impact | None,
    *,
    sandbox: bool,
    everything: str | None = None,
) -> Iterator[Text]:
    """The screen of a plan: where, what the gate says, what it does, and what would change.

    `everything` is the command that tells all that it does, where there is one.
    """
    yield Text()
    yield heading(environment, sandbox=sandbox)
    yield Text()
    if judged:
        yield from verdicts(judged)
        yield Text()
    if done and changes and changes.changes:
        yield from impact(done, everything)
        yield Text()
    if changes:
        yield from plan(changes)


def sealed(receipt: Receipt, now: datetime) -> Iterator[Text]:
    """Where a plan that was made earlier comes from, and until when it may be applied."""
    commit = f"commit {receipt.commit[:12]}" if receipt.commit else "no git commit"
    dirty = " and changes that are not committed" if receipt.dirty else ""
    yield Text(f"sealed at {at(receipt.made, now)} by {visible(receipt.who)}", "bold")
    yield Text(
        f"  from {commit}{dirty}; good until {at(receipt.expires, now)}; receipt {receipt.id}"
    )


def plan(changes: Plan) -> Iterator[Text]:
    """What a plan would do: new and destroyed resources by module, changes one by one."""
    for action in (Action.DESTROY, Action.REPLACE, Action.UPDATE, Action.CREATE, Action.FORGET):
        some = [change for change in changes.changes if change.action is action]
        if action in {Action.REPLACE, Action.UPDATE}:
            for change in some:
                yield from _change(change)
        else:
            yield from _by_module(action, some)
    if changes.empty:
        yield Text("No changes: what is applied is what the files say.", "green")
        return
    if not changes.changes:
        yield Text("No resource changes; only outputs are stored anew.")
    counts = ", ".join(
        f"{changes.count(action)} to {action}"
        for action in (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DESTROY)
    )
    yield Text(f"\nPlan: {counts}.", "bold")


def _by_module(action: Action, changes: Sequence[ResourceChange]) -> Iterator[Text]:
    symbol, style = SYMBOLS[action]
    modules: dict[str, list[str]] = {}
    for change in changes:
        module, name = _split(change.address)
        modules.setdefault(module, []).append(name.partition("[")[0])
    for module, names in modules.items():
        counted = ", ".join(
            f"{name} ×{count}" if count > 1 else name for name, count in Counter(names).items()
        )
        yield Text.assemble(
            (f"  {symbol} {module:<9}", style), f" {len(names):>3}  {visible(counted)}"
        )


def _change(change: ResourceChange) -> Iterator[Text]:
    symbol, style = SYMBOLS[change.action]
    why = " (tainted: its creation did not come to its end)" if change.tainted else ""
    yield Text.assemble((f"  {symbol} {visible(change.address)}", style), f"  {change.action}{why}")
    if change.tainted:
        return
    for attribute in change.attributes[:ATTRIBUTES_SHOWN]:
        before, after = _value(attribute.before), _value(attribute.after)
        if before == after != SENSITIVE:
            after = "(differs further on)"
        yield Text(f"        {visible(attribute.path)}: {before} → {after}")
    if len(change.attributes) > ATTRIBUTES_SHOWN:
        yield Text(
            f"        and {len(change.attributes) - ATTRIBUTES_SHOWN} more attributes", "dim"
        )


def _value(value: object) -> str:
    text = _terms(value)
    return text if len(text) <= VALUE_WIDTH else f"{text[: VALUE_WIDTH - 1]}…"


def _terms(value: object) -> str:
    """A value in Terraform's terms (`true`, `null`); only an empty string has quotes."""
    bare = isinstance(value, str) and value
    return visible(str(value) if bare else json.dumps(value, ensure_ascii=False))


def _split(address: str) -> tuple[str, str]:
    """`module.proxy.aws_db_proxy.main` → `proxy`, `aws_db_proxy.main`; the root's own → `root`."""
    if address.startswith("module."):
        _, module, name = address.split(".", 2)
        return module, name
    return "root", address


def diagnostics(errors: Iterable[Diagnostic], rendered: Rendered) -> str:
    """Terraform's errors, each once, with the environment value each comes from where known."""
    parts = []
    for error in dict.fromkeys(errors):
        head = f"{error.summary}" + (f"  ({error.address})" if error.address else "")
        lines = [f"  ✗ {visible(head)}"]
        if error.detail:
            lines += [f"    {visible(line)}" for line in error.detail.strip().splitlines()]
        if error.file:
            lines.append(f"    at {error.file}:{error.line}")
        said = f"{error.summary}\n{error.detail}"
        blamed = rendered.blame(error.file, error.line or 0, error.variables, said)
        lines += [f"    from {visible(str(origin))}" for origin in blamed]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def outputs(values: Mapping[str, object]) -> Iterator[Text]:
    """Outputs by name, aligned, under a heading; nothing where there are none.

    An output without a value is a sensitive one: Terraform keeps none that is null.
    """
    if values:
        yield Text("\noutputs", "bold")
    width = max(map(len, values), default=0)
    for name, value in sorted(values.items()):
        if isinstance(value, Mapping):
            yield Text(f"  {name}")
            yield from (
                Text(f"    {visible(key):<{width - 2}}  {_terms(element)}")
                for key, element in value.items()
            )
        else:
            shown = SENSITIVE if value is None else value
            elements = shown if isinstance(shown, list) else [shown]
            yield Text(f"  {name:<{width}}  {', '.join(map(_terms, elements))}")
