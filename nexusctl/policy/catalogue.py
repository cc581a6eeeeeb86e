"""The policies there are, read from their source: neither imported nor run."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexusctl.errors import Location, ToolUnfit
from nexusctl.policy.verdict import Severity

# What the project exists for. A folder of policies without one of these judges nothing.
REQUIRED = (
    "NEXUS_PROXY_TLS",
    "NEXUS_DATABASE_TLS",
    "NEXUS_PROXY_AUTHENTICATION",
    "NEXUS_NO_HARDCODED_PASSWORD",
)
EVERY_RESOURCE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a policy says of itself. In a policy's file its arguments are plain literals.

    `resources` are the resource types it applies to, or `EVERY_RESOURCE`.
    `setting` is the dotted path of the environment value that decides, where there is one.
    """

    id: str
    title: str
    severity: Severity
    why: str
    fix: str
    resources: tuple[str, ...]
    setting: str | None = None

    def applies_to(self, resource_type: str) -> bool:
        """Whether a resource of this type needs a record of this policy."""
        return EVERY_RESOURCE in self.resources or resource_type in self.resources


def policy_files(directory: Path) -> tuple[Path, ...]:
    """The files of `directory` that hold policies, in order.

    Raises:
        ToolUnfit: there is no such directory, or no policy in it.
    """
    files = tuple(
        sorted(file for file in directory.rglob("*.py") if not file.name.startswith(("_", ".")))
    )
    if not files:
        raise ToolUnfit(
            f"no policies in {directory}",
            hint="restore the policies directory: without it nothing can be judged",
        )
    return files


def read_catalogue(directory: Path) -> Mapping[str, About]:
    """Every policy in `directory`, by id.

    Raises:
        ToolUnfit: the directory is missing or empty, a file does not parse or holds no policy, an
            `About` is not made of literals, or an id is there twice.
    """
    catalogue: dict[str, About] = {}
    for file in policy_files(directory):
        found = False
        for node in ast.walk(_parse(file)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == About.__name__:
                about = _about(file, node)
                if about.id in catalogue:
                    raise ToolUnfit(
                        f"policy {about.id} is there twice",
                        hint="give one of the two another id",
                        location=Location(file, node.lineno),
                    )
                catalogue[about.id] = about
                found = True
        if not found:
            raise ToolUnfit(
                f"{file}: holds no policy",
                hint="declare one with About(...), or begin the file's name with an underscore",
            )
    return catalogue


def _parse(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        raise ToolUnfit(
            f"the policy file is not Python: {type(error).__name__}",
            hint="mend or restore the file",
            location=Location(file, getattr(error, "lineno", None) or 1),
        ) from None


def _about(file: Path, call: ast.Call) -> About:
    try:
        arguments: dict[str, Any] = {
            str(keyword.arg): _literal(keyword.value) for keyword in call.keywords
        }
        return About(**arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise ToolUnfit(
            f"the policy's About(...) cannot be read: {error}",
            hint="its arguments are literals: id, title, severity, why, fix, resources, setting",
            location=Location(file, call.lineno),
        ) from None


def _literal(node: ast.expr) -> object:
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == Severity.__name__:
        return Severity[node.attr]
    return ast.literal_eval(node)
