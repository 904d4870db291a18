"""A cell's effects, block by block, and what they say about which side of its bound the median lies on."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.claims.cells import Cell
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.observation import Observation

#: Level of one configuration: block → sitting → level.
Levels = Mapping[int, Mapping[str, float]]
#: Where so many blocks gave nothing to look at, further ones will not, either.
_SILENT_BLOCKS = 5


@dataclass(frozen=True)
class Evidence:
    """One cell's effects, and the evidence that their median lies on one side of the bound."""

    #: In block order: logarithms of ratios, or values.
    effects: tuple[float, ...]
    #: The bound in the same terms.
    bound: float
    towards: float
    away: float


class Trials:
    """The measured trials of some configurations, by what of them is looked at."""

    def __init__(self, observations: Iterable[Observation], wanted: Collection[str]) -> None:
        """Take a run's observations; only those of ``wanted`` configurations are kept."""
        self._of: dict[str, list[Observation]] = {name: [] for name in wanted}
        self._levels: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
        for o in observations:
            if o.outcome == "measured" and o.rounds > 0 and o.configuration in self._of:
                self._of[o.configuration].append(o)

    def levels(self, configuration: str, measure: str) -> Levels:
        """Give a reading of each trial ("" for the seconds of a round); a trial without one is not there."""
        key = configuration, measure
        if key not in self._levels:
            by_block: dict[int, dict[str, float]] = {}
            for o in self._of.get(configuration, ()):
                level = o.readings.get(measure) if measure else o.seconds and o.seconds / o.rounds
                if level is not None:
                    by_block.setdefault(o.block, {})[o.sitting] = level
            self._levels[key] = by_block
        return self._levels[key]

    def unread(self, configuration: str, measure: str) -> str | None:
        """Give the last reason why a reading has no value, if a trial gave one."""
        reasons = (o.unread.get(measure) for o in reversed(self._of.get(configuration, ())))
        return next((reason for reason in reasons if reason), None)


def evidence(cell: Cell, trials: Trials, most: int | None = None) -> Evidence:
    """Find what a cell's trials say; ``most`` is how many blocks count at most, the first ones."""
    contrast = cell.contrast
    measure = cell.measure
    if contrast.rule == "value":
        levels = trials.levels(cell.of[0][0], measure)
        effects = [next(iter(levels[block].values())) for block in sorted(levels)]
        bound = cell.bound
    else:
        ratios = [_ratios(cell, i, trials, measure) for i in range(len(cell.groups))]
        bound = math.log(cell.bound) if cell.bound > 0 else math.nan
        effects = (
            [ratios[0][block] for block in sorted(ratios[0])]
            if contrast.rule == "ratio"
            # Blocks of the same index were measured after one another; which ones go together
            # matters to nothing but the noise.
            else [ratios[1][b] - ratios[0][b] for b in sorted(ratios[0].keys() & ratios[1].keys())]
        )
    effects = effects[:most]
    above = sum(effect > bound for effect in effects)
    below = sum(effect < bound for effect in effects)
    towards, away = (above, below) if contrast.supports == "above" else (below, above)
    return Evidence(tuple(effects), bound, directed(towards, len(effects)), directed(away, len(effects)))


def silence(cell: Cell, trials: Trials) -> str | None:
    """Say why a cell without an effect will have none: its trials were measured, and gave nothing to look at.

    None where that is not known yet.
    """
    configurations = dict.fromkeys(name for side in (*cell.of, *cell.against) for name in side)
    if min(len(trials.levels(name, "")) for name in configurations) < _SILENT_BLOCKS:
        return None
    for name in configurations:
        if not trials.levels(name, cell.measure):
            reason = trials.unread(name, cell.measure) or "no reason was given"
            return f"no trial gave {cell.measure}: {reason}"
    return "there was no sitting in which both sides were above 0"


def directed(count: int, blocks: int) -> float:
    """Evidence that the median lies on the side on which ``count`` of so many effects lie.

    E_n of that count where it is more than half, else 0. While the median is not on that side, an
    effect is there with probability 1/2 at most, whatever its distribution (one that equals the
    bound counts to the other side), so that the count is at most that of a fair coin. E_n grows with
    the count above half: the value is at most E_n of the fair coin, which is a test martingale.
    """
    if 2 * count <= blocks:
        return 0.0
    return inference.e_of(inference.log_e(blocks - count, blocks))


def _ratios(cell: Cell, end: int, trials: Trials, measure: str) -> dict[int, float]:
    """Logarithms of how many times as good the one side is as the other, by block.

    Where a side is a set, its best in the block counts. All members are compared within a sitting
    that they share; where a block has none, each is taken against a baseline of its own sitting.
    """
    of = [trials.levels(name, measure) for name in cell.of[end]]
    against = [trials.levels(name, measure) for name in cell.against[end]]
    baselines = dict.fromkeys(comparison.baseline for comparison in cell.groups[end].comparisons)
    anchors = [trials.levels(name, measure) for name in baselines]
    higher = cell.better == "higher"
    ratios = {}
    for block in set.intersection(*(set(levels) for levels in (*of, *against))):
        rows = [levels[block] for levels in (*of, *against)]
        logs = _together(rows) or _anchored(rows, [levels[block] for levels in anchors if block in levels])
        if logs is None:
            continue
        if higher:
            logs = [-log for log in logs]
        ratios[block] = min(logs[len(of) :]) - min(logs[: len(of)])
    return ratios


def _together(rows: Sequence[Mapping[str, float]]) -> list[float] | None:
    """Give logarithms of levels of one sitting that all share, the first; None where there is none."""
    shared = next((s for s in rows[0] if all(row.get(s, 0.0) > 0 for row in rows)), None)
    return None if shared is None else [math.log(row[shared]) for row in rows]


def _anchored(
    rows: Sequence[Mapping[str, float]], anchors: Sequence[Mapping[str, float]]
) -> list[float] | None:
    """Give logarithms of levels relative to one baseline that sat with each; None where none did."""
    for anchor in anchors:
        shared = [next((s for s in row if row[s] > 0 and anchor.get(s, 0.0) > 0), None) for row in rows]
        if None not in shared:
            return [
                math.log(row[s] / anchor[s]) for row, s in zip(rows, shared, strict=True) if s is not None
            ]
    return None
