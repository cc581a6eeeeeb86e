"""Where a value of an environment came from."""

from dataclasses import dataclass

from nexusctl.errors import Location


@dataclass(frozen=True, slots=True)
class Origin:
    """One value of an environment: its path, and the place it was written.

    `location` is None when nobody wrote it and the model's default holds.
    """

    path: tuple[str | int, ...]
    location: Location | None

    @property
    def dotted(self) -> str:
        """The path as users write it: `proxy.require_tls`, `lambda_clients[0].name`."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def __str__(self) -> str:
        return f"{self.location or 'default'}  {self.dotted}"
