"""State of a run that measures, as data, and the base of the surfaces that show it."""

from __future__ import annotations

from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.run import Verdict
from parlab.orchestrator.figures import waiting


@dataclass(frozen=True)
class OpenComparison:
    """A comparison that needs more blocks, as far as it is known."""

    #: For people: the configuration and its group.
    label: str
    verdict: Verdict
    #: Ratio and bounds; None without a block.
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    #: Blocks that would probably settle it; None: not known.
    more_blocks: int | None = None


@dataclass(frozen=True)
class ProgressState:
    """All that is shown of a run that measures."""

    run: str = ""
    experiment: str = ""
    #: What runs now, for people; None before the first sitting.
    running: str | None = None
    #: Its block, from 0; None: calibration.
    block: int | None = None
    #: Blocks measured, over all groups.
    blocks: int = 0
    #: Comparisons settled, and all of them.
    settled: int = 0
    comparisons: int = 0
    #: Claims settled on their builds, and all of them that can be tried; 0: the run has none.
    claims_settled: int = 0
    claims: int = 0
    #: In a race: ways that may still be the best, and all of them that can be run; 0: the run is none.
    ways_left: int = 0
    ways: int = 0
    #: Seconds until all is probably settled; None: not known.
    seconds_left: float | None = None
    #: Seconds of the budget that are left.
    budget_seconds: float | None = None
    #: Ratios within 1 ± margin count as equal; None: nothing is said of that.
    margin: float | None = None
    #: Comparisons, or claims, that need more blocks, in the plan's order.
    estimates: tuple[OpenComparison, ...] = ()


class Surface:
    """Where progress is shown; this one shows nothing."""

    def update(self, state: ProgressState) -> None:
        """Show a state, between two sittings; may draw."""

    def tick(self, state: ProgressState, seconds: float) -> None:
        """Show for how long the sitting runs, while it is being timed: a short write or nothing."""

    def say(self, text: str) -> None:
        """Show a message that stays."""

    def end(self) -> None:
        """Leave the place as it was found."""


def summary(state: ProgressState) -> str:
    """Say how far a run is: "12 blocks · 2 of 6 comparisons settled · about 40 s left"."""
    parts = [f"{state.blocks} block{'s' * (state.blocks != 1)}"]
    if state.claims:
        parts.append(f"{state.claims_settled} of {state.claims} claims settled")
    elif state.ways:
        parts.append(f"{state.ways_left} of {state.ways} ways may be the best")
    elif state.comparisons:
        parts.append(f"{state.settled} of {state.comparisons} comparisons settled")
    budget = state.budget_seconds
    if state.seconds_left is not None and (budget is None or state.seconds_left <= budget):
        parts.append(f"about {waiting(state.seconds_left)} left")
    elif budget is not None:
        parts.append(f"at most {waiting(budget)} left")
    return " · ".join(parts)
