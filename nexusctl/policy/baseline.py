"""A baseline: the findings that an old estate has when it adopts the gate. Only new ones fail."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nexusctl.errors import UsageWrong
from nexusctl.policy.documents import Unreadable, read_document
from nexusctl.policy.verdict import Finding, Outcome, Verdict

_PARTS = ("name", "policy", "resource", "message")
FORMAT = "nexusctl/baseline"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Baseline:
    """Findings that were there before: (what was judged, policy, resource, what was said)."""

    entries: frozenset[tuple[str, str, str, str]]
    file: Path

    @classmethod
    def read(cls, file: Path) -> "Baseline":
        """The baseline in a file.

        Raises:
            UsageWrong: the file cannot be read, or is not a baseline.
        """
        try:
            document = read_document(file)
            known = document["known"] if _is_ours(document) else [{}]
            entries = [tuple(each[part] for part in _PARTS) for each in known]
        except (Unreadable, ValueError, KeyError, TypeError) as error:
            reason = error if isinstance(error, Unreadable) else "it is not a baseline"
            raise UsageWrong(
                f"--baseline {file}: {reason}", hint=f"nexusctl check … --write-baseline {file}"
            ) from None
        return cls(frozenset(entries), file)

    def apply(self, verdict: Verdict) -> Verdict:
        """The verdict with what was there before as known. What cannot be waived stays failed."""
        known = {entry[1:] for entry in self.entries if entry[0] == verdict.name}
        findings = tuple(
            replace(finding, outcome=Outcome.KNOWN)
            if finding.outcome is Outcome.FAILED
            and finding.policy.waivable
            and _what(finding) in known
            else finding
            for finding in verdict.findings
        )
        mended = len(known - set(map(_what, verdict.denied)))
        notices = verdict.notices
        if mended:
            again = f"{mended} of {len(known)} entries of {self.file} are mended: write it again"
            notices = (*notices, again)
        in_order = tuple(sorted(findings, key=lambda finding: finding.order))
        return replace(verdict, findings=in_order, notices=notices)


def write(verdicts: Sequence[Verdict], file: Path) -> tuple[int, int]:
    """Write a baseline of all that fails and may be waived; how many that are, and how many not."""
    failed = [(verdict.name, finding) for verdict in verdicts for finding in _failed(verdict)]
    entries = sorted({(name, *_what(one)) for name, one in failed if one.policy.waivable})
    known = [dict(zip(_PARTS, entry, strict=True)) for entry in entries]
    document = {"format": FORMAT, "version": VERSION, "known": known}
    file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return len(entries), sum(not finding.policy.waivable for _, finding in failed)


def _is_ours(document: Mapping[str, Any]) -> bool:
    return (document["format"], document["version"]) == (FORMAT, VERSION)


def _what(finding: Finding) -> tuple[str, str, str]:
    """A finding in a baseline. One that gets worse is said in other words, and so is a new one."""
    return finding.policy.id, finding.resource, finding.message


def _failed(verdict: Verdict) -> Iterable[Finding]:
    return verdict.of(Outcome.FAILED, Outcome.KNOWN)
