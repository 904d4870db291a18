"""The loop that the article compares threads and processes with: integers multiplied and summed."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Parameter, Workload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(item: tuple[int, int]) -> int:
    """Sum i·n over ``steps`` values of i; ``item`` is (n, steps)."""
    n, steps = item
    result = 0
    for i in range(steps):
        result += i * n
    return result


def inputs(parameters: Mapping[str, Any], count: int) -> list[tuple[int, int]]:
    """Give (n, steps) for n from 0 to ``count`` - 1."""
    steps = parameters["steps"]
    return [(n, steps) for n in range(count)]


WORKLOAD = Workload(
    name="integer_sum",
    summary="A pure Python loop over integers: uses the CPU and holds the GIL.",
    kind="cpu",
    parameters={
        "steps": Parameter(int, 10_000_000, minimum=1, unit="steps", summary="Length of a task's loop."),
    },
    function=run,
    inputs=inputs,
)
