"""Workflow commands: one line each, on the line to edit, whatever the text is."""

from dataclasses import replace

import pytest

from nexusctl.policy.verdict import About, Outcome
from nexusctl.report.github import github
from tests.unit.report.verdicts import (
    BACKUPS,
    BORROW,
    BORROW_DIFF,
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


def test_a_denial_is_on_the_line_to_edit_with_why_and_how() -> None:
    assert github([verdict(DENIED)]) == (
        "::error file=environments/prod.yaml,line=29,col=1,"
        "title=NEXUS_PROXY_TLS%3A RDS Proxy requires TLS::"
        f"{PROXY}: require_tls is not true: clients may connect without TLS%0A"
        "why: Without require_tls a client may send its IAM token and every row in clear.%0A"
        "fix: set proxy.require_tls: true\n"
    )


@pytest.mark.parametrize(
    ("policy", "command"),
    [(TLS, "error"), (LOGS, "error"), (BORROW, "warning"), (BACKUPS, "notice")],
)
def test_severities(policy: About, command: str) -> None:
    assert github([verdict(finding(policy))]).startswith(f"::{command} ")


def test_what_the_diff_puts_in_is_annotated_on_the_line_before() -> None:
    judged = verdict(finding(behind=setting(line=None), diff=BORROW_DIFF))
    assert "file=environments/prod.yaml,line=36,col=1" in github([judged])


def test_without_a_diff_it_is_the_line_of_the_setting() -> None:
    assert "line=29,col=16" in github([verdict(finding(behind=setting()))])


def test_what_one_edit_mends_is_one_annotation_and_the_most_severe_is_first() -> None:
    lines = github([real()]).splitlines()
    assert [line.split()[0] for line in lines] == ["::error", "::error", "::warning", "::notice"]
    assert "module.proxy.aws_cloudwatch_log_group.main" in lines[1]
    assert "module.workers.aws_cloudwatch_log_group.main" in lines[1]


def test_files_and_plan_annotate_once() -> None:
    judged = [verdict(DENIED, unjudged=("x",)), verdict(DENIED, subject="plan", unjudged=("x",))]
    assert len(github(judged).splitlines()) == 2


def test_waived_is_a_notice_unjudged_an_error_and_the_rest_nothing() -> None:
    passed = finding(outcome=Outcome.PASSED)
    first, second = github([verdict(passed, KNOWN, WAIVED, unjudged=("no record",))]).splitlines()
    assert first == (
        "::error file=environments/prod.yaml,line=1,col=1,title=nexusctl could not judge::no record"
    )
    assert second.startswith("::notice ")
    assert "(ann, until 2027-03-31)" in second
    assert github([verdict(passed)]) == ""


def test_nothing_of_a_verdict_becomes_a_command() -> None:
    written = github([hostile()])
    lines = written.removesuffix("\n").split("\n")
    assert len(lines) == 3
    assert all(line.startswith(("::error file=", "::notice file=")) for line in lines)
    assert all(c.isprintable() or c == "\n" for c in written)


def test_properties_and_messages_are_escaped() -> None:
    policy = replace(TLS, title="a,b:%")
    written = github([verdict(finding(policy, message="100%\nof: it, all"))])
    assert "title=NEXUS_PROXY_TLS%3A a%2Cb%3A%25::" in written
    assert "100%25%0Aof: it, all%0A" in written


def test_the_same_verdicts_are_the_same_bytes() -> None:
    turned = replace(real(), findings=real().findings[::-1])
    assert github([real()]) == github([real()]) == github([turned])
