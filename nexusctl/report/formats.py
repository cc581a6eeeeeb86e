"""The formats that verdicts can be written in."""

import json
from collections.abc import Callable, Mapping, Sequence

from nexusctl.policy.verdict import Verdict
from nexusctl.report import document
from nexusctl.report.github import github
from nexusctl.report.junit import junit
from nexusctl.report.markdown import markdown
from nexusctl.report.sarif import sarif
from nexusctl.report.verdict_text import verdicts


def _json(judged: Sequence[Verdict]) -> str:
    return json.dumps(document.verdicts(judged), indent=2) + "\n"


def _text(judged: Sequence[Verdict]) -> str:
    """What a terminal shows, for a file: without colours."""
    return "".join(f"{line.plain}\n" for line in verdicts(judged))


FORMATS: Mapping[str, Callable[[Sequence[Verdict]], str]] = {
    "text": _text,
    "json": _json,
    "sarif": sarif,
    "junit": junit,
    "github": github,
    "markdown": markdown,
}
