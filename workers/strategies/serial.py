"""One task after the other in the main thread: what every other strategy is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .base import Pool, Strategy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SerialPool(Pool):
    """The main thread, which is there already."""

    def __init__(
        self, max_workers: int, options: Mapping[str, Any], initializer: Callable[[], object] | None
    ) -> None:
        del max_workers, options
        self._initializer = initializer

    def ping(self) -> None:
        """Do what a worker does before its first task: whoever calls this is the worker."""
        if self._initializer is not None:
            self._initializer()

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Call ``function`` with one item after the other."""
        return [function(item) for item in items]

    def survey(self, function: Callable[[], Any]) -> list[Any]:
        """Call ``function`` here."""
        return [function()]

    def close(self) -> None:
        """Do nothing: the main thread stays."""


def impossible(max_workers: int, options: Mapping[str, Any]) -> str | None:
    """Refuse any other width than one."""
    del options
    return (
        None if max_workers == 1 else f"serial runs one task at a time: max_workers is 1, not {max_workers}"
    )


STRATEGY = Strategy(
    name="serial",
    summary="One task after the other, in the main thread.",
    simplicity=0,
    open=SerialPool,
    impossible=impossible,
)
