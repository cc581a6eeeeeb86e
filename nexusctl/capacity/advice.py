"""What to change: how far each setting can go, by itself, while the peak holds.

Each limit is found by making the budget again with other values, so it agrees with the verdict.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nexusctl.capacity.budget import Measured, budget
from nexusctl.capacity.instance_classes import instance_classes
from nexusctl.environment.model import Settings, Workload

_MOST_INSTANCES = 1 << 14
_LONGEST_MICROSECONDS = 86_400_000_000  # a day, the most that the setting takes


@dataclass(frozen=True, slots=True)
class Advice:
    """The limits within which the peak holds, one setting at a time; None where nothing helps.

    Without a declared workload nothing is known but the last. `largest_max_size` supposes that the
    transactions per second grow with the instances.
    """

    smallest_pool_percent: int | None
    smallest_instance_class: str | None
    longest_transaction_ms: float | None
    largest_max_size: int | None
    largest_max_size_without_proxy: int | None


def advice(settings: Settings, measured: Measured | None = None) -> Advice:
    """The limits of an environment.

    Raises:
        EnvironmentInvalid: as `budget` does.
    """

    def fits_directly(size: int) -> bool:
        return not budget(_of_size(settings, size), measured).refused_without_proxy

    workload = settings.workload
    without_proxy = _largest(fits_directly, _MOST_INSTANCES)
    if workload is None:
        return Advice(None, None, None, None, without_proxy)

    def holds(changed: Settings) -> bool:
        return budget(changed, measured).holds

    # In microseconds, and no longer than one at which the pool is always busy.
    saturated = 1e6 * budget(settings, measured).servers / workload.peak_transactions_per_second
    longest = _largest(
        lambda us: holds(_with_workload(settings, mean_transaction_ms=us / 1000)),
        min(int(saturated), _LONGEST_MICROSECONDS),
    )
    return Advice(
        next((each for each in range(1, 101) if holds(_with_percent(settings, each))), None),
        _smallest_class(settings, measured),
        longest / 1000 if longest else None,
        _largest(lambda size: holds(_of_size(settings, size)), _MOST_INSTANCES),
        without_proxy,
    )


def _largest(holds: Callable[[int], bool], most: int) -> int | None:
    """The largest number from 1 to `most` that holds, where what holds is below what does not."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low or None


def _smallest_class(settings: Settings, measured: Measured | None) -> str | None:
    """The smallest class of the family; what was measured is true of the present class alone."""
    now = settings.database.instance_class
    if budget(settings, measured).max_connections_source == "parameter":
        return None  # the class does not decide
    for each in instance_classes().values():
        if each.family != now.split(".")[1]:
            continue
        if each.name == now:
            found = budget(settings, measured)
        else:
            found = budget(
                _with(
                    settings,
                    "database",
                    instance_class=each.name,
                    measured_max_connections=None,
                )
            )
        if found.holds:
            return each.name
    return None


def _of_size(settings: Settings, size: int) -> Settings:
    """As many workers at most, each with as many transactions as now."""
    changed = _with(settings, "workers", max_size=size)
    if changed.workload is None:
        return changed
    per_instance = changed.workload.peak_transactions_per_second / settings.workers.max_size
    return _with_workload(changed, peak_transactions_per_second=per_instance * size)


def _with_percent(settings: Settings, percent: int) -> Settings:
    pool = settings.proxy.connection_pool.model_copy(update={"max_connections_percent": percent})
    return _with(settings, "proxy", connection_pool=pool)


def _with_workload(settings: Settings, **values: float) -> Settings:
    assert isinstance(settings.workload, Workload)  # noqa: S101 - who calls has asked
    return _with(settings, "workload", **values)


def _with(settings: Settings, part: str, **values: Any) -> Settings:
    """The settings with other values in one part, not validated anew: they are in range."""
    return settings.model_copy(update={part: getattr(settings, part).model_copy(update=values)})
