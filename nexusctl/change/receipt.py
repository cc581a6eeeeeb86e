"""The receipt of a plan: what it was made from, so that it can be told later what has moved."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from nexusctl.environment.model import EnvironmentName
from nexusctl.errors import Refused
from nexusctl.render.rendered import LOCK_FILE
from nexusctl.terraform.plan_file import PlanFile
from nexusctl.terraform.state import StateVersion

DEFAULT_LIFE = timedelta(hours=1)
LONGEST_LIFE = timedelta(days=7)
CLOCK_SKEW = timedelta(minutes=5)  # between the machine that plans and the one that applies
MAX_BYTES = 1024 * 1024
_DIGITS = 12
_EDITED = "the environment, a template or a module was edited"
_FIRST_YEAR, _LAST_YEAR = 2000, 9000  # what dates can be reckoned with


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has characters that cannot be printed")
    return text


# As JSON a receipt may come from anywhere.
_Printable = Annotated[str, Field(max_length=1024), AfterValidator(_printable)]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Digests = Annotated[dict[_Printable, _Digest], Field(max_length=4096)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class State(_Part):
    """The state that was planned on: no lineage and serial 0 before the first apply."""

    lineage: _Printable
    serial: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, version: StateVersion) -> Self:
        """That state, as a receipt has it."""
        return cls(lineage=version.lineage, serial=version.serial)

    def __str__(self) -> str:
        return str(StateVersion(self.lineage, self.serial))


class Basis(_Part):
    """All that a plan rests on. A plan is applied only while none of it has moved.

    `files` are the SHA-256 of the rendered root by path, modules and lock file included; `policies`
    those of the files that hold policies; `plan` is that of the plan file. `state` is None while
    the backend has not been asked.
    """

    nexusctl: _Printable
    engine: _Printable
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    region: _Printable
    backend: _Printable
    files: _Digests
    policies: _Digests
    plan: _Digest
    state: State | None = None


class Judged(_Part):
    """What the gate said when the plan passed it: how many findings, and what is waived."""

    findings: Annotated[int, Field(ge=0)]
    waived: tuple[_Printable, ...]


class Receipt(_Part):
    """What was planned, when, by whom, from what, and until when it may be applied.

    `who` is the ARN of the credentials, `commit` the git commit, None outside a repository, and
    `dirty` whether the project had changes that were not committed.
    """

    format: Literal["nexusctl/receipt"] = "nexusctl/receipt"
    version: Literal[1] = 1
    environment: EnvironmentName
    sandbox: bool
    made: AwareDatetime
    expires: AwareDatetime
    who: _Printable
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")] | None
    dirty: bool
    basis: Basis
    judged: Judged
    counts: dict[_Printable, Annotated[int, Field(ge=0)]]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.basis.state is None:
            raise ValueError("it names no state")
        if not _FIRST_YEAR <= self.made.year <= _LAST_YEAR:
            raise ValueError("it was made in a year that no clock shows")
        if not timedelta(0) < self.expires - self.made <= LONGEST_LIFE:
            raise ValueError(f"it lives longer than {LONGEST_LIFE.days} days, or not at all")
        return self

    @property
    def id(self) -> str:
        """A short name for it: the beginning of its digest."""
        return sha256(self.document().encode()).hexdigest()[:_DIGITS]

    def document(self) -> str:
        """The receipt as JSON: the same text for the same receipt."""
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def parse_receipt(document: bytes) -> Receipt:
    """A receipt from its JSON.

    Raises:
        Refused: it is none, or of a version that this nexusctl does not know.
    """
    hint = "plan again"
    if len(document) > MAX_BYTES:
        raise Refused(f"the receipt has more than {MAX_BYTES} bytes", hint=hint)
    try:
        return Receipt.model_validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        if place == "version":
            message = "the receipt is of a version that this nexusctl does not know"
            raise Refused(message, hint="plan and apply with the same nexusctl") from None
        raise Refused(
            f"the receipt cannot be read: {f'{place}: ' if place else ''}{_said(first['msg'])}",
            hint=hint,
        ) from None


def _said(message: str) -> str:
    return message.removeprefix("Value error, ").replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing that is not as it was when the plan was made. None stands for nothing there."""

    what: str
    before: str | None
    after: str | None
    why: str = ""

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return f"{self.what}: {self.before or 'none'} → {self.after or 'none'}{why}"


def moved(
    receipt: Receipt, now: datetime, present: Basis, on_disk: Mapping[str, str] | None = None
) -> tuple[Moved, ...]:
    """What has moved since the plan of `receipt` was made; nothing where it may be applied.

    Args:
        receipt: the plan's.
        now: the time, with its zone.
        present: what a plan would rest on now.
        on_disk: the SHA-256 of what lies in the directory that was planned in, by path; None where
            that is another machine's.
    """
    basis = receipt.basis
    found = [*_age(receipt, now), *_files(basis.files, present.files, _EDITED)]
    if on_disk is not None:
        told = {each.what for each in found}
        edited = _files(basis.files, on_disk, "edited in the work directory")
        found += [each for each in edited if each.what not in told]
    found += _digests(basis.policies, present.policies, lambda name: f"policy {name}")
    for what, before, after in (
        ("nexusctl", basis.nexusctl, present.nexusctl),
        ("engine", basis.engine, present.engine),
        ("AWS account", basis.account, present.account),
        ("region", basis.region, present.region),
        ("backend of the state", basis.backend, present.backend),
    ):
        if before != after:
            found.append(Moved(what, before, after))
    if basis.plan != present.plan:
        found.append(Moved("plan file", _short(basis.plan), _short(present.plan), "altered"))
    if present.state and basis.state and present.state != basis.state:
        found.append(_state(basis.state, present.state))
    return tuple(found)


def misfits(receipt: Receipt, inside: PlanFile) -> tuple[Moved, ...]:
    """What a plan file was made from and its receipt does not say; nothing where they belong.

    They are two files, and whoever can write both can make their digests right.
    """
    found = []
    files, state = receipt.basis.files, receipt.basis.state
    for name in sorted({each for each in files if each.endswith(".tf")} | inside.files.keys()):
        if inside.files.get(name) != files.get(name):
            before, after = _short(files.get(name)), _short(inside.files.get(name))
            found.append(Moved(f"file {name} of the plan", before, after, "it is of another plan"))
    if state and state != State.of(inside.state):
        found.append(_state(state, State.of(inside.state)))
    return tuple(found)


def _age(receipt: Receipt, now: datetime) -> Iterator[Moved]:
    if now >= receipt.expires:
        yield Moved("age", f"good until {at(receipt.expires, now)}", at(now, now), "expired")
    elif now < receipt.made - CLOCK_SKEW:
        made = f"made at {at(receipt.made, now)}"
        yield Moved("age", made, at(now, now), "the clocks differ")


def _files(before: Mapping[str, str], after: Mapping[str, str], why: str) -> Iterator[Moved]:
    return _digests(before, after, _file_called, why)


def _file_called(name: str) -> str:
    if name.startswith("modules/"):
        return f"module file {name}"
    return f"{'lock' if name == LOCK_FILE else 'rendered'} file {name}"


def _digests(
    before: Mapping[str, str],
    after: Mapping[str, str],
    called: Callable[[str], str],
    why: str = "",
) -> Iterator[Moved]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            old, new = _short(before.get(name)), _short(after.get(name))
            yield Moved(called(name), old, new, why)


def _state(before: State, after: State) -> Moved:
    if not after.lineage:
        return Moved("state", str(before), None, "it is gone")
    if before.lineage not in {"", after.lineage}:
        return Moved("state", str(before), str(after), "it is another state")
    if not before.lineage:
        return Moved("state", None, str(after), "somebody applied meanwhile")
    return Moved(
        "state",
        f"serial {before.serial}",
        f"serial {after.serial}",
        "somebody applied meanwhile" if after.serial > before.serial else "an older one is back",
    )


def _short(digest: str | None) -> str | None:
    return digest[:8] if digest else None


def at(time: datetime, now: datetime) -> str:
    """A time for people, in the zone of this machine: `14:05`, with its date if not today's."""
    local = time.astimezone()
    today = local.date() == now.astimezone().date()
    return local.strftime("%H:%M" if today else "%Y-%m-%d %H:%M")
