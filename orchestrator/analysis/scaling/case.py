"""One count of workers to be looked at, and what a check of a cause is.

A check gives the cause with its figures; or why it could not look; or nothing, where the cause does not
show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.scaling import Cause, CauseId, Figure
from parlab.orchestrator.analysis.scaling.curve import Curve
from parlab.orchestrator.analysis.scaling.readings import Readings, cpu_seconds, cpus_used, reading
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.plan.model import Configuration

#: Work that keeps so much of a CPU busy computes, rather than waits.
BUSY_CPU = 0.7


@dataclass(frozen=True)
class Unseen:
    """Why a check could not look."""

    why: str


@dataclass(frozen=True)
class Case:
    """One count of a curve, to be looked at."""

    curve: Curve
    place: int
    trials: Readings
    #: Tasks of a round; None: not known.
    tasks: int | None
    #: Whether its work uses the CPU, rather than waits.
    computes: bool
    #: Margin and rates of the run.
    stop: Stop

    @property
    def own(self) -> Configuration:
        """The configuration of that count."""
        return self.curve.configurations[self.place]

    @property
    def count(self) -> int:
        """How many workers."""
        return self.own.max_workers

    @property
    def cpus_used(self) -> float | None:
        """CPUs that it keeps busy."""
        return self.trials.median(self.own.id, cpus_used)

    @property
    def dispatch_seconds(self) -> float | None:
        """What handing over all tasks of a round takes, as tasks that do nothing show it."""
        each = self.trials.median(self.own.id, reading("dispatch"))
        return None if each is None or self.tasks is None else each * self.tasks

    @property
    def in_one_thread(self) -> bool:
        """Whether only one of its workers can compute at a time."""
        return self.own.strategy == "asyncio" or (self.own.strategy == "threads" and self.own.gil_is_on)

    def unread(self, probe: str) -> Unseen:
        """Say why a probe has no value."""
        return Unseen(self.trials.why_not(self.own.id, probe))

    def inflation(self, configuration: Configuration) -> float | Unseen:
        """Give a configuration's CPU seconds of a round by those of a serial one, within sittings."""
        if not self.curve.against_serial:
            return Unseen("there is no serial strategy to compare CPU seconds with")
        ratio = self.trials.ratio(configuration.id, self.curve.reference.id, cpu_seconds)
        return self.unread("cpu_user") if ratio is None else ratio

    def cause(self, cause: CauseId, sentence: str, *figures: tuple[str, float, str]) -> Cause:
        """Name a cause that shows here."""
        return Cause(cause, self.count, sentence, tuple(Figure(*figure) for figure in figures))


#: What a check gives.
Found = Cause | Unseen | None


@dataclass(frozen=True)
class CauseCheck:
    """One cause that is looked for."""

    id: CauseId
    #: For people.
    name: str
    #: Whether the cause is possible at all with this strategy and build.
    concerns: Callable[[Case], bool]
    look: Callable[[Case], Found]
