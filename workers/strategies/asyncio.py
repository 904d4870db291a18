"""One thread and one event loop, in which tasks wait at the same time: native coroutines only."""

from __future__ import annotations

from asyncio import Runner, TaskGroup
from collections.abc import Callable, Iterator, Mapping, Sequence

from .base import Pool, Strategy, nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any


class AsyncioPool(Pool):
    """An event loop that is kept between rounds, as a server keeps its own."""

    def __init__(
        self, max_workers: int, options: Mapping[str, Any], initializer: Callable[[], object] | None
    ) -> None:
        del options
        self._max_workers = max_workers
        self._initializer = initializer
        self._runner = Runner()

    def ping(self) -> None:
        """Return when the loop runs, and what comes before the first task is done in it."""
        self._runner.run(_call(self._initializer or nothing))

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Have ``max_workers`` coroutines take one item after the other; an error ends them all."""
        return self._runner.run(_map(function, items, self._max_workers))

    def survey(self, function: Callable[[], Any]) -> list[Any]:
        """Call ``function`` in the loop's thread, which is the only worker there is."""
        return [self._runner.run(_call(function))]

    def close(self) -> None:
        """Close the loop; what is still scheduled in it is cancelled."""
        self._runner.close()


async def _call(function: Callable[[], Any]) -> Any:
    return function()


async def _map(
    function: Callable[[Any], Coroutine[Any, Any, Any]], items: Sequence[Any], most: int
) -> list[Any]:
    results: list[Any] = [None] * len(items)
    ahead = iter(enumerate(items))
    try:
        async with TaskGroup() as group:
            for _ in range(min(most, len(items))):
                group.create_task(_take(function, ahead, results))
    except BaseExceptionGroup as errors:
        # The task's own error, as every other strategy raises it.
        raise errors.exceptions[0] from None
    return results


async def _take(
    function: Callable[[Any], Coroutine[Any, Any, Any]],
    ahead: Iterator[tuple[int, Any]],
    results: list[Any],
) -> None:
    for index, item in ahead:
        results[index] = await function(item)


STRATEGY = Strategy(
    name="asyncio",
    summary="Coroutines in one event loop, at most max_workers at once; for work with an async form.",
    simplicity=2,
    form="async",
    open=AsyncioPool,
)
