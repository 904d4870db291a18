"""Two locks taken in two orders: each side holds one and waits for the other for ever.

The two sides run in a process of their own that is ended afterwards: what is locked up stays so. Where
the orders differ, a barrier between the first and the second lock makes the lock-up certain. The two
controls take the same locks in one order, which cannot lock up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..host import stacks
from ._caller import Caller, CallerSilent, TrialLine
from .base import Bench, Measure, Parameter, Scenario, Variant

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Side = Callable[[Any, Any, Callable[[], object]], None]


#: How long the process may take to come up and start both sides.
_START_SECONDS = 20.0


def first_then_second(first: Any, second: Any, hold: Callable[[], object]) -> None:
    """Take both locks, the first one first; ``hold`` is called in between."""
    with first:
        hold()
        with second:
            pass


def second_then_first(first: Any, second: Any, hold: Callable[[], object]) -> None:
    """Take both locks, the second one first."""
    with second:
        hold()
        with first:
            pass


def serve(line: TrialLine, arguments: Sequence[str]) -> None:
    """Start both sides, say "begun" once each of them is about to take its (second) lock, then "done"."""
    kind, order = arguments
    stacks.register()
    context: Any
    if kind == "threads":
        import threading as context

        start = context.Thread
    else:
        from multiprocessing import get_context

        context = get_context("fork")
        start = context.Process
    first, second, meet = context.Lock(), context.Lock(), context.Barrier(3)
    ordered = order == "ordered"
    sides = (first_then_second, first_then_second if ordered else second_then_first)
    # Two that hold nothing yet can meet; held between two locks of one order, one would wait for the other.
    where = _meets_before if ordered else _meets_between
    both = [start(target=where, args=(side, first, second, meet.wait)) for side in sides]
    for worker in both:
        worker.start()
    meet.wait()
    line.say("begun")
    for worker in both:
        worker.join()
    line.say("done")


def _meets_before(side: Side, first: Any, second: Any, meet: Callable[[], object]) -> None:
    meet()
    side(first, second, int)


def _meets_between(side: Side, first: Any, second: Any, meet: Callable[[], object]) -> None:
    side(first, second, meet)


class DeadlockBench(Bench):
    """Two sides, anew in each round, and the time-out that finds that they stand still."""

    def __init__(self, variant: str, limit_seconds: float) -> None:
        kind, _, order = variant.partition("-")
        self._arguments = (kind, order or "inverted")
        self._limit_seconds = limit_seconds
        self._stacks: str | None = None

    def round(self) -> Sequence[float | str]:
        """Start both, and wait for the limit; the stacks are read while they stand still."""
        caller = Caller("deadlock", *self._arguments)
        try:
            caller.hear(_START_SECONDS)
            begun = time.monotonic()
            try:
                caller.hear(self._limit_seconds)
            except CallerSilent:
                seconds = time.monotonic() - begun
                self._stacks = stacks.collected(caller.pid) or self._stacks
                return (1.0, seconds)
            return (0.0, "it did not lock up")
        finally:
            caller.end()

    def notes(self) -> str | None:
        """Give the stacks of the last round: where each side waits for its second lock."""
        return self._stacks


SCENARIO = Scenario(
    name="deadlock",
    summary="Two locks taken in two orders: whether both sides lock up, and when a time-out finds it.",
    measures=(
        Measure(
            "deadlocked", "ratio", "Share of rounds in which both sides stood still.", over_rounds="mean"
        ),
        Measure(
            "detected_after", "seconds", "From when both sides hold their first lock until the time-out."
        ),
    ),
    variants=(
        Variant("threads", "Two threads, the locks in opposite orders."),
        Variant("threads-ordered", "Two threads, both locks in one order: the cure."),
        Variant("processes", "Two processes, the locks in opposite orders.", start_method="fork"),
        Variant("processes-ordered", "Two processes, both locks in one order.", start_method="fork"),
    ),
    parameters={
        "limit": Parameter(
            float, 0.3, minimum=0.05, maximum=30, unit="seconds", summary="Time until both are given up."
        ),
    },
    open=lambda variant, parameters: DeadlockBench(variant, parameters["limit"]),
    rounds=3,
)
