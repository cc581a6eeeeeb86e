"""What Terraform says while it works: the lines of its `-json` stream.

https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ResourceEventKind = Literal[
    "refresh_start",
    "refresh_complete",
    "refresh_errored",
    "planned_change",
    "resource_drift",
    "apply_start",
    "apply_progress",
    "apply_complete",
    "apply_errored",
]
RESOURCE_EVENT_KINDS: frozenset[str] = frozenset(ResourceEventKind.__args__)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or a warning of Terraform's.

    `file` is relative to the root module; `variables` are the expressions Terraform shows the
    values of, without the values.
    """

    severity: Literal["error", "warning"]
    summary: str
    detail: str
    address: str | None = None
    file: str | None = None
    line: int | None = None
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceEvent:
    """Something began, went on or ended with one resource."""

    kind: ResourceEventKind
    address: str
    action: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """The counts at the end of a plan, an apply or a destroy."""

    operation: str
    add: int
    change: int
    remove: int


@dataclass(frozen=True, slots=True)
class Outputs:
    """The root module's outputs after an apply; a sensitive one has no value."""

    values: Mapping[str, object]


Event = Diagnostic | ResourceEvent | ChangeSummary | Outputs


def parse(line: str) -> Event | None:
    """The event in one line of the stream; None for lines that carry none of interest."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    match message.get("type"):
        case "diagnostic":
            return _diagnostic(message["diagnostic"])
        case "change_summary":
            counts = message["changes"]
            return ChangeSummary(
                counts["operation"], counts["add"], counts["change"], counts["remove"]
            )
        case "outputs":
            return Outputs(
                {
                    name: output.get("value")
                    for name, output in message["outputs"].items()
                    if output.get("action", "noop") != "delete"
                }
            )
        case str(kind) if kind in RESOURCE_EVENT_KINDS:
            return _resource(kind, message.get("hook") or message["change"])
    return None


def _resource(kind: Any, body: Mapping[str, Any]) -> ResourceEvent:
    return ResourceEvent(
        kind, body["resource"]["addr"], body.get("action", "read"), body.get("elapsed_seconds")
    )


def _diagnostic(body: Mapping[str, Any]) -> Diagnostic:
    place = body.get("range") or {}
    values = (body.get("snippet") or {}).get("values") or ()
    return Diagnostic(
        severity=body["severity"],
        summary=body["summary"],
        detail=body.get("detail", ""),
        address=body.get("address"),
        file=place.get("filename"),
        line=(place.get("start") or {}).get("line"),
        variables=tuple(each["traversal"] for each in values),
    )
