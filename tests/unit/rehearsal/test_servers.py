"""What PostgreSQL and pgbouncer are told: loopback only, TLS, and no password in clear."""

import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.rehearsal import pooler, postgres
from nexusctl.rehearsal.find import Programs
from nexusctl.rehearsal.postgres import Postgres
from nexusctl.rehearsal.stage import Stage
from tests.unit.rehearsal.played import STORM


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, pwd.getpwuid(os.geteuid()), 0, "not-a-secret")


def settings(text: str) -> dict[str, str]:
    lines = (line.partition(" = ") for line in text.splitlines())
    return {name: value.strip("'") for name, equals, value in lines if equals}


def pgbouncer_ini(stage: Stage, **changes: float) -> dict[str, str]:
    database = Postgres(stage, Programs(Path("i"), Path("p"), Path("b")), 5000)
    storm = replace(STORM, **changes)  # type: ignore[arg-type]
    text = pooler.configuration(storm, port=6000, postgres=database, users=Path("users"))
    return settings(text)


def test_postgres_listens_on_the_loopback_interface_alone_and_with_tls(stage: Stage) -> None:
    told = settings(postgres.configuration(port=5000, max_connections=40, stage=stage))
    assert told["listen_addresses"] == "127.0.0.1"
    assert told["unix_socket_directories"] == ""
    assert told["ssl"] == "on"
    assert told["max_connections"] == "41", "one is the observer's"
    assert told["superuser_reserved_connections"] == "0"
    assert postgres.ACCESS == "hostssl all all 127.0.0.1/32 scram-sha-256\n"


def test_the_pooler_is_what_the_environment_says_of_the_proxy(stage: Stage) -> None:
    told = pgbouncer_ini(stage)
    assert told["listen_addr"] == "127.0.0.1"
    assert told["unix_socket_dir"] == ""
    assert told["pool_mode"] == "transaction"
    assert told["default_pool_size"] == "10"
    assert told["query_wait_timeout"] == "30"
    assert told["client_idle_timeout"] == "1800"
    assert told["client_tls_sslmode"] == "require"
    assert told["server_tls_sslmode"] == "verify-full"
    assert told["auth_type"] == "scram-sha-256"
    assert int(told["max_client_conn"]) >= STORM.clients


def test_a_borrow_timeout_of_zero_does_not_become_one_without_end(stage: Stage) -> None:
    assert float(pgbouncer_ini(stage, borrow_timeout_seconds=0)["query_wait_timeout"]) > 0


def test_what_is_written_is_for_the_servers_user_alone(stage: Stage) -> None:
    files = (stage.write("users.txt", "x"), stage.certificate.key)
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]


def test_addresses_hold_no_password(stage: Stage) -> None:
    address = postgres.address(stage, 5000, "client", "rehearsal")
    assert "sslmode=verify-full" in address
    assert stage.password not in address
