"""Base of the scenarios: something to measure that is not tasks per second, in several variants.

A scenario's variants are to it what strategies are to a workload: they are compared with each other,
block by block, each in a fresh interpreter, in rounds that alternate. Its parameters are conditions:
only what has the same ones is compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from ..parameter import Parameter
from ..probes.base import Quantity
from ..strategies.base import BuildFacts

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ..wire.spec import Scalar

__all__ = ["Bench", "BuildFacts", "Measure", "Parameter", "Scenario", "Variant", "repetitions"]


class Measure(Quantity):
    """One thing that a scenario measures, and how a trial's value is made of its rounds'."""

    __slots__ = ("over_rounds",)

    def __init__(
        self,
        name: str,
        unit: Literal["seconds", "bytes", "bytes_per_second", "ratio", "count"],
        summary: str,
        better: Literal["lower", "higher", "neither"] = "lower",
        over_rounds: Literal["median", "mean", "max"] = "median",
    ) -> None:
        super().__init__(name, unit, summary, better)
        #: Of times the median: a round that was disturbed does not count. Of shares and of what is
        #: counted the mean: something rare must not vanish.
        self.over_rounds: Literal["median", "mean", "max"] = over_rounds

    @property
    def compared(self) -> bool:
        """Whether ratios of it mean something: it is a quantity that is never 0."""
        return self.unit in ("seconds", "bytes", "bytes_per_second")


class Variant:
    """One way of doing what the scenario is about."""

    __slots__ = ("name", "start_method", "subinterpreters", "summary")

    def __init__(
        self, name: str, summary: str, *, start_method: str | None = None, subinterpreters: bool = False
    ) -> None:
        #: As it is written in an experiment file: "process-fork".
        self.name = name
        self.summary = summary
        #: Where it takes one that not every build has.
        self.start_method = start_method
        #: Whether it takes subinterpreters, which not every build has.
        self.subinterpreters = subinterpreters


class Bench(ABC):
    """A variant at work in one trial. Its life: opened, rounds, closed."""

    @abstractmethod
    def round(self) -> Sequence[float | str]:
        """Do it once, and give one value per measure; a string is the reason why there is none.

        It times itself: only it knows what of a round belongs to what is measured.
        """

    def close(self) -> None:  # noqa: B027 - most benches leave nothing
        """End what it has started; nothing may be left running or lying about."""

    def pids(self) -> list[int]:
        """Give the processes that it keeps between rounds, besides the trial's own."""
        return []

    def notes(self) -> str | None:
        """Give what a reader should see besides the figures (stacks of a deadlock), or None."""
        return None


class Scenario:
    """One thing to measure. A file of this folder holds one, as its constant ``SCENARIO``."""

    __slots__ = ("measures", "name", "open", "parameters", "rounds", "summary", "unavailable", "variants")

    def __init__(
        self,
        *,
        name: str,
        summary: str,
        measures: tuple[Measure, ...],
        variants: tuple[Variant, ...],
        open: Callable[[str, Mapping[str, Any]], Bench],  # noqa: A002 - as a strategy's
        parameters: Mapping[str, Parameter] | None = None,
        rounds: int = 5,
        unavailable: Callable[[str, Mapping[str, Scalar], BuildFacts], str | None] | None = None,
    ) -> None:
        #: The file's name without ``.py``.
        self.name = name
        #: One line for a listing: what it measures.
        self.summary = summary
        #: The first is what variants are compared by: as ratios where it is seconds, bytes or a rate,
        #: which are never 0; what is a share or a count has a value with an interval instead.
        #: Names are unique over all scenarios and probes.
        self.measures = measures
        #: The first is what the others are compared with.
        self.variants = variants
        #: (variant, settled parameters) → a bench that is ready to be timed. Raises
        #: ``NotImplementedError`` with the reason where this interpreter cannot do it.
        self.open = open
        #: Conditions: what differs in one of them is not compared.
        self.parameters: Mapping[str, Parameter] = parameters or {}
        #: Rounds of a trial.
        self.rounds = rounds
        #: (variant, settled parameters, build) → why this build cannot do it, or None; asked before a
        #: trial is made, too.
        self.unavailable = unavailable

    def variant(self, name: str) -> Variant | None:
        """Look one up by its name."""
        return next((variant for variant in self.variants if variant.name == name), None)

    def refusal(self, variant: str, parameters: Mapping[str, Scalar], build: BuildFacts) -> str | None:
        """Say why a build cannot do a variant, as far as that is known before it is tried; None: it can."""
        wanted = self.variant(variant)
        method = None if wanted is None else wanted.start_method
        if method is not None and "_multiprocessing" in build.lacks:
            return "this Python build has no multiprocessing (it lacks _multiprocessing)"
        if method is not None and method not in build.start_methods:
            return f"this Python build cannot start processes by {method}"
        if wanted is not None and wanted.subinterpreters:
            from ..strategies import interpreters

            if (lack := interpreters.unavailable(build, {})) is not None:
                return lack
        return None if self.unavailable is None else self.unavailable(variant, parameters, build)


def repetitions(timed: Callable[[int], float], wanted_seconds: float = 0.04) -> int:
    """Find how many repetitions last ``wanted_seconds``; 1 where one lasts longer.

    ``timed`` does as many as it is told and returns how many seconds they took.
    """
    count = 1
    while (taken := _undisturbed(timed, count)) < wanted_seconds / 2:
        # From below, and tenfold at most: a few repetitions say little of what many take.
        count = max(count + 1, min(count * 10, int(count * wanted_seconds / max(taken, 1e-9))))
    return max(1, round(count * wanted_seconds / taken))


def _undisturbed(timed: Callable[[int], float], count: int) -> float:
    # Something else that runs for a moment, or what is only slow the first time, would make rounds too short.
    return min(timed(count), timed(count))
