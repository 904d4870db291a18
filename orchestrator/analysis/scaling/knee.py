"""The knee of a curve: the smallest count that cannot be told from the best, said as tied with it or not."""

from __future__ import annotations

import math
from collections.abc import Mapping

from parlab.orchestrator.analysis import stopping
from parlab.orchestrator.analysis.effects import within_margin
from parlab.orchestrator.analysis.findings.run import ComparisonFinding
from parlab.orchestrator.analysis.findings.scaling import Knee, KneeRelation
from parlab.orchestrator.analysis.scaling.curve import Curve
from parlab.orchestrator.analysis.scaling.laws import LEAST_BLOCKS
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.statistics import inference

#: Looking for a number of blocks further than this is no answer.
_MOST_BLOCKS = 1000


def knee_of(curve: Curve, comparisons: Mapping[str, ComparisonFinding], stop: Stop) -> Knee:
    """Find the smallest count that is tied with the best one, or not distinguished from it.

    As in the best set (best.py): the best was chosen by the data, so that each of the other counts is
    compared with it at level α/(points - 1); and what the run's declared verdicts put behind it stays
    behind. Where a smaller count's comparison has no finite interval yet, there is no knee: not to know
    anything is not to be undistinguished.

    Args:
        curve: what was measured.
        comparisons: the run's own, by configuration.
        stop: the run's margin and rates.
    """
    order = range(len(curve.configurations))
    best = max(order, key=curve.speed_up)
    counts = curve.counts
    alpha = stop.alpha / (len(counts) - 1)
    relations: dict[int, KneeRelation] = {best: "best"}
    close, unknown = [], []
    if (few := len(curve.effects_at(best))) < LEAST_BLOCKS:
        return Knee(counts[best], reason=_too_few(few, alpha, stop))
    for place in order:
        if place == best or _declared_behind(place, best, curve, comparisons):
            continue
        low, high = stopping.bounds(_effects(curve, place, best), alpha, stop)
        if within_margin(low, high, stop.margin):
            relations[place] = "tied"
        elif not math.isfinite(low) or not math.isfinite(high):
            unknown.append(place)
        elif high >= 0:
            relations[place] = "not distinguished"
            close.append(place)
    if unknown and min(unknown) < min(relations):
        few = min(len(_effects(curve, place, best)) for place in unknown)
        return Knee(counts[best], reason=_too_few(few, alpha, stop))
    knee = min(relations)
    return Knee(
        best=counts[best],
        max_workers=counts[knee],
        relation=relations[knee],
        ratio=None if knee == best else stopping.interval(_effects(curve, knee, best), alpha, stop),
        tied=counts[min(place for place, relation in relations.items() if relation != "not distinguished")],
        close=tuple(counts[place] for place in sorted((*close, *unknown)) if place != knee),
    )


def _effects(curve: Curve, place: int, best: int) -> list[float]:
    """Effects of a count against the best one: above 0 where it is faster."""
    return curve.blocks.effects(curve.configurations[place].id, curve.configurations[best].id)


def _declared_behind(
    place: int, best: int, curve: Curve, comparisons: Mapping[str, ComparisonFinding]
) -> bool:
    """Whether the run's own verdicts put a count behind the best: through the baseline of both."""
    own = comparisons.get(curve.configurations[place].id)
    lead = comparisons.get(curve.configurations[best].id)
    if lead is None:
        # The best is what the others are compared with.
        compared = own is not None and own.baseline == curve.configurations[best].id
        return compared and own is not None and own.verdict == "slower"
    if lead.verdict != "faster" or own is None or own.baseline != lead.baseline:
        return False
    if own.verdict == "slower":
        return True
    upper = own.speed_up.high if own.speed_up is not None else None
    lower = lead.speed_up.low if lead.speed_up is not None else None
    return upper is not None and lower is not None and upper < lower


def _too_few(blocks: int, alpha: float, stop: Stop) -> str:
    what = f"{blocks} block gives" if blocks == 1 else f"{blocks} blocks give"
    if stop.rule == "fixed" and blocks < (stop.blocks or 0):
        return f"{what} no result yet: the fixed rule waits for {stop.blocks}"
    rank = inference.fixed_rank if stop.rule == "fixed" else inference.sequential_rank
    needed = next((n for n in range(LEAST_BLOCKS, _MOST_BLOCKS) if n > blocks and rank(n, alpha)), None)
    return f"{what} no interval at the level that is needed" + (f"; {needed} would" if needed else "")
