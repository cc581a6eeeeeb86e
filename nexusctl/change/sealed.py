"""A sealed plan: a plan file with its receipt, kept in the work directory until it is applied."""

import os
from dataclasses import dataclass
from pathlib import Path

from nexusctl.change.receipt import MAX_BYTES, Receipt, parse_receipt
from nexusctl.errors import Refused
from nexusctl.terraform import plan_file


@dataclass(frozen=True, slots=True)
class Sealed:
    """A plan, as the bytes of Terraform's plan file, and its receipt.

    The plan may hold sensitive values in clear.
    """

    receipt: Receipt
    plan: bytes


def keep(directory: Path, sealed: Sealed) -> None:
    """Keep a sealed plan in `directory` (0700, its files 0600), in place of the one before."""
    discard(directory)
    directory.mkdir(mode=0o700, exist_ok=True)
    write_private(_plan(directory), sealed.plan)
    # Last: a plan without a receipt is none.
    write_private(_receipt(directory), sealed.receipt.document().encode())


def kept(directory: Path) -> Sealed | None:
    """The sealed plan in `directory`, None if there is none.

    Raises:
        Refused: what lies there is not one.
    """
    try:
        with _receipt(directory).open("rb") as file:
            receipt = parse_receipt(file.read(MAX_BYTES + 1))
    except FileNotFoundError:
        return None
    try:
        with _plan(directory).open("rb") as file:
            plan = file.read(plan_file.MAX_BYTES)
    except FileNotFoundError:
        raise Refused("the sealed plan has no plan file", hint="plan again") from None
    return Sealed(receipt, plan)


def discard(directory: Path) -> None:
    """Leave no sealed plan in `directory`."""
    for file in (_receipt(directory), _plan(directory)):
        file.unlink(missing_ok=True)


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read (0600): all of it, or what was there stays."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _plan(directory: Path) -> Path:
    return directory / "plan.tfplan"


def _receipt(directory: Path) -> Path:
    return directory / "receipt.json"
