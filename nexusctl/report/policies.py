"""Policies as text for people."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.text import Text

from nexusctl.policy.verdict import TIERS, About
from nexusctl.report.verdict_text import SEVERITY_STYLES

WIDTH = 96


def listed(policies: Sequence[About]) -> Iterator[Text]:
    """One line a policy, the most severe first."""
    width = max(len(about.id) for about in policies)
    for about in policies:
        yield Text.assemble(
            (f"{about.severity:<9}", SEVERITY_STYLES[about.severity]),
            (f"{about.id:<{width}}", "bold"),
            f"  {about.title}",
            ("" if about.tiers == TIERS else f"  ({', '.join(about.tiers)})", "dim"),
        )
    yield Text("\nnexusctl policies ID explains one", "dim")


def explained(about: About) -> Iterator[Text]:
    """All that a policy says of itself."""
    severity = (about.severity, SEVERITY_STYLES[about.severity])
    yield Text.assemble((about.id, "bold"), "  ", severity, f"  {about.title}\n")
    tiers = "all" if about.tiers == TIERS else ", ".join(about.tiers)
    for name, said in (
        ("why", about.why),
        ("fact", about.fact),
        ("fix", about.fix),
        ("settings", ", ".join(about.settings) or "none"),
        ("judges", "every resource" if "*" in about.resources else ", ".join(about.resources)),
        ("tiers", tiers),
        ("waivers", "for a time, with a reason" if about.waivable else "none: it cannot be waived"),
    ):
        lines = textwrap.wrap(said, WIDTH - 12)
        yield Text.assemble((f"  {name:<10}", "green"), f"\n{'':<12}".join(lines))
