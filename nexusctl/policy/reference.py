"""What the policies say of themselves, for people: `nexusctl policies`, docs/policy-reference.md.

`python -m nexusctl.policy.reference` writes the latter into the project it is run in.
"""

import ast
from collections.abc import Mapping
from pathlib import Path

from nexusctl.policy.catalogue import policy_files, read_catalogue
from nexusctl.policy.verdict import TIERS, About
from nexusctl.policy.waivers import WAIVER
from nexusctl.workspace import Workspace, shipped_assets

REFERENCE_FILE = Path("docs/policy-reference.md")

_PREFACE = """\
# The policies

<!-- Generated from policies/ by: python -m nexusctl.policy.reference -->

What `nexusctl check`, `plan` and `apply` insist on. Each policy is a checkov check in `policies/`.
It is judged on the rendered files and again on the plan; what one of them does not know the other
one decides, and what neither knows has not passed. `nexusctl policies ID` shows the same.

A policy is waived in the environment file, for a time, with a reason and an owner:

    waivers:
      - policy: NEXUS_IDLE_CLIENT_TIMEOUT
        resource: module.proxy.aws_db_proxy.main
        reason: the legacy importer holds its connections for an hour
        owner: data-platform
        expires: 2027-01-31

The last day counts. A waiver that has expired, whose date is none, that matches no failed finding,
or that is for a policy which cannot be waived, is itself a finding (`NEXUS_WAIVER`). One that
expires within 30 days is announced. What it waives stays visible in every report. checkov's own
skip comments silence nothing here.
"""


def policies(directory: Path) -> Mapping[str, About]:
    """Every policy by id, the one on waivers too.

    Raises:
        ToolUnfit: the policies cannot be read.
    """
    known = {**read_catalogue(directory), WAIVER.id: WAIVER}
    return dict(sorted(known.items(), key=lambda each: (each[1].severity.rank, each[0])))


def reference(directory: Path) -> str:
    """The Markdown reference of all policies, and of checkov's checks that are left out."""
    every = policies(directory)
    rows = ["| Policy | Severity | Tiers | What it wants |", "|---|---|---|---|"]
    rows += [
        f"| [{about.id}](#{about.id.lower()}) | {about.severity} | {tiers(about)} | {about.title} |"
        for about in every.values()
    ]
    sections = [_section(about) for about in every.values()]
    return "\n".join([_PREFACE, *rows, "", *sections, *_left_out(directory)])


def tiers(about: About) -> str:
    """The tiers that a policy applies to, in words."""
    return "all" if about.tiers == TIERS else ", ".join(about.tiers)


def _section(about: About) -> str:
    settings = ", ".join(f"`{setting}`" for setting in about.settings) or "none"
    resources = "every resource" if "*" in about.resources else ""
    resources = resources or ", ".join(f"`{each}`" for each in about.resources)
    lines = [
        f"## {about.id}",
        "",
        f"{about.title}. Severity {about.severity}; tiers: {tiers(about)}"
        + ("." if about.waivable else "; cannot be waived."),
        "",
        f"- **Why**: {about.why}",
        f"- **Fact**: {about.fact}",
        f"- **Fix**: {about.fix}",
        f"- **Settings**: {settings}",
        f"- **Judges**: {resources}",
        "",
    ]
    return "\n".join(lines)


def _left_out(directory: Path) -> list[str]:
    """The checks of checkov's that are not used here and why: `LEFT_OUT` in the policy files."""
    found: dict[str, str] = {}
    for file in policy_files(directory):
        for node in ast.parse(file.read_bytes()).body:
            named = isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "LEFT_OUT"
            if named and isinstance(node, ast.AnnAssign) and node.value:
                found |= ast.literal_eval(node.value)
    rows = [f"| {check} | {why} |" for check, why in sorted(found.items())]
    return [
        "## Checks of checkov's that are left out",
        "",
        "| Check | Why |",
        "|---|---|",
        *rows,
        "",
    ]


if __name__ == "__main__":
    written = reference(shipped_assets().policies)
    (Workspace.find(Path.cwd()).root / REFERENCE_FILE).write_text(written, "utf-8")
