"""Cells of tasks and payloads that were measured behind a break-even, each with the panel it belongs to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.breakeven.cells import GridCell, grids_of, payload_rows
from parlab.orchestrator.analysis.findings.breakeven import BreakEvenFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.view import RunView, observations_of

#: Payloads of one picture at the most; where there are more, those that limits are told of.
_MOST_PAYLOADS = 6


@dataclass(frozen=True)
class Spot:
    """One strategy's speed-up on tasks of one length and payload."""

    label: str
    group: str
    #: Serial seconds of a task.
    task_seconds: float
    #: Bytes there and back; None: not known.
    payload_bytes: float | None
    speed_up: float
    #: Whether the model was not fitted to it, but checked by it.
    checked: bool


def spots_of(run: RunView, finding: BreakEvenFinding) -> list[Spot]:
    """Give all cells of a finding; of a run without its trials those that the finding has, the checked."""
    checked = {(way.label, cell.group) for way in finding.strategies for cell in way.check.cells}
    own = (finding.host, finding.workload, finding.conditions, finding.node, finding.python, finding.gil)
    for grid in grids_of(Measurements(run.plan, observations_of(run), run.calibrations)):
        if (grid.host, grid.workload, grid.conditions, grid.node, grid.python, grid.gil) == own:
            return [
                Spot(
                    label=series.configuration.label,
                    group=cell.group,
                    task_seconds=cell.task_seconds,
                    payload_bytes=cell.payload_bytes,
                    speed_up=cell.speed_up,
                    checked=(series.configuration.label, cell.group) in checked,
                )
                for series in grid.series
                for cell in series.cells
            ]
    return [
        Spot(way.label, c.group, c.task_seconds, c.payload_bytes, c.measured_speed_up, checked=True)
        for way in finding.strategies
        for c in way.check.cells
    ]


def by_payload(spots: Sequence[Spot], finding: BreakEvenFinding) -> list[tuple[float | None, list[Spot]]]:
    """Sort cells by payload, about: each row with the payload that it stands for, the least first."""
    if finding.payload_bytes is None or any(spot.payload_bytes is None for spot in spots):
        return [(None, list(spots))]
    # Rows are the analysis's own, which knows by how much alike payloads differ.
    cells = [GridCell(spot.group, spot.payload_bytes, ((spot.task_seconds, 1.0),)) for spot in spots]
    rows = [[spots[index] for index in row] for row in payload_rows(cells)]
    groups = [(row[0].payload_bytes or 0.0, row) for row in rows]
    limits = {limit.payload_bytes for way in finding.strategies for limit in way.task_limits}
    named = sorted(payload for payload in limits if payload is not None)
    if named and len(groups) > _MOST_PAYLOADS:
        groups = [row for row in groups if any(near(row[0], payload) for payload in named)]
    return [(payload, row) for payload, row in groups[:_MOST_PAYLOADS]]


def near(payload: float | None, other: float | None) -> bool:
    """Tell whether two payloads are of one row, as what is pickled differs by a few bytes."""
    if payload is None or other is None:
        return payload is other
    return abs(payload - other) <= 500 or 1 / 1.5 <= (payload + 1) / (other + 1) <= 1.5


def of_length(spots: Sequence[Spot], seconds: float) -> list[Spot]:
    """Give the cells whose tasks take about so long: half to twice of it."""
    return [spot for spot in spots if abs(math.log2(spot.task_seconds / seconds)) <= 1]
