"""The noun: one environment, loaded and valid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nexusctl.environment.model import Settings, fields
from nexusctl.environment.origin import Origin
from nexusctl.environment.tree import ValuePath
from nexusctl.errors import Location


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings of one environment, and where each was written.

    `origins` has every written value by its path. `files` are the files read, nearest first: the
    environment's own, the one it extends, and so on; `digests` the SHA-256 of what each held.
    """

    name: str
    settings: Settings
    origins: Mapping[ValuePath, Location]
    files: tuple[Path, ...]
    digests: Mapping[str, str] = field(default_factory=dict)

    def origin(self, *path: str | int) -> Origin:
        """Where the value at `path` was written.

        What lies inside a written scalar (`"idle_client_timeout", "seconds"`) comes from there.
        The location is None for what nobody wrote: a default, also inside a written map.
        """
        value: Any = self.settings
        location = None
        for length, part in enumerate(path, 1):
            if isinstance(value, BaseModel):
                value = getattr(value, str(part), None)
            elif isinstance(value, (Mapping, tuple)):
                value = dict(_items(value)).get(part)
            else:
                break
            location = self.origins.get(path[:length])
            if location is None:
                break
        return Origin(path, location)

    def value(self, *path: str | int) -> Any:
        """The setting at `path`, None where there is nothing."""
        value: Any = self.settings
        for part in path:
            if isinstance(value, BaseModel):
                value = getattr(value, str(part), None)
            else:
                items = _items(value) if isinstance(value, (Mapping, tuple)) else ()
                value = dict(items).get(part)
        return value

    @staticmethod
    def meaning(*path: str | int) -> str:
        """What the setting at `path` is for, empty where it has no description of its own."""
        return _meanings().get(path, "")


@cache
def _meanings() -> Mapping[ValuePath, str]:
    return {path: info.description or "" for path, info in fields(Settings)}


def _items(container: Mapping[str, Any] | tuple[Any, ...]) -> Iterable[tuple[str | int, Any]]:
    return container.items() if isinstance(container, Mapping) else enumerate(container)
