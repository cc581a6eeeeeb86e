"""NEXUS_CONNECTION_BUDGET, asked directly."""

from collections.abc import Callable
from typing import Any

import pytest

from nexusctl.environment.load import load
from nexusctl.policy.check import Answer, Decision, Resource
from nexusctl.policy.subject import Subject, environment_of
from nexusctl.workspace import PACKAGE
from policies.capacity import connection_budget

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    """The settings of prod as the gate hands them to policies."""
    settings = load("prod", PACKAGE.parent / "environments").settings
    return settings.model_dump(mode="json")


@pytest.fixture
def ask(prod: dict[str, Any]) -> Ask:
    """Judges prod with some settings changed, by part."""

    def ask(**parts: Any) -> Answer:
        values = dict(prod)
        for name, changes in parts.items():
            values[name] = values[name] | changes if changes is not None else None
        instance = environment_of("prod", values)
        return connection_budget.judge(Resource.of(instance, Subject((instance,))))

    return ask


def pool(percent: int) -> dict[str, Any]:
    return {
        "connection_pool": {
            "max_connections_percent": percent,
            "max_idle_connections_percent": 1,
            "connection_borrow_timeout": "30s",
        }
    }


def test_prod_passes(ask: Ask) -> None:
    answer = ask()
    assert answer.decision is Decision.PASSED
    assert answer.message == "3812 clients share 2440 connections, 38% of them busy at the peak"


def test_a_larger_share_where_that_helps(ask: Ask) -> None:
    answer = ask(proxy=pool(20))
    assert answer.decision is Decision.FAILED
    assert "900 transactions at once need 1170 connections" in answer.message
    assert "the pool has 620" in answer.message
    assert answer.setting == "proxy.connection_pool.max_connections_percent"
    assert answer.remedy == 36


def test_a_larger_class_where_a_share_does_not(ask: Ask) -> None:
    answer = ask(workload={"mean_transaction_ms": 900})
    assert answer.setting == "workload.mean_transaction_ms"
    assert "transactions of 605" in answer.message
    answer = ask(database={"instance_class": "db.r6g.large"}, workload={"mean_transaction_ms": 500})
    assert answer.setting == "database.instance_class"
    assert answer.message.endswith("db.r6g.xlarge would hold")
    assert answer.remedy is None  # it costs money


def test_a_pool_that_leaves_no_room(ask: Ask) -> None:
    answer = ask(proxy=pool(100))
    assert answer.decision is Decision.FAILED
    assert (answer.setting, answer.remedy) == ("proxy.connection_pool.max_connections_percent", 99)


def test_other_problems_name_their_setting(ask: Ask) -> None:
    answer = ask(workload={"ramp": "2s"})
    assert answer.setting == "workload.ramp"
    assert "1778 connections per second" in answer.message


def test_without_a_workload_connections_are_judged(ask: Ask) -> None:
    answer = ask(workload=None)
    assert answer.decision is Decision.PASSED
    assert "no workload is declared" in answer.message
    assert ask(workload=None, proxy=pool(100)).decision is Decision.FAILED


def test_a_class_that_nobody_knows(ask: Ask) -> None:
    answer = ask(database={"instance_class": "db.r6q.xlarge"})
    assert answer.decision is Decision.FAILED
    assert answer.setting == "database.instance_class"
    assert "db.r6g.xlarge" in answer.message
