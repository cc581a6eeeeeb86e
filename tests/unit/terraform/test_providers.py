from pathlib import Path

import pytest

from nexusctl.terraform import providers
from nexusctl.terraform.engine import Engine
from nexusctl.terraform.providers import ProviderSource, find_provider, write_configuration

ENGINE = Engine("terraform", "1.11.4", ("terraform",))


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty home, no mirrors and no add-ons."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(providers, "IMPLIED_MIRRORS", ("~/.terraform.d/plugins",))
    monkeypatch.setattr(providers, "ADD_ON_TREES", str(tmp_path / "add-ons"))
    return tmp_path


def mirror(directory: Path) -> Path:
    (directory / "registry.terraform.io/hashicorp/aws/5.100.0").mkdir(parents=True)
    return directory


def test_without_anything_the_registry_serves() -> None:
    assert find_provider(ENGINE, {}) == ProviderSource("registry")


def test_the_users_configuration_comes_first(machine: Path) -> None:
    mirror(machine / "home/.terraform.d/plugins")
    mirror(machine / "add-ons/plugins")
    file = machine / "my.tfrc"
    file.write_text("")
    found = find_provider(ENGINE, {"TF_CLI_CONFIG_FILE": str(file)})
    assert found == ProviderSource("user configuration", file)
    assert write_configuration(found, ENGINE, machine / "terraform.rc") is None


def test_a_configuration_that_does_not_exist_counts_for_nothing(machine: Path) -> None:
    named = {"TF_CLI_CONFIG_FILE": str(machine / "missing")}
    assert find_provider(ENGINE, named) == ProviderSource("registry")


def test_terraforms_own_mirrors_come_before_add_ons(machine: Path) -> None:
    implied = mirror(machine / "home/.terraform.d/plugins")
    mirror(machine / "add-ons/plugins")
    assert find_provider(ENGINE, {}) == ProviderSource("implied mirror", implied)


@pytest.mark.parametrize("place", ["add-ons/plugins", "add-ons/vendor/plugins"])
def test_an_add_on_mirror_is_found_and_configured(machine: Path, place: str) -> None:
    mirror(machine / place)
    found = find_provider(ENGINE, {})
    assert found == ProviderSource("add-on mirror", machine / place)
    written = write_configuration(found, ENGINE, machine / "terraform.rc")
    assert written is not None
    text = written.read_text()
    assert f'path    = "{machine / place}"' in text
    assert 'include = ["registry.terraform.io/hashicorp/aws"]' in text


def test_a_mirror_of_another_registry_does_not_serve(machine: Path) -> None:
    mirror(machine / "add-ons/plugins")
    tofu = Engine("tofu", "1.11.0", ("tofu",))
    assert find_provider(tofu, {}) == ProviderSource("registry")
