"""Where the state is kept: by the rendered files, and by what Terraform was initialised with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexusctl.configuration.configuration import read
from nexusctl.render.hcl import literal
from nexusctl.render.rendered import Rendered

FILE = "versions.tf"


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend: its type, `s3` or `local`, and its arguments, nulls left out."""

    type: str
    arguments: Mapping[str, Any]

    @classmethod
    def written(cls, rendered: Rendered) -> "Backend | None":
        """The one in rendered files; None where they leave it to Terraform."""
        found = read({FILE: rendered.files.get(FILE, "")}).backend
        return cls(found.type, dict(found.values)) if found else None

    @classmethod
    def initialised(cls, data: Path) -> "Backend | None":
        """The one that Terraform's data directory (TF_DATA_DIR) was initialised with, if any."""
        try:
            backend = json.loads((data / "terraform.tfstate").read_bytes())["backend"]
            arguments = backend["config"].items()
            return cls(
                backend["type"], {name: each for name, each in arguments if each is not None}
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def place(self, root: Path) -> str:
        """Where its state lies. `root` is the directory that Terraform works in."""
        if self.type == "s3":
            named = (self.arguments.get(name) for name in ("bucket", "key", "region"))
            return "s3://{}/{} in {}".format(*named)
        return str(root / str(self.arguments.get("path", "terraform.tfstate")))

    def alone(self, root: Path) -> Rendered:
        """A root module that has this backend and nothing else, to work in any directory.

        `root` is the one that a path in it starts from.
        """
        arguments = dict(self.arguments)
        if self.type == "local":
            arguments = {"path": self.place(root)}
        lines = [f"    {name} = {literal(value)}" for name, value in arguments.items()]
        text = "\n".join(["terraform {", f'  backend "{self.type}" {{', *lines, "  }", "}", ""])
        return Rendered({FILE: text}, {})
