"""Waivers: what they allow, and what is wrong with them."""

from datetime import date

import pytest

from nexusctl.environment.origin import Origin
from nexusctl.policy.verdict import Outcome
from nexusctl.policy.waivers import WAIVER, Waiver, apply
from tests.unit.policy.findings import about, finding

TODAY = date(2026, 11, 24)
TIMEOUT = about()
TLS = about("NEXUS_PROXY_TLS", waivable=False)
CATALOGUE = {policy.id: policy for policy in (TIMEOUT, TLS)}
PROXY = "module.proxy.aws_db_proxy.main"


def waiver(expires: str = "2027-06-30", policy: str = TIMEOUT.id, resource: str = PROXY) -> Waiver:
    return Waiver(policy, resource, "a reason", "an owner", expires, Origin(("waivers", 0), None))


@pytest.mark.parametrize("expires", ["2026-11-24", "2026-11-25", "2027-11-24"])
def test_last_day_counts(expires: str) -> None:
    (one,), _ = apply([finding(TIMEOUT)], [waiver(expires)], CATALOGUE, TODAY)
    assert one.outcome is Outcome.WAIVED
    assert one.waived is not None
    assert (one.waived.reason, one.waived.owner, one.waived.expires) == (
        "a reason",
        "an owner",
        expires,
    )


@pytest.mark.parametrize(
    ("expires", "said"),
    [
        ("2026-11-23", "expired on 2026-11-23"),
        ("1999-01-01", "expired on 1999-01-01"),
        ("2027-11-26", "more than a year ahead"),
        ("9999-12-31", "more than a year ahead"),
        *(
            (text, "is not a date")
            for text in (
                "never",
                "2027-02-30",
                "20270101",
                "2027-W01-1",
                "2027-1-1",
                "31.12.2027",
                " ",
            )
        ),
    ],
)
def test_expired_and_malformed_waivers_fail_and_waive_nothing(expires: str, said: str) -> None:
    (one, wrong), _ = apply([finding(TIMEOUT)], [waiver(expires)], CATALOGUE, TODAY)
    assert one.outcome is Outcome.FAILED
    assert (wrong.policy, wrong.outcome) == (WAIVER, Outcome.FAILED)
    assert said in wrong.message


def test_waiver_of_what_passes_fails() -> None:
    passing = finding(TIMEOUT, outcome=Outcome.PASSED)
    _, wrong = apply([passing], [waiver()], CATALOGUE, TODAY)[0]
    assert "matches nothing" in wrong.message


@pytest.mark.parametrize(
    ("policy", "resource"),
    [
        ("NEXUS_IDLE_CLIENT_TIMEOUTS", PROXY),
        (TIMEOUT.id, "module.proxy.aws_db_proxy.other"),
        (TIMEOUT.id, "aws_db_proxy.main"),
        (TIMEOUT.id, f"{PROXY}[0]"),
    ],
)
def test_waiver_that_matches_nothing_fails(policy: str, resource: str) -> None:
    given = waiver(policy=policy, resource=resource)
    one, wrong = apply([finding(TIMEOUT)], [given], CATALOGUE, TODAY)[0]
    assert one.outcome is wrong.outcome is Outcome.FAILED


def test_unknown_policy_gets_a_suggestion() -> None:
    given = waiver(policy="NEXUS_IDLE_CLIENT_TIMEOUTS")
    wrong = apply([], [given], CATALOGUE, TODAY)[0][0]
    assert "did you mean NEXUS_IDLE_CLIENT_TIMEOUT?" in wrong.message


def test_unwaivable_policy_refuses() -> None:
    one, wrong = apply([finding(TLS)], [waiver(policy=TLS.id)], CATALOGUE, TODAY)[0]
    assert one.outcome is Outcome.FAILED
    assert wrong.message == "NEXUS_PROXY_TLS cannot be waived"


def test_waiver_of_a_waiver_refuses() -> None:
    catalogue = {**CATALOGUE, WAIVER.id: WAIVER}
    found, _ = apply([], [waiver(policy=WAIVER.id)], catalogue, TODAY)
    assert [each.message for each in found] == ["NEXUS_WAIVER cannot be waived"]


def test_address_without_index_stands_for_all_instances_and_with_one_for_that() -> None:
    both = [finding(TIMEOUT, f'{PROXY}["{key}"]') for key in "ab"]
    found, _ = apply(both, [waiver()], CATALOGUE, TODAY)
    assert [each.outcome for each in found] == [Outcome.WAIVED] * 2
    found, _ = apply(both, [waiver(resource=f'{PROXY}["b"]')], CATALOGUE, TODAY)
    assert [each.outcome for each in found] == [Outcome.FAILED, Outcome.WAIVED]


def test_what_was_deferred_or_waived_before_is_matched() -> None:
    deferred = finding(TIMEOUT, outcome=Outcome.DEFERRED)
    assert apply([deferred], [waiver()], CATALOGUE, TODAY)[0] == [deferred]
    passing = finding(TIMEOUT, outcome=Outcome.PASSED)
    before = [finding(TIMEOUT, outcome=Outcome.WAIVED)]
    assert apply([passing], [waiver()], CATALOGUE, TODAY, before)[0] == [passing]


@pytest.mark.parametrize(
    ("expires", "said"),
    [
        ("2026-11-24", "expires today"),
        ("2026-11-25", "expires tomorrow"),
        ("2026-12-24", "expires in 30 days"),
        ("2026-12-25", None),
    ],
)
def test_what_expires_within_thirty_days_is_announced(expires: str, said: str | None) -> None:
    _, notices = apply([finding(TIMEOUT)], [waiver(expires)], CATALOGUE, TODAY)
    assert [said in notice for notice in notices if said] == ([True] if said else [])
    assert bool(notices) is bool(said)
