"""Squares summed by a generator expression: the least that pure Python does, an object at a time."""

from __future__ import annotations

from .base import Parameter, Workload, numbered


def run(item: tuple[int, int]) -> int:
    """Sum the squares of ``n`` integers from ``first`` on; ``item`` is (first, n)."""
    first, n = item
    return sum(i * i for i in range(first, first + n))


WORKLOAD = Workload(
    name="sum_of_squares",
    summary="A generator expression over integers, summed: pure Python, holds the GIL.",
    kind="cpu",
    parameters={
        "n": Parameter(int, 200_000, minimum=1, unit="integers", summary="How many squares a task sums."),
    },
    function=run,
    inputs=numbered("n"),
)
