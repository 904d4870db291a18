"""Curves: one strategy on one build at several counts of workers, its effects block by block."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parlab.orchestrator.analysis.effects import Blocks, blocks_apart
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.plan.model import Configuration, Group
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.usl import Floats
from parlab.orchestrator.store.observation import Observation, by_group
from parlab.orchestrator.store.records import Failure
from parlab.workers.wire.registration import EffectiveCpus
from parlab.workers.wire.spec import Gil, Scalar

#: What the counts of one curve have in common: strategy, options, alias, and the build.
_Key = tuple[str, tuple[tuple[str, Scalar], ...], str, str, str, Gil | None]


@dataclass(frozen=True)
class Curve:
    """One strategy on one build; at least two counts."""

    group: Group
    cpus: EffectiveCpus
    #: In ascending order of their max_workers, which all differ.
    configurations: tuple[Configuration, ...]
    #: The build's serial configuration, or the one with the smallest count where there is none.
    reference: Configuration
    against_serial: bool
    #: log(seconds of the reference / own seconds), by (block, configuration); NaN: that block has none.
    effects: Floats
    #: Pairs any two of the group's configurations.
    blocks: Blocks
    left_out: tuple[str, ...]

    @property
    def counts(self) -> list[int]:
        """The counts, ascending."""
        return [c.max_workers for c in self.configurations]

    @property
    def label(self) -> str:
        """The strategy without its count, for people: "processes forkserver"."""
        first = self.configurations[0]
        return first.label.replace(f" ×{first.max_workers}", "", 1) or first.strategy

    @property
    def usable_cpus(self) -> float:
        """The CPUs that work can keep busy: the effective ones, or a quota that is below them."""
        return min(float(self.cpus.count), self.cpus.quota or math.inf)

    def effects_at(self, place: int) -> list[float]:
        """Give the effects of the configuration at ``place``, in block order."""
        column = self.effects[:, place]
        return [float(effect) for effect in column[~np.isnan(column)]]

    def speed_up(self, place: int) -> float:
        """Give the median speed-up of the configuration at ``place`` against the reference."""
        return math.exp(inference.median(self.effects_at(place)))

    def share_ratio(self, place: int) -> float:
        """Give the speed-up's share of what so many times the reference's workers would give."""
        fold = self.counts[place] / (1 if self.against_serial else self.counts[0])
        return self.speed_up(place) / fold


def curves_of(measured: Measurements) -> Iterator[Curve]:
    """Give a plan's curves: each strategy of a group that was measured at two counts or more."""
    plan, failed, trials = measured.plan, measured.failed, by_group(measured.observations)
    for group in plan.groups:
        if group.workload.scenario:
            continue
        alike: dict[_Key, list[Configuration]] = defaultdict(list)
        for configuration in group.configurations:
            if configuration.strategy != "serial":
                alike[_key(configuration)].append(configuration)
        effects = _Effects(group, trials[group.id], plan.experiment.stop)
        for key, configurations in alike.items():
            reasons = _reasons(group, key, failed)
            serial = _serial(group, configurations[0], effects, failed)
            curve = _curve(group, plan.cpus_of(group.host), configurations, serial, effects, reasons)
            if curve is not None:
                yield curve


def _key(c: Configuration) -> _Key:
    return c.strategy, tuple(sorted(c.options.items())), c.alias, *c.place


def _reasons(group: Group, key: _Key, failed: Mapping[str, Failure]) -> dict[str, str]:
    """Say of a curve's counts that were not measured to the end why, by label."""
    tried = {c.label: failed[c.id].reason for c in group.configurations if c.id in failed and _key(c) == key}
    return tried | {s.configuration.label: s.reason for s in group.skipped if _key(s.configuration) == key}


class _Effects:
    """The effects of one group, by block."""

    def __init__(self, group: Group, observations: Sequence[Observation], stop: Stop) -> None:
        baselines = group.baselines
        self._most = stop.most_effects
        self.all = Blocks(observations, baselines, self._most)
        # Where a trial is missing, the others' effects of its block still belong together.
        self._blocks = list(blocks_apart(observations, baselines).values())

    def table(self, configurations: Sequence[Configuration], reference: Configuration) -> Floats:
        """Give effects against the reference by (block, configuration); NaN where there is none."""
        effects = np.full((len(self._blocks), len(configurations)), np.nan)
        for column, configuration in enumerate(configurations):
            seen = 0
            for row, block in enumerate(self._blocks):
                own = block.effects(configuration.id, reference.id)
                if own and (self._most is None or seen < self._most):
                    effects[row, column] = own[0]
                    seen += 1
        return effects


def _curve(
    group: Group,
    cpus: EffectiveCpus,
    configurations: Sequence[Configuration],
    serial: Configuration | None,
    effects: _Effects,
    reasons: Mapping[str, str],
) -> Curve | None:
    by_count: dict[int, Configuration] = {}
    for configuration in configurations:
        if configuration.label not in reasons and effects.all.levels(configuration.id):
            by_count.setdefault(configuration.max_workers, configuration)
    if len(by_count) < 2:
        return None
    ordered = [by_count[count] for count in sorted(by_count)]
    reference = serial or ordered[0]
    table = effects.table(ordered, reference)
    there = [place for place in range(len(ordered)) if not np.isnan(table[:, place]).all()]
    if len(there) < 2:
        return None
    return Curve(
        group=group,
        cpus=cpus,
        configurations=tuple(ordered[place] for place in there),
        reference=reference,
        against_serial=serial is not None,
        effects=table[:, there],
        blocks=effects.all,
        left_out=tuple(f"{label}: {reason}" for label, reason in reasons.items()),
    )


def _serial(
    group: Group, like: Configuration, effects: _Effects, failed: Mapping[str, Failure]
) -> Configuration | None:
    """Find the serial configuration of the same build, where it was measured to the end."""
    there = (c for c in group.configurations if c.strategy == "serial" and c.place == like.place)
    return next((c for c in there if c.id not in failed and effects.all.levels(c.id)), None)
