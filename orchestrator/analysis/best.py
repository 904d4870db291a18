"""The best set: what cannot be told from the fastest, and which of it is recommended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from orchestrator.experiment import Stop
from orchestrator.plan import Configuration, Group

from . import inference, stopping
from .comparison import Blocks, within_margin
from .findings import ConfigurationFinding, Interval

#: From the simplest on; a strategy that is not listed comes last.
SIMPLICITY = ("serial", "threads", "asyncio", "interpreters", "processes", "hybrid")

Relation = Literal["tied", "not distinguished"]


def mark_best(
    rows: Sequence[ConfigurationFinding], blocks: Blocks, group: Group, stop: Stop
) -> tuple[ConfigurationFinding, ...]:
    """Mark the fastest, what ties with it or cannot be told from it, and what is recommended.

    The fastest was chosen by the data, so that each of the other K − 1 is compared with it at level
    α/(K − 1). What the run's declared verdicts already put behind it is not in the set. Nothing is
    marked before there are blocks enough for any verdict.
    """
    fastest = _fastest(rows, blocks, group)
    if fastest is None:
        return tuple(rows)
    candidates = [row for row in rows if row.level is not None and row.problem is None]
    alpha = stop.alpha / max(len(candidates) - 1, 1)
    relations: dict[str, Relation] = {}
    by_id = {row.configuration: row for row in rows}
    judged = len(candidates) == 1
    for row in candidates:
        if row is fastest:
            continue
        effects = blocks.effects(row.configuration, fastest.configuration)
        low, high = stopping.bounds(effects, alpha, stop)
        behind = _declared_behind(row, fastest) or _behind_by_chain(row, fastest, by_id)
        judged = judged or behind or low > -float("inf")
        if within_margin(low, high, stop.margin):
            relations[row.configuration] = "tied"
        elif high >= 0 and not behind:
            relations[row.configuration] = "not distinguished"
    if not judged:
        return tuple(rows)
    tied = [fastest, *(r for r in candidates if relations.get(r.configuration) == "tied")]
    planned = {configuration.id: configuration for configuration in group.configurations}
    recommended = min(tied, key=lambda row: _cost(row, planned[row.configuration]))
    return tuple(
        replace(
            row,
            best="fastest" if row is fastest else relations.get(row.configuration),
            recommended=row is recommended,
        )
        for row in rows
    )


def _fastest(
    rows: Sequence[ConfigurationFinding], blocks: Blocks, group: Group
) -> ConfigurationFinding | None:
    """Find the fastest by its median effect against the first configuration that was measured."""
    candidates = [row for row in rows if row.level is not None and row.problem is None]
    if not candidates:
        return None
    baselines = [c.baseline for c in group.comparisons]
    reference = next((r for r in candidates if r.configuration in baselines), candidates[0])

    def lead(row: ConfigurationFinding) -> float:
        effects = blocks.effects(row.configuration, reference.configuration)
        return inference.median(effects) if effects else -float("inf")

    return max(candidates, key=lead)


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
