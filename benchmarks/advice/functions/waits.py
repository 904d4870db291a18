"""Work that only waits: for a database, for a service near by, for one far away."""

from __future__ import annotations

import asyncio
import time

#: Inputs: which of the calls it is.
CALLS = list(range(16))


def wait_1_ms(call: int) -> int:
    """Wait 1 ms, without the GIL."""
    time.sleep(0.001)
    return call


def wait_5_ms(call: int) -> int:
    """Wait 5 ms, without the GIL."""
    time.sleep(0.005)
    return call


def wait_50_ms(call: int) -> int:
    """Wait 50 ms, without the GIL."""
    time.sleep(0.05)
    return call


async def await_5_ms(call: int) -> int:
    """Wait 5 ms in an event loop."""
    await asyncio.sleep(0.005)
    return call
