"""Pure waiting, as a task does while a network, disk or database answers."""

from __future__ import annotations

import time

from .base import Parameter, Workload, numbered


def run(item: tuple[int, float]) -> int:
    """Sleep; ``item`` is (number, seconds), the result is the number."""
    number, seconds = item
    time.sleep(seconds)
    return number


async def run_async(item: tuple[int, float]) -> int:
    """Do the same without a thread."""
    from asyncio import sleep

    number, seconds = item
    await sleep(seconds)
    return number


WORKLOAD = Workload(
    name="wait",
    summary="Sleeps, as a task does that waits for I/O: needs no CPU and releases the GIL.",
    kind="io",
    parameters={
        "seconds": Parameter(
            float, 0.02, minimum=0.0, maximum=3600.0, unit="seconds", summary="How long a task waits."
        ),
    },
    function=run,
    async_function=run_async,
    inputs=numbered("seconds"),
)
