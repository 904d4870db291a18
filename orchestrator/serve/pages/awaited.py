"""Waiting for what a workshop makes, without a thread that stands still meanwhile."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TypeVar

from parlab.workers.errors import EnvironmentFault

T = TypeVar("T")


async def awaited(future: Future[T], seconds: float | None = None) -> T:
    """Wait for a future; what it makes is made all the same if nobody waits any more.

    Raises:
        TimeoutError: it takes longer than ``seconds``.
        EnvironmentFault: the orchestrator is ending.
    """
    try:
        # Shielded: others may wait for the same.
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), seconds)
    except asyncio.CancelledError:
        if future.cancelled():
            raise EnvironmentFault("the orchestrator is ending", "Ask again when it is back.") from None
        raise
