"""One cache of what was worked out of runs: made once for each version, again where it failed."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from parlab.orchestrator.serve.cache import RunCache, has_failed, is_there


def future(value: str | Exception | None = None) -> Future[str]:
    made: Future[str] = Future()
    if isinstance(value, Exception):
        made.set_exception(value)
    elif value is not None:
        made.set_result(value)
    return made


def test_a_value_is_made_once_for_a_version_and_anew_for_another() -> None:
    cache: RunCache[list[str]] = RunCache(4)
    first = cache.get("7f3a", 1, lambda: ["first"])
    assert cache.get("7f3a", 1, lambda: ["never"]) is first
    assert cache.get("7f3a", 2, lambda: ["second"]) == ["second"]
    assert cache.latest("7f3a") == ["second"]
    assert cache.latest("81c0") is None


def test_what_failed_is_made_again_and_what_is_under_way_is_not() -> None:
    cache: RunCache[Future[str]] = RunCache(4, has_failed)
    begun = cache.get("7f3a", 1, future)
    assert not is_there(begun)
    assert cache.get("7f3a", 1, future) is begun
    begun.set_exception(ValueError("broken"))
    again = cache.get("7f3a", 1, lambda: future("made"))
    assert is_there(again)
    assert cache.get("7f3a", 1, future) is again


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    cache: RunCache[str] = RunCache(2)
    cache.get("a", 1, lambda: "a")
    cache.get("b", 1, lambda: "b")
    cache.get("a", 1, lambda: "never")
    cache.get("c", 1, lambda: "c")
    assert (cache.latest("a"), cache.latest("b"), cache.latest("c")) == ("a", None, "c")


def test_what_cannot_be_begun_is_asked_for_again() -> None:
    cache: RunCache[str] = RunCache(2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", 1, lambda: str(1 // 0))
    assert cache.get("a", 1, lambda: "a") == "a"
