"""Every comparison of a call, under one error control."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.across.matching import Key, MatchedRow, Matching
from parlab.orchestrator.analysis.across.sample import Sample
from parlab.orchestrator.analysis.effects import within_margin
from parlab.orchestrator.analysis.findings.across import Compared, Mean, Quantity, Side, Word
from parlab.orchestrator.analysis.findings.run import Quartiles
from parlab.orchestrator.figures import counted
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.evidence import Pairs, RatioEvidence, TwoSamples
from parlab.orchestrator.statistics.interval import Interval


@dataclass(frozen=True)
class Contest:
    """A configuration in a column and in the reference, and what their blocks say."""

    row: MatchedRow
    column: str
    quantity: Quantity
    paired: bool
    #: None where there can be no verdict: seconds that are not paired, or no block that has both.
    evidence: RatioEvidence | None
    #: What is seen; None without a measured trial.
    estimate: float | None
    blocks: int
    reference_blocks: int
    #: Why there can be no verdict.
    reason: str | None = None


def contests_of(matching: Matching) -> Iterator[Contest]:
    """Give everything that can be compared: paired seconds, speed-ups, and seconds that are not paired."""
    reference, *others = matching.columns
    for row in matching.rows:
        for column in others:
            if reference in row.samples and column in row.samples:
                yield from _contests(matching, row, column)


def _contests(matching: Matching, row: MatchedRow, column: str) -> Iterator[Contest]:
    base, other = row.samples[matching.columns[0]], row.samples[column]
    if base.problem or other.problem or not base.levels or not other.levels:
        return
    if base.run is other.run and base.measured.group is other.measured.group:
        yield _paired(row, column, base, other)
        return
    mine, theirs = base.baseline, other.baseline
    if mine is not None and theirs is not None and matching.key(base, mine) == matching.key(other, theirs):
        yield _speed_ups(row, column, base, other)
    yield Contest(
        row,
        column,
        "seconds",
        paired=False,
        evidence=None,
        estimate=math.log(inference.median(base.levels) / inference.median(other.levels)),
        blocks=len(other.levels),
        reference_blocks=len(base.levels),
        reason=_not_paired(base, other),
    )


def _paired(row: MatchedRow, column: str, base: Sample, other: Sample) -> Contest:
    effects = base.measured.blocks.effects(other.configuration.id, base.configuration.id)
    evidence = Pairs(tuple(effects)) if effects else None
    blocks = len(effects)
    why = None if effects else "no block has both"
    seen = evidence.estimate if evidence is not None else None
    return Contest(row, column, "seconds", True, evidence, seen, blocks, blocks, why)  # noqa: FBT003 - paired


def _speed_ups(row: MatchedRow, column: str, base: Sample, other: Sample) -> Contest:
    both = TwoSamples(tuple(base.speed_ups), tuple(other.speed_ups))
    there = bool(both.first and both.second)
    return Contest(
        row,
        column,
        "speed-up",
        paired=False,
        evidence=both if there else None,
        estimate=both.estimate if there else None,
        blocks=len(both.second),
        reference_blocks=len(both.first),
        reason=None if there else "one of them has no block with its baseline",
    )


def _not_paired(base: Sample, other: Sample) -> str:
    if base.measured.group.host != other.measured.group.host:
        return "not paired: seconds of different machines"
    if base.run is not other.run:
        return "not paired: seconds of two runs differ by more than either run's blocks can show"
    return "not paired: each ran in its own blocks, and levels drift"


@dataclass(frozen=True)
class Verdicts:
    """All comparisons, and what their error control came to."""

    comparisons: tuple[Compared, ...]
    controlled: int
    declared: int


def judge(matching: Matching, contests: Sequence[Contest], alpha: float, margin: float) -> Verdicts:
    """Give each comparison its word: e-BH over all that can have one.

    Intervals are at level 1 − αR/K, R of the K being declared, so that one excludes 1 exactly where its
    comparison is declared.
    """
    open_ = [contest for contest in contests if contest.evidence is not None]
    e_values = [inference.e_of(c.evidence.log_e(0.0)) for c in open_ if c.evidence is not None]
    declared = inference.e_bh(e_values, alpha)
    level = alpha * max(len(declared), 1) / max(len(open_), 1)
    outcomes = {id(c): (e, i in declared) for i, (c, e) in enumerate(zip(open_, e_values, strict=True))}
    compared = tuple(_compared(matching, c, outcomes, level, margin) for c in contests)
    return Verdicts(compared, len(open_), len(declared))


def _compared(
    matching: Matching,
    contest: Contest,
    outcomes: Mapping[int, tuple[float, bool]],
    alpha: float,
    margin: float,
) -> Compared:
    reference = matching.columns[0]
    base, other = contest.row.samples[reference], contest.row.samples[contest.column]
    ratio: Interval | None = None
    e_value: float | None = None
    word: Word = "unresolved"
    reason = contest.reason
    if contest.evidence is not None:
        e_value, declared = outcomes[id(contest)]
        ratio = Interval.of_logs(
            contest.evidence.estimate, contest.evidence.bounds(alpha), alpha, contest.blocks
        )
        word = _word(contest.evidence, contest.quantity, declared=declared, alpha=alpha, margin=margin)
        reason = _open(contest, ratio) if word == "unresolved" else None
    elif contest.estimate is not None:
        ratio = Interval(math.exp(contest.estimate), None, None, 1 - alpha, contest.blocks)
    return Compared(
        workload=contest.row.workload,
        label=contest.row.label,
        reference=reference,
        column=contest.column,
        quantity=contest.quantity,
        measure=base.measured.measure,
        unit=base.measured.unit,
        paired=contest.paired,
        of_reference=side(base),
        of_column=side(other),
        ratio=ratio,
        reference_blocks=contest.reference_blocks,
        e_value=e_value,
        verdict=word,
        reason=reason,
    )


def _word(
    evidence: RatioEvidence, quantity: Quantity, *, declared: bool, alpha: float, margin: float
) -> Word:
    if declared and quantity == "seconds":
        return "faster" if evidence.estimate > 0 else "slower"
    if declared:
        return "gains more" if evidence.estimate > 0 else "gains less"
    return "tied" if within_margin(*evidence.bounds(alpha), margin) else "unresolved"


def _open(contest: Contest, ratio: Interval) -> str:
    blocks = counted(min(contest.blocks, contest.reference_blocks), "block")
    if ratio.low is None or ratio.high is None:
        return f"{blocks}: too few for any verdict"
    return f"{blocks}: not enough to settle it"


def side(sample: Sample) -> Side:
    """Describe a sample."""
    levels, speed_ups = sample.levels, sample.speed_ups
    return Side(
        run=sample.run.run,
        group=sample.measured.group.id,
        configuration=sample.configuration.id,
        level=Quartiles.of(levels),
        speed_up=math.exp(inference.median(speed_ups)) if speed_ups else None,
        speed_up_blocks=len(speed_ups),
        problem=sample.problem,
    )


def means_of(matching: Matching, contests: Sequence[Contest], alpha: float) -> tuple[Mean, ...]:
    """Average each way's ratios over workloads, where it has several.

    The bounds are those of a simultaneous interval: each of W workloads' at level 1 − α/W, so that with
    probability 1 − α all hold at once and their mean lies within the mean of the bounds. It is wide, and
    needs nothing known of how workloads depend on each other. Where one has no finite bound there is none.
    """
    families: dict[tuple[Key, str, str, bool], list[Contest]] = {}
    for contest in contests:
        way = tuple(part for part in contest.row.key if part[0] != "workload")
        if contest.estimate is not None and contest.row.workload:
            key = (way, contest.column, contest.quantity, contest.paired)
            families.setdefault(key, []).append(contest)
    return tuple(_mean(matching, family, alpha) for family in families.values() if len(family) > 1)


def _mean(matching: Matching, contests: Sequence[Contest], alpha: float) -> Mean:
    first, count = contests[0], len(contests)
    estimates = [c.estimate for c in contests if c.estimate is not None]
    bounds = [c.evidence.bounds(alpha / count) for c in contests if c.evidence is not None]
    low = math.fsum(b[0] for b in bounds) / count if len(bounds) == count else -math.inf
    high = math.fsum(b[1] for b in bounds) / count if len(bounds) == count else math.inf
    return Mean(
        label=first.row.label,
        reference=matching.columns[0],
        column=first.column,
        quantity=first.quantity,
        paired=first.paired,
        workloads=count,
        ratio=Interval.of_logs(
            math.fsum(estimates) / count, (low, high), alpha, min(c.blocks for c in contests)
        ),
    )
