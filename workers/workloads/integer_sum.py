"""The loop that the article compares threads and processes with: integers multiplied and summed."""

from __future__ import annotations

from .base import Parameter, Workload, numbered


def run(item: tuple[int, int]) -> int:
    """Sum i·n over ``steps`` values of i; ``item`` is (n, steps)."""
    n, steps = item
    result = 0
    for i in range(steps):
        result += i * n
    return result


WORKLOAD = Workload(
    name="integer_sum",
    summary="A pure Python loop over integers: uses the CPU and holds the GIL.",
    kind="cpu",
    parameters={
        "steps": Parameter(int, 10_000_000, minimum=1, unit="steps", summary="Length of a task's loop."),
    },
    function=run,
    inputs=numbered("steps"),
)
