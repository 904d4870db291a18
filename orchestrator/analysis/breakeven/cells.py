"""The measured cells of a grid: one kind of work, its tasks of several lengths and payloads."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.plan.model import Configuration, Group
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.observation import Observation, by_group
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import Gil

#: Payloads that differ by less are of one row: what is pickled differs by the digits of a number.
_ROW_FACTOR = 1.5
#: Nor do so few bytes more or less make a row: a call's own are about a hundred.
_ROW_BYTES = 500.0

#: What a build's series of one strategy has in common over all cells.
SeriesKey = tuple[str, tuple[tuple[str, object], ...], int, str]


@dataclass(frozen=True)
class GridCell:
    """One strategy beside serial on tasks of one length and payload."""

    group: str
    #: Bytes of a task, there and back; None: not known.
    payload_bytes: float | None
    #: Seconds of a task, (serially, by the strategy), one pair per sitting that both were measured in.
    pairs: tuple[tuple[float, float], ...]

    @property
    def task_seconds(self) -> float:
        """Serial seconds of a task, the median of its blocks."""
        return inference.median([serial for serial, _ in self.pairs])

    @property
    def speed_up(self) -> float:
        """Serial seconds / the strategy's, the median of its blocks."""
        return inference.median([serial / other for serial, other in self.pairs])

    @property
    def noise_ratio(self) -> float:
        """How far that median may be off by the noise of its blocks: its standard error, relative.

        sqrt(pi / 2) x standard deviation / sqrt(blocks), of the logarithm: a median's for normal noise.
        """
        spread = inference.standard_deviation([math.log(serial / other) for serial, other in self.pairs])
        return math.inf if spread is None else math.sqrt(math.pi / 2 / len(self.pairs)) * spread


@dataclass(frozen=True)
class Series:
    """All cells of one strategy."""

    #: The configuration of the first cell, whose label and options are those of all.
    configuration: Configuration
    cells: tuple[GridCell, ...]
    #: What its pools took to start, one value per trial.
    start_up_seconds: tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """All series of one kind of work on one host and build."""

    host: str
    workload: str
    conditions: str
    node: str
    python: str
    gil: Gil | None
    series: tuple[Series, ...]


def grids_of(measured: Measurements) -> Iterator[Grid]:
    """Give the grids of a plan that have a serial strategy to compare with, however small they are.

    Groups are of one grid where only numbers tell their workloads apart: with another codec, say, the
    same strategy is another thing.
    """
    trials = by_group(
        o for o in measured.observations if o.outcome == "measured" and o.rounds > 0 and o.seconds
    )
    alike: dict[tuple[str, str, str], list[Group]] = defaultdict(list)
    for group in measured.plan.groups:
        if not group.workload.scenario:
            alike[group.host, group.workload.name, _conditions(group)].append(group)
    for (host, workload, conditions), groups in alike.items():
        builds = dict.fromkeys(c.place for g in groups for c in g.configurations)
        for build in builds:
            series = _series(groups, build, trials, measured.calibrations)
            if series:
                yield Grid(host, workload, conditions, *build, series)


def payload_rows(cells: Sequence[GridCell]) -> list[list[int]]:
    """Give the rows of a grid, one per payload (about), cells by their seconds: their indices."""
    rows: list[list[int]] = []
    reach = float("-inf")
    for index in sorted(range(len(cells)), key=lambda index: cells[index].payload_bytes or 0.0):
        payload = cells[index].payload_bytes or 0.0
        if payload > reach:
            rows.append([])
            reach = max(payload * _ROW_FACTOR, payload + _ROW_BYTES)
        rows[-1].append(index)
    return [sorted(row, key=lambda index: cells[index].task_seconds) for row in rows]


def _series(
    groups: Sequence[Group],
    build: tuple[str, str, Gil | None],
    measured: Mapping[str, Sequence[Observation]],
    calibrations: Mapping[str, Calibration],
) -> tuple[Series, ...]:
    by_key: dict[SeriesKey, list[tuple[Configuration, GridCell, list[float]]]] = defaultdict(list)
    for group in groups:
        own = [c for c in group.configurations if c.place == build]
        if tasks := group.tasks(calibrations):
            for c, cell, starts in _cells(group, own, measured.get(group.id, ()), tasks):
                key = c.strategy, tuple(sorted(c.options.items())), c.max_workers, c.alias
                by_key[key].append((c, cell, starts))
    return tuple(
        Series(
            configuration=parts[0][0],
            cells=tuple(cell for _, cell, _ in parts),
            start_up_seconds=tuple(seconds for _, _, starts in parts for seconds in starts),
        )
        for parts in by_key.values()
    )


def _conditions(group: Group) -> str:
    parameters = group.workload.parameters
    conditions = [f"{name}={value}" for name, value in parameters.items() if isinstance(value, (str, bool))]
    return ", ".join(conditions)


def _cells(
    group: Group, own: Sequence[Configuration], measured: Sequence[Observation], tasks: int
) -> Iterator[tuple[Configuration, GridCell, list[float]]]:
    """Give the cell of each strategy of one build, with what its pools took to start."""
    serial = next((c.id for c in own if c.strategy == "serial"), None)
    payload = _payload(own, measured, tasks)
    beside = {o.sitting: o for o in measured if o.configuration == serial}
    for configuration in own:
        if configuration.strategy == "serial":
            continue
        trials = [o for o in measured if o.configuration == configuration.id]
        pairs = tuple(
            (_task_seconds(beside[o.sitting], tasks), _task_seconds(o, tasks))
            for o in trials
            if o.sitting in beside
        )
        if pairs:
            starts = [o.start_up_seconds for o in trials if o.start_up_seconds is not None]
            yield configuration, GridCell(group.id, payload, pairs), starts


def _task_seconds(observation: Observation, tasks: int) -> float:
    assert observation.seconds is not None
    return observation.seconds / observation.rounds / tasks


def _payload(own: Sequence[Configuration], measured: Sequence[Observation], tasks: int) -> float | None:
    """Give the bytes of a task: what is declared, else what some strategy had to pickle."""
    declared = [own[0].parameters.get(name) for name in ("bytes_in", "bytes_out")] if own else []
    if declared and all(isinstance(length, int) for length in declared):
        return float(sum(length for length in declared if isinstance(length, int)))
    ids = {c.id for c in own}
    pickled = [
        (o.readings["pickled_in"] + o.readings["pickled_out"]) / tasks
        for o in measured
        if o.configuration in ids and {"pickled_in", "pickled_out"} <= o.readings.keys()
    ]
    return inference.median(pickled) if pickled else None
