"""A picture of a budget: waiting time and errors against load, and where the environment stands."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from nexusctl.capacity.advice import Advice
from nexusctl.capacity.budget import HEADROOM, Budget

# The same picture for the same budget, byte for byte.
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "nexusctl",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#57606a",
    "axes.grid": True,
    "grid.color": "#d8dee4",
    "legend.frameon": False,
}
BLUE, GREEN, ORANGE, RED, GREY = "#0969da", "#1a7f37", "#bc4c00", "#cf222e", "#57606a"

_POINTS = 400
_SHORTEST_MS = 0.01  # what is less is nothing to anybody
_BEYOND = 1.35  # the picture ends that far beyond saturation, or beyond the environment


def draw(made: Budget, advice: Advice, name: str, picture: Path) -> None:
    """Write the picture of a budget with a workload; the file's suffix says which kind (.svg)."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 6.4), layout="constrained")
        waits, errors = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        last = _BEYOND * max(made.queue.saturation_per_second, made.transactions_per_second)
        rates = [last * number / _POINTS for number in range(1, _POINTS + 1)]
        _waits(waits, made, rates)
        _errors(errors, made, rates)
        _limits(waits, errors, made)
        _sizes(waits, made, advice)
        waits.set_xlim(0, last)
        figure.suptitle(
            f"{name}: {made.servers} transactions at once, "
            f"{made.mean_transaction_seconds * 1000:g} ms each on average",
            x=0.02,
            ha="left",
            weight="bold",
        )
        save(figure, picture)


def save(figure: Figure, picture: Path) -> None:
    """Write a figure, without the time at which it was made."""
    date = {"Date": None} if picture.suffix == ".svg" else {}
    figure.savefig(picture, dpi=160, metadata=date)


def _waits(axes: Axes, made: Budget, rates: Sequence[float]) -> None:
    queues = [replace(made.queue, arrivals_per_second=rate) for rate in rates]
    for label, colour, seconds in (
        ("99 of 100 wait less", ORANGE, [queue.wait_quantile(0.99) for queue in queues]),
        ("wait on average", BLUE, [queue.mean_wait_seconds for queue in queues]),
    ):
        axes.plot(rates, [_ms(each) for each in seconds], color=colour, label=label)
    timeout = made.borrow_timeout_seconds
    axes.axhline(_ms(timeout), color=RED, linestyle=":", label=f"borrow timeout, {timeout:g} s")
    here = _ms(made.mean_wait_seconds)
    axes.plot(
        [made.transactions_per_second],
        [here],
        "o",
        color=GREEN if made.holds else RED,
        markersize=9,
        clip_on=False,
        zorder=5,
        label=f"the peak: {made.transactions_per_second:g} /s, {made.utilisation:.0%} of the pool",
    )
    axes.set_ylim(_SHORTEST_MS, max(_ms(timeout) * 3, 10))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(_time))
    axes.set_ylabel("wait for a connection")
    axes.legend(loc="upper left", bbox_to_anchor=(0.02, 0.9))


def _errors(axes: Axes, made: Budget, rates: Sequence[float]) -> None:
    shares = [replace(made.queue, arrivals_per_second=rate).timeout_share for rate in rates]
    axes.fill_between(rates, shares, color=RED, alpha=0.15, linewidth=0)
    axes.plot(rates, shares, color=RED)
    axes.plot(
        [made.transactions_per_second],
        [made.timeout_share],
        "o",
        color=GREEN if made.holds else RED,
        markersize=9,
        clip_on=False,
        zorder=5,
    )
    axes.set_ylim(0, max(0.1, *shares))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("borrow timeouts")
    axes.set_xlabel("transactions per second")


def _limits(waits: Axes, errors: Axes, made: Budget) -> None:
    saturation = made.queue.saturation_per_second
    headroom = saturation / HEADROOM
    for rate, side, words in (
        (headroom, "right", f"less than {HEADROOM - 1:.0%}\nheadroom from\n{headroom:.0f} /s"),
        (saturation, "left", f"saturated from\n{saturation:.0f} /s"),
    ):
        for axes in (waits, errors):
            axes.axvline(rate, color=GREY, linestyle="--", linewidth=1)
        waits.annotate(
            words,
            (rate, 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(-6 if side == "right" else 6, 0),
            textcoords="offset points",
            ha=side,
            va="bottom",
            color=GREY,
            fontsize=9,
        )


def _sizes(axes: Axes, made: Budget, advice: Advice) -> None:
    """A second scale: how many workers that many transactions need."""
    per_instance = made.transactions_per_second / made.max_instances

    def instances(rate: Any) -> Any:
        return rate / per_instance

    def rates(size: Any) -> Any:
        return size * per_instance

    above = axes.secondary_xaxis("top", functions=(instances, rates))
    largest = advice.largest_max_size
    fits = f"; up to {largest} holds" if largest else "; none holds"
    above.set_xlabel(
        f"max_size with as many transactions per instance (now {made.max_instances}{fits})",
        color=GREY,
    )
    above.tick_params(colors=GREY)


def _time(ms: float, _position: int) -> str:
    return f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:g} s"  # noqa: PLR2004 - a second


def _ms(seconds: float) -> float:
    return max(seconds * 1000, _SHORTEST_MS)
