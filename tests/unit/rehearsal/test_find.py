"""PostgreSQL and pgbouncer are found where packages put them, or it is said how to get them."""

from pathlib import Path

import pytest

from nexusctl.errors import Exit, ToolUnfit
from nexusctl.rehearsal.find import find_programs

NOWHERE = "/nonexistent"


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    path.chmod(0o755)
    return path


def test_debian_puts_both_beside_the_path(tmp_path: Path) -> None:
    for version in (9, 15, 16):
        for name in ("initdb", "postgres"):
            program(tmp_path / f"usr/lib/postgresql/{version}/bin/{name}")
    pgbouncer = program(tmp_path / "usr/sbin/pgbouncer")
    found = find_programs(NOWHERE, tmp_path)
    assert found.pgbouncer == pgbouncer
    assert found.postgres == tmp_path / "usr/lib/postgresql/16/bin/postgres", "the newest"
    assert found.initdb.parent == found.postgres.parent


def test_what_is_on_path_comes_first(tmp_path: Path) -> None:
    for name in ("initdb", "postgres", "pgbouncer"):
        program(tmp_path / "own" / name)
        program(tmp_path / "usr/pgsql-17/bin" / name)
    assert find_programs(str(tmp_path / "own"), tmp_path).postgres == tmp_path / "own/postgres"


def test_a_client_without_its_server_is_not_enough(tmp_path: Path) -> None:
    program(tmp_path / "bin/initdb")
    program(tmp_path / "bin/pgbouncer")
    with pytest.raises(ToolUnfit, match="needs PostgreSQL's server: not on PATH"):
        find_programs(str(tmp_path / "bin"), tmp_path)


@pytest.mark.parametrize(
    ("manager", "hint"),
    [
        ("apt-get", "sudo apt-get install postgresql pgbouncer"),
        ("dnf", "sudo dnf install postgresql-server pgbouncer"),
        ("brew", "brew install postgresql pgbouncer"),
        ("none", "install PostgreSQL and pgbouncer from your system's packages"),
    ],
)
def test_what_is_missing_can_be_installed(tmp_path: Path, manager: str, hint: str) -> None:
    program(tmp_path / "bin" / manager)
    with pytest.raises(ToolUnfit, match="PostgreSQL's server and pgbouncer") as raised:
        find_programs(str(tmp_path / "bin"), tmp_path)
    assert raised.value.hint == hint
    assert raised.value.exit_code == Exit.TOOL_UNFIT
