"""Threads that the work started by itself beside the pool's: more of both than CPUs slow each other down."""

from __future__ import annotations

from ..errors import NotReadable
from ..host.tree import GONE
from .base import Meter, Probe, Quantity
from .threads import threads_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import Tree


class InnerThreadsMeter(Meter):
    """Compares the tree's threads after rounds with those of the pool that had just answered.

    A thread that has ended by the end of its round is not seen; what libraries keep for all their
    calls (BLAS, OpenMP) is. Processes that the work started and kept count with their threads.
    """

    def __init__(self, tree: Tree, proc: str = "/proc") -> None:
        self._tree = tree
        self._proc = proc
        self._own: int | None = None
        self._most = 0
        self._count()

    def opened(self) -> None:
        """Note the threads that are there without any task."""
        self._own = self._count()

    def begin(self) -> None:
        """Do nothing: threads are counted when a round is over."""

    def end(self, seconds: float) -> None:
        """Count the threads that are there now."""
        del seconds
        self._most = max(self._most, self._count())

    def values(self) -> list[float | str]:
        """Give how many more than the pool's own were seen, at most."""
        if self._own is None:
            return ["the threads were not counted when the pool was opened"]
        return [float(max(self._most - self._own, 0))]

    def _count(self) -> int:
        if self._tree.unreadable is not None:
            raise NotReadable(self._tree.unreadable)
        count = 0
        for pid in (self._tree.root, *self._tree.below):
            try:
                count += threads_of(pid, self._proc)
            except GONE:
                if pid == self._tree.root:
                    raise NotReadable(f"no {self._proc} that says how many threads there are") from None
        return count


PROBE = Probe(
    name="inner_threads",
    summary="Threads that the work itself keeps, beyond those of its pool.",
    quantities=(
        Quantity("inner_threads", "count", "Threads after a round, less those of the pool before any task."),
    ),
    open=InnerThreadsMeter,
)
