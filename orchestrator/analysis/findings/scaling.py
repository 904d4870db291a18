"""Scaling with max_workers, as data: curves, the laws that fit, their knees and why they flatten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.statistics.interval import Estimate, Interval
from parlab.workers.wire.spec import Gil

Law = Literal["Amdahl", "USL"]

#: best: no smaller count is as fast. tied: within the margin of the best. not distinguished: neither.
KneeRelation = Literal["best", "tied", "not distinguished"]

CauseId = Literal[
    "tasks", "gil", "event loop", "cpus", "quota", "others", "pickling", "dispatch", "contention",
    "inner threads", "target", "cpu seconds",
]  # fmt: skip


@dataclass(frozen=True)
class ScalingPoint:
    """One count of workers on a curve."""

    configuration: str
    max_workers: int
    #: Median over blocks of reference seconds / own seconds.
    speed_up: float
    #: The same with the interval of the run's own comparison, whose error control covers it; None where the
    #: run compares it with something else.
    interval: Interval | None
    #: The word of that comparison: "faster".
    verdict: str | None
    blocks: int
    #: Speed-up / max_workers; for work that uses the CPU at most the effective CPUs (as in a group's table).
    efficiency: float
    #: Mean number of CPUs that the trial's processes kept busy; None where CPU time could not be read.
    cpus_used: float | None


@dataclass(frozen=True)
class Miss:
    """How far a law is off at a point: fitted / measured speed-up - 1."""

    max_workers: int
    error_ratio: float


@dataclass(frozen=True)
class LawFit:
    """One law fitted to a curve; where it is refused, only the reason is given."""

    law: Law
    #: Counts that it was fitted to; empty where there were too few.
    counts: tuple[int, ...]
    #: Whether work that uses the CPU was fitted beyond the effective CPUs, which no such law is about.
    beyond_cpus: bool
    #: Why it is not shown; None where it is.
    refused: str | None
    #: Where it is off most; None without a fit.
    miss: Miss | None = None
    #: Level of the intervals, each by itself.
    level: float = 0.95
    #: Amdahl: the share p of the work that is done in parallel.
    parallel_share: Estimate | None = None
    #: USL: the speed-up that one worker has by the fit (λ), contention (σ) and coherency (κ).
    scale: Estimate | None = None
    sigma: Estimate | None = None
    kappa: Estimate | None = None
    #: USL: the count at which it peaks; None where κ is not told from 0.
    peak: Estimate | None = None


@dataclass(frozen=True)
class Knee:
    """The smallest count that is as good as the best, as far as the data tell."""

    #: The count with the highest median speed-up.
    best: int
    #: None where it cannot be told yet.
    max_workers: int | None = None
    relation: KneeRelation | None = None
    #: Speed at the knee / speed at the best, at level 1 - α/(points - 1); None where they are the same.
    ratio: Interval | None = None
    #: The smallest count that ties with the best, or the best; above the knee where that does neither.
    tied: int | None = None
    #: Other counts that are not distinguished from the best, or not yet compared with it.
    close: tuple[int, ...] = ()
    #: Why there is none.
    reason: str | None = None


@dataclass(frozen=True)
class Figure:
    """What a cause was seen by."""

    name: str
    value: float
    #: Base unit: "seconds", "ratio", "count", "tasks per second".
    unit: str


@dataclass(frozen=True)
class Cause:
    """Why a curve flattens, with the figures that say so."""

    id: CauseId
    #: Where it was seen.
    max_workers: int
    sentence: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and looked for, where a curve flattens."""

    #: The smallest count that has much less than its fold, and the largest.
    flat_from: int
    largest: int
    #: Speed-up / count at the largest one (against the smallest count: both by its own).
    share_ratio: float
    causes: tuple[Cause, ...]
    #: Causes that were looked for, in words.
    looked_for: tuple[str, ...]
    #: Those that could not be, with the reason.
    not_looked_for: tuple[str, ...]


@dataclass(frozen=True)
class ScalingFinding:
    """One strategy on one build and one kind of work, by its number of workers."""

    group: str
    host: str
    #: The work, for people.
    work: str
    node: str
    python: str
    gil: Gil | None
    strategy: str
    #: The strategy without its count, for people: "processes forkserver".
    label: str
    #: What speed-ups are against, for people: "serial", or "threads ×1" where there is no serial.
    reference: str
    against_serial: bool
    #: The host's effective CPUs.
    cpus: int
    points: tuple[ScalingPoint, ...]
    laws: tuple[LawFit, ...]
    knee: Knee
    #: None for a curve that does not flatten.
    diagnosis: Diagnosis | None
    #: Counts that are not on the curve, with the reason: "threads ×8: it raised".
    left_out: tuple[str, ...] = ()
