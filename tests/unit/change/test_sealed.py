from pathlib import Path

import pytest

from nexusctl.change.sealed import Sealed, discard, keep, kept
from nexusctl.errors import Refused
from tests.unit.change.receipts import RECEIPT

SEALED = Sealed(RECEIPT, b"a plan")


def test_it_is_kept_closed_to_others_and_found_again(tmp_path: Path) -> None:
    directory = tmp_path / "sealed"
    keep(directory, Sealed(RECEIPT, b"an older plan"))
    keep(directory, SEALED)
    assert kept(directory) == SEALED
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in directory.iterdir()} == {0o600}


def test_there_is_none_before_and_after(tmp_path: Path) -> None:
    directory = tmp_path / "sealed"
    assert kept(directory) is None
    discard(directory)
    keep(directory, SEALED)
    discard(directory)
    assert kept(directory) is None
    assert list(directory.iterdir()) == []


def test_a_plan_without_its_receipt_is_none_and_a_receipt_alone_is_refused(tmp_path: Path) -> None:
    keep(tmp_path, SEALED)
    (tmp_path / "receipt.json").rename(tmp_path / "receipt")
    assert kept(tmp_path) is None
    (tmp_path / "receipt").rename(tmp_path / "receipt.json")
    (tmp_path / "plan.tfplan").unlink()
    with pytest.raises(Refused, match="no plan file"):
        kept(tmp_path)
