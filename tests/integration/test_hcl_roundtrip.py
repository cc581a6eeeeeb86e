"""What goes into HCL comes out of Terraform: the encoder against the reader it writes for."""

import json
import os
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nexusctl.environment.load import load, names
from nexusctl.render import hcl
from nexusctl.render.render import render
from nexusctl.render.write import write
from nexusctl.terraform.engine import find_engine
from nexusctl.workspace import PACKAGE, shipped_assets

GENERATED = 600
# What means something to HCL, to Jinja, to a shell or to a terminal, and what Unicode makes hard.
AWKWARD = (
    *("${", "%{", "$${", "%%{", "$$${", "$%{", "%${", "$", "%", "{", "}", "~}", "${~", "%{ if x }"),
    *("{{", "}}", "{%", "{#", '"', "'", "`", "\\", "\\n", "\\u0041", '\\"', "<<E", "#", "//", "/*"),
    *("\n", "\r", "\r\n", "\t", "\0", "\x07", "\x1b[31m", "\x7f", "\x85", "\x9b", "\u2028"),
    *("\u202e", "\u2066", "\u200d", "\u200b", "\ufeff", "\ue000", "\ue001", "\ufffe", "\U0010ffff"),
    *("é", "e\u0301", "\u0301", "\u0327\u0301", "\u212b", "ﬁ", "각", "\u1100\u1161", "ß", "İ"),
    *("🙂", "👩‍👧", "\U0001f1e9\U0001f1ea", "東京", "עברית", "ﷺ", " ", "\xa0", ""),
)
# Characters that this Python's Unicode knows: of others Terraform may know another normal form.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cn"])
TEXT = st.lists(st.sampled_from(AWKWARD) | st.text(CHARACTERS, max_size=4), max_size=5).map("".join)
SCALARS = TEXT | st.integers(-(2**63), 2**63) | st.booleans()


def normalised(value: object) -> object:
    """`value` as Terraform holds it: all its text in Unicode's normal form C."""
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case list():
            return [normalised(each) for each in value]
        case dict():
            return {normalised(key): normalised(each) for key, each in value.items()}
    return value


def maps(values: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Maps whose keys are still different ones when Terraform has normalised them."""
    keys = TEXT | st.sampled_from(["for", "if", "null", "true", "a-b", "a.b", "0", "", "each.key"])
    entries = st.lists(
        st.tuples(keys, values), max_size=4, unique_by=lambda entry: normalised(entry[0])
    )
    return entries.map(dict)


INNER = st.recursive(
    SCALARS | st.none(), lambda inner: st.lists(inner, max_size=3) | maps(inner), max_leaves=5
)
VALUES = TEXT | SCALARS | st.lists(INNER, max_size=4) | maps(INNER)


def some_values() -> list[object]:
    """Each awkward text by itself and beside others, and what hypothesis makes of them."""
    values: list[object] = [*AWKWARD, *(f"a{each}b{each}{{" for each in AWKWARD)]
    values.append({f"key {each}": each for each in AWKWARD if each.isascii()})

    @settings(
        max_examples=GENERATED,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(VALUES)
    def collect(value: object) -> None:
        values.append(value)

    collect()
    return values


def terraform(*arguments: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    return subprocess.run(
        [*find_engine().argv, *arguments],
        cwd=directory,
        env=environment | {"CHECKPOINT_DISABLE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[object]]:
    """A root module that does nothing but put out values, and those values."""
    directory = tmp_path_factory.mktemp("root")
    values = some_values()
    with (directory / "outputs.tf").open("w", encoding="utf-8") as file:
        for number, value in enumerate(values):
            literal = hcl.literal(value).replace("\n", "\n  ")
            file.write(f'output "v{number}" {{\n  value = {literal}\n}}\n\n')
    return directory, values


def test_terraform_reads_what_went_in(root: tuple[Path, list[object]]) -> None:
    directory, values = root
    applied = terraform("apply", "-auto-approve", "-no-color", directory=directory)
    assert applied.returncode == 0, applied.stderr[-3000:]
    outputs = json.loads(terraform("output", "-json", directory=directory).stdout)
    assert len(outputs) == len(values) > GENERATED
    for number, value in enumerate(values):
        found = outputs[f"v{number}"]["value"]
        assert found == normalised(value), f"{hcl.literal(value)} reads back as {found!r}"


def test_generated_literals_are_formatted_as_terraform_formats(
    root: tuple[Path, list[object]],
) -> None:
    checked = terraform("fmt", "-check", "-diff", directory=root[0])
    assert checked.returncode == 0, checked.stdout[-3000:]


def test_shipped_environments_are_rendered_as_terraform_formats(tmp_path: Path) -> None:
    directory = PACKAGE.parent / "environments"
    shipped = [name for name in names(directory) if name != "base"]
    assert shipped == ["dev", "prod", "sandbox", "staging"]
    for name in shipped:
        (tmp_path / name).mkdir()
        write(render(load(name, directory), shipped_assets()), tmp_path / name)
    checked = terraform("fmt", "-check", "-recursive", "-diff", directory=tmp_path)
    assert checked.returncode == 0, checked.stdout[-3000:]
