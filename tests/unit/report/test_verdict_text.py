"""What a developer sees of the gate: what was denied, what to edit first, and nothing twice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nexusctl.policy.verdict import Outcome, Verdict
from nexusctl.report.formats import FORMATS
from nexusctl.report.verdict_text import verdicts
from tests.unit.report.verdicts import (
    BACKUPS,
    BORROW,
    DEFERRED,
    DENIED,
    KNOWN,
    LOGS,
    PROXY,
    TLS,
    WAIVED,
    finding,
    hostile,
    real,
    setting,
    verdict,
)


def screen(judged: Sequence[Verdict]) -> str:
    return "\n".join(line.plain for line in verdicts(judged))


WAIVED_BECAUSE = "the data is loaded anew every night (ann, until 2027-03-31)"
PASSED = finding(outcome=Outcome.PASSED)


def test_passed() -> None:
    files = verdict(PASSED, finding(LOGS, Outcome.PASSED))
    plan = verdict(PASSED, subject="plan")
    expected = "✓ 2 policies passed on the rendered files and the plan (3 findings)"
    assert screen([files, plan]) == expected


def test_a_denial_says_what_to_edit_first_then_why_and_how() -> None:
    judged = verdict(DENIED, finding(LOGS, Outcome.PASSED))
    assert screen([judged]).split("\n") == [
        "✗ denied by 1 of 2 findings on the rendered files",
        "",
        "  NEXUS_PROXY_TLS  critical  RDS Proxy requires TLS",
        "    environments/prod.yaml:29:16  proxy.require_tls: false",
        "    module.proxy.aws_db_proxy.main  rendered: modules/proxy/main.tf:14",
        "    require_tls is not true: clients may connect without TLS",
        "    why: Without require_tls a client may send its IAM token and every row in clear.",
        "    fix: set proxy.require_tls: true",
        "      environments/prod.yaml:29",
        "         proxy:",
        "        -  require_tls: false",
        "        +  require_tls: true",
        "           iam_auth: REQUIRED",
        "           idle_client_timeout: 30m",
        "",
    ]


def test_the_diff_has_its_colours() -> None:
    styles = {line.plain.strip(): str(line.style) for line in verdicts([verdict(DENIED)])}
    assert styles["-  require_tls: false"] == "red"
    assert styles["+  require_tls: true"] == "green"


def test_hunks_of_a_diff_are_told_apart() -> None:
    diff = "--- a.yaml\n+++ a.yaml\n@@ -1,1 +1,1 @@\n-a: 1\n+a: 2\n@@ -9,0 +9,1 @@\n+--- b"
    shown = screen([verdict(replace(DENIED, diff=diff))])
    assert "a.yaml:1\n        -a: 1\n        +a: 2\n        …\n        +--- b" in shown


def test_a_default_is_followed_by_what_the_setting_means() -> None:
    shown = screen([verdict(finding(behind=setting(line=None)))])
    assert "    default  proxy.require_tls: false\n      Turns away clients without TLS." in shown


def test_a_value_that_must_not_be_shown_is_not() -> None:
    shown = screen([verdict(finding(behind=setting(value=None)))])
    assert "    environments/prod.yaml:29:16  proxy.require_tls\n" in shown


def test_terraform_of_ones_own_is_what_to_edit() -> None:
    shown = screen([verdict(finding(), name="terraform", root=Path("terraform"))])
    assert "on the files of terraform" in shown
    assert f"    terraform/modules/proxy/main.tf:14  {PROXY}\n" in shown
    assert "rendered" not in shown


def test_what_one_edit_mends_is_one_entry() -> None:
    shown = screen([real()])
    assert shown.count("NEXUS_LOG_RETENTION") == 1
    assert "module.proxy.aws_cloudwatch_log_group.main  rendered: modules/proxy/logs.tf:3" in shown
    assert shown.count("retention_in_days is 30") == 1
    assert "denied by 4 of 7 findings" in shown


def test_another_message_keeps_to_its_resource() -> None:
    a, b = (finding(resource=f"a.{n}", message=f"message {n}", file=None) for n in "12")
    shown = screen([verdict(a, b)])
    assert "    a.1\n    message 1\n    a.2\n    message 2\n    why:" in shown


def test_another_setting_is_another_entry() -> None:
    shown = screen([verdict(DENIED, replace(DENIED, setting=setting(line=30), resource="a.b"))])
    assert shown.count("NEXUS_PROXY_TLS  critical") == 2


def test_the_most_severe_comes_first() -> None:
    shown = screen([verdict(finding(BORROW), finding(LOGS), finding(TLS))])
    places = [shown.index(policy.id) for policy in (TLS, LOGS, BORROW)]
    assert places == sorted(places)


def test_what_files_and_plan_both_deny_is_told_once() -> None:
    files = verdict(DENIED)
    plan = verdict(finding(), finding(resource="a.b"), subject="plan")
    shown = screen([files, plan])
    assert "denied by 2 of 3 findings on the rendered files and the plan" in shown
    assert shown.count(PROXY) == 1


def test_two_findings_of_a_policy_in_one_resource_are_both_told() -> None:
    shown = screen([verdict(finding(message="first"), finding(message="second"))])
    assert "first" in shown
    assert "second" in shown


def test_what_could_not_be_judged_is_no_pass() -> None:
    shown = screen([verdict(PASSED, unjudged=("NEXUS_3 a.b: no record",))])
    assert "nothing has passed" in shown
    assert "NEXUS_3 a.b: no record" in shown
    assert "✓" not in shown


def test_what_is_excused_is_a_line_each() -> None:
    judged = verdict(PASSED, WAIVED, KNOWN, replace(KNOWN, resource="a.b"), notices=("soon",))
    assert screen([judged]).split("\n") == [
        "✓ 3 policies passed on the rendered files (4 findings, 1 waived, 2 known)",
        f"~ waived: NEXUS_BACKUPS  {WAIVED.resource}  {WAIVED_BECAUSE}",
        "· 2 findings are in the baseline (--json lists them)",
        "! soon",
    ]


def test_what_the_plan_decides_is_a_line_until_there_is_a_plan() -> None:
    files = verdict(PASSED, DEFERRED, finding(BACKUPS, Outcome.DEFERRED, "a.b"))
    line = "· NEXUS_BACKUPS: in part for the plan to decide (nexusctl plan)"
    assert screen([files]).split("\n")[1:] == [line]
    assert line not in screen([files, verdict(PASSED, subject="plan")])


def test_what_a_plan_decides_of_somebody_elses_root_comes_with_the_commands() -> None:
    files = verdict(PASSED, DEFERRED, root=Path("in fra"), unjudged=("not known",))
    assert screen([files]).split("\n")[-4:] == [
        "· what is not known here, a plan decides:",
        "    terraform -chdir='in fra' plan -out=plan.tfplan",
        "    terraform -chdir='in fra' show -json plan.tfplan > plan.json",
        "    nexusctl check --path 'in fra' --plan plan.json",
    ]
    assert "terraform" not in screen([files, verdict(PASSED, subject="plan")])


def test_a_root_whose_name_begins_with_a_dash_is_no_option() -> None:
    files = replace(
        verdict(PASSED, DEFERRED, root=Path("-infra"), unjudged=("not known",)),
        var_files=("../-p.tfvars",),
    )
    assert screen([files]).split("\n")[-3:] == [
        "    terraform -chdir=./-infra plan -out=plan.tfplan -var-file=../-p.tfvars",
        "    terraform -chdir=./-infra show -json plan.tfplan > plan.json",
        "    nexusctl check --path ./-infra --plan plan.json --var-file ./-p.tfvars",
    ]


def test_of_several_names_only_those_with_something_to_say_have_a_heading() -> None:
    judged = [
        verdict(DENIED),
        verdict(PASSED, DEFERRED, name="sandbox"),
        verdict(PASSED, name="staging", unjudged=("no record",)),
    ]
    shown = screen(judged).split("\n")
    assert [line for line in shown if line in {"prod", "sandbox", "staging"}] == ["prod", "staging"]
    assert shown[-4:] == [
        "                         denied  waived  not judged",
        "  prod     ✗ denied           1       ·           ·",
        "  sandbox  ✓ passed           ·       ·           ·",
        "  staging  ✗ not judged       ·       ·           1",
    ]


def test_the_same_resource_under_two_names_is_told_twice() -> None:
    shown = screen([verdict(DENIED), verdict(DENIED, name="staging")])
    assert shown.count(PROXY) == 2


def test_nothing_of_a_verdict_steers_the_terminal() -> None:
    for judged in ([hostile()], [hostile(), verdict(PASSED)]):
        assert all(c.isprintable() or c == "\n" for c in screen(judged))


def test_a_file_has_what_the_screen_shows_whatever_the_order_of_the_findings() -> None:
    shown = FORMATS["text"]([real()])
    assert shown == screen([real()]) + "\n"
    turned = replace(real(), findings=real().findings[::-1])
    assert FORMATS["text"]([turned]) == shown


def test_these_commands_have_the_tier_and_the_variables_that_were_given() -> None:
    files = replace(
        verdict(PASSED, DEFERRED, root=Path("infra/live"), unjudged=("not known",)),
        tier="staging",
        var_files=("p.tfvars", "../a b.tfvars"),
    )
    assert screen([files]).split("\n")[-3:] == [
        (
            "    terraform -chdir=infra/live plan -out=plan.tfplan"
            " -var-file=p.tfvars -var-file='../a b.tfvars'"
        ),
        "    terraform -chdir=infra/live show -json plan.tfplan > plan.json",
        (
            "    nexusctl check --path infra/live --plan plan.json"
            " --var-file infra/live/p.tfvars --var-file 'infra/a b.tfvars' --tier staging"
        ),
    ]
