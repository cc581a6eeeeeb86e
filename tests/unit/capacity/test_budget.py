"""The budget: clients, connections, and whether the peak holds."""

import pytest

from nexusctl.capacity.budget import POOL_PERCENT, Measured, budget
from nexusctl.environment.load import load
from nexusctl.environment.model import Duration, Settings
from nexusctl.errors import EnvironmentInvalid
from nexusctl.workspace import PACKAGE
from tests.unit.capacity.conftest import Changed


class TestClients:
    def test_instances_at_the_peak(self, changed: Changed) -> None:
        made = budget(changed())
        assert (made.rebalancing_instances, made.refresh_instances) == (2, 2)
        assert made.peak_instances == 24
        assert made.peak_client_connections == 240

    @pytest.mark.parametrize(("size", "more"), [(1, 1), (5, 1), (10, 1), (11, 2), (48, 5)])
    def test_rebalancing_takes_a_tenth_more_and_one_at_least(
        self, changed: Changed, size: int, more: int
    ) -> None:
        assert budget(changed(workers__max_size=size)).rebalancing_instances == more

    def test_a_refresh_that_launches_first(self, changed: Changed) -> None:
        path = "workers__instance_refresh__max_healthy_percentage"
        assert budget(changed(**{path: 100})).refresh_instances == 0
        assert budget(changed(**{path: 200})).refresh_instances == 20

    def test_lambda_functions_and_others_are_counted(
        self, changed: Changed, prod: Settings
    ) -> None:
        settings = changed(lambda_clients=prod.lambda_clients, proxy__other_client_connections=7)
        made = budget(settings)
        assert (made.lambda_connections, made.other_client_connections) == (100, 7)
        assert made.peak_client_connections == 347


class TestConnections:
    def test_of_the_instance_class(self, changed: Changed) -> None:
        made = budget(changed(database__parameters={}))
        assert made.max_connections_source == "estimate"
        assert made.max_connections_origin == "LEAST({30.9 GiB/9531392},5000)"
        assert 3400 < made.max_connections < 3550

    def test_the_surest_source_goes_first(self, changed: Changed) -> None:
        written = changed(database__measured_max_connections=190)
        assert budget(written).max_connections_source == "parameter"
        formula = {"max_connections": "{DBInstanceClassMemory/12582880}"}
        assert budget(changed(database__parameters=formula)).max_connections_source == "estimate"
        measured = changed(database__measured_max_connections=190, database__parameters=formula)
        assert budget(measured).max_connections == 190
        assert budget(measured).max_connections_source == "setting"
        asked = budget(written, Measured(188, "asked"))
        assert (asked.max_connections, asked.max_connections_source) == (188, "measured")
        guessed = budget(written, Measured(188, "asked", exact=False))
        assert guessed.max_connections_source == "estimate"

    def test_of_a_class_that_nobody_knows_it_must_be_measured(self, changed: Changed) -> None:
        unknown = changed(database__instance_class="db.zz9.large", database__parameters={})
        with pytest.raises(EnvironmentInvalid, match=r"db\.zz9\.large"):
            budget(unknown)
        measured = changed(
            database__instance_class="db.zz9.large",
            database__parameters={},
            database__measured_max_connections=300,
        )
        assert budget(measured).max_connections == 300

    @pytest.mark.parametrize("name", ["max_connections", "superuser_reserved_connections"])
    def test_a_parameter_that_is_no_number(self, changed: Changed, name: str) -> None:
        with pytest.raises(EnvironmentInvalid, match=f"database.parameters.{name}: 'many'"):
            budget(changed(database__parameters={name: "many"}))

    def test_what_others_take(self, changed: Changed) -> None:
        made = budget(changed(database__direct_connections=10, database__other_proxies_percent=25))
        assert made.reserved_connections == 7
        assert made.other_proxies_connections == 50
        assert made.free_connections == 200 - 7 - 10 - 50
        assert made.refused_without_proxy == 240 - made.free_connections

    def test_reserved_ones_are_a_parameter(self, changed: Changed) -> None:
        parameters = {"max_connections": "200", "superuser_reserved_connections": "10"}
        assert budget(changed(database__parameters=parameters)).reserved_connections == 14

    def test_the_pool_is_a_share_rounded_down(self, changed: Changed) -> None:
        settings = changed(
            database__parameters={"max_connections": "187"},
            proxy__connection_pool__max_connections_percent=70,
        )
        assert budget(settings).pool_size == 130

    def test_pinned_sessions_are_those_of_clients(self, changed: Changed) -> None:
        made = budget(changed(workload__pinned_fraction=0.05))
        assert (made.pinned_connections, made.servers) == (12, 88)


class TestVerdict:
    def test_it_holds(self, changed: Changed) -> None:
        made = budget(changed())
        assert made.holds
        assert (made.servers, made.offered_load, made.utilisation) == (100, 50, 0.5)
        assert made.timeout_share == pytest.approx(0)
        assert made.mean_wait_seconds == pytest.approx(0, abs=1e-6)
        assert made.new_connections_per_second == pytest.approx(1.4)

    def test_without_headroom_it_does_not(self, changed: Changed) -> None:
        assert budget(changed(workload__peak_transactions_per_second=769.0)).holds
        (problem,) = budget(changed(workload__peak_transactions_per_second=770.0)).problems
        assert problem.setting == POOL_PERCENT
        assert "77 transactions at once need 101 connections" in problem.message
        assert "the pool has 100" in problem.message

    def test_beyond_saturation(self, changed: Changed) -> None:
        made = budget(changed(workload__peak_transactions_per_second=1250.0))
        assert not made.holds
        assert made.utilisation == 1.25
        assert made.timeout_share == pytest.approx(0.2)
        assert made.backlog_per_second == pytest.approx(250)
        assert made.wait_quantile(0.99) == 10

    def test_shares_that_do_not_fit(self, changed: Changed) -> None:
        made = budget(changed(proxy__connection_pool__max_connections_percent=100))
        (problem,) = made.problems
        assert (problem.setting, problem.remedy) == (POOL_PERCENT, 96)
        assert made.pool_size == 193
        assert budget(changed(proxy__connection_pool__max_connections_percent=96)).holds

    def test_pinned_sessions_take_all(self, changed: Changed) -> None:
        made = budget(changed(workload__pinned_fraction=0.9))
        assert made.servers == 0
        (problem,) = made.problems
        assert problem.setting == "workload.pinned_fraction"
        assert (made.timeout_share, made.mean_wait_seconds) == (1, 10)

    def test_without_waiting_allowed_every_collision_is_an_error(self, changed: Changed) -> None:
        timeout = {"proxy__connection_pool__connection_borrow_timeout": Duration.parse("0s")}
        assert budget(changed(**timeout)).holds
        (problem,) = budget(
            changed(
                **timeout,
                database__parameters={"max_connections": "20"},
                workload__peak_transactions_per_second=70.0,
            )
        ).problems
        assert problem.setting == "proxy.connection_pool.connection_borrow_timeout"

    def test_clients_too_few_for_their_own_load(self, changed: Changed) -> None:
        settings = changed(
            database__parameters={"max_connections": "2000"},
            workload__peak_transactions_per_second=2400.0,
        )
        (problem,) = budget(settings).problems
        assert problem.setting == "workers.connections_per_process"

    def test_connections_opened_faster_than_aws_authenticates(self, changed: Changed) -> None:
        second = Duration.parse("1s")
        assert budget(changed(workload__ramp=second)).holds  # 140 a second
        fast = changed(workload__ramp=second, workers__max_size=40)
        (problem,) = budget(fast).problems
        assert problem.setting == "workload.ramp"
        assert "throttles IAM authentication at 200" in problem.message
        passwords = changed(workload__ramp=second, workers__max_size=40, proxy__iam_auth="DISABLED")
        assert budget(passwords).holds

    def test_without_a_workload_only_connections_are_judged(self, changed: Changed) -> None:
        made = budget(changed(workload=None))
        assert not made.has_workload
        assert (made.offered_load, made.mean_wait_seconds, made.timeout_share) == (0, 0, 0)
        assert made.holds
        crowded = changed(workload=None, proxy__connection_pool__max_connections_percent=100)
        assert not budget(crowded).holds


@pytest.mark.parametrize("name", ["prod", "staging", "dev", "sandbox"])
def test_the_shipped_environments_hold_their_peaks(name: str) -> None:
    made = budget(load(name, PACKAGE.parent / "environments").settings)
    assert made.has_workload
    assert made.holds
    assert made.utilisation < 0.6


def test_prod_would_not_hold_without_its_proxy(prod: Settings) -> None:
    assert budget(prod).refused_without_proxy > 100
