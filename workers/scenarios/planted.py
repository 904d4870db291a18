"""Slowdowns whose size is known: the same pure Python loop, and the same with so many more steps.

It measures the lab and not Python: what is entered twice must come out equal, and what is 2, 5 or 10 per
cent longer must be found to be slower (docs/self-test.md). Every variant has the same code, and one loop for
all of a round, so that a round of ``slower-5-percent`` has exactly 1.05 times as many steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter_ns

from ..parameter import Parameter
from .base import Bench, Measure, Scenario, Variant

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False

#: Percent of further steps, by variant. All are in the loop from its first round on.
PERCENT = {"same": 0, "again": 0, "slower-2-percent": 2, "slower-5-percent": 5, "slower-10-percent": 10}


class _Loop(Bench):
    """So many steps, which depend on each other, so that no build can leave one out."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        # What specializes the loop's code belongs to no round.
        _run(min(steps, 10_000))

    def round(self) -> Sequence[float | str]:
        """Give the seconds of all steps."""
        begin = perf_counter_ns()
        _run(self._steps)
        return [(perf_counter_ns() - begin) / 1e9]


def _run(steps: int) -> int:
    value = 0
    for number in range(steps):
        value = (value + number) & 0xFFFF
    return value


def steps_of(variant: str, hundreds: int) -> int:
    """Give the steps of a variant's round: 100 × ``hundreds``, and so many per cent more."""
    return hundreds * (100 + PERCENT[variant])


SCENARIO = Scenario(
    name="planted",
    summary="Seconds of a loop that is entered twice, and of loops that are known to be longer.",
    measures=(Measure("planted", "seconds", "A round of the loop, all of its steps."),),
    variants=(
        Variant("same", "The loop."),
        Variant("again", "The loop, entered once more: any difference to it is noise."),
        *(
            Variant(name, f"The loop with {percent} % more steps.")
            for name, percent in PERCENT.items()
            if percent
        ),
    ),
    open=lambda variant, parameters: _Loop(steps_of(variant, parameters["hundreds"])),
    parameters={
        "hundreds": Parameter(
            int,
            4000,
            minimum=1,
            maximum=1_000_000,
            unit="hundred steps",
            summary="Steps of a round, in hundreds, so that each per cent is a whole number.",
        )
    },
    rounds=8,
)
