"""Geometric means of ratios over workloads."""

from __future__ import annotations

import math
from collections.abc import Sequence

from parlab.orchestrator.analysis.across.matching import Key, Matching
from parlab.orchestrator.analysis.across.verdicts import Contest
from parlab.orchestrator.analysis.findings.across import Mean
from parlab.orchestrator.statistics.interval import Interval


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
    return tuple(_mean(matching, found, alpha) for found in families.values() if len(found) > 1)


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
