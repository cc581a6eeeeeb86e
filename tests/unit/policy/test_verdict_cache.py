"""A kept verdict is served for the same inputs, and never for others."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from nexusctl.environment.origin import Origin
from nexusctl.errors import Location
from nexusctl.policy import verdict_cache
from nexusctl.policy.verdict import Outcome, Remedy, Setting, Verdict, Waived
from nexusctl.policy.verdict_cache import VerdictCache
from nexusctl.workspace import Assets
from tests.unit.policy.findings import about, finding, verdict


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("environments", "templates", "terraform/modules/proxy", "policies"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "environments/base.yaml").write_text("abstract: true\n")
    (tmp_path / "environments/prod.yaml").write_text("extends: base\n")
    (tmp_path / "templates/main.tf.j2").write_text("template")
    (tmp_path / "terraform/modules/proxy/main.tf").write_text("module")
    (tmp_path / "policies/tls.py").write_text("policy")
    return tmp_path


def cache(project: Path) -> VerdictCache:
    assets = Assets(project / "templates", project / "terraform", project / "policies")
    return VerdictCache(project / "cache", assets)


def inputs(project: Path) -> dict[str, str]:
    files = [project / "environments" / name for name in ("prod.yaml", "base.yaml")]
    return {str(file): sha256(file.read_bytes()).hexdigest() for file in files}


def kept(project: Path) -> Verdict:
    place = Location(project / "environments/prod.yaml", 3, 5)
    full = replace(
        finding(about(settings=("proxy.require_tls",), tiers=("production",), remedy=True)),
        file="modules/proxy/main.tf",
        line=12,
        setting=Setting(Origin(("proxy", "require_tls"), place), "false", "meaning"),
        remedy=Remedy(("proxy", "require_tls"), True, here=True),
        diff="-a\n+b",
    )
    waived = replace(
        finding(about("NEXUS_OTHER"), outcome=Outcome.WAIVED),
        setting=Setting(Origin(("a", 0), None)),
        waived=Waived("reason", "owner", "2027-01-01", "environments/prod.yaml:9:3"),
    )
    made = replace(verdict(full, waived), notices=("soon",))
    cache(project).put(project / "environments/prod.yaml", made, inputs(project))
    return made


def test_verdict_comes_back_whole(project: Path) -> None:
    assert cache(project).get(project / "environments/prod.yaml") is None
    made = kept(project)
    assert cache(project).get(project / "environments/prod.yaml") == made


def append(name: str) -> Callable[[Path], object]:
    def change(project: Path) -> None:
        with (project / name).open("a") as file:
            file.write("# changed")

    return change


def same_size_and_time(project: Path) -> None:
    file = project / "environments/prod.yaml"
    times = file.stat()
    file.write_text(file.read_text().replace("base", "bases"[1:]))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        append("environments/prod.yaml"),
        append("environments/base.yaml"),
        append("templates/main.tf.j2"),
        append("terraform/modules/proxy/main.tf"),
        append("policies/tls.py"),
        append("policies/another.py"),
        append("templates/another.tf.j2"),
        same_size_and_time,
        lambda project: (project / "environments/base.yaml").unlink(),
        lambda project: (project / "terraform/modules/proxy/main.tf").unlink(),
        lambda project: (project / "templates/main.tf.j2").rename(project / "templates/x.tf.j2"),
        lambda project: shutil.move(project / "terraform/modules", project / "terraform/other"),
    ],
)
def test_other_inputs_get_no_kept_verdict(project: Path, change: Callable[[Path], object]) -> None:
    kept(project)
    change(project)
    assert cache(project).get(project / "environments/prod.yaml") is None


def test_another_environment_with_the_same_content_gets_none(project: Path) -> None:
    kept(project)
    shutil.copy(project / "environments/prod.yaml", project / "environments/copy.yaml")
    assert cache(project).get(project / "environments/copy.yaml") is None


def test_tomorrow_is_judged_anew(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(project)

    class Tomorrow(date):
        @classmethod
        def today(cls) -> "Tomorrow":
            return cls.fromordinal(date.today().toordinal() + 1)  # noqa: DTZ011 - the day as the user has it

    monkeypatch.setattr(verdict_cache, "date", Tomorrow)
    assert cache(project).get(project / "environments/prod.yaml") is None


@pytest.mark.parametrize("library", ["checkov", "pydantic", "jinja2", "pyyaml"])
def test_another_version_of_a_library_judges_anew(
    project: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    kept(project)

    def version(name: str) -> str:
        return "0.0.1" if name == library else "1"

    for module in ("nexusctl.policy.cache", "nexusctl.policy.verdict_cache"):
        monkeypatch.setattr(f"{module}.version", version)
    assert cache(project).get(project / "environments/prod.yaml") is None


def test_altered_and_torn_entries_are_nothing(project: Path) -> None:
    kept(project)
    (entry,) = (project / "cache").iterdir()
    whole = entry.read_text()
    for text in (whole.replace('"failed"', '"passed"'), whole[:-20], "", "[]"):
        entry.write_text(text)
        assert cache(project).get(project / "environments/prod.yaml") is None


def test_what_was_not_judged_is_not_kept(project: Path) -> None:
    file = project / "environments/prod.yaml"
    cache(project).put(file, replace(verdict(), unjudged=("something",)), inputs(project))
    cache(project).put(file, verdict(), {})
    assert cache(project).get(file) is None


def test_inputs_that_changed_while_judging_are_not_served(project: Path) -> None:
    read = inputs(project)
    append("environments/prod.yaml")(project)
    file = project / "environments/prod.yaml"
    cache(project).put(file, verdict(), read)
    assert cache(project).get(file) is None
