"""Bytes in, bytes out, next to no work: what it costs to send tasks and results to where they are done."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping

from .base import Parameter, Workload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..spec import Scalar


def run(item: tuple[bytes, int]) -> bytes:
    """Give ``length`` bytes that depend on all that came in; ``item`` is (bytes, length).

    What goes in and out is read once, so that a task's time grows with it: the tasks that fill a
    round would otherwise be so many that they fill the memory.
    """
    given, length = item
    result = _repeated(crc32(given), length)
    crc32(result)
    return result


def _repeated(number: int, length: int) -> bytes:
    return (number.to_bytes(8, "little") * (length // 8 + 1))[:length]


def inputs(parameters: Mapping[str, Scalar], count: int) -> list[tuple[bytes, int]]:
    """Give as many bytes objects, each of its own content, with the length of the answer."""
    bytes_in, bytes_out = parameters["bytes_in"], parameters["bytes_out"]
    assert isinstance(bytes_in, int)
    assert isinstance(bytes_out, int)
    return [(_repeated(number, bytes_in), bytes_out) for number in range(count)]


WORKLOAD = Workload(
    name="payload",
    summary="Takes bytes and gives bytes: what pickling and pipes cost, or that sharing memory does not.",
    kind="cpu",
    parameters={
        "bytes_in": Parameter(
            int, 1_000_000, minimum=0, maximum=256 << 20, unit="bytes", summary="Length of what a task takes."
        ),
        "bytes_out": Parameter(
            int, 1_000_000, minimum=0, maximum=256 << 20, unit="bytes", summary="Length of what it gives."
        ),
    },
    function=run,
    inputs=inputs,
)
