"""Feed of what changes on a page that is watched: rendered once, sent to everybody who has it open.

A page's parts have ids; a feed sends the inner HTML of those that changed, as server-sent events. Fifty
browsers cost fifty writes of the same bytes. Nothing is rendered while nobody looks.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool

log = logging.getLogger("parlab.pages")

#: A page is rendered at most so often. With the wait for the controller this stays within 2 s of the store.
PAUSE_SECONDS = 1.0
#: A follower hears at least so often, so that proxies and browsers know that the line is up.
BEAT_SECONDS = 10.0
#: A browser whose line was cut comes back after so long.
RETRY_MILLISECONDS = 2000
_BEAT = b": still there\n\n"


@dataclass(frozen=True)
class Rendering:
    """A page's changing parts at a moment."""

    #: Inner HTML by the id of its element.
    parts: Mapping[str, str]
    #: What somebody is told who does not see the page: a verdict that arrived. Of this change only.
    announced: str = ""
    #: How it ended ("done"); "" while it goes on.
    ended: str = ""


#: Waits for a change after the one with that number; gives the latest one's, and whether it is the last.
Change = Callable[[int], Awaitable[tuple[int, bool]]]


class Feed:
    """Follows one source for any number of browsers. Used from the server's event loop only."""

    def __init__(
        self,
        render: Callable[[bool], Rendering],
        changed: Change,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        """Prepare it.

        Args:
            render: looks at the source and renders; called in a thread, with whether this is the end.
            changed: waits for a change.
            pause_seconds: between two renderings, at least.
        """
        self._render = render
        self._changed = changed
        self._pause_seconds = pause_seconds
        self._news = asyncio.Condition()
        self._version = 0
        self._rendering: Rendering | None = None
        self._whole: tuple[int, bytes] = (0, b"")
        self._latest = b""
        self._followers = 0
        self._driver: asyncio.Task[None] | None = None
        self._over = False

    @property
    def followers(self) -> int:
        """How many browsers follow it now."""
        return self._followers

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """Give the events of one browser: first everything as it is, then what changes, until the end."""
        self._followers += 1
        if self._driver is None or self._driver.done():
            self._over = False
            self._driver = asyncio.create_task(self._drive())
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            seen = 0
            while True:
                if self._version > seen:
                    # Who missed one, or has just come, gets all of it.
                    event = self._latest if seen and seen == self._version - 1 else self._all()
                    seen = self._version
                    yield event
                elif self._over:
                    return
                elif not await self._heard(seen):
                    yield _BEAT
        finally:
            self._followers -= 1
            if not self._followers and self._driver is not None:
                self._driver.cancel()
                self._driver = None

    async def _heard(self, seen: int) -> bool:
        try:
            async with asyncio.timeout(BEAT_SECONDS), self._news:
                await self._news.wait_for(lambda: self._version > seen or self._over)
        except TimeoutError:
            return False
        return True

    async def _drive(self) -> None:
        """Render whenever something changed, not more often than the pause allows."""
        change, last = -1, False
        try:
            while not last:
                change, last = await self._changed(change)
                rendering = await run_in_threadpool(self._render, last)
                await self._take(rendering)
                last = last or bool(rendering.ended)
                if not last:
                    await asyncio.sleep(self._pause_seconds)
        except Exception:
            # Browsers come back by themselves, and the next try may be better.
            log.exception("a fault of parlab's own in a page that is watched")
        finally:
            # One that was called off must not end what another has begun since.
            if self._driver is asyncio.current_task():
                self._over = True
                async with self._news:
                    self._news.notify_all()

    async def _take(self, new: Rendering) -> None:
        old = self._rendering.parts if self._rendering is not None else {}
        parts = {name: html for name, html in new.parts.items() if old.get(name) != html}
        self._rendering = new
        if parts or new.announced or new.ended or not self._version:
            self._version += 1
            self._latest = _event(parts, new.announced, new.ended)
            async with self._news:
                self._news.notify_all()

    def _all(self) -> bytes:
        if self._whole[0] != self._version and self._rendering is not None:
            self._whole = (self._version, _event(self._rendering.parts, "", self._rendering.ended))
        return self._whole[1]


def _event(parts: Mapping[str, str], announced: str, ended: str) -> bytes:
    # JSON has no line breaks of its own: one data line is all.
    body = json.dumps({"parts": parts, "said": announced, "ended": ended}, ensure_ascii=False)
    return f"event: parts\ndata: {body}\n\n".encode("utf-8", "replace")


def ended_event(how: str) -> bytes:
    """Tell a page that there is nothing more to follow, and how that ended."""
    return _event({}, "", how)
