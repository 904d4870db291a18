"""Base of the strategies: a way to run tasks, and the pool that it opens for a trial."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from ..parameter import Parameter

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ..wire.spec import Scalar

#: An option of a strategy is declared like a parameter of a workload.
Option = Parameter


class BuildFacts:
    """What a strategy may want to know of the Python build that is to run it."""

    __slots__ = ("_start_methods", "lacks", "version")

    def __init__(
        self,
        version: tuple[int, int],
        start_methods: tuple[str, ...] | None = None,
        lacks: tuple[str, ...] = (),
    ) -> None:
        #: Major and minor.
        self.version = version
        #: Modules that strategies need and this build does not have.
        self.lacks = lacks
        self._start_methods = start_methods

    @property
    def start_methods(self) -> tuple[str, ...]:
        """``multiprocessing.get_all_start_methods()``; unless given, this interpreter's own."""
        if self._start_methods is None:
            from multiprocessing import get_all_start_methods

            self._start_methods = tuple(get_all_start_methods())
        return self._start_methods


class Pool(ABC):
    """A strategy at work. Its life: made, pinged, mapped many times, surveyed, closed."""

    #: Whether processes of the pool are replaced while it works, so that they are looked for each time.
    renews_processes = False

    @abstractmethod
    def ping(self) -> None:
        """Return when each of the pool's workers has answered once."""

    @abstractmethod
    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Call ``function`` with every item and give the results in order. This call is what is timed."""

    @abstractmethod
    def survey(self, function: Callable[[], Any]) -> list[Any]:
        """Call ``function`` once in each of the pool's workers."""

    @abstractmethod
    def close(self) -> None:
        """End the pool as its user would; returns when its workers have ended."""

    def worker_pids(self) -> list[int]:
        """Give the processes whose memory is that of one worker (or of one process of a hybrid)."""
        return self.pids()

    def pids(self) -> list[int]:
        """Give the processes that the pool's workers are in, besides the trial's own."""
        return []

    def breakage(self, error: BaseException) -> str | None:
        """Say what of the pool broke and how, or None when ``error`` is the task's own."""
        del error
        return None

    def refusal(self, error: BaseException) -> str | None:
        """Say why work of this kind cannot be run here at all, where that is behind ``error``, else None."""
        del error
        return None

    def tidy(self) -> None:  # noqa: B027 - most pools leave nothing
        """End what outlives a closed pool (multiprocessing's servers); not part of the tear-down."""


class Strategy:
    """One way to run tasks. A file of this folder holds one, as its constant ``STRATEGY``."""

    __slots__ = (
        "by_value", "form", "impossible", "isolation", "name", "open", "options", "requires", "simplicity",
        "summary", "unavailable",
    )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        summary: str,
        simplicity: int,
        open: Callable[[int, Mapping[str, Scalar], Callable[[], object] | None], Pool],  # noqa: A002 - what people call it
        form: Literal["sync", "async"] = "sync",
        isolation: Literal["none", "process", "interpreter"] = "none",
        by_value: bool = False,
        requires: tuple[str, ...] = (),
        options: Mapping[str, Option] | None = None,
        unavailable: Callable[[BuildFacts, Mapping[str, Scalar]], str | None] | None = None,
        impossible: Callable[[int, Mapping[str, Scalar]], str | None] | None = None,
    ) -> None:
        #: The file's name without ``.py``.
        self.name = name
        #: One line for a listing.
        self.summary = summary
        #: Rank among strategies, the simplest to live with first; decides between those that tie.
        self.simplicity = simplicity
        self.options: Mapping[str, Option] = options or {}
        #: (max_workers, settled options, what each worker calls before its first task) → a pool whose
        #: workers may not have started yet.
        self.open = open
        #: Which form of a workload it runs: ``function`` or ``async_function``.
        self.form = form
        #: What stands between the trial and its workers, so that tasks and results are pickled.
        self.isolation = isolation
        #: Whether functions are sent as what they are, not by their name: lambdas and closures pass.
        self.by_value = by_value
        #: Distributions that it needs in the trial's interpreter.
        self.requires = requires
        #: (build, settled options) → why this build cannot run it, or None.
        self.unavailable = unavailable or nothing
        #: (max_workers, settled options) → why these do not go together, or None.
        self.impossible = impossible or nothing


def nothing(*_: object) -> None:
    """Do nothing: what a worker is asked that has only to show that it is there."""
