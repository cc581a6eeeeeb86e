import shlex
from pathlib import Path

import pytest

from nexusctl import cli
from nexusctl.report.shell import argument


@pytest.mark.parametrize("path", ["prod.nexus-plan", "-x.nexus-plan", "--yes", "-1", "my plans/-x"])
def test_a_path_is_read_back_as_the_same_file(path: str) -> None:
    typed = shlex.split(f"apply {argument(path)} --key-file {argument(path)}")
    read = cli.parser().parse_args(typed)
    assert Path(read.environment) == read.key_file == Path(path)


def test_it_is_as_the_user_wrote_it_where_nothing_is_in_the_way() -> None:
    assert argument(Path("plans/prod.nexus-plan")) == "plans/prod.nexus-plan"
