"""The first signal stops nexusctl; what is held or comes later raises nothing."""

import signal
from collections.abc import Iterator

import pytest

from nexusctl.interrupts import SIGNALS, held, hold, ignore, receive, tell


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_one_interrupts_and_later_ones_do_not_disturb(number: signal.Signals) -> None:
    receive()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    for later in SIGNALS:
        signal.raise_signal(later)


def test_what_comes_while_signals_are_held_is_noted() -> None:
    receive()
    with held() as received, held() as inside:
        signal.raise_signal(signal.SIGTERM)
        assert received == inside == [signal.SIGTERM]
    signal.raise_signal(signal.SIGINT)
    assert received == [signal.SIGTERM, signal.SIGINT]


def test_one_that_comes_after_a_quiet_hold_interrupts() -> None:
    receive()
    with held():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_held_for_good_it_is_for_the_holder_to_look() -> None:
    receive()
    received = hold()
    with held():
        pass
    signal.raise_signal(signal.SIGHUP)
    assert received == [signal.SIGHUP]


def test_what_is_only_told_of_is_ended_by_a_signal() -> None:
    receive()
    received = hold()
    signal.raise_signal(signal.SIGINT)
    tell()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert received == [signal.SIGINT, signal.SIGTERM]


def test_holding_without_a_receiver_leaves_the_handlers_as_they_were() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with held() as received:
        signal.raise_signal(signal.SIGINT)
    assert received == [signal.SIGINT]
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_nohup_is_respected() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    receive()
    signal.raise_signal(signal.SIGHUP)
    with held() as received:
        signal.raise_signal(signal.SIGHUP)
    assert received == []


def test_at_the_end_they_are_ignored_for_good() -> None:
    receive()
    ignore()
    assert {signal.getsignal(number) for number in SIGNALS} == {signal.SIG_IGN}
