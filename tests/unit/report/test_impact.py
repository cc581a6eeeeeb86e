import json
from typing import Any

import pytest
from markdown_it import MarkdownIt

from nexusctl.change.impact import Impact, impact
from nexusctl.change.rule import Level
from nexusctl.report.impact import document, markdown, text
from tests.unit.change.plans import ALL_EDITS, Recorded
from tests.unit.report.verdicts import HOSTILE

EVERYTHING = "nexusctl plan prod --json"


def lines(of: Impact) -> list[str]:
    return "\n".join(each.plain for each in text(of, EVERYTHING)).splitlines()


def words(shown: list[str]) -> str:
    """What is shown, however its lines are broken."""
    return " ".join(" ".join(shown).split())


def test_screen_names_effect_address_change_line_and_rule(recorded: Recorded) -> None:
    shown = lines(recorded("database_renamed"))
    assert shown[0] == "impact: destructive · 1 destructive, 1 disruptive, 1 low"
    assert shown[2] == "  ✗ database replaced  module.database.aws_db_instance.main"
    assert "      db_name: nexus → shipments (not in place)" in shown
    assert any(line.endswith("recorded.yaml:22  database.name") for line in shown)
    assert any(line.startswith("      AWS: Deleting an instance deletes") for line in shown)


def test_most_severe_is_shown_first(recorded: Recorded) -> None:
    shown = "\n".join(lines(recorded("zone_added")))
    order = ["proxy replaced", "instances recycled", "proxy modified in place"]
    assert [shown.index(each) for each in order] == sorted(shown.index(each) for each in order)


@pytest.mark.parametrize("name", sorted(ALL_EDITS))
def test_whatever_breaks_something_is_shown_with_all_that_makes_it_so(
    recorded: Recorded, name: str
) -> None:
    found = recorded(name)
    shown = lines(found)
    said = words(shown)
    for each in (*found.of(Level.DESTRUCTIVE), *found.of(Level.DISRUPTIVE)):
        assert any(line.endswith(f"  {each.address}") for line in shown)
        assert f"AWS: {each.rule.fact}" in said
        for attribute in each.attributes:
            assert any(line.startswith(f"      {attribute.path}: ") for line in shown)
        for origin in each.origins:
            assert any(line.endswith(f"  {origin.dotted}") for line in shown)


def things(number: int) -> Any:
    """A plan that changes so many things, each in another way."""
    return {
        "resource_changes": [
            {
                "address": f"aws_thing.x{each}",
                "type": "aws_thing",
                "change": {
                    "actions": ["update"],
                    "before": {"size": each},
                    "after": {"size": each + 1},
                },
            }
            for each in range(1, number + 1)
        ]
    }


def test_many_that_break_nothing_are_counted_and_the_command_that_tells_all_is_named() -> None:
    shown = lines(impact(things(7)))
    assert sum("aws_thing.x" in line for line in shown) == 4
    assert shown[-2:] == [
        "  · and 3 more low ones: modified in place",
        "      all of them: nexusctl plan prod --json",
    ]


def test_nothing_is_left_out_where_no_command_tells_it() -> None:
    shown = [line for each in text(impact(things(7))) for line in each.plain.splitlines()]
    for number in range(1, 8):
        assert any(line.endswith(f"aws_thing.x{number}") for line in shown)
        assert f"      size: {number} → {number + 1}" in shown


def test_resources_of_one_effect_are_one_entry(recorded: Recorded) -> None:
    shown = lines(recorded("log_retention"))
    assert sum("logs deleted" in line for line in shown) == 1
    assert [line.strip() for line in shown if "aws_cloudwatch_log_group" in line][1] == (
        'module.database.aws_cloudwatch_log_group.main["upgrade"]'
    )


def test_user_data_is_shown_where_it_differs(recorded: Recorded) -> None:
    (shown,) = [line for line in lines(recorded("command")) if "user_data:" in line]
    assert "nexus.ingest" in shown
    assert "--fast" in shown


def test_long_values_are_shown_where_they_differ(recorded: Recorded) -> None:
    (shown,) = [line for line in lines(recorded("user_removed")) if "policy: " in line]
    before, after = shown.split("policy: ")[1].split(" → ")
    assert before.startswith("…")
    assert before != after


def test_plan_without_impact_says_so(recorded: Recorded) -> None:
    assert lines(recorded("nothing")) == ["impact: none · no connection and no data is touched"]
    assert lines(recorded("first"))[-1] == "  59 resources created"
    assert markdown(recorded("nothing")).startswith("### Impact: none")


def test_document_has_all_that_is_known(recorded: Recorded) -> None:
    found = json.loads(json.dumps(document(recorded("tls_off"))))
    (first,) = found["statements"]
    assert (found["level"], first["level"]) == ("disruptive", "disruptive")
    assert (first["effect"], first["rule"]) == ("security lowered", "proxy-tls-off")
    assert first["attributes"] == [{"path": "require_tls", "before": True, "after": False}]
    (setting,) = first["settings"]
    assert (setting["path"], setting["line"]) == ("proxy.require_tls", 31)
    assert first["source"].startswith("https://docs.aws.amazon.com/")


def test_document_names_losses(recorded: Recorded) -> None:
    (loss,) = document(recorded("database_renamed"))["losses"]
    assert loss == {
        "address": "module.database.aws_db_instance.main",
        "action": "replace",
        "deletion_protection": True,
        "skip_final_snapshot": False,
    }


def test_markdown_is_a_table_with_a_row_for_each_entry(recorded: Recorded) -> None:
    said = markdown(recorded("engine_minor_now"))
    html = MarkdownIt("commonmark").enable("table").render(said)
    assert html.count("<tr>") == 3
    assert "database restarted" in html
    assert "database.engine_version" in html


def test_markdown_names_every_address(recorded: Recorded) -> None:
    said = markdown(recorded("destroy"))
    for each in recorded("destroy").statements:
        assert each.address in said


def hostile() -> Any:
    """A plan whose names and values come from somebody who means harm."""
    return {
        "resource_changes": [
            {
                "address": f'aws_thing.x["{HOSTILE}"]',
                "type": "aws_thing",
                "change": {
                    "actions": ["update"],
                    "before": {"name": HOSTILE},
                    "after": {"name": f"{HOSTILE}2", HOSTILE: HOSTILE},
                },
            }
        ]
    }


def test_hostile_names_and_values_steer_nothing() -> None:
    found = impact(hostile())
    for line in lines(found):
        assert line.isprintable()
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown(found))
    assert html.count("<tr>") == 2
    for tag in ("<img", '<a href="https://evil', "</details><img", "<!--"):
        assert tag not in html
