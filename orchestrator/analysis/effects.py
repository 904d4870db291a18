"""Effects: how much longer one configuration took than another, within one block."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.interval import Interval
from parlab.orchestrator.store.observation import Observation

#: What a trial is compared by where the way from nothing counts: the pool's start and one round.
FROM_NOTHING = "from nothing"


@dataclass(frozen=True)
class Seated:
    """One measured trial: where it sat, and its seconds per round, or what its scenario measures."""

    sitting: str
    level: float


class Blocks:
    """The measured trials of one group, by block and configuration.

    A configuration has one trial in a block, but a baseline may have several: one in each sitting.
    A trial that was rejected or lost is simply not here, so that its block does not count for the
    comparisons it is in, and does for the others.
    """

    def __init__(
        self,
        observations: Iterable[Observation],
        baselines: Collection[str],
        most: int | None = None,
        measure: str | None = None,
    ) -> None:
        """Take the observations of one group.

        ``baselines`` are the configurations compared with. ``most`` is how many effects of a
        comparison count at most, the first ones (None: all). ``measure`` is the reading that a
        scenario is about, or :data:`FROM_NOTHING`; None: the seconds of a round.
        """
        self._baselines = set(baselines)
        self._most = most
        #: Who sat where, whatever became of them.
        self._sat: dict[str, set[str]] = defaultdict(set)
        self._blocks: dict[int, dict[str, list[Seated]]] = defaultdict(lambda: defaultdict(list))
        for o in observations:
            self._sat[o.sitting].add(o.configuration)
            level = _level(o, measure)
            if level is not None:
                self._blocks[o.block][o.configuration].append(Seated(o.sitting, level))

    def effects(self, configuration: str, reference: str) -> list[float]:
        """Effects log(seconds of ``reference`` / seconds of ``configuration``), in block order.

        Above 0: the configuration is faster. Trials of the same sitting are compared with each
        other. Where two sat apart in the block, each is taken against its own sitting's baseline
        (what drifted between the sittings cancels); where there is no common one, directly.
        """
        effects = []
        for index in sorted(self._blocks):
            effect = self._effect(self._blocks[index], configuration, reference)
            if effect is not None:
                effects.append(effect)
        return effects[: self._most]

    def _effect(
        self, block: Mapping[str, Sequence[Seated]], configuration: str, reference: str
    ) -> float | None:
        of_a, of_b = block.get(configuration, ()), block.get(reference, ())
        together = [math.log(b.level / a.level) for a in of_a for b in of_b if a.sitting == b.sitting]
        if together:
            return math.fsum(together) / len(together)
        if not of_a or not of_b:
            return None
        if any(reference in self._sat[a.sitting] for a in of_a):
            # They sat together and one of the pair was lost: another sitting's does not stand in for it.
            return None
        for baseline in sorted(self._baselines):
            a_relative = _relative(of_a, block.get(baseline, ()))
            b_relative = _relative(of_b, block.get(baseline, ()))
            if a_relative is not None and b_relative is not None:
                return b_relative - a_relative
        return _mean_log(of_b) - _mean_log(of_a)

    def levels(self, configuration: str) -> list[float]:
        """Seconds of a round, or a scenario's measure: one value per measured trial, in block order."""
        return [s.level for i in sorted(self._blocks) for s in self._blocks[i].get(configuration, ())]

    def first_levels(self, configuration: str) -> dict[int, float]:
        """Give the same, by block: of several trials of one block the first."""
        of_blocks = {i: block.get(configuration, ()) for i, block in self._blocks.items()}
        return {i: trials[0].level for i, trials in of_blocks.items() if trials}


def blocks_apart(
    observations: Iterable[Observation], baselines: Collection[str], measure: str | None = None
) -> dict[int, Blocks]:
    """Give each block by itself, by its number: an effect depends on nothing outside of its block."""
    by_block: dict[int, list[Observation]] = defaultdict(list)
    for o in observations:
        by_block[o.block].append(o)
    return {index: Blocks(by_block[index], baselines, measure=measure) for index in sorted(by_block)}


def _level(o: Observation, measure: str | None) -> float | None:
    """Give what a trial is compared by; None where it does not count."""
    if o.outcome != "measured" or o.rounds < 1:
        return None
    if measure is not None and measure != FROM_NOTHING:
        return o.readings.get(measure)
    if o.seconds is None or o.seconds <= 0:
        return None
    return o.seconds / o.rounds + (o.start_up_seconds or 0.0 if measure == FROM_NOTHING else 0.0)


def _relative(trials: Sequence[Seated], baseline: Sequence[Seated]) -> float | None:
    pairs = [math.log(t.level / b.level) for t in trials for b in baseline if t.sitting == b.sitting]
    return math.fsum(pairs) / len(pairs) if pairs else None


def _mean_log(trials: Sequence[Seated]) -> float:
    return math.fsum(math.log(t.level) for t in trials) / len(trials)


def within_margin(low: float, high: float, margin: float) -> bool:
    """Whether an interval of effects lies wholly within ± margin, symmetric in the logarithm."""
    bound = math.log1p(margin)
    return -bound <= low and high <= bound


def ratio_interval(effects: Sequence[float], low: float, high: float, alpha: float) -> Interval | None:
    """Turn effects with the bounds of their median into a ratio; None without effects."""
    return Interval.of_logs(inference.median(effects), (low, high), alpha, len(effects)) if effects else None
