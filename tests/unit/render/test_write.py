"""A rendered root on disk: what is written, what is removed, what is never touched."""

import json
import os
from pathlib import Path

import pytest

from nexusctl.environment.origin import Origin
from nexusctl.errors import Exit, Location, Refused
from nexusctl.render.rendered import Rendered
from nexusctl.render.write import refuse_foreign, write, write_source_map

HEADER = "# Rendered by nexusctl from environments/dev.yaml.\n"


def rendered(*left_out: str, **changed: str) -> Rendered:
    files = {
        "main.tf": f"{HEADER}locals {{}}\n",
        "outputs.tf": HEADER,
        ".terraform.lock.hcl": "# locked\n",
        "modules/proxy/main.tf": "# proxy\n",
        "modules/workers/templates/cloud-config.yaml.tftpl": "#cloud-config\n",
    }
    files |= {f"{name}.tf": text for name, text in changed.items()}
    return Rendered({name: text for name, text in files.items() if name not in left_out}, {})


def content(directory: Path) -> dict[str, str]:
    return {
        file.relative_to(directory).as_posix(): file.read_text("utf-8")
        for file in directory.rglob("*")
        if file.is_file()
    }


def test_a_state_that_could_not_be_saved_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "errored.tfstate").write_text("the only trace of what was applied\n")
    write(rendered(), tmp_path)
    write(rendered(main=f"{HEADER}locals {{ a = 1 }}\n"), tmp_path)
    assert content(tmp_path)["errored.tfstate"] == "the only trace of what was applied\n"


def test_the_directory_holds_the_rendered_files(tmp_path: Path) -> None:
    write(rendered(), tmp_path)
    assert content(tmp_path) == rendered().files


def test_text_is_written_as_utf_8_with_its_own_line_ends(tmp_path: Path) -> None:
    write(rendered(main=f"{HEADER}# Köln\n# 東京\r\n"), tmp_path)
    assert (tmp_path / "main.tf").read_bytes() == f"{HEADER}# Köln\n# 東京\r\n".encode()


def test_files_that_are_right_are_not_touched(tmp_path: Path) -> None:
    write(rendered(), tmp_path)
    for name in rendered().files:
        os.utime(tmp_path / name, (1, 1))
    write(rendered(outputs=f"{HEADER}# another\n"), tmp_path)
    touched = {name for name in rendered().files if (tmp_path / name).stat().st_mtime != 1}
    assert touched == {"outputs.tf"}
    assert content(tmp_path)["outputs.tf"] == f"{HEADER}# another\n"


def test_files_that_are_not_rendered_any_more_are_removed(tmp_path: Path) -> None:
    write(rendered(), tmp_path)
    write(rendered("outputs.tf", "modules/proxy/main.tf"), tmp_path)
    assert not (tmp_path / "outputs.tf").exists()
    assert not (tmp_path / "modules/proxy/main.tf").exists()
    assert (tmp_path / "modules/workers/templates/cloud-config.yaml.tftpl").is_file()


def test_what_terraform_and_the_user_keep_there_stays(tmp_path: Path) -> None:
    others = {
        "terraform.tfstate": "{}",
        "terraform.tfstate.backup": "{}",
        ".terraform/modules/modules.json": "{}",
        "plan.tfplan": "plan",
        "notes/main.tf": "# not in the root module",
    }
    for name, text in others.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    write(rendered(), tmp_path)
    write(rendered("outputs.tf"), tmp_path)
    assert content(tmp_path) == {**others, **rendered("outputs.tf").files}


@pytest.mark.parametrize(
    "name", ["main.tf", "mine.tf", "mine.tf.json", "mine.tofu", "modules/mine/README.md"]
)
def test_a_directory_with_somebody_elses_files_is_refused_as_it_is(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("# mine\n")
    with pytest.raises(Refused, match=name.partition("/")[0]) as caught:
        refuse_foreign(tmp_path)
    assert caught.value.exit_code is Exit.REFUSED
    assert caught.value.hint
    assert content(tmp_path) == {name: "# mine\n"}


def test_a_foreign_file_among_rendered_ones_is_refused_too(tmp_path: Path) -> None:
    write(rendered(), tmp_path)
    (tmp_path / "override.tf").write_text("# mine\n")
    with pytest.raises(Refused, match=r"override\.tf$"):
        refuse_foreign(tmp_path)


@pytest.mark.parametrize("name", ["override.tf", "mine.tf.json", "mine.auto.tfvars", "x.tofu"])
def test_nothing_else_that_terraform_reads_stays_in_our_own_directory(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("# mine\n")
    write(rendered(), tmp_path)
    assert content(tmp_path) == rendered().files


def test_a_file_that_was_cut_off_is_written_anew(tmp_path: Path) -> None:
    write(rendered(), tmp_path)
    (tmp_path / "main.tf").write_text("")
    (tmp_path / "main.tf.new").write_text("# Ren")
    write(rendered(), tmp_path)
    assert (tmp_path / "main.tf").read_text() == rendered().files["main.tf"]


def test_an_empty_directory_and_one_rendered_before_may_be_rendered_into(tmp_path: Path) -> None:
    refuse_foreign(tmp_path)
    write(rendered(), tmp_path)
    refuse_foreign(tmp_path)


def test_a_directory_of_other_things_is_not_rendered_into(tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text("extends: base")
    with pytest.raises(Refused, match=r"prod\.yaml"):
        refuse_foreign(tmp_path)


def test_the_source_map_names_values_and_places(tmp_path: Path) -> None:
    place = Location(Path("environments/dev.yaml"), 23, 3)
    origins = (Origin(("tags", "team"), place), Origin(("tags",), None))
    write_source_map(Rendered({}, {"main.tf": {12: origins[:1], 3: origins}}), tmp_path)
    document = json.loads((tmp_path / "source-map.json").read_text())
    team = {"path": "tags.team", "place": "environments/dev.yaml:23:3"}
    assert document == {"main.tf": {"3": [team, {"path": "tags", "place": None}], "12": [team]}}
