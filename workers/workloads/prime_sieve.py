"""The sieve of Eratosthenes in a bytearray: pure Python whose inner loop is slices, that is, memory."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from .base import Parameter, Workload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(n: int) -> int:
    """Count the primes up to ``n``."""
    sieve = bytearray(b"\x01") * (n + 1)
    sieve[:2] = bytes(2)
    for i in range(2, isqrt(n) + 1):
        if sieve[i]:
            sieve[i * i :: i] = bytes(len(range(i * i, n + 1, i)))
    return sieve.count(1)


def inputs(parameters: Mapping[str, Any], count: int) -> list[int]:
    """Give as many limits, from the parameter on: no two tasks do the same."""
    n = parameters["n"]
    return [n + number for number in range(count)]


WORKLOAD = Workload(
    name="prime_sieve",
    summary="Counts primes with a sieve in a bytearray: pure Python that uses a lot of memory.",
    kind="cpu",
    parameters={
        # The upper limit keeps a task's sieve within a gigabyte.
        "n": Parameter(
            int, 3_000_000, minimum=2, maximum=1 << 30, unit="integers", summary="Counts primes up to here."
        ),
    },
    function=run,
    inputs=inputs,
)
