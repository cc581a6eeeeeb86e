"""Settings to make budgets of."""

from collections.abc import Callable
from typing import Any

import pytest

from nexusctl.environment.load import load
from nexusctl.environment.model import Duration, Settings
from nexusctl.workspace import PACKAGE

Changed = Callable[..., Settings]


@pytest.fixture(scope="session")
def prod() -> Settings:
    """The settings of environments/prod.yaml."""
    return load("prod", PACKAGE.parent / "environments").settings


@pytest.fixture
def changed(prod: Settings) -> Changed:
    """Makes a small environment of round numbers, with what is given by dotted path changed.

    100 connections for transactions, 50 of them busy; 240 clients at the peak.
    """

    def changed(**values: Any) -> Settings:
        written: dict[str, Any] = {
            "workers__min_size": 10,
            "workers__max_size": 20,
            "workers__processes_per_instance": 5,
            "workers__connections_per_process": 2,
            "workers__instance_refresh__max_healthy_percentage": 110,
            "lambda_clients": (),
            "database__parameters": {"max_connections": "200"},
            "proxy__connection_pool__max_connections_percent": 50,
            "proxy__connection_pool__connection_borrow_timeout": Duration.parse("10s"),
            "workload__peak_transactions_per_second": 500.0,
            "workload__mean_transaction_ms": 100.0,
            "workload__variability": 1.0,
            "workload__pinned_fraction": 0.0,
            "workload__ramp": Duration.parse("100s"),
        }
        settings = prod
        for path, value in (written | values).items():
            settings = _with(settings, path.split("__"), value)
        return settings

    return changed


def _with(part: Any, path: list[str], value: Any) -> Any:
    name, *rest = path
    if rest and getattr(part, name) is None:
        return part  # a part that was taken away as a whole
    inner = _with(getattr(part, name), rest, value) if rest else value
    return part.model_copy(update={name: inner})
