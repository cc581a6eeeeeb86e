"""SIGINT, SIGTERM and SIGHUP: the first stops nexusctl in order; later ones do not disturb that.

Imports next to nothing, so that it is at work before anything else is imported.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Receiver:
    """Handles all three. `received` are those that came.

    One raises KeyboardInterrupt, unless signals are held, or one before it has done so and what
    that stopped is still being tidied up.
    """

    def __init__(self) -> None:
        self.received: list[signal.Signals] = []
        self.held = 0
        self.tidying = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        self.received.append(signal.Signals(number))
        if not self.held and not self.tidying:
            self.tidying = True
            raise KeyboardInterrupt


def receive() -> Receiver:
    """Receive signals until the process ends. What `nohup` has set to be ignored stays so."""
    receiver = Receiver()
    for number in SIGNALS:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, receiver)
    return receiver


def hold() -> list[signal.Signals]:
    """Let no signal raise anything from now on. Those that come are in the list returned."""
    receiver = _receiver() or receive()
    receiver.held += 1
    return receiver.received


def tell() -> None:
    """All is done and tidied up: what is left is to tell of it, and a signal ends that.

    A terminal may have stopped reading.
    """
    receiver = _receiver()
    if receiver:
        receiver.held, receiver.tidying = 0, False


@contextmanager
def held() -> Iterator[list[signal.Signals]]:
    """Let no signal raise anything within the block; those that came are in the list.

    Who holds them sees to it that what came stops something: later ones raise nothing either.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    receiver = _receiver() or receive()
    receiver.held += 1
    try:
        yield receiver.received
    finally:
        receiver.held -= 1
        receiver.tidying = receiver.tidying or bool(receiver.received)
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore() -> None:
    """Ignore signals from now on, also while the interpreter ends, which undoes other handlers."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _receiver() -> Receiver | None:
    handler = signal.getsignal(signal.SIGINT)
    return handler if isinstance(handler, Receiver) else None
