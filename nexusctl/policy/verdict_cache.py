"""Verdicts on environments, kept for as long as the files they rest on are the same.

A kept verdict is served before anything of the environment is read but the bytes of its files, so
whatever a verdict depends on is in the key or in the entry: the name and place of the environment,
every file that it was merged from, templates, modules, policies, nexusctl's own code, the versions
of the libraries that read and judge, and the day (waivers expire).
"""

import hashlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nexusctl.environment.origin import Origin
from nexusctl.errors import Location
from nexusctl.policy.cache import Cache, policies_digest
from nexusctl.policy.verdict import (
    About,
    Finding,
    Outcome,
    Remedy,
    Setting,
    Severity,
    Verdict,
    Waived,
)
from nexusctl.workspace import Assets

_LIBRARIES = ("jinja2", "pydantic", "pydantic-core", "pyyaml")


class VerdictCache:
    """The verdicts on environments of a project that were judged with these assets."""

    def __init__(self, directory: Path, assets: Assets) -> None:
        self._cache = Cache(directory)
        self._assets = assets

    def get(self, file: Path) -> Verdict | None:
        """The verdict on the environment in `file`, if all that it rests on is as it was."""
        entry = self._cache.get(self._key(file))
        if entry is None or entry["inputs"] != _digests(map(Path, entry["inputs"])):
            return None
        return _verdict(entry["verdict"], self._policies_of(entry))

    def put(self, file: Path, verdict: Verdict, inputs: Mapping[str, str]) -> None:
        """Keep a verdict. `inputs` are the digests of what was read of the environment's files.

        One that does not judge everything is not kept.
        """
        if verdict.unjudged or not inputs:
            return
        policies = {name: asdict(about) for name, about in verdict.policies.items()}
        entry = {"inputs": dict(inputs), "policies": policies, "verdict": _document(verdict)}
        self._cache.put(self._key(file), entry)

    def _key(self, file: Path) -> str:
        return f"verdict\0{file}\0{date.today()}\0{self._standing}"  # noqa: DTZ011 - the user's day

    @cached_property
    def _standing(self) -> str:
        """The digest of all that judges, whichever the environment."""
        total = hashlib.sha256(policies_digest(self._assets.policies).encode())
        total.update(repr([sys.version, *map(version, _LIBRARIES)]).encode())
        for directory in (self._assets.templates, self._assets.terraform):
            files = sorted(file for file in directory.rglob("*") if file.is_file())
            total.update(repr(_digests(files)).encode())
        return total.hexdigest()

    @staticmethod
    def _policies_of(entry: Mapping[str, Any]) -> Mapping[str, About]:
        return {name: _about(document) for name, document in entry["policies"].items()}


def _digests(files: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each file's content; one that cannot be read has none."""
    found = {}
    for file in files:
        try:
            found[str(file)] = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError:
            found[str(file)] = ""
    return found


def _document(verdict: Verdict) -> dict[str, Any]:
    findings = []
    for finding in verdict.findings:
        document = asdict(finding) | {"policy": finding.policy.id}
        location = finding.setting.origin.location if finding.setting else None
        if location:
            document["setting"]["origin"]["location"]["file"] = str(location.file)
        findings.append(document)
    return {
        "subject": verdict.subject,
        "name": verdict.name,
        "source": str(verdict.source),
        "findings": findings,
        "notices": list(verdict.notices),
    }


def _verdict(document: Mapping[str, Any], policies: Mapping[str, About]) -> Verdict:
    return Verdict(
        document["subject"],
        document["name"],
        Path(document["source"]),
        tuple(_finding(each, policies) for each in document["findings"]),
        notices=tuple(document["notices"]),
        policies=policies,
    )


def _finding(document: Mapping[str, Any], policies: Mapping[str, About]) -> Finding:
    setting, remedy, waived = document["setting"], document["remedy"], document["waived"]
    parts = {
        "policy": policies[document["policy"]],
        "outcome": Outcome(document["outcome"]),
        "setting": _setting(setting) if setting else None,
        "remedy": Remedy(**remedy | {"path": tuple(remedy["path"])}) if remedy else None,
        "waived": Waived(**waived) if waived else None,
    }
    return Finding(**{**document, **parts})


def _setting(document: Mapping[str, Any]) -> Setting:
    origin, place = document["origin"], document["origin"]["location"]
    location = Location(**place | {"file": Path(place["file"])}) if place else None
    return Setting(Origin(tuple(origin["path"]), location), document["value"], document["meaning"])


def _about(document: Mapping[str, Any]) -> About:
    tuples = {name: tuple(value) for name, value in document.items() if isinstance(value, list)}
    return About(**{**document, **tuples, "severity": Severity(document["severity"])})
