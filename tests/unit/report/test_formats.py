"""Every format: the same verdicts are the same text, and any text can be written to a file."""

from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.report.formats import FORMATS
from tests.unit.report.verdicts import hostile, real, verdict


def test_the_formats() -> None:
    assert list(FORMATS) == ["text", "json", "sarif", "junit", "github", "markdown"]


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_verdicts_are_the_same_text(name: str) -> None:
    assert FORMATS[name]([real()]) == FORMATS[name]([real()])


@pytest.mark.parametrize("name", FORMATS)
def test_any_text_can_be_written_to_a_file(name: str) -> None:
    for judged in ([real()], [hostile()], [verdict()], []):
        FORMATS[name](judged).encode()


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_tells_where_this_machine_keeps_the_project(name: str) -> None:
    here = Path.cwd()
    judged = replace(real(), source=here / "environments/prod.yaml", root=here / "terraform")
    assert str(here) not in FORMATS[name]([judged])
