from pathlib import Path

import pytest

from tests.unit.change.plans import Recorded


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """The impact of the recorded plan of a name."""
    return Recorded(tmp_path)
