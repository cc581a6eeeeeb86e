import json
from typing import Any

import pytest

from nexusctl.terraform.events import (
    ChangeSummary,
    Diagnostic,
    Event,
    Outputs,
    ResourceEvent,
    parse,
)

DIAGNOSTIC = {
    "type": "diagnostic",
    "@message": "Error: Invalid value for variable",
    "diagnostic": {
        "severity": "error",
        "summary": "Invalid value for variable",
        "detail": "allowed are 0 to 300",
        "range": {"filename": "main.tf", "start": {"line": 12, "column": 3, "byte": 1}},
        "snippet": {
            "context": 'module "proxy"',
            "values": [{"traversal": "var.connection_pool", "statement": "is object"}],
        },
    },
}
SUMMARY = {
    "type": "change_summary",
    "changes": {"add": 3, "change": 1, "import": 0, "remove": 2, "operation": "plan"},
}
APPLIED = {
    "type": "apply_complete",
    "hook": {
        "resource": {"addr": "module.proxy.aws_db_proxy.main"},
        "action": "create",
        "elapsed_seconds": 7,
    },
}
OUTPUTS = {
    "type": "outputs",
    "outputs": {
        "endpoint": {"sensitive": False, "type": "string", "value": "proxy.example"},
        "hidden": {"sensitive": True, "type": "string"},
    },
}


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (
            DIAGNOSTIC,
            Diagnostic(
                "error",
                "Invalid value for variable",
                "allowed are 0 to 300",
                file="main.tf",
                line=12,
                variables=("var.connection_pool",),
            ),
        ),
        (SUMMARY, ChangeSummary("plan", 3, 1, 2)),
        (
            APPLIED,
            ResourceEvent("apply_complete", "module.proxy.aws_db_proxy.main", "create", 7),
        ),
        (OUTPUTS, Outputs({"endpoint": "proxy.example", "hidden": None})),
        ({"type": "version", "terraform": "1.11.4"}, None),
        ({"type": "something_new"}, None),
    ],
)
def test_a_line_of_the_stream_becomes_its_event(
    message: dict[str, Any], event: Event | None
) -> None:
    assert parse(json.dumps(message)) == event


@pytest.mark.parametrize("line", ["", "not json", "[1]", "null", '"text"', "{"])
def test_lines_that_are_no_messages_are_passed_over(line: str) -> None:
    assert parse(line) is None
