"""Draws the plots of docs/connections.md.

python docs/connection_plots.py && nexusctl budget prod --chart docs/images/connections-prod.svg
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nexusctl.capacity.chart import BLUE, GREEN, GREY, ORANGE, RED, STYLE, save
from nexusctl.capacity.queueing import Queue, mean_wait_seconds

IMAGES = Path(__file__).parent / "images"
UTILISATIONS = [number / 500 for number in range(1, 500)]
COLOURS = (BLUE, GREEN, ORANGE, RED)
HEADROOM = 1 / 1.3


def knee(axes: Axes) -> None:
    """How the wait depends on utilisation, for pools of several sizes."""
    for servers, colour in zip((1, 10, 100, 1000), COLOURS, strict=True):
        waits = [mean_wait_seconds(servers, each * servers, 1) for each in UTILISATIONS]
        axes.plot(
            UTILISATIONS,
            waits,
            color=colour,
            label=f"{servers} connection{'s' if servers > 1 else ''}",
        )
    _by_utilisation(axes)
    axes.legend(loc="upper left")


def variability(axes: Axes) -> None:
    """How the wait depends on the variability of transactions."""
    words = ("all alike (0)", "half (0.5)", "exponential (1)", "a few very long ones (2)")
    for cv, label, colour in zip((0, 0.5, 1, 2), words, COLOURS, strict=True):
        waits = [mean_wait_seconds(20, each * 20, 1, cv) for each in UTILISATIONS]
        axes.plot(UTILISATIONS, waits, color=colour, label=label)
    _by_utilisation(axes)
    axes.legend(loc="upper left", title="variability, 20 connections", alignment="left")


def _by_utilisation(axes: Axes) -> None:
    axes.axvline(HEADROOM, color=GREY, linestyle="--", linewidth=1)
    axes.annotate("30 % headroom", (HEADROOM - 0.01, 1.3), color=GREY, ha="right")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 2)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("utilisation: how much of the pool is busy on average")
    axes.set_ylabel("mean wait, in transactions' lengths")


def overload(axes: Axes) -> None:
    """How the wait grows once more comes in than the pool serves."""
    patience, minutes = 30.0, 12
    for rate, colour in zip((6510, 6600, 6800, 7500), COLOURS, strict=True):
        queue = Queue(130, rate, 0.02, patience)
        times = [minutes * number / 200 for number in range(201)]
        waits = [_wait_at(queue, time) for time in times]
        axes.plot(times, waits, color=colour, label=f"{rate} /s: {_errors(queue)}")
    axes.axhline(patience, color=RED, linestyle=":")
    axes.annotate("borrow timeout", (minutes, patience + 0.6), color=RED, ha="right")
    axes.set_xlim(0, minutes)
    axes.set_ylim(0, 35)
    axes.set_xlabel("minutes since the peak began")
    axes.set_ylabel("wait for a connection, s")
    title = "130 connections at 20 ms\nserve 6500 /s"
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), title=title, alignment="left")


def _wait_at(queue: Queue, minutes: float) -> float:
    """The backlog so far, at the rate at which it is served."""
    waiting = queue.backlog_per_second * minutes * 60
    return min(queue.patience_seconds, waiting / queue.saturation_per_second)


def _errors(queue: Queue) -> str:
    """What becomes of a load that lasts."""
    return f"then {queue.timeout_share:.1%} time out"


def main() -> None:
    """Write the plots."""
    with mpl.rc_context(STYLE):
        for draw in (knee, variability, overload):
            figure = Figure(figsize=(7.5, 4), layout="constrained")
            draw(figure.subplots())
            save(figure, IMAGES / f"connections-{draw.__name__}.svg")


if __name__ == "__main__":
    main()
