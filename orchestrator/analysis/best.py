"""The best set: what cannot be told from the fastest, and which of it is recommended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from parlab.orchestrator.analysis import stopping
from parlab.orchestrator.analysis.contention import is_over
from parlab.orchestrator.analysis.effects import Blocks, within_margin
from parlab.orchestrator.analysis.findings.run import ConfigurationFinding
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.plan.model import Configuration, Group
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.interval import Interval

#: From the simplest on; a strategy that is not listed comes last.
SIMPLICITY = ("serial", "threads", "asyncio", "interpreters", "processes", "hybrid")

Relation = Literal["tied", "not distinguished"]


def mark_best(
    rows: Sequence[ConfigurationFinding], blocks: Blocks, group: Group, stop: Stop
) -> tuple[ConfigurationFinding, ...]:
    """Mark the fastest, what ties with it or cannot be told from it, and what is recommended.

    The fastest was chosen by the data, so that each of the other K − 1 is compared with it at level
    α/(K − 1). What the run's declared verdicts already put behind it is not in the set, and neither is what
    any other one is ahead of at that level: the best of all is then left out with probability α at most,
    whichever it is. Nothing is marked before there are blocks enough for any verdict.
    """
    candidates = [r for r in rows if r.level is not None and r.problem is None and not is_over(r, stop)]
    fastest = _fastest(candidates, blocks, group)
    if fastest is None:
        return tuple(rows)
    # What has no trial that counts yet is a rival all the same.
    rivals = [r for r in rows if r.problem is None and not is_over(r, stop)]
    contest = _Contest(candidates, len(rivals), blocks, stop)
    relations: dict[str, Relation] = {}
    by_id = {row.configuration: row for row in rows}
    judged = len(rivals) == 1
    for row in candidates:
        if row is fastest:
            continue
        low, high = contest.bounds(row, fastest)
        behind = _declared_behind(row, fastest) or _behind_by_chain(row, fastest, by_id)
        judged = judged or behind or low > -math.inf
        if within_margin(low, high, stop.margin):
            relations[row.configuration] = "tied"
        elif high >= 0 and not behind and not contest.is_beaten(row):
            relations[row.configuration] = "not distinguished"
    if not judged:
        return tuple(rows)
    tied = [fastest, *(r for r in candidates if relations.get(r.configuration) == "tied")]
    planned = {configuration.id: configuration for configuration in group.configurations}
    recommended = min(tied, key=lambda row: _cost(row, planned[row.configuration]))
    if stop.goal == "memory":
        recommended = _leanest(candidates) or recommended
    return tuple(
        replace(
            row,
            best="fastest" if row is fastest else relations.get(row.configuration),
            recommended=row is recommended,
            against_fastest=contest.ratio(row, fastest),
            contest_blocks_left=contest.blocks_left(row, fastest)
            if relations.get(row.configuration) == "not distinguished"
            else None,
        )
        for row in rows
    )


class _Contest:
    """Each against each of the candidates for the best, at the level that so many of them leave."""

    def __init__(
        self, candidates: Sequence[ConfigurationFinding], rivals: int, blocks: Blocks, stop: Stop
    ) -> None:
        self._candidates = candidates
        self._blocks = blocks
        self._stop = stop
        self._alpha = stop.alpha / max(rivals - 1, 1)

    def _effects(self, row: ConfigurationFinding, other: ConfigurationFinding) -> list[float]:
        return self._blocks.effects(row.configuration, other.configuration)

    def bounds(self, row: ConfigurationFinding, other: ConfigurationFinding) -> tuple[float, float]:
        """Bound the median effect of a row against another; above 0: it is faster."""
        return stopping.bounds(self._effects(row, other), self._alpha, self._stop)

    def is_beaten(self, row: ConfigurationFinding) -> bool:
        """Tell whether any other is ahead: the fastest of now may have fewer blocks with it than others."""
        return any(self.bounds(row, other)[1] < 0 for other in self._candidates if other is not row)

    def ratio(self, row: ConfigurationFinding, fastest: ConfigurationFinding) -> Interval | None:
        """Give a row's ratio to the fastest, with its interval."""
        if row is fastest or row not in self._candidates:
            return None
        return stopping.interval(self._effects(row, fastest), self._alpha, self._stop)

    def blocks_left(self, row: ConfigurationFinding, fastest: ConfigurationFinding) -> int | None:
        """Give the blocks until a row ties with the fastest or is behind it, probably."""
        return stopping.blocks_to_a_verdict(self._effects(row, fastest), self._alpha, self._stop)


def _fastest(
    candidates: Sequence[ConfigurationFinding], blocks: Blocks, group: Group
) -> ConfigurationFinding | None:
    """Find the fastest: by its median effect against the first configuration measured, then by pairs.

    What was left out of later blocks has fewer of them, so that pairs, which count common blocks only, say
    more than the ways of both over a third one.
    """
    if not candidates:
        return None
    baselines = [c.baseline for c in group.comparisons]
    reference = next((r for r in candidates if r.configuration in baselines), candidates[0])

    def lead(row: ConfigurationFinding, over: ConfigurationFinding) -> float:
        effects = blocks.effects(row.configuration, over.configuration)
        return inference.median(effects) if effects else -math.inf

    fastest = max(candidates, key=lambda row: lead(row, reference))
    # Medians of pairs may go round in a circle: each is taken once.
    left = [row for row in candidates if row is not fastest]
    while left:
        ahead = max(left, key=lambda row: lead(row, fastest))
        if lead(ahead, fastest) <= 0:
            break
        left.remove(ahead)
        fastest = ahead
    return fastest


def _leanest(candidates: Sequence[ConfigurationFinding]) -> ConfigurationFinding | None:
    """Find what takes least memory of what is faster than its baseline; None where nothing is, or read."""
    faster = [
        row
        for row in candidates
        if row.comparison is not None and row.comparison.verdict == "faster" and row.memory_bytes is not None
    ]
    return min(faster, key=lambda row: row.memory_bytes or 0.0, default=None)


def _declared_behind(row: ConfigurationFinding, fastest: ConfigurationFinding) -> bool:
    """Whether declared verdicts put a row behind the fastest: through the baseline of both."""
    lead = fastest.comparison
    if row.comparison is not None and row.comparison.baseline == fastest.configuration:
        return row.comparison.verdict == "slower"
    if lead is None or lead.verdict != "faster":
        return False
    if row.configuration == lead.baseline:
        return True
    if row.comparison is None or row.comparison.baseline != lead.baseline:
        return False
    return row.comparison.verdict == "slower" or _apart(row.comparison.speed_up, lead.speed_up)


def _behind_by_chain(
    row: ConfigurationFinding, fastest: ConfigurationFinding, by_id: Mapping[str, ConfigurationFinding]
) -> bool:
    """Whether declared intervals put a row behind the fastest that has another baseline than its own.

    Baselines are compared with the first one, so that the products of a row's interval and its
    baseline's stand against the same. Bounds of several intervals that all have to err, in opposite
    directions, do so more seldom than those of two.
    """
    mine, theirs = _chain(row, by_id), _chain(fastest, by_id)
    return mine is not None and theirs is not None and mine[0] == theirs[0] and mine[2] < theirs[1]


def _chain(
    row: ConfigurationFinding, by_id: Mapping[str, ConfigurationFinding]
) -> tuple[str, float, float] | None:
    """Follow baselines to the first one: its id, and the bounds of the row's log speed-up against it."""
    low = high = 0.0
    while row.comparison is not None:
        effect = row.comparison.speed_up
        if effect is None or effect.low is None or effect.high is None:
            return None
        low, high = low + math.log(effect.low), high + math.log(effect.high)
        if row.comparison.baseline not in by_id:
            return None
        row = by_id[row.comparison.baseline]
    return row.configuration, low, high


def _apart(lower: Interval | None, higher: Interval | None) -> bool:
    """Whether one speed-up's interval lies wholly below another's, both against the same baseline."""
    if lower is None or higher is None or lower.high is None or higher.low is None:
        return False
    return lower.high < higher.low


def _cost(row: ConfigurationFinding, configuration: Configuration) -> tuple[float, float, int]:
    """Order what is tied: fewer workers, then less memory, then the simpler strategy."""
    memory = row.memory_bytes if row.memory_bytes is not None else float("inf")
    strategy = configuration.strategy
    simplicity = SIMPLICITY.index(strategy) if strategy in SIMPLICITY else len(SIMPLICITY)
    return configuration.max_workers, memory, simplicity
