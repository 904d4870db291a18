"""Bytes that cross to the workers and back, and the time that packing and unpacking them takes."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from ..errors import NotReadable, named
from .base import Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .base import TaskPass

#: So many tasks are packed at most; the rest is taken to be like them.
_MOST_TASKS = 1000


def evaluate(done: TaskPass) -> list[float | str]:
    """Pack and unpack here what the pool does, and scale what was done up to all tasks."""
    if done.strategy.isolation == "none":
        raise NotReadable("tasks and results are not pickled")
    if not done.items:
        raise NotReadable("there was no task")
    pairs = zip(done.items, done.results, strict=True)
    try:
        count, sent, returned, seconds = pickled(done.function, pairs, done.limit_seconds)
    except Exception as error:  # noqa: BLE001 - what is sent by value, or by other means, need not be picklable
        raise NotReadable(f"pickle cannot do what this strategy does: {named(error)}") from None
    scale = len(done.items) / count
    return [sent * scale, returned * scale, seconds * scale]


def pickled(
    function: object, pairs: Iterable[tuple[Any, Any]], limit_seconds: float
) -> tuple[int, int, int, float]:
    """Pack and unpack items and results; give how many tasks, bytes there, bytes back, and the seconds."""
    import pickle

    count = sent = returned = 0
    began = perf_counter()
    for item, result in pairs:
        there = pickle.dumps((function, item), pickle.HIGHEST_PROTOCOL)
        pickle.loads(there)  # noqa: S301 - our own bytes
        back = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
        pickle.loads(back)  # noqa: S301 - the same
        count += 1
        sent += len(there)
        returned += len(back)
        if count == _MOST_TASKS or perf_counter() - began > limit_seconds:
            break
    return count, sent, returned, perf_counter() - began


PROBE = Probe(
    name="pickling",
    summary="What is pickled for a round, there and back.",
    quantities=(
        Quantity("pickled_in", "bytes", "Pickled functions and items of a round."),
        Quantity("pickled_out", "bytes", "Pickled results of a round."),
        Quantity("pickling", "seconds", "Packing and unpacking them all, one after the other."),
    ),
    evaluate=evaluate,
)
