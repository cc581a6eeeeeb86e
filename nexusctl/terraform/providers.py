"""Where Terraform gets the AWS provider from.

The user's own configuration of Terraform comes first; then the mirror directories Terraform looks
into by itself; then a mirror among the machine's add-on trees; else the registry.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nexusctl.terraform.engine import Engine

PROVIDER = "hashicorp/aws"
# https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
IMPLIED_MIRRORS = (
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
)
ADD_ON_TREES = "/opt"


@dataclass(frozen=True, slots=True)
class ProviderSource:
    """Where the provider comes from. `path` is the configuration file or the mirror."""

    kind: Literal["user configuration", "implied mirror", "add-on mirror", "registry"]
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.path}" if self.path else self.kind


def find_provider(engine: Engine, environment: Mapping[str, str]) -> ProviderSource:
    """The provider's source for `engine`, given the process environment."""
    configured = user_configuration(environment)
    if configured:
        return ProviderSource("user configuration", configured)
    for implied in IMPLIED_MIRRORS:
        mirror = Path(implied).expanduser()
        if (mirror / engine.registry / PROVIDER).is_dir():
            return ProviderSource("implied mirror", mirror)
    for tree in _directories(Path(ADD_ON_TREES)):
        for mirror in (tree, *_directories(tree)):
            if (mirror / engine.registry / PROVIDER).is_dir():
                return ProviderSource("add-on mirror", mirror)
    return ProviderSource("registry")


def user_configuration(environment: Mapping[str, str]) -> Path | None:
    """The user's Terraform CLI configuration file, if it exists.

    TF_CLI_CONFIG_FILE may name a file that does not exist; Terraform then goes on without one.
    """
    named = environment.get("TF_CLI_CONFIG_FILE")
    file = Path(named) if named else Path("~/.terraformrc").expanduser()
    return file if file.is_file() else None


def write_configuration(source: ProviderSource, engine: Engine, file: Path) -> Path | None:
    """Write the CLI configuration that makes Terraform use `source`; None where it needs none."""
    if source.kind != "add-on mirror" or source.path is None:
        return None
    name = json.dumps(f"{engine.registry}/{PROVIDER}")
    text = (
        "provider_installation {\n"
        f"  filesystem_mirror {{\n    path    = {json.dumps(str(source.path))}\n"
        f"    include = [{name}]\n  }}\n"
        f"  direct {{\n    exclude = [{name}]\n  }}\n"
        "}\n"
    )
    if not file.is_file() or file.read_text("utf-8") != text:
        file.write_text(text, "utf-8")
    return file


def _directories(parent: Path) -> Iterator[Path]:
    try:
        yield from sorted(each for each in parent.iterdir() if each.is_dir())
    except OSError:
        return
