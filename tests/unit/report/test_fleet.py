"""Several environments: a line for each, and the worst exit code of all."""

import pytest

from nexusctl.change.impact import Impact
from nexusctl.errors import Exit, TerraformFailed, worst
from nexusctl.report import fleet
from nexusctl.report.fleet import Told
from nexusctl.terraform.plan import Action, Plan, ResourceChange


def test_the_table_keeps_the_order_and_aligns_the_names() -> None:
    told = {"production": Told("✓", "green", "no changes"), "dev": Told("✗", "red", "denied")}
    assert [line.plain for line in fleet.summary(told)] == [
        "",
        "✓ production  no changes",
        "✗ dev         denied",
    ]


def test_a_plan_is_counted_by_what_it_does() -> None:
    changes = tuple(
        ResourceChange(f"aws_vpc.{number}", "aws_vpc", action)
        for number, action in enumerate((Action.CREATE, Action.CREATE, Action.DESTROY))
    )
    told = fleet.planned([], Plan(changes, outputs_change=False), None)
    assert told.words == "2 to create, 1 to destroy · impact: none"
    assert fleet.planned([], Plan((), outputs_change=True), None).words.startswith("only outputs")
    assert fleet.planned([], Plan((), outputs_change=False), None).words == "no changes"


def test_the_table_in_markdown_names_every_environment_whoever_wrote_its_words() -> None:
    told = {"dev": Told("✓", "green", "no drift"), "x": Told("✗", "red", "`x`.yaml | <b>")}
    heads, _, dev, x = fleet.markdown(told).splitlines()
    assert dev == "| ✓ | dev | no drift |"
    assert x.startswith("| ✗ | x |")
    assert x.count(" | ") == heads.count(" | ")
    assert "<b>" not in x


def test_an_error_has_its_first_line_in_the_table() -> None:
    told = fleet.failed(TerraformFailed("terraform plan failed\n  ✗ a bucket is missing"))
    assert (told.mark, told.words) == ("✗", "terraform plan failed")


def test_drift_is_told_by_its_worst() -> None:
    assert fleet.drifted(Impact((), {}, ())).words == "no drift"
    labels = {Action.UPDATE: ("aws_vpc.main",)}
    assert fleet.drifted(Impact((), labels, ())).words == "drifted: none"


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], Exit.DONE),
        ([Exit.DONE, Exit.CHANGES_PRESENT], Exit.CHANGES_PRESENT),
        # A denial before changes, an error before a denial, whatever their numbers.
        ([Exit.CHANGES_PRESENT, Exit.POLICY_DENIED], Exit.POLICY_DENIED),
        ([Exit.POLICY_DENIED, Exit.ENVIRONMENT_INVALID], Exit.ENVIRONMENT_INVALID),
        ([Exit.RENDER_FAILED, Exit.TERRAFORM_FAILED, Exit.DONE], Exit.TERRAFORM_FAILED),
        ([Exit.TOOL_UNFIT, Exit.AWS_FAILED], Exit.TOOL_UNFIT),
        ([Exit.REFUSED, Exit.BUG], Exit.BUG),
    ],
)
def test_errors_come_before_denials_before_changes(codes: list[Exit], expected: Exit) -> None:
    assert worst(codes) is expected


def test_every_exit_code_has_its_rank() -> None:
    for code in Exit:
        assert worst([code, Exit.DONE]) is code
