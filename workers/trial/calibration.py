"""Calibration: tasks of a round, their seconds and results; found once per host, serially."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from ..errors import TrialFault, named
from .base import median
from .check import Checker, SerialDigests, digest_of, inputs_of

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..wire.spec import Scalar
    from ..workloads.base import Workload

#: A task at least this long is timed by single runs; a shorter one in batches.
_LONG_SECONDS = 0.02
#: A batch of short tasks at least this long is long enough to be timed.
_BATCH_SECONDS = 0.01
_BATCHES = 3
#: A round may be this much shorter than asked before another multiple of tasks is added.
_TOLERANCE = 0.9


def calibrate(
    workload: Workload, parameters: Mapping[str, Scalar], wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """Find the number of tasks and give it with a task's seconds and the expected digests.

    ``wanted`` is a :class:`parlab.workers.wire.spec.CalibrationSpec` as plain data. Every task is run once at
    least, the first one twice: what gives something else each time cannot be compared with anything.
    Raises :class:`TrialFault`.
    """
    _call(workload.setup, "set-up")
    calibration = _calibrated(workload, parameters, wanted)
    _call(workload.teardown, "tear-down")
    return calibration


def _call(hook: Callable[[], object] | None, what: str) -> None:
    """Do what a worker does before its first task, or after its last: here is the only one."""
    if hook is None:
        return
    try:
        hook()
    except BaseException as error:
        raise TrialFault("raised", f"the {what} raised {named(error)}", error) from error


def _calibrated(
    workload: Workload, parameters: Mapping[str, Scalar], wanted: Mapping[str, Any]
) -> dict[str, Any]:
    tasks = wanted["tasks"] or wanted["multiple_of"]
    items = inputs_of(workload, parameters, tasks)
    results, seconds = _run_twice(workload, items)
    if seconds < _LONG_SECONDS:
        seconds = _seconds_in_batches(workload.function, items, seconds)
        results = []
    if wanted["tasks"] is None:
        tasks = _tasks_for_a_round(seconds, wanted)
    if tasks != len(items):
        items, results = inputs_of(workload, parameters, tasks), results[:0]
    if len(results) < len(items):
        rest, times = _run(workload.function, items, start=len(results))
        results += rest
        if seconds >= _LONG_SECONDS:
            seconds = median([seconds, *times])
    return {
        "tasks": tasks,
        "task_seconds": seconds,
        "expected": _expected(workload, items, results),
    }


def _run_twice(workload: Workload, items: Sequence[Any]) -> tuple[list[Any], float]:
    """Run the first task twice; give its result and the shorter time."""
    (first, second), times = _run(workload.function, [items[0], items[0]])
    if workload.check is None:
        if digest_of(first, 0) != digest_of(second, 0):
            raise TrialFault(
                "wrong-result",
                "task 0 returns a different result each time it runs. "
                "Give the workload a check of its results, or make it deterministic.",
            )
    else:
        Checker(workload, [items[0], items[0]], None).check([first, second])
    return [first], min(times)


def _run(
    function: Callable[[Any], Any], items: Sequence[Any], start: int = 0
) -> tuple[list[Any], list[float]]:
    """Run the tasks from ``start`` on, one after the other; give results and seconds of each."""
    results, times = [], []
    for index in range(start, len(items)):
        begin = perf_counter()
        try:
            result = function(items[index])
        except BaseException as error:
            raise TrialFault("raised", f"task {index} raised {named(error)}", error) from error
        times.append(perf_counter() - begin)
        results.append(result)
    return results, times


def _seconds_in_batches(function: Callable[[Any], Any], items: Sequence[Any], about_seconds: float) -> float:
    """Time passes over the first items, as many together as make a batch; give the median per task."""
    items = items[: 1 + int(_BATCH_SECONDS / max(about_seconds, _BATCH_SECONDS / len(items)))]
    passes = 1
    means: list[float] = []
    while len(means) < _BATCHES:
        begin = perf_counter()
        for _ in range(passes):
            _run_untimed(function, items)
        seconds = perf_counter() - begin
        if seconds < _BATCH_SECONDS:
            passes *= 2 if seconds * 4 > _BATCH_SECONDS else 4
        else:
            means.append(seconds / passes / len(items))
    return median(means)


def _run_untimed(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    index = 0
    try:
        for index, item in enumerate(items):  # noqa: B007 - said when a task raises
            function(item)
    except BaseException as error:
        raise TrialFault("raised", f"task {index} raised {named(error)}", error) from error


def _tasks_for_a_round(task_seconds: float, wanted: Mapping[str, Any]) -> int:
    """Give the smallest multiple that makes a round about as long as asked, within ``max_tasks``."""
    multiple: int = wanted["multiple_of"]
    most = max(1, wanted["max_tasks"] // multiple)
    needed = wanted["round_seconds"] * _TOLERANCE / (max(task_seconds, 1e-9) * multiple)
    multiples = int(min(needed, most))
    tasks: int = multiple * min(most, multiples + (multiples < needed))
    return tasks


def _expected(workload: Workload, items: Sequence[Any], results: list[Any]) -> dict[str, Any] | None:
    if workload.check is None:
        return SerialDigests.of([digest_of(result, index) for index, result in enumerate(results)]).to_plain()
    Checker(workload, items, None).check(results)
    return None
