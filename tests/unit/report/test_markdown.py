"""The comment on a pull request, read as a Markdown parser reads it."""

import re
from dataclasses import replace
from html import unescape

import pytest
from markdown_it import MarkdownIt

from nexusctl.policy.verdict import Outcome, Verdict
from nexusctl.report.markdown import LONGEST, markdown
from tests.unit.report.verdicts import (
    DENIED,
    HOSTILE,
    KNOWN,
    WAIVED,
    finding,
    hostile,
    real,
    verdict,
)


def html(*judged: Verdict) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown(judged)))


def rows(page: str) -> list[list[str]]:
    return [
        [unescape(re.sub("<[^>]*>", " ", cell)) for cell in re.findall("<td>(.*?)</td>", row)]
        for row in re.findall("<tr>(.*?)</tr>", page, re.DOTALL)
        if "<td>" in row
    ]


def test_the_heading_is_the_result() -> None:
    passed = verdict(finding(outcome=Outcome.PASSED))
    assert markdown([passed]) == "## ✓ nexusctl: 1 policy passed on prod\n"
    assert markdown([real()]).startswith("## ✗ nexusctl denies prod: 4 findings\n")
    unjudged = markdown([verdict(DENIED, unjudged=("no record",))])
    assert unjudged.startswith("## ✗ nexusctl could not judge prod\n")
    assert "- prod: no record\n" in unjudged


def test_the_table_says_what_to_edit() -> None:
    first, second, third = rows(html(real()))[:3]
    assert first == [
        "critical",
        " NEXUS_PROXY_TLS ",
        " environments/prod.yaml:29   proxy.require_tls: false ",
        " module.proxy.aws_db_proxy.main ",
        "require_tls is not true: clients may connect without TLS",
    ]
    assert second[3].endswith("and 1 more")
    assert third[2] == "default  proxy.connection_pool.connection_borrow_timeout: 120s "


def test_details_are_folded() -> None:
    written = markdown([real()])
    assert "<details><summary>NEXUS_PROXY_TLS: RDS Proxy requires TLS</summary>\n\n" in written
    assert "**why** Without require_tls" in written
    assert "**fix** set proxy.require_tls: true\n\n```diff\n--- environments/prod.yaml\n" in written
    assert (
        "- `module.workers.aws_cloudwatch_log_group.main` at `modules/workers/logs.tf:3`" in written
    )
    assert written.count("<details>") == written.count("</details>") == 5


def test_what_is_excused_is_folded_and_what_is_undecided_is_a_line() -> None:
    written = markdown([real()])
    assert "<summary>1 finding waived</summary>" in written
    assert "the data is loaded anew every night (ann, until 2027-03-31)" in written
    assert "<summary>1 finding in the baseline</summary>" in written
    assert "- ⚠ the waiver of NEXUS_BACKUPS expires in 6 days" in written
    assert written.endswith("In part for the plan to decide: `NEXUS_BACKUPS`.\n")


def test_of_several_names_each_row_says_which() -> None:
    table = rows(html(verdict(DENIED), verdict(DENIED, name="staging")))
    assert [row[0] for row in table] == ["prod", "staging"]


def test_files_and_plan_are_told_once() -> None:
    assert len(rows(html(verdict(DENIED), verdict(finding(), subject="plan")))) == 1


def test_hostile_text_stays_where_it_is() -> None:
    page = html(hostile())
    assert {len(row) for row in rows(page)} == {5, 3}
    assert set(re.findall(r"<(\w+)", page)) == {
        "h2", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "br",
        "code", "pre", "details", "summary",
    }  # fmt: skip
    assert page.count("<details>") == page.count("</details>")


def test_nobody_is_mentioned_outside_of_code() -> None:
    page = re.sub(r"(?s)<code.*?</code>", "", html(hostile()))
    text = unescape(page)
    assert "octocat" in text
    for link in ("@octocat", "#1", "GH-1", "https://", "www.evil"):
        assert link not in text


@pytest.mark.parametrize("hidden", ["```", "`````"])
def test_a_fence_is_longer_than_any_in_the_diff(hidden: str) -> None:
    diff = f"--- a\n+++ a\n@@ -1,1 +1,1 @@\n {hidden}\n-x\n+y"
    page = html(verdict(replace(DENIED, diff=diff)))
    assert page.count("<pre>") == 1
    assert "+y\n</code></pre>" in page


def test_a_comment_is_never_too_long_to_be_posted() -> None:
    many = verdict(*(finding(resource=f"a.b{n}", message=HOSTILE * 9) for n in range(999)))
    other = verdict(*(replace(WAIVED, resource=f"a.b{n}") for n in range(999)), name="x")
    assert len(markdown([many])) < LONGEST + 100
    assert "and 949 more" in markdown([other])
    assert "does not fit" in markdown([many])


def test_known_failures_say_what_they_are() -> None:
    assert rows(html(verdict(KNOWN)))[0][2] == "retention is 30 days"
