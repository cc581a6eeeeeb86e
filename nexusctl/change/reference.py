"""The rules on what changes do, for people: docs/impact.md.

`python -m nexusctl.change.reference` writes it into the project it is run in.
"""

from collections.abc import Iterator
from pathlib import Path

from nexusctl.change.rule import Level, Rule
from nexusctl.change.rules import RULES
from nexusctl.change.rules.any_resource import FALLBACK, NOISE
from nexusctl.change.rules.outside import OUTSIDE, OUTSIDE_FALLBACK
from nexusctl.workspace import Workspace

REFERENCE_FILE = Path("docs/impact.md")

_PREFACE = """\
# What changes do

<!-- Generated from nexusctl/change/rules/ by: python -m nexusctl.change.reference -->

What `nexusctl plan`, `apply`, `destroy` and `drift` say of a change, and why. An attribute of an
update is told by the first rule below that fits it, and so is a resource that is made, destroyed or
replaced. `{window}` and the like stand for what the plan says.

- **destructive**: data is lost, or may be; backups are data. Such a change of a database, a secret,
  a key or a bucket is refused unless its address is named:
  `--allow-replace module.database.aws_db_instance.main`. A database whose deletion protection is
  applied is not deleted even then, nor is one of production without a final snapshot. What somebody
  deleted outside is not made again, empty, without its address either.
- **disruptive**: connections break, somebody is refused, a guard falls, or logs are deleted.
- **low**: nothing breaks.
- **none**: nobody notices; only counted.
"""

_OUTSIDE = """\
## Changes outside Terraform

Of what somebody changed outside Terraform, the rules above tell where they are about logs,
security, protection and access, and these: also of attributes that the stack leaves to AWS, but not
of what the files say by now. Of the rest that is told which the next apply would put back.

`{next}` is what the next apply does, by a plan made for that: it puts the change back, or makes of
it what the files say by now, and what that breaks; AWS refuses that; or no apply does anything
about it, and somebody has to undo it in AWS. The level is the worse of two: of what was changed,
and of what the next apply does about it.

Only resources that the state knows are seen: not a grant on a key, say, or a scheduled action that
somebody gave the group. Nor is the function that rotates a secret. What an apply has read that then
failed is in the state, and a plan tells of it.
"""


def reference() -> str:
    """The Markdown reference of all rules."""
    every = (*RULES, *NOISE, *FALLBACK)
    resources = dict.fromkeys(rule.resource for rule in every)
    sections = [
        _section(each, [rule for rule in every if rule.resource == each]) for each in resources
    ]
    above = {rule.id for rule in RULES}
    outside = [rule for rule in (*OUTSIDE, *OUTSIDE_FALLBACK) if rule.id not in above]
    return "\n".join([_PREFACE, *sections, _OUTSIDE, *_table(outside, named=True), ""])


def _section(resource: str, rules: list[Rule]) -> str:
    title = "Any resource" if resource == "*" else f"`{resource}`"
    return "\n".join([f"## {title}", "", *_table(rules), ""])


def _table(rules: list[Rule], *, named: bool = False) -> Iterator[str]:
    """The rules, one a row; `named` with the resource that each is about."""
    yield "| Change | If | Level | What happens | AWS |"
    yield "|---|---|---|---|---|"
    for rule in rules:
        said = "" if rule.level is Level.NONE else f"**{rule.effect}**: "
        source = f" [↗]({rule.source})" if rule.source else ""
        of = f"`{rule.resource}` " if named else ""
        cells = (
            f"{of}{_change(rule)}",
            rule.condition,
            rule.level,
            f"{said}{rule.says}",
            rule.fact,
        )
        yield f"| {' | '.join(cells)}{source} |"


def _change(rule: Rule) -> str:
    """The attributes, or what happens to the resource as a whole."""
    if rule.attributes:
        return ", ".join(f"`{each.replace('[[]', '[')}`" for each in rule.attributes)
    return ", ".join(sorted(rule.actions))


if __name__ == "__main__":
    (Workspace.find(Path.cwd()).root / REFERENCE_FILE).write_text(reference(), "utf-8")
