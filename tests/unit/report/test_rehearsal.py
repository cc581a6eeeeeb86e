"""A rehearsal as text, JSON and HTML."""

import json
import re

from nexusctl.report import rehearsal as report
from nexusctl.report.rehearsal_html import page
from tests.unit.rehearsal.played import TOO_MANY, rehearsal


def screen() -> str:
    return "\n".join(line.plain for line in report.rehearsal("prod", rehearsal()))


def test_each_act_has_what_was_measured_beside_what_was_predicted() -> None:
    said = screen()
    assert re.search(r"^1  straight to the database +measured +predicted$", said, re.MULTILINE)
    assert re.search(r"^   refused +60 +60$", said, re.MULTILINE)
    assert re.search(r"^   mean wait +4\.0 ms +\d", said, re.MULTILINE)
    assert re.search(rf"60 . “{TOO_MANY}”", said)


def test_it_concludes_in_words() -> None:
    said = screen()
    assert "✗ straight to the database, 60 of 100 clients are refused" in said
    assert "✓ through the pooler 100 of 100 are served" in said
    assert "✓ while the database restarts (2.1 s) clients wait for it, 2.1 s at most" in said


def test_it_says_what_client_and_pooler_cost_and_what_the_stand_in_does_not_share() -> None:
    said = screen()
    assert "hand a transaction over in 0.30 ms" in said
    for subject in ("Pinning", "Failover", "Authentication", "Network"):
        assert subject in said


def test_times_are_readable() -> None:
    assert [report.seconds(each) for each in (0, 1e-9, 0.00031, 0.0054, 0.041, 2.13)] == [
        *("0 ms", "0 ms", "0.31 ms", "5.4 ms", "41 ms", "2.1 s")
    ]


def test_the_document_is_json_with_every_figure() -> None:
    document = json.loads(json.dumps(report.document("prod", rehearsal())))
    assert document["format"] == "nexusctl/rehearsal"
    direct, pooled, restart = document["acts"]
    assert {"name": "refused", "measured": 60, "predicted": 60, "unit": "", "at_most": False} in (
        direct["figures"]
    )
    assert direct["errors"] == {TOO_MANY: 60}
    assert pooled["samples"][0]["connected"] == 40
    assert "recovery" in restart["figures"][-1]["name"]


def test_the_page_needs_no_network_and_has_every_plot() -> None:
    html = page("prod", rehearsal())
    assert html.count("<svg") == 4
    assert not re.findall(r'(?:src|href)="(?!#)|url\((?!#)|@import', html)
    ids = re.findall(r'\bid="([^"]+)"', html)
    references = set(re.findall(r"(?:url\(#|xlink:href=\"#)([^)\"]+)", html))
    assert references <= set(ids)


def test_the_name_of_an_environment_and_what_servers_say_are_text_to_the_page() -> None:
    assert "<script>" not in page("<script>", rehearsal())
