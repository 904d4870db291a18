"""Findings of a comparison, as data: every output shows these and computes nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.analysis.findings.run import Quartiles
from parlab.orchestrator.statistics.interval import Interval
from parlab.orchestrator.store.records import RunState

#: faster, slower: by seconds, in the same blocks. gains more, gains less: by the speed-up over the own
#: baseline, in blocks of its own, which says nothing of seconds.
Word = Literal["faster", "slower", "gains more", "gains less", "tied", "unresolved"]
Quantity = Literal["seconds", "speed-up"]
#: How a gate ended; docs/exit-codes.md.
GateWord = Literal["passed", "failed", "unresolved", "broken"]


@dataclass(frozen=True)
class Column:
    """One value of the axis: what is held against the reference, or the reference itself."""

    #: As --baseline takes it.
    value: str
    #: For people.
    label: str
    runs: tuple[str, ...]
    hosts: tuple[str, ...]
    #: Where its runs are, "done" where all are.
    states: tuple[RunState, ...]
    #: When the first of them was begun.
    started_unix_seconds: float


@dataclass(frozen=True)
class Difference:
    """Something that is not the same around the columns, and may be what a ratio is about."""

    #: "kernel", "Python compiler", …
    field: str
    #: One per column; None where a column does not say.
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class Side:
    """One configuration in one column."""

    run: str
    group: str
    configuration: str
    #: Of one task (a scenario: of its measure), over trials; None without a measured trial.
    level: Quartiles | None
    #: Median over its own baseline, and its blocks; None of a baseline.
    speed_up: float | None
    speed_up_blocks: int
    #: Why it takes no part.
    problem: str | None = None


@dataclass(frozen=True)
class Compared:
    """One configuration in one column against the same in the reference."""

    #: For people; empty where the axis is the workload.
    workload: str
    #: "processes ×2 forkserver", with build or node where several are in the comparison.
    label: str
    reference: str
    column: str
    quantity: Quantity
    #: Name and unit of a scenario's measure; "seconds" of a task.
    measure: str
    unit: str
    #: Whether both ran in the same blocks.
    paired: bool
    of_reference: Side
    of_column: Side
    #: Above 1: faster (seconds), or gaining more (speed-up). None without a block.
    ratio: Interval | None
    #: Blocks of the reference, where those are others.
    reference_blocks: int
    #: None where there can be no verdict.
    e_value: float | None
    verdict: Word
    #: Why there is no verdict, or can be none.
    reason: str | None = None


@dataclass(frozen=True)
class Mean:
    """Geometric mean of a way's ratios over workloads."""

    label: str
    reference: str
    column: str
    quantity: Quantity
    paired: bool
    workloads: int
    #: Its bounds hold all workloads' ratios at once; both None where one of them has none.
    ratio: Interval


@dataclass(frozen=True)
class Unmatched:
    """A configuration that has no counterpart."""

    workload: str
    label: str
    column: str
    #: "only there", "skipped: …", …
    reason: str


@dataclass(frozen=True)
class Broken:
    """A configuration that was measured in the reference, and in a column failed or could not be run."""

    workload: str
    label: str
    column: str
    reason: str


@dataclass(frozen=True)
class GateFinding:
    """What a --fail-on came to."""

    #: As it was asked for: "slower:5%".
    conditions: tuple[str, ...]
    #: The column that it is about.
    column: str
    word: GateWord
    #: What fails it, what is not known, or what is broken.
    reasons: tuple[str, ...]
    #: Comparisons that were judged.
    judged: int


@dataclass(frozen=True)
class CompareFinding:
    """All that a comparison found."""

    by: Axis
    #: Value of the column that the others are held against.
    reference: str
    columns: tuple[Column, ...]
    differences: tuple[Difference, ...]
    comparisons: tuple[Compared, ...]
    means: tuple[Mean, ...]
    unmatched: tuple[Unmatched, ...]
    broken: tuple[Broken, ...]
    #: Comparisons K that share one error control, and R of them that are declared.
    controlled: int
    declared: int
    alpha: float
    margin: float
    #: What a reader must know before any figure.
    notes: tuple[str, ...]
    gate: GateFinding | None = None


#: What can be set side by side.
Axis = Literal["host", "node", "python", "run", "workload"]
