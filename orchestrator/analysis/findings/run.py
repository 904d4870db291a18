"""Findings of a run, as data: every output shows these and computes nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from parlab.orchestrator.analysis.findings.advice import AdviceFinding
from parlab.orchestrator.analysis.findings.breakeven import BreakEvenFinding
from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.analysis.findings.scaling import ScalingFinding
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.interval import Interval

Verdict = Literal[
    "baseline", "faster", "slower", "tied", "not distinguished", "unresolved", "failed", "skipped", "measured"
]


@dataclass(frozen=True)
class Quartiles:
    """Description of a quantity over trials; no interval, because levels are autocorrelated."""

    median: float
    low: float
    high: float
    trials: int

    @classmethod
    def of(cls, levels: Sequence[float]) -> Quartiles | None:
        """Describe levels; None without any."""
        if not levels:
            return None
        low, high = (inference.quantile(levels, share) for share in (0.25, 0.75))
        return cls(inference.median(levels), low, high, len(levels))


@dataclass(frozen=True)
class ValueInterval:
    """A share or a count with the interval of its median over blocks; a bound is None where not finite."""

    value: float
    low: float | None
    high: float | None
    #: Level of the interval, for example 0.95.
    level: float
    blocks: int


@dataclass(frozen=True)
class GroupMeasure:
    """What a group's configurations are compared by."""

    #: "round", or the first measure of the group's scenario.
    name: str = "round"
    unit: str = "seconds"
    better: Literal["lower", "higher", "neither"] = "lower"
    #: Whether ratios of it mean something; a share or a count, which may be 0, has a value instead.
    compared: bool = True
    #: The scenario's other measures, by name, with their units.
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ComparisonFinding:
    """One configuration against its baseline."""

    configuration: str
    baseline: str
    verdict: Verdict
    #: Seconds of the baseline / seconds of the configuration; None without a block.
    speed_up: Interval | None
    e_value: float
    #: Whether it needs no more blocks (STATISTICS: Stopping).
    done: bool
    #: Blocks that would probably give it a verdict from here; None where it has one, or unknown.
    more_blocks: int | None = None
    #: Lag-1 autocorrelation of the effects and its standard error; None below 8 blocks.
    autocorrelation: tuple[float, float] | None = None
    #: Standard deviation of the log ratio between blocks; None below 2 blocks.
    block_sd: float | None = None
    #: Blocks until it is done, probably; None where it is, or that cannot be told.
    blocks_left: int | None = None


@dataclass(frozen=True)
class ConfigurationFinding:
    """One configuration's row."""

    configuration: str
    label: str
    python: str
    max_workers: int
    #: Seconds of one round, described over trials; None without a measured trial, and for a scenario.
    seconds: Quartiles | None
    #: None for the group's first baseline.
    comparison: ComparisonFinding | None
    #: Speed-up / max_workers (for work that uses the CPU: at most the effective CPUs); None for baselines.
    efficiency: float | None
    start_up_seconds: float | None
    tear_down_seconds: float | None
    memory_bytes: float | None
    #: Mean number of CPUs kept busy by the tree during rounds.
    cpus_used: float | None
    #: Medians of all readings, by probe.
    readings: Mapping[str, float]
    #: Why a probe has no value, by probe.
    unread: Mapping[str, str]
    #: Trials by outcome, and rejected, failed and lost ones by cause.
    outcomes: Mapping[str, int]
    causes: Mapping[str, int]
    #: Reason of "failed" or "skipped", for people.
    problem: str | None
    #: True for the fastest, and for those tied or not distinguished from it.
    best: Literal["fastest", "tied", "not distinguished"] | None = None
    #: True for the one of the best that is recommended (cheapest of the tied).
    recommended: bool = False
    #: What it is compared by, in the unit of the group's measure; of work the same as ``seconds``.
    level: Quartiles | None = None
    #: The median of what cannot be compared by ratios, with its interval.
    value: ValueInterval | None = None
    #: Whether ``problem`` is something that its build or node cannot do, which is no fault.
    skipped: bool = False
    #: Against the fastest: above 1, this one is faster; None for the fastest, and without common blocks.
    against_fastest: Interval | None = None
    #: Blocks until it is known whether it ties with the fastest or is behind it, probably; None where that is
    #: known, or cannot be told.
    contest_blocks_left: int | None = None

    @property
    def verdict(self) -> Verdict:
        """Its verdict in a word."""
        declared = self.comparison.verdict if self.comparison is not None else None
        if self.problem is not None and declared not in ("failed", "skipped"):
            return "skipped" if self.skipped else "failed"
        return declared or ("baseline" if self.value is None else "measured")


@dataclass(frozen=True)
class GroupFinding:
    """One workload on one host."""

    group: str
    host: str
    label: str
    tasks: int | None
    configurations: tuple[ConfigurationFinding, ...]
    blocks: int
    done: bool
    #: Two or three plain sentences: what wins, what ties, what is not known and what it would take.
    sentences: tuple[str, ...] = ()
    measure: GroupMeasure = GroupMeasure()
    #: What the next block holds, by id: what is not known yet, with what it is compared with. Empty: all.
    needed: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunFinding:
    """All groups of a run; comparisons of all of them share one error control."""

    groups: tuple[GroupFinding, ...]
    #: Number of comparisons K under control, and of declared ones R.
    comparisons: int
    declared: int
    done: bool
    #: What a reader must know before any figure: disturbed host, selective rejections, few blocks.
    warnings: tuple[str, ...] = ()
    #: Each claim on each build, in the experiment's order; they have an error control of their own.
    claims: tuple[ClaimFinding, ...] = ()
    #: How strategies scale with max_workers, and where they begin to pay. Both are worked out where a run
    #: is shown, not while it measures.
    scaling: tuple[ScalingFinding, ...] = ()
    break_evens: tuple[BreakEvenFinding, ...] = ()
    #: What is advised, by group, where the run was a race for the best; worked out where it is shown, too.
    advice: tuple[AdviceFinding, ...] = ()
    #: How each comparison that has a block narrowed; worked out where it is shown, too.
    narrowing: tuple[Narrowing, ...] = ()


#: What a comparison that can be made may be.
JudgedWord = Literal["faster", "slower", "tied", "unresolved"]


@dataclass(frozen=True)
class Look:
    """What was known of a comparison after one more block."""

    #: With the number of blocks that are in it.
    speed_up: Interval
    verdict: JudgedWord


@dataclass(frozen=True)
class Narrowing:
    """One comparison, look by look; the last look is what the run's finding says of it."""

    group: str
    configuration: str
    baseline: str
    #: By number of blocks; of a long run the first ones, and ever fewer of the later ones.
    looks: tuple[Look, ...]

    @property
    def verdict_blocks(self) -> int | None:
        """Blocks at the look from which on its verdict has stayed; None while it is unresolved."""
        word = self.looks[-1].verdict
        if word == "unresolved":
            return None
        since = len(self.looks) - 1
        while since and self.looks[since - 1].verdict == word:
            since -= 1
        return self.looks[since].speed_up.blocks
