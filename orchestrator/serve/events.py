"""Events of a run, handed on to everybody who follows it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi.responses import StreamingResponse

#: Who falls behind by more than this many events misses the oldest.
_KEPT = 200
#: A follower hears at least so often, so that proxies and clients know that the line is up.
BEAT_SECONDS = 15.0


def event_stream(events: AsyncIterable[str | bytes]) -> StreamingResponse:
    """Answer with server-sent events, which no proxy is to keep back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@dataclass(frozen=True)
class RunEvent:
    """One thing that happened."""

    number: int
    #: "progress" (a ``ProgressState``), "message" (a text), "end" (state and reason).
    kind: str
    #: JSON.
    data: str


class RunEvents:
    """Events of one run: told from its controller's thread, followed from the server's loop."""

    def __init__(self) -> None:
        """Open it, empty."""
        self._lock = threading.Lock()
        self._events: deque[RunEvent] = deque(maxlen=_KEPT)
        self._number = 0
        self._changes = 0
        self._followers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._closed = False

    def publish(self, kind: str, data: str) -> None:
        """Tell everybody; of the states of progress only the latest is kept."""
        with self._lock:
            if self._closed:
                return
            if kind == "progress":
                latest = [event for event in self._events if event.kind == "progress"]
                for event in latest:
                    self._events.remove(event)
            self._number += 1
            self._changes += 1
            self._events.append(RunEvent(self._number, kind, data))
            self._wake()

    @property
    def changes(self) -> int:
        """Number of the latest change."""
        return self._changes

    def touch(self) -> None:
        """Tell those who look at the run itself that there is something new; it is no event."""
        with self._lock:
            self._changes += 1
            self._wake()

    def close(self) -> None:
        """End it: followers get what there still is and leave."""
        with self._lock:
            self._closed = True
            self._wake()

    async def follow(self, after: int = 0) -> AsyncIterator[RunEvent | None]:
        """Give the events after number ``after`` as they come, and None where nothing came for a while."""
        with self._following() as woken:
            while True:
                woken.clear()
                with self._lock:
                    events = [event for event in self._events if event.number > after]
                    closed = self._closed
                for event in events:
                    yield event
                    after = event.number
                if closed:
                    return
                if not events and not await _heard(woken):
                    yield None

    async def changed(self, after: int) -> tuple[int, bool]:
        """Wait until the run has changed since its change number ``after``, or has ended.

        The number of its latest change is returned, and whether this was the end.
        """
        with self._following() as woken:
            while True:
                woken.clear()
                with self._lock:
                    if self._changes > after or self._closed:
                        return self._changes, self._closed
                await woken.wait()

    @contextmanager
    def _following(self) -> Iterator[asyncio.Event]:
        woken = asyncio.Event()
        follower = (asyncio.get_running_loop(), woken)
        with self._lock:
            self._followers.add(follower)
        try:
            yield woken
        finally:
            with self._lock:
                self._followers.discard(follower)

    def _wake(self) -> None:
        for loop, woken in self._followers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)


async def _heard(woken: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(woken.wait(), BEAT_SECONDS)
    except TimeoutError:
        return False
    return True
