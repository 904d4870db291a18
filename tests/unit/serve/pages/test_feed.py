"""A page that is watched: rendered once for all, at most so often, and not at all while nobody looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from parlab.orchestrator.serve.events import RunEvents
from parlab.orchestrator.serve.pages.feed import Feed, Rendering

if TYPE_CHECKING:
    import pytest


class Source:
    """Something that changes, and counts how often it is rendered."""

    def __init__(self, pause_seconds: float = 0.0) -> None:
        self.channel = RunEvents()
        self.parts: dict[str, str] = {"a": "1", "b": "1"}
        self.said = ""
        self.rendered = 0
        self.fault: Exception | None = None
        self.feed = Feed(self.render, self.channel.changed, pause_seconds)

    def render(self, last: bool) -> Rendering:
        self.rendered += 1
        if self.fault is not None:
            raise self.fault
        return Rendering(dict(self.parts), self.said, "done" if last else "")

    def change(self, **parts: str) -> None:
        self.parts |= parts
        self.channel.touch()


async def event(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    """The next event of a follower."""
    async with asyncio.timeout(10):
        async for message in stream:
            if message.startswith(b"event: parts"):
                return dict(json.loads(message.decode().partition("data: ")[2]))
    raise AssertionError("the stream ended")


def test_who_comes_gets_everything_and_then_what_changes() -> None:
    async def watched() -> None:
        source = Source()
        stream = source.feed.follow()
        assert (await event(stream))["parts"] == {"a": "1", "b": "1"}
        source.change(b="2")
        assert (await event(stream))["parts"] == {"b": "2"}
        other = source.feed.follow()
        assert (await event(other))["parts"] == {"a": "1", "b": "2"}
        source.channel.close()
        assert [(await event(one))["ended"] for one in (stream, other)] == ["done", "done"]
        assert [one async for one in stream] == []
        await other.aclose()

    asyncio.run(watched())


def test_a_change_is_rendered_once_however_many_follow() -> None:
    async def watched() -> None:
        source = Source()
        streams = [source.feed.follow() for _ in range(30)]
        for stream in streams:
            await event(stream)
        assert source.rendered == 1
        source.change(a="2")
        assert [(await event(stream))["parts"] for stream in streams] == [{"a": "2"}] * 30
        assert source.rendered == 2
        for stream in streams:
            await stream.aclose()

    asyncio.run(watched())


def test_what_looks_the_same_is_not_sent_again() -> None:
    async def watched() -> None:
        source = Source()
        stream = source.feed.follow()
        await event(stream)
        source.change(a="1")
        source.change(b="3")
        assert (await event(stream))["parts"] == {"b": "3"}
        await stream.aclose()

    asyncio.run(watched())


def test_many_changes_within_the_pause_are_one() -> None:
    async def watched() -> None:
        source = Source(pause_seconds=0.3)
        stream = source.feed.follow()
        await event(stream)
        for number in range(50):
            source.change(a=f"n{number}")
        assert (await event(stream))["parts"] == {"a": "n49"}
        assert source.rendered <= 3
        await stream.aclose()

    asyncio.run(watched())


def test_nothing_is_rendered_while_nobody_looks() -> None:
    async def watched() -> None:
        source = Source()
        stream = source.feed.follow()
        await event(stream)
        await stream.aclose()
        source.change(a="2")
        await asyncio.sleep(0.1)
        assert (source.rendered, source.feed.followers) == (1, 0)
        # Who comes back sees how it is now, and hears of what comes.
        again = source.feed.follow()
        assert (await event(again))["parts"]["a"] in ("1", "2")
        source.change(a="3")
        news: dict[str, Any] = {}
        while news.get("a") != "3":
            news |= (await event(again))["parts"]
        await again.aclose()

    asyncio.run(watched())


def test_who_leaves_takes_nothing_from_those_who_stay() -> None:
    async def watched() -> None:
        source = Source()
        first, second = source.feed.follow(), source.feed.follow()
        await event(first)
        await event(second)
        await first.aclose()
        source.change(a="2")
        assert (await event(second))["parts"] == {"a": "2"}
        await second.aclose()

    asyncio.run(watched())


def test_a_fault_ends_the_line_and_who_comes_back_gets_another_try(caplog: pytest.LogCaptureFixture) -> None:
    async def watched() -> None:
        source = Source()
        source.fault = RuntimeError("as if by a bug")
        stream = source.feed.follow()
        assert [one async for one in stream if one.startswith(b"event")] == []
        source.fault = None
        again = source.feed.follow()
        assert (await event(again))["parts"] == {"a": "1", "b": "1"}
        await again.aclose()

    asyncio.run(watched())
    assert "as if by a bug" in caplog.text


def test_a_text_with_line_breaks_is_one_event() -> None:
    async def watched() -> None:
        source = Source()
        source.parts = {"a": "one\n\ntwo\r\nthree \u2028 four"}
        stream = source.feed.follow()
        assert (await event(stream))["parts"] == source.parts
        await stream.aclose()

    asyncio.run(watched())
