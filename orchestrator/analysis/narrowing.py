"""Narrowing of the estimates of a run, block by block: what its summary would have said after each.

Each look takes the blocks up to one number in all of the run's groups and judges them as the summary does:
the same effects, one error control over all comparisons, the same intervals and words. So the last look is
what the summary says, and an earlier one is what it said when all groups had come as far.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis import stopping
from parlab.orchestrator.analysis.effects import blocks_apart, ratio_interval
from parlab.orchestrator.analysis.findings.run import Look, Narrowing
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.summary import compared_by
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.plan.model import Comparison
from parlab.orchestrator.store.observation import by_group

#: So many looks at most: a picture shows no more, and each costs a judgement of all comparisons.
MOST_LOOKS = 60
#: The first blocks are all looked at: there an interval narrows fast, and most verdicts come.
_EVERY_BLOCK = 25


@dataclass(frozen=True)
class _Contest:
    """One comparison with its effects, and the number of the block that each is of, in block order."""

    group: str
    comparison: Comparison
    blocks: list[int]
    effects: list[float]


def narrowing_of(measured: Measurements) -> tuple[Narrowing, ...]:
    """Say how each comparison of a run narrowed; those without a block yet are left out.

    A configuration that was taken out has none, and so has one whose baseline was: their comparisons are
    no longer under error control. May be called while a run measures: half a second for 10,000 trials.
    """
    stop = measured.plan.experiment.stop
    contests = list(_contests(measured))
    looks: list[list[Look]] = [[] for _ in contests]
    for last in _chosen(contests):
        for seen, look in zip(looks, _look(contests, last, stop), strict=True):
            if look is None:
                continue
            if seen and seen[-1].speed_up.blocks == look.speed_up.blocks:
                # It had no effect in this block; what the others' did to the level and the word counts.
                seen.pop()
            seen.append(look)
    return tuple(
        Narrowing(c.group, c.comparison.configuration, c.comparison.baseline, tuple(seen))
        for c, seen in zip(contests, looks, strict=True)
        if seen
    )


def _contests(measured: Measurements) -> Iterable[_Contest]:
    stop, trials = measured.plan.experiment.stop, by_group(measured.observations)
    for group in measured.plan.groups:
        blocks = blocks_apart(trials[group.id], group.baselines, compared_by(group, stop))
        for comparison in group.comparisons:
            names = comparison.configuration, comparison.baseline
            if measured.failed.keys() & set(names):
                continue
            effects = [(i, effect) for i, block in blocks.items() for effect in block.effects(*names)]
            effects = effects[: stop.most_effects]
            yield _Contest(group.id, comparison, [i for i, _ in effects], [effect for _, effect in effects])


def _chosen(contests: Sequence[_Contest]) -> list[int]:
    """Choose the blocks to look after: all of a short run; of a long one ever fewer, and the last."""
    indices = sorted({index for contest in contests for index in contest.blocks})
    if len(indices) <= MOST_LOOKS:
        return indices
    first, later = _EVERY_BLOCK, MOST_LOOKS - _EVERY_BLOCK
    growth = (len(indices) / first) ** (1 / later)
    places = {*range(first), *(round(first * growth**step) - 1 for step in range(1, later + 1))}
    return [indices[place] for place in sorted(places | {len(indices) - 1})][-MOST_LOOKS:]


def _look(contests: Sequence[_Contest], last: int, stop: Stop) -> Iterable[Look | None]:
    """Judge what was there after block ``last``; None for a comparison that had no block by then."""
    effects = [c.effects[: sum(1 for index in c.blocks if index <= last)] for c in contests]
    declared = stopping.declared(effects, stop)
    alpha = stopping.shared_alpha(len(declared), len(contests), stop)
    for number, seen in enumerate(effects):
        low, high = stopping.bounds(seen, alpha, stop)
        speed_up = ratio_interval(seen, low, high, alpha)
        if speed_up is None:
            yield None
            continue
        yield Look(speed_up, stopping.verdict_of(seen, low, high, number in declared, stop.margin))
