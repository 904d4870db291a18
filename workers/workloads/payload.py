"""Bytes in, bytes out, as much work as is asked for: what sending tasks costs, and when that pays."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping

from .base import Parameter, Workload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(item: tuple[bytes, int, int]) -> bytes:
    """Give ``length`` bytes that depend on all that came in; ``item`` is (bytes, length, steps).

    What goes in and out is read once, so that a task's time grows with it: the tasks that fill a
    round would otherwise be so many that they fill the memory. Before that come ``steps`` of a pure
    Python loop, which hold the GIL.
    """
    given, length, steps = item
    number = crc32(given)
    if steps:
        number ^= _worked(number, steps)
    result = _repeated(number, length)
    crc32(result)
    return result


def _worked(number: int, steps: int) -> int:
    """Step a linear congruential generator on, from ``number``: all digits stay small integers."""
    number %= 65537
    for _ in range(steps):
        number = (number * 75 + 74) % 65537
    return number


def _repeated(number: int, length: int) -> bytes:
    return (number.to_bytes(8, "little") * (length // 8 + 1))[:length]


def inputs(parameters: Mapping[str, Any], count: int) -> list[tuple[bytes, int, int]]:
    """Give as many bytes objects, each of its own content, with the length of the answer and the steps."""
    bytes_in, bytes_out, steps = parameters["bytes_in"], parameters["bytes_out"], parameters["steps"]
    return [(_repeated(number, bytes_in), bytes_out, steps) for number in range(count)]


WORKLOAD = Workload(
    name="payload",
    summary="Takes bytes and returns bytes: what pickling and pipes cost, and shared memory does not.",
    kind="cpu",
    parameters={
        "bytes_in": Parameter(
            int, 1_000_000, minimum=0, maximum=256 << 20, unit="bytes", summary="Length of what a task takes."
        ),
        "bytes_out": Parameter(
            int, 1_000_000, minimum=0, maximum=256 << 20, unit="bytes", summary="Length of what it gives."
        ),
        "steps": Parameter(int, 0, minimum=0, unit="steps", summary="Length of a loop of work before that."),
    },
    function=run,
    inputs=inputs,
)
