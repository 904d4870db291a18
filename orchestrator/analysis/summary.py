"""A run's summary: every verdict of it, under one error control."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from parlab.orchestrator.analysis import stopping
from parlab.orchestrator.analysis.best import mark_best
from parlab.orchestrator.analysis.claims.judging import claims_of, needed_groups
from parlab.orchestrator.analysis.contention import needed_rows
from parlab.orchestrator.analysis.effects import FROM_NOTHING, Blocks, ratio_interval
from parlab.orchestrator.analysis.findings.run import (
    ComparisonFinding,
    ConfigurationFinding,
    GroupFinding,
    GroupMeasure,
    Quartiles,
    RunFinding,
    ValueInterval,
    Verdict,
)
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.sentences import scenario_sentences, sentences
from parlab.orchestrator.analysis.warnings import warnings
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.experiment.work import kind_of, measures_of
from parlab.orchestrator.plan.model import Comparison, Configuration, Group
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.observation import Observation, by_group
from parlab.orchestrator.store.records import Failure

#: Blocks of a group in which there is nothing to compare: as many as any verdict would need.
LEAST_BLOCKS = 7
#: … and so many times as many at most, where trials of one are rejected again and again.
MOST_BLOCKS_FACTOR = 2


@dataclass(frozen=True)
class _Contest:
    """One comparison and its effects."""

    group: Group
    comparison: Comparison
    effects: list[float]


def summarize(measured: Measurements) -> RunFinding:
    """Find what a run's trials say so far.

    All comparisons of the run that can still be made (neither the configuration nor its baseline
    has failed) share one error control: they are the K of e-BH.
    """
    plan, failed = measured.plan, measured.failed
    stop = plan.experiment.stop
    trials = by_group(measured.observations)
    measures = {g.id: _measure(g) for g in plan.groups}
    blocks = {
        g.id: Blocks(trials[g.id], g.baselines, stop.most_effects, compared_by(g, stop)) for g in plan.groups
    }
    contests = [
        _Contest(g, c, blocks[g.id].effects(c.configuration, c.baseline))
        for g in plan.groups
        for c in g.comparisons
        if c.configuration not in failed and c.baseline not in failed
    ]
    declared = stopping.declared([contest.effects for contest in contests], stop)
    alpha = stopping.shared_alpha(len(declared), len(contests), stop)
    compared = {
        contest.comparison.configuration: _finding(contest, alpha, i in declared, stop)
        for i, contest in enumerate(contests)
    }
    groups = tuple(
        _group(measured, g, trials[g.id], blocks[g.id], compared, measures[g.id]) for g in plan.groups
    )
    claims = claims_of(measured)
    needed = needed_groups(claims)
    dead = {g.id for g in plan.groups if g.comparisons} - {contest.group.id for contest in contests}
    groups = tuple(
        replace(
            g,
            done=_done(g, needed.get(g.group), stop, dead),
            # Claims say of whole groups when there is enough.
            needed=g.needed if g.group not in needed else (),
        )
        for g in groups
    )
    finding = RunFinding(
        groups=groups,
        comparisons=len(contests),
        declared=len(declared),
        done=all(group.done for group in groups),
        claims=claims,
    )
    return replace(finding, warnings=warnings(finding))


def _finding(contest: _Contest, alpha: float, declared: bool, stop: Stop) -> ComparisonFinding:  # noqa: FBT001
    effects = contest.effects
    low, high = stopping.bounds(effects, alpha, stop)
    done = stopping.done(effects, low, high, declared=declared, stop=stop)
    verdict = stopping.verdict_of(effects, low, high, declared, stop.margin)
    return ComparisonFinding(
        configuration=contest.comparison.configuration,
        baseline=contest.comparison.baseline,
        verdict=verdict,
        speed_up=ratio_interval(effects, low, high, alpha),
        e_value=inference.e_value(effects),
        done=done,
        more_blocks=stopping.blocks_to_a_verdict(effects, alpha, stop) if verdict == "unresolved" else None,
        blocks_left=None if done else stopping.blocks_left(effects, alpha, stop),
        autocorrelation=inference.lag1_autocorrelation(effects),
        block_sd=inference.standard_deviation(effects),
    )


def _group(
    measured: Measurements,
    group: Group,
    observations: Sequence[Observation],
    blocks: Blocks,
    compared: Mapping[str, ComparisonFinding],
    measure: GroupMeasure,
) -> GroupFinding:
    plan, scenario = measured.plan, group.workload.scenario
    stop = plan.experiment.stop
    cpus = plan.cpus_of(group.host).count
    rows = []
    for configuration in group.configurations:
        own = [o for o in observations if o.configuration == configuration.id]
        levels = blocks.levels(configuration.id)
        row = _described(configuration, own, levels, measured.failed.get(configuration.id), scenario=scenario)
        comparison = compared.get(configuration.id) or _given_up(group, row, blocks, stop)
        efficiency = None if scenario else _efficiency(comparison, _bound(configuration, cpus), group)
        value = None if measure.compared else _value(levels, stop)
        rows.append(replace(row, comparison=comparison, efficiency=efficiency, value=value))
    # Nothing of a share says which one is to be chosen: a lock costs time, and loses no update.
    marked = mark_best(rows, blocks, group, stop) if measure.compared else tuple(rows)
    needed, settled = needed_rows(marked, group, stop)
    if stop.rule == "fixed" or not measure.compared:
        needed = ()
    seen = len({o.block for o in observations if o.outcome == "measured"})
    finding = GroupFinding(
        group=group.id,
        host=group.host,
        label=group.label,
        tasks=group.tasks(measured.calibrations),
        configurations=marked,
        blocks=seen,
        done=_group_done(marked, seen, stop, settled=settled),
        measure=measure,
        needed=needed,
    )
    texts = scenario_sentences(group, finding) if scenario else sentences(group, finding)
    return replace(finding, sentences=texts)


def _described(
    configuration: Configuration,
    observations: Sequence[Observation],
    levels: Sequence[float],
    failure: Failure | None,
    *,
    scenario: bool = False,
) -> ConfigurationFinding:
    """Describe a configuration by its trials.

    Levels are described (median, quartiles, how many) and get no interval: they are autocorrelated.

    Args:
        configuration: whose row it is.
        observations: its trials, whatever became of them.
        levels: what it is compared by (seconds of a round), one value per measured trial.
        failure: why it takes no further part; None where it does.
        scenario: whether it is a variant of a scenario, of which there is no pool that starts up.
    """
    measured = [o for o in observations if o.outcome == "measured"]
    values: dict[str, list[float]] = defaultdict(list)
    unread: dict[str, str] = {}
    for o in measured:
        for probe, value in o.readings.items():
            values[probe].append(value)
        unread.update(o.unread)
    readings = {probe: inference.median(read) for probe, read in sorted(values.items())}
    level = Quartiles.of(levels)
    pooled = configuration.strategy != "serial" and not scenario
    return ConfigurationFinding(
        configuration=configuration.id,
        label=configuration.label,
        python=configuration.python,
        max_workers=configuration.max_workers,
        seconds=None if scenario else level,
        level=level,
        comparison=None,
        efficiency=None,
        start_up_seconds=_median(o.start_up_seconds for o in measured) if pooled else None,
        tear_down_seconds=_median(o.tear_down_seconds for o in measured) if pooled else None,
        memory_bytes=readings.get("memory_peak"),
        cpus_used=_cpus_used(measured),
        readings=readings,
        unread={probe: why for probe, why in unread.items() if probe not in readings},
        outcomes=dict(Counter(o.outcome for o in observations)),
        causes=dict(Counter(o.cause for o in observations if o.cause is not None)),
        problem=failure.reason if failure is not None else None,
        skipped=failure is not None and failure.skipped,
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return inference.median(known) if known else None


def _cpus_used(measured: Sequence[Observation]) -> float | None:
    """Give the mean number of CPUs that the trial's processes kept busy, median over trials."""
    busy = []
    for o in measured:
        used = [o.readings[name] for name in ("cpu_user", "cpu_system") if name in o.readings]
        if len(used) == 2 and o.seconds:
            busy.append(sum(used) / o.seconds)
    return inference.median(busy) if busy else None


def _done(
    group: GroupFinding,
    needed: bool | None,  # noqa: FBT001 - three-valued
    stop: Stop,
    dead: Collection[str],
) -> bool:
    """Say whether a group needs no more blocks.

    What claims are about (``needed`` is not None) is measured until they are settled; of the rest,
    comparisons say when it is enough. Of the ``dead`` nothing is measured any more, their baselines
    having failed.
    """
    if needed is None:
        return group.done
    if group.group in dead:
        return True
    return not needed or (stop.blocks is not None and group.blocks >= stop.blocks)


def compared_by(group: Group, stop: Stop) -> str | None:
    """Name what a group's trials are compared by, as :class:`Blocks` takes it."""
    if group.workload.scenario:
        return _measure(group).name
    return FROM_NOTHING if stop.goal == "latency" else None


def _measure(group: Group) -> GroupMeasure:
    measures = measures_of(group.workload)
    if not group.workload.scenario:
        return GroupMeasure()
    if not measures:
        # Nothing is known of its figures here, and seconds of its rounds are none of them.
        return GroupMeasure("", "", compared=False)
    first, *others = measures
    return GroupMeasure(
        first.name,
        first.unit,
        first.better,
        compared=first.compared,
        others={other.name: other.unit for other in others},
    )


def _value(levels: Sequence[float], stop: Stop) -> ValueInterval | None:
    """Give the median of a share or count over blocks, with its own interval: nothing is compared."""
    if not levels:
        return None
    low, high = stopping.bounds(levels, stop.alpha, stop)
    return ValueInterval(
        value=inference.median(levels),
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        level=1 - stop.alpha,
        blocks=len(levels),
    )


def _given_up(
    group: Group, row: ConfigurationFinding, blocks: Blocks, stop: Stop
) -> ComparisonFinding | None:
    """Say of a comparison that can no longer be made what was seen until then; None for a baseline."""
    comparison = next((c for c in group.comparisons if c.configuration == row.configuration), None)
    if comparison is None:
        return None
    effects = blocks.effects(comparison.configuration, comparison.baseline)
    verdict: Verdict = "skipped" if row.skipped else "failed"
    return ComparisonFinding(
        configuration=comparison.configuration,
        baseline=comparison.baseline,
        verdict=verdict,
        speed_up=ratio_interval(effects, -math.inf, math.inf, stop.alpha),
        e_value=inference.e_value(effects),
        done=True,
        block_sd=inference.standard_deviation(effects),
    )


def _bound(configuration: Configuration, cpus: int) -> int:
    """Give the speed-up that nothing could exceed: work that uses the CPU has no more than the CPUs."""
    if kind_of(configuration.workload) == "cpu":
        return min(configuration.max_workers, cpus)
    return configuration.max_workers


def _efficiency(comparison: ComparisonFinding | None, bound: int, group: Group) -> float | None:
    """Give the speed-up's share of its bound; None for a baseline, whatever it is compared with."""
    if comparison is None or comparison.speed_up is None:
        return None
    if comparison.configuration in group.baselines:
        return None
    return comparison.speed_up.ratio / bound


def _group_done(rows: Sequence[ConfigurationFinding], seen: int, stop: Stop, *, settled: bool) -> bool:
    comparisons = [row.comparison for row in rows if row.comparison is not None]
    if comparisons and stop.until == "best":
        return settled or (stop.blocks is not None and seen >= stop.blocks)
    if comparisons:
        return all(comparison.done for comparison in comparisons)
    # One configuration alone is described, not compared; shares and counts have a value each, of as many
    # blocks as a finite interval takes: what a trial's rejection took away is measured again.
    values = [row.value.blocks if row.value is not None else 0 for row in rows if not row.problem]
    if stop.blocks is None and any(values):
        return min(values) >= LEAST_BLOCKS or seen >= MOST_BLOCKS_FACTOR * LEAST_BLOCKS
    return seen >= (stop.blocks or LEAST_BLOCKS) or all(row.problem for row in rows)
