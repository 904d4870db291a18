"""Part computation, part waiting: a task that fetches something and then works on it."""

from __future__ import annotations

import time

from .base import Parameter, Workload, numbered


def run(item: tuple[int, int, float]) -> int:
    """Sleep, then sum i·n over ``steps`` values of i; ``item`` is (n, steps, seconds)."""
    n, steps, seconds = item
    time.sleep(seconds)
    return _compute(n, steps)


async def run_async(item: tuple[int, int, float]) -> int:
    """Do the same, waiting without a thread; the loop holds up all others."""
    from asyncio import sleep

    n, steps, seconds = item
    await sleep(seconds)
    return _compute(n, steps)


def _compute(n: int, steps: int) -> int:
    result = 0
    for i in range(steps):
        result += i * n
    return result


WORKLOAD = Workload(
    name="mixed",
    summary="Waits, then runs a pure Python loop: both kinds of work in one task.",
    kind="mixed",
    parameters={
        "steps": Parameter(int, 100_000, minimum=1, unit="steps", summary="Length of a task's loop."),
        "seconds": Parameter(
            float, 0.01, minimum=0.0, maximum=3600.0, unit="seconds", summary="How long a task waits."
        ),
    },
    function=run,
    async_function=run_async,
    inputs=numbered("steps", "seconds"),
)
