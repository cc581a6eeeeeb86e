"""The plots of a rehearsal, as SVG elements for a page; readable on light and on dark."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter

from nexusctl.rehearsal.acts import Act
from nexusctl.rehearsal.figures import Expected
from nexusctl.rehearsal.rehearsal import CALM_SECONDS

INCHES = (7.8, 3.1)
INK = "#7b8794"  # neither light nor dark: for any background
BLUE, RED, GREEN, AMBER = "#3b82f6", "#ef4444", "#16a34a", "#d97706"
RAREST = 0.001  # the share of transactions at which the plot of waits ends
STEPS = 60  # points of a predicted curve
MOST_DOTS = 3000
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": INK,
    "grid.alpha": 0.25,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}

Drawn = list[str]  # filled with the one SVG when the drawing is finished


def connecting(act: Act, expected: Expected) -> str:
    """The first act: clients that got a connection, and those that were refused."""
    with _plot("clients", "seconds", "clients") as (axes, drawn):
        axes.plot(*_over_time(act, "connected"), color=BLUE, label="connected")
        axes.plot(*_over_time(act, "refused"), color=RED, label="refused")
        limit = expected.storm.max_connections
        axes.axhline(limit, color=INK, linestyle=":", label=f"max_connections {limit:,}")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
    return drawn[0]


def sharing(act: Act) -> str:
    """The second act: clients, and the database connections that they share."""
    with _plot("connections", "seconds", "connections") as (axes, drawn):
        axes.plot(*_over_time(act, "connected"), color=BLUE, label="clients")
        axes.plot(*_over_time(act, "database_connections"), color=GREEN, label="to the database")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
    return drawn[0]


def waiting(act: Act, expected: Expected) -> str:
    """The second act: which share of the transactions waits longer than so long."""
    queue = expected.queue
    waits = sorted(each.waited * 1000 for each in act.served)
    shares = [1 - position / len(waits) for position in range(len(waits))]
    longest = waits[int((1 - RAREST) * (len(waits) - 1))] if waits else 0.0
    with _plot("waits", "milliseconds", "transactions that wait longer") as (axes, drawn):
        axes.plot(waits, shares, color=BLUE, label="measured")
        if queue.utilisation < 1:
            longest = max(longest, queue.wait_quantile(1 - RAREST) * 1000, 1.0)
            moments = [longest * step / STEPS for step in range(STEPS + 1)]
            predicted = [queue.share_waiting_longer_than(each / 1000) for each in moments]
            axes.plot(moments, predicted, color=AMBER, linestyle="--", label="predicted")
        axes.set_yscale("log")
        axes.set_ylim(RAREST, 1)
        axes.set_xlim(0, longest or 1.0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share * 100:g} %"))
    return drawn[0]


def restarting(act: Act, expected: Expected) -> str:
    """The third act: how long each transaction waits, by when it is asked for."""
    outage = act.outage
    assert outage is not None  # noqa: S101 - the third act has one
    begin = start(act)
    served = sorted((each.at - begin, each.waited) for each in act.served)
    dots = served[:: len(served) // MOST_DOTS + 1]
    stopped, back = outage.stopped - begin, outage.back - begin
    lasted = back - stopped
    predicted = [(0.0, 0.0), (stopped, 0.0), (stopped, lasted)]
    if (recovery := expected.recovery(lasted)) is not None:
        predicted += [(back, lasted * expected.queue.utilisation), (back + recovery, 0.0)]
    with _plot("waits", "seconds", "seconds waited") as (axes, drawn):
        axes.axvspan(stopped, back, color=RED, alpha=0.12, lw=0, label="database away")
        axes.plot(*_columns(dots), ".", color=BLUE, ms=3, label="measured")
        axes.plot(*_columns(predicted), color=AMBER, linestyle="--", label="predicted")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
    return drawn[0]


def start(act: Act) -> float:
    """The moment from which an act's plots and samples count."""
    if act.outage:
        return act.outage.stopped - CALM_SECONDS
    return min([act.began, *(each.at for each in act.openings)])


@contextmanager
def _plot(name: str, x_label: str, y_label: str) -> Iterator[tuple[Axes, Drawn]]:
    drawn: Drawn = []
    # The salt goes into the ids of the SVG, which must differ within a page.
    with mpl.rc_context({**STYLE, "svg.hashsalt": f"{name} {x_label} {y_label}"}):
        drawing = Drawing(figsize=INCHES, layout="constrained")
        axes = drawing.add_subplot()
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        yield axes, drawn
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
        file = io.StringIO()
        drawing.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        text = file.getvalue()
        drawn.append(text[text.index("<svg") :])


def _over_time(act: Act, what: str) -> tuple[list[float], list[float]]:
    begin = start(act)
    return _columns([(each.at - begin, getattr(each, what)) for each in act.samples])


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
