"""Cost of handing one task over: a warm pool is given tasks that do nothing."""

from __future__ import annotations

import math
from time import perf_counter

from ..errors import NotReadable
from .base import Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import TaskPass

#: A pass over the tasks is to be long enough for the clock and the scheduler not to be what is seen.
_PASS_SECONDS = 0.006
_MOST_TASKS = 500
_PASSES = 5


def do_nothing(item: int) -> int:
    """Be a task; its result is as small as can be."""
    return item


async def do_nothing_async(item: int) -> int:
    """Be a task of the other form."""
    return item


def evaluate(done: TaskPass) -> list[float | str]:
    """Find a number of tasks that fills a pass, then give the median of some passes, by task."""
    if done.pool.renews_processes:
        raise NotReadable("the pool replaces its processes: it is never warm")
    task = do_nothing_async if done.strategy.form == "async" else do_nothing

    def seconds_of(count: int) -> float:
        began = perf_counter()
        done.pool.map(task, range(count))
        return perf_counter() - began

    count = min(done.max_workers, _MOST_TASKS)
    # The first one has every worker load this module.
    seconds_of(count)
    while (seconds := seconds_of(count)) < _PASS_SECONDS and count < _MOST_TASKS:
        # No more than eight times as many: the first few say little of the rest.
        wanted = count * _PASS_SECONDS * 1.2 / max(seconds, 1e-6)
        count = min(max(int(wanted), count + 1), 8 * count, _MOST_TASKS)
    passes: list[float] = []
    while len(passes) < _PASSES and math.fsum(passes) < done.limit_seconds:
        passes.append(seconds_of(count))
    return [sorted(passes)[len(passes) // 2] / count]


PROBE = Probe(
    name="dispatch",
    summary="Time that the warm pool takes for a task that does nothing.",
    quantities=(Quantity("dispatch", "seconds", "Handing one task over and taking its result back."),),
    evaluate=evaluate,
)
