"""Squares summed by a generator expression: the least that pure Python does, an object at a time."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Parameter, Workload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(item: tuple[int, int]) -> int:
    """Sum the squares of ``n`` integers from ``first`` on; ``item`` is (first, n)."""
    first, n = item
    return sum(i * i for i in range(first, first + n))


def inputs(parameters: Mapping[str, Any], count: int) -> list[tuple[int, int]]:
    """Give (first, n) for the first integers 0 to ``count`` - 1."""
    n = parameters["n"]
    return [(first, n) for first in range(count)]


WORKLOAD = Workload(
    name="sum_of_squares",
    summary="A generator expression over integers, summed: pure Python, holds the GIL.",
    kind="cpu",
    parameters={
        "n": Parameter(int, 200_000, minimum=1, unit="integers", summary="How many squares a task sums."),
    },
    function=run,
    inputs=inputs,
)
