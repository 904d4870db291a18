"""What a probe is: one thing about a trial that is measured, and the meter that does it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from ..tree import Tree


class Quantity:
    """One value that a probe gives."""

    __slots__ = ("better", "name", "summary", "unit")

    def __init__(
        self, name: str, unit: str, summary: str, better: Literal["lower", "higher", "neither"] = "lower"
    ) -> None:
        #: ``Reading.probe`` of its readings; unique over all probes.
        self.name = name
        #: Base unit: "seconds", "bytes", "ratio", "count".
        self.unit = unit
        self.summary = summary
        self.better = better


class Meter(ABC):
    """A probe at work in one trial. It sees the timed rounds and nothing else.

    ``begin`` and ``end`` are called around each round, outside of what is timed; both may raise
    :class:`NotReadable` or :class:`OSError`, which ends the meter and becomes the reason shown.
    """

    @abstractmethod
    def begin(self) -> None:
        """Note where things stand before a round."""

    @abstractmethod
    def end(self, seconds: float) -> None:
        """Add what the round did; ``seconds`` is how long it took."""

    @abstractmethod
    def values(self) -> list[float | str]:
        """Give the sums over all rounds, one per quantity; a string is the reason why there is none."""


class Probe:
    """One measured thing. A file of this folder holds one, as its constant ``PROBE``.

    A probe of scope "round" has ``open``; its meter runs inside the trial's interpreter. One of
    scope "pass" has ``sample``; the guardian calls it from outside, again and again during an
    untimed round, and keeps the greatest value: what it costs would show in a timed one.
    """

    __slots__ = ("name", "open", "quantities", "sample", "scope", "summary")

    def __init__(
        self,
        *,
        name: str,
        summary: str,
        quantities: tuple[Quantity, ...],
        open: Callable[[Tree], Meter] | None = None,  # noqa: A002 - the counterpart of Strategy.open
        sample: Callable[[Iterable[int]], float] | None = None,
    ) -> None:
        #: The file's name without ``.py``.
        self.name = name
        self.summary = summary
        self.quantities = quantities
        self.scope: Literal["round", "pass"] = "round" if open is not None else "pass"
        #: (tree of the trial) → its meter; raises :class:`NotReadable` with the reason.
        self.open = open
        #: (processes) → the quantity's value for them now; raises :class:`NotReadable`.
        self.sample = sample
