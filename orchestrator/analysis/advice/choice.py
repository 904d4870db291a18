"""Advice: which way to run a piece of work, how sure that is, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

from parlab.orchestrator.analysis import stopping
from parlab.orchestrator.analysis.advice.code import recipe
from parlab.orchestrator.analysis.advice.limits import limit, payback
from parlab.orchestrator.analysis.advice.sentences import advice_sentences
from parlab.orchestrator.analysis.best import SIMPLICITY
from parlab.orchestrator.analysis.contention import is_over
from parlab.orchestrator.analysis.effects import FROM_NOTHING, Blocks
from parlab.orchestrator.analysis.findings.advice import AdviceFinding, Candidate, PlaceFinding, Standing
from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding, RunFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.figures import size
from parlab.orchestrator.plan.model import Configuration, Group, Plan, places
from parlab.orchestrator.statistics.interval import Interval
from parlab.orchestrator.store.observation import by_group
from parlab.workers.wire.spec import Gil


@dataclass(frozen=True)
class _Race:
    """One group with all that is known of it."""

    plan: Plan
    group: Group
    finding: GroupFinding
    blocks: Blocks
    tasks: int | None

    @property
    def configurations(self) -> dict[str, Configuration]:
        return {c.id: c for c in self.group.configurations}

    @property
    def rows(self) -> dict[str, ConfigurationFinding]:
        return {row.configuration: row for row in self.finding.configurations}

    def baseline_of(self, configuration: Configuration) -> str | None:
        """Give serial on a configuration's own build and node; None where it failed or was not asked for."""
        for other in self.group.configurations:
            if other.place == configuration.place and other.strategy == self.plan.experiment.baseline:
                return other.id
        return None

    def ratio(self, configuration: str, other: str) -> Interval | None:
        """Give how many times as fast one is as another, at the run's level."""
        effects, stop = self.blocks.effects(configuration, other), self.plan.experiment.stop
        return stopping.interval(effects, stop.alpha, stop)


def advice_of(measured: Measurements, finding: RunFinding) -> tuple[AdviceFinding, ...]:
    """Say for each group of a race what is advised; none where the run is no race.

    ``finding`` is what its trials say; the rule of a race is "best" (``stop.until``).
    """
    plan = measured.plan
    if plan.experiment.stop.until != "best":
        return ()
    trials = by_group(measured.observations)
    measure = FROM_NOTHING if plan.experiment.stop.goal == "latency" else None
    advice = []
    for group, of_group in zip(plan.groups, finding.groups, strict=True):
        blocks = Blocks(trials[group.id], group.baselines, measure=measure)
        advice.append(_advice(_Race(plan, group, of_group, blocks, group.tasks(measured.calibrations))))
    return tuple(advice)


def _advice(race: _Race) -> AdviceFinding:
    stop = race.plan.experiment.stop
    candidates = tuple(_candidates(race))
    pick = next((c for c in candidates if c.standing == "pick"), None)
    chosen = race.configurations[pick.configuration] if pick is not None else None
    row = race.rows[chosen.id] if chosen is not None else None
    baseline = race.baseline_of(chosen) if chosen is not None else None
    serial = race.rows[baseline] if baseline is not None else None
    item = _item_seconds(serial, race.tasks)
    own = race.group.workload.function
    settled = race.finding.done and pick is not None and all(c.standing != "unresolved" for c in candidates)
    advice = AdviceFinding(
        group=race.group.id,
        host=race.group.host,
        label=race.group.label,
        goal=stop.goal,
        pick=chosen.id if chosen is not None else None,
        recipe=recipe(chosen, own, is_coroutine=_is_coroutine(race))
        if chosen is not None and own is not None and chosen.strategy in SIMPLICITY
        else None,
        speed_up=pick.speed_up if pick is not None else None,
        item_seconds=item,
        why=_why(race, row) if row is not None else "",
        payback=payback(row, pick.speed_up, item)
        if row is not None and pick is not None and chosen is not None and chosen.strategy != "serial"
        else None,
        memory_bytes=row.memory_bytes if row is not None else None,
        baseline_memory_bytes=serial.memory_bytes if serial is not None else None,
        limit=_limit(race, chosen, row) if chosen is not None and row is not None else "",
        settled=settled,
        candidates=candidates,
        places=tuple(_places(race, pick)),
    )
    return replace(advice, sentences=advice_sentences(advice, race.finding))


def _candidates(race: _Race) -> list[Candidate]:
    names = places(race.group.configurations)
    candidates = [
        _candidate(race, race.configurations[row.configuration], row, names[row.configuration])
        for row in race.finding.configurations
    ]
    candidates.sort(key=lambda c: (_ORDER.index(c.standing), -(c.speed_up.ratio if c.speed_up else 0.0)))
    return candidates + [
        Candidate(c.id, c.label, c.strategy, c.max_workers, c.python, c.node, "skipped", reason=skip.reason)
        for skip in race.group.skipped
        for c in (skip.configuration,)
    ]


_ORDER: tuple[Standing, ...] = (
    *("pick", "tied", "not distinguished", "unresolved", "behind"),
    *("over the limit", "failed", "skipped"),
)


def _candidate(race: _Race, own: Configuration, row: ConfigurationFinding, place: str) -> Candidate:
    baseline = race.baseline_of(own)
    speed_up = race.ratio(own.id, baseline) if baseline is not None and baseline != own.id else None
    if row.comparison is not None and row.comparison.baseline == baseline:
        # Under the run's error control, as its verdict is.
        speed_up = row.comparison.speed_up
    return Candidate(
        configuration=own.id,
        label=row.label + place,
        strategy=own.strategy,
        max_workers=own.max_workers,
        python=own.python,
        node=own.node,
        standing=_standing(race, row),
        speed_up=speed_up,
        against_fastest=row.against_fastest,
        memory_bytes=row.memory_bytes,
        trials=row.outcomes.get("measured", 0),
        reason=row.problem or _over(race, row),
    )


def _standing(race: _Race, row: ConfigurationFinding) -> Standing:
    stop = race.plan.experiment.stop
    if row.problem is not None:
        return "skipped" if row.skipped else "failed"
    if row.recommended:
        return "pick"
    if is_over(row, stop):
        return "over the limit"
    open_still = row.level is None or all(other.best is None for other in race.finding.configurations)
    if open_still or (stop.goal == "memory" and row.configuration in race.finding.needed):
        return "unresolved"
    if row.best is None or stop.goal == "memory":
        return "behind"
    return "not distinguished" if row.best == "not distinguished" else "tied"


def _over(race: _Race, row: ConfigurationFinding) -> str:
    limit_bytes = race.plan.experiment.stop.memory_limit_bytes
    if not is_over(row, race.plan.experiment.stop) or row.memory_bytes is None or limit_bytes is None:
        return ""
    return f"it takes {size(row.memory_bytes)} of memory; at most {size(limit_bytes)} is allowed"


def _why(race: _Race, row: ConfigurationFinding) -> str:
    """Say what is better about the pick than about what it ties with; "" where nothing ties."""
    if race.plan.experiment.stop.goal == "memory":
        return "the least memory among the ways that are shown to be faster than serial"
    tied = [
        other
        for other in race.finding.configurations
        if other is not row and other.best in ("fastest", "tied") and other.problem is None
    ]
    if not tied:
        return ""
    workers = min(other.max_workers for other in tied)
    if row.max_workers < workers:
        return f"fewer workers: {row.max_workers}, not {workers}"
    known = [other.memory_bytes for other in tied if other.memory_bytes is not None]
    least = min(known, default=None)
    if least is not None and row.memory_bytes is not None and row.memory_bytes < least:
        return f"less memory: {size(row.memory_bytes)}, not {size(least)}"
    return "being the simplest of them"


def _limit(race: _Race, chosen: Configuration, row: ConfigurationFinding) -> str:
    cpus = race.plan.cpus_of(race.group.host).count
    most = max(
        c.max_workers
        for c in race.group.configurations
        if c.strategy == chosen.strategy and c.place == chosen.place
    )
    return limit(chosen, row, cpus=cpus, tasks=race.tasks, most_tried=most)


def _places(race: _Race, pick: Candidate | None) -> list[PlaceFinding]:
    """Give the best of each build and node, where there are several."""
    by_place: dict[tuple[str, str, Gil | None], list[Configuration]] = {}
    for c in race.group.configurations:
        if race.rows[c.id].problem is None and race.rows[c.id].level is not None:
            by_place.setdefault(c.place, []).append(c)
    if len(by_place) < 2:
        return []
    findings = []
    for (node, python, gil), own in by_place.items():
        baseline = race.baseline_of(own[0])
        speed_ups = {c.id: race.ratio(c.id, baseline) for c in own} if baseline is not None else {}
        best = own[0]
        for c in own:
            lead, seen = speed_ups.get(c.id), speed_ups.get(best.id)
            if lead is not None and (seen is None or lead.ratio > seen.ratio):
                best = c
        if pick is not None and pick.configuration in {c.id for c in own}:
            best = race.configurations[pick.configuration]
        against = race.ratio(best.id, pick.configuration) if pick and pick.configuration != best.id else None
        row = race.rows[best.id]
        speed_up = speed_ups.get(best.id) if best.id != baseline else None
        findings.append(
            PlaceFinding(node, python, gil, best.id, row.label, speed_up, against, _standing(race, row))
        )
    return findings


def _is_coroutine(race: _Race) -> bool:
    """Tell whether the function itself can be awaited: asyncio ran it, and no second form was given."""
    own = race.group.workload.function
    if own is None or own.async_function is not None:
        return False
    return any(
        race.rows[c.id].level is not None for c in race.group.configurations if c.strategy == "asyncio"
    )


def _item_seconds(serial: ConfigurationFinding | None, tasks: int | None) -> float | None:
    if serial is None or serial.seconds is None or not tasks:
        return None
    return serial.seconds.median / tasks
