"""Limits of a configuration, and what it has to gain back, by what was read of it."""

from __future__ import annotations

import math

from parlab.orchestrator.analysis.findings.advice import Payback
from parlab.orchestrator.analysis.findings.run import ConfigurationFinding
from parlab.orchestrator.plan.model import Configuration
from parlab.orchestrator.statistics.interval import Interval

#: Of its workers, a round keeps at least so many busy, or its tasks are too few.
EVEN = 0.8
#: The share of a round from which handing tasks over counts.
HAND_OVER_RATIO = 0.15
#: So much of the CPUs that there are is all of them; one that is busy; and so little is mostly waiting.
ALL_BUSY, ONE_BUSY, IDLE = 0.85, (0.85, 1.15), 0.5


def limit(
    configuration: Configuration, row: ConfigurationFinding, *, cpus: int, tasks: int | None, most_tried: int
) -> str:
    """Say in a clause what limits a configuration; "" where nothing that was measured does.

    Args:
        configuration: whose limit it is.
        row: what was found of it.
        cpus: effective CPUs of its host.
        tasks: calls per round; None: not known.
        most_tried: the greatest number of workers that its strategy was measured with.
    """
    if tasks is not None and tasks / math.ceil(tasks / configuration.max_workers) < (
        EVEN * configuration.max_workers
    ):
        return f"the number of tasks: {tasks} per round keep{'s' * (tasks == 1)} its workers only partly busy"
    return (
        _handing_over(configuration, row, tasks)
        or _quota(row)
        or _gil(configuration, row, cpus)
        or _cpus(configuration, row, cpus, most_tried)
    )


def _handing_over(configuration: Configuration, row: ConfigurationFinding, tasks: int | None) -> str:
    seconds = row.seconds.median if row.seconds is not None else None
    dispatch = row.readings.get("dispatch")
    if not seconds or dispatch is None or tasks is None or configuration.strategy == "serial":
        return ""
    share = (dispatch * tasks + row.readings.get("pickling", 0.0)) / seconds
    if share <= HAND_OVER_RATIO:
        return ""
    return f"handing over: {min(share, 1.0):.0%} of a round is sending tasks and taking results back"


def _quota(row: ConfigurationFinding) -> str:
    held = row.readings.get("throttled")
    return f"the CPU quota, which held it back for {held:.2g} s of a trial" if held else ""


def _gil(configuration: Configuration, row: ConfigurationFinding, cpus: int) -> str:
    used = row.cpus_used
    if configuration.strategy != "threads" or not configuration.gil_is_on or cpus < 2 or used is None:
        return ""
    least, most = ONE_BUSY
    return f"the GIL: its threads keep {used:.2f} of {cpus} CPUs busy" if least <= used <= most else ""


def _cpus(configuration: Configuration, row: ConfigurationFinding, cpus: int, most_tried: int) -> str:
    used, workers = row.cpus_used, configuration.max_workers
    if used is None:
        return ""
    if used >= ALL_BUSY * min(workers, cpus):
        if workers == 1:
            return "doing one thing at a time"
        return (
            f"the CPUs: {used:.2f} of {cpus} are busy"
            if workers >= cpus
            else f"its number of workers, {workers}"
        )
    if used >= IDLE * cpus:
        return ""
    more = f"; more than {most_tried} workers were not tried" if workers >= most_tried > 1 else ""
    return f"waiting: {used:.2f} of {cpus} CPUs are busy{more}"


def payback(
    row: ConfigurationFinding, speed_up: Interval | None, serial_item_seconds: float | None
) -> Payback | None:
    """Work out from when on a configuration is worth its costs; None where that cannot be said.

    The model: an item of t seconds takes o + t/p in the pool, o being what handing it over costs (the
    reading ``dispatch``) and p how many items it really does at once, which the speed-up S that was measured
    gives: t/S = o + t/p. It costs less than t from t = o / (1 − 1/p) on.
    """
    dispatch = row.readings.get("dispatch")
    if dispatch is None or speed_up is None or not serial_item_seconds:
        return None
    item = _item_seconds(dispatch, serial_item_seconds, speed_up.ratio)
    # The higher the speed-up, the sooner it pays.
    low = _item_seconds(dispatch, serial_item_seconds, speed_up.high) if speed_up.high is not None else None
    high = _item_seconds(dispatch, serial_item_seconds, speed_up.low) if speed_up.low is not None else None
    gained = serial_item_seconds * (1 - 1 / speed_up.ratio)
    start = row.start_up_seconds
    items = math.ceil(start / gained) if start is not None and gained > 0 else None
    return Payback(item, low, high, dispatch, items, start)


def _item_seconds(dispatch: float, item_seconds: float, ratio: float) -> float | None:
    in_pool = item_seconds / ratio - dispatch
    if in_pool >= item_seconds:
        # It does not even do one at a time: no item is large enough.
        return None
    if in_pool <= 0:
        # Handing over overlaps with the work so far that the model has nothing to divide.
        return dispatch
    return dispatch / (1 - in_pool / item_seconds)
