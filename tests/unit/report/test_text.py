"""The screens: what a reader is told, and what never reaches a terminal."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.text import Text

from nexusctl.environment.load import load
from nexusctl.environment.origin import Origin
from nexusctl.errors import Location
from nexusctl.policy.verdict import Outcome
from nexusctl.render.rendered import Rendered
from nexusctl.report import text
from nexusctl.terraform.events import Diagnostic
from nexusctl.terraform.plan import (
    Action,
    AttributeChange,
    Plan,
    ResourceChange,
    parse_plan,
)
from nexusctl.workspace import PACKAGE
from tests.unit.report.verdicts import DENIED, finding, verdict

# ESC and its 8-bit form, BEL, carriage return, a right-to-left override.
STEERING = "\x1b]0;owned\x07\x9b31m\r\u202e"
TLS = Origin(("proxy", "require_tls"), Location(Path("environments/prod.yaml"), line=29, column=16))


def screen(lines: Iterable[Text]) -> str:
    return "\n".join(line.plain for line in lines)


def plan(*changes: ResourceChange, outputs_change: bool = False) -> Plan:
    return Plan(changes, outputs_change)


def change(action: Action, address: str, *attributes: AttributeChange) -> ResourceChange:
    return ResourceChange(address, address.split(".")[-2], action, attributes)


class TestPlan:
    def test_nothing_to_do(self) -> None:
        shown = screen(text.plan(plan()))
        assert shown == "No changes: what is applied is what the files say."

    def test_outputs_alone(self) -> None:
        shown = screen(text.plan(plan(outputs_change=True)))
        assert shown.startswith("No resource changes; only outputs are stored anew.")
        assert "Plan: 0 to create, 0 to update, 0 to replace, 0 to destroy." in shown

    def test_resources_are_counted_by_module_and_losses_come_first(self) -> None:
        shown = screen(
            text.plan(
                plan(
                    change(Action.CREATE, "module.network.aws_subnet.private[0]"),
                    change(Action.CREATE, "module.network.aws_subnet.private[1]"),
                    change(Action.CREATE, "module.network.aws_vpc.main"),
                    change(Action.CREATE, "aws_kms_key.main"),
                    change(Action.DESTROY, 'module.secrets.aws_secret.users["a.b"]'),
                    change(Action.FORGET, "module.alarms.aws_alarm.main"),
                )
            )
        )
        assert shown.split("\n") == [
            "  - secrets     1  aws_secret.users",
            "  + network     3  aws_subnet.private ×2, aws_vpc.main",  # noqa: RUF001
            "  + root        1  aws_kms_key.main",
            "  . alarms      1  aws_alarm.main",
            "",
            "Plan: 4 to create, 0 to update, 0 to replace, 1 to destroy.",
        ]

    def test_changes_are_shown_in_terraforms_terms(self) -> None:
        update = change(
            Action.UPDATE,
            "module.proxy.aws_db_proxy.main",
            AttributeChange("debug_logging", before=False, after=True),
            AttributeChange("idle_client_timeout", 1800, 60),
            AttributeChange("role_arn", None, "(known after apply)"),
            AttributeChange("zones", ["a"], ["a", "b"]),
        )
        replace = change(Action.REPLACE, "aws_vpc.main", AttributeChange("cidr", "x" * 90, "y"))
        assert screen(text.plan(plan(update, replace))).split("\n") == [
            "  ± aws_vpc.main  replace",
            f"        cidr: {'x' * 47}… → y",
            "  ~ module.proxy.aws_db_proxy.main  update",
            "        debug_logging: false → true",
            "        idle_client_timeout: 1800 → 60",
            "        role_arn: null → (known after apply)",
            '        zones: ["a"] → ["a", "b"]',
            "",
            "Plan: 0 to create, 1 to update, 1 to replace, 0 to destroy.",
        ]

    def test_many_attributes_are_cut_and_the_rest_counted(self) -> None:
        attributes = [AttributeChange(f"tags.{number}", 1, 2) for number in range(11)]
        shown = screen(text.plan(plan(change(Action.UPDATE, "aws_vpc.main", *attributes))))
        assert "tags.7: 1 → 2" in shown
        assert "tags.8" not in shown
        assert "and 3 more attributes" in shown

    def test_sensitive_values_are_on_no_screen(self) -> None:
        planned = parse_plan(
            {
                "resource_changes": [
                    {
                        "address": "aws_db_instance.main",
                        "type": "aws_db_instance",
                        "change": {
                            "actions": ["update"],
                            "before": {"password": "old-secret", "list": ["old-secret"]},
                            "after": {"password": "new-secret", "list": []},
                            "before_sensitive": {"password": True, "list": [True]},
                            "after_sensitive": {"password": True},
                        },
                    }
                ]
            }
        )
        shown = screen(text.plan(planned))
        assert "password: (sensitive) → (sensitive)" in shown
        assert "list: (sensitive) → (sensitive)" in shown
        assert "-secret" not in shown

    def test_nothing_of_a_change_steers_the_terminal(self) -> None:
        attribute = AttributeChange(f"tags.{STEERING}", STEERING, [STEERING])
        shown = screen(
            text.plan(
                plan(
                    change(Action.UPDATE, f'aws_x.y["{STEERING}"]', attribute),
                    change(Action.CREATE, f"aws_x.{STEERING}"),
                )
            )
        )
        assert all(character.isprintable() or character == "\n" for character in shown)


def test_the_screen_of_a_plan_says_first_where_it_would_be() -> None:
    environment = load("prod", PACKAGE.parent / "environments")
    verdicts = [verdict(finding(outcome=Outcome.PASSED))]
    sandboxed, real = (
        screen(text.planned(environment, verdicts, plan(), None, sandbox=sandbox)).split("\n")
        for sandbox in (True, False)
    )
    where = "account 111122223333 · eu-central-1 · tier production"
    assert sandboxed[1] == f"prod · sandbox (embedded AWS) · {where}"
    assert real[1] == f"prod · AWS · {where}"
    assert real[2:] == [
        "",
        "✓ 1 policy passed on the rendered files (1 finding)",
        "",
        "No changes: what is applied is what the files say.",
    ]


def test_a_denied_plan_has_no_plan_on_its_screen() -> None:
    environment = load("prod", PACKAGE.parent / "environments")
    shown = screen(text.planned(environment, [verdict(DENIED)], None, None, sandbox=False))
    assert "✗ denied by 1 of 1 finding on the rendered files" in shown
    assert "Plan:" not in shown


def test_outputs() -> None:
    shown = screen(
        text.outputs(
            {
                "ports": [5432, True],
                "endpoint": f"proxy.example{STEERING}",
                "secret": None,
                "arns": {"ingest": "arn:aws:x", STEERING: None},
            }
        )
    )
    assert shown.split("\n") == [
        "",
        "outputs",
        "  arns",
        "    ingest  arn:aws:x",
        "    �]0;owned��31m��  null",
        "  endpoint  proxy.example�]0;owned��31m��",
        "  ports     5432, true",
        "  secret    (sensitive)",
    ]
    assert screen(text.outputs({})) == ""


def test_diagnostics_name_the_value_behind_the_place_and_come_once() -> None:
    rendered = Rendered({"main.tf": ""}, {"main.tf": {100: (TLS,)}})
    error = Diagnostic("error", f"Bad {STEERING}", "one\n\ntwo", "aws_x.y", "main.tf", 100)
    shown = text.diagnostics([error, error, Diagnostic("error", "Other", "")], rendered)
    assert shown.split("\n") == [
        "  ✗ Bad �]0;owned��31m��  (aws_x.y)",
        "    one",
        "    ",
        "    two",
        "    at main.tf:100",
        "    from environments/prod.yaml:29:16  proxy.require_tls",
        "  ✗ Other",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (81.4, "81 s"), (119, "119 s"), (185, "3 min 5 s")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown
