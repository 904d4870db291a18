"""Limits from and up to which a strategy pays, by a fit, and whether they lie in what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from parlab.orchestrator.analysis.breakeven.cells import GridCell, payload_rows
from parlab.orchestrator.analysis.breakeven.fit import Fit
from parlab.orchestrator.analysis.findings.breakeven import Limit, PayloadLimit, Reach, Repayment, TaskLimit
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.usl import Floats

#: Serial seconds of the tasks of which the greatest payload is told.
TASK_SECONDS = (0.001, 0.01, 0.1)
#: Nothing is said of tasks so many times as long, or as short, as any that was measured.
FARTHEST = 10.0
#: Most payloads of which the least task is told.
_MOST_PAYLOADS = 5
_SEED = 20260102


def task_limits(model: Fit, cells: Sequence[GridCell]) -> Iterator[TaskLimit]:
    """Find the serial seconds of which the model takes as many, at the payloads that were measured."""
    rows = payload_rows(cells) if model.with_payload else [range(len(cells))]
    for row in _spread(rows):
        lengths = [cells[index].task_seconds for index in row]
        measured = min(lengths), max(lengths)
        payload = inference.median([cells[index].payload_bytes or 0.0 for index in row])
        fixed = model.dispatch + model.per_byte * payload
        limit = _limit(model, fixed, model.share_at_break_even - 1, measured, side="from")
        yield TaskLimit(payload if model.with_payload else None, limit, measured)


def payload_limits(model: Fit, cells: Sequence[GridCell]) -> Iterator[PayloadLimit]:
    """Find the payload with which the model takes as long as serial, for tasks of round lengths."""
    payloads = [cell.payload_bytes for cell in cells if cell.payload_bytes is not None]
    measured = min(payloads), max(payloads)
    for seconds, extrapolated in _lengths(cells):
        fixed = model.dispatch + (model.share_at_break_even - 1) * seconds
        limit = _limit(model, fixed, model.per_byte, measured, side="up to", extrapolated=extrapolated)
        yield PayloadLimit(seconds, limit)


def repayments(model: Fit, cells: Sequence[GridCell], start_ups: Sequence[float]) -> Iterator[Repayment]:
    """Divide a pool's start-up by what a task saves, at the least payload that was measured."""
    if not start_ups:
        return
    payload = min(cell.payload_bytes or 0.0 for cell in cells) if model.with_payload else None
    values = np.array(start_ups)
    drawn = np.random.default_rng(_SEED).choice(values, (len(model.dispatch) - 1, len(values)))
    start_up = np.append(np.median(values), np.median(drawn, axis=1))
    for seconds, extrapolated in _lengths(cells):
        taken = model.seconds(seconds, payload)
        with np.errstate(divide="ignore"):
            tasks = np.where(taken < seconds, start_up / (seconds - taken), np.inf)
        yield Repayment(seconds, payload, model.estimate(tasks), extrapolated)


def _lengths(cells: Sequence[GridCell]) -> list[tuple[float, bool]]:
    """Give the lengths of tasks of which something is told, and whether they were not measured."""
    lengths = [cell.task_seconds for cell in cells]
    least, most = min(lengths), max(lengths)
    near = [s for s in TASK_SECONDS if least / FARTHEST <= s <= most * FARTHEST]
    return [(seconds, not least <= seconds <= most) for seconds in near]


def _limit(
    model: Fit,
    fixed: Floats,
    slope: Floats,
    measured: tuple[float, float],
    *,
    side: Literal["from", "up to"],
    extrapolated: bool = False,
) -> Limit:
    """Find where ``fixed + slope x`` (what is lost) crosses 0 for x of 0 or more.

    ``side`` is the usual one, where the first fit has no crossing that says which it is.
    """
    if fixed[0] * slope[0] < 0:
        side = "from" if slope[0] < 0 else "up to"
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.maximum(-fixed / slope, 0.0)
    gains = (fixed < 0) | ((fixed == 0) & (slope < 0))
    if side == "from":
        values = np.where(gains, 0.0, np.where(slope < 0, crossing, np.inf))
    else:
        values = np.where(gains, np.where(slope > 0, crossing, np.inf), 0.0)
    reach = _reach(float(values[0]), measured, side)
    outside = reach == "beyond" or (reach == "always" and bool(np.isfinite(values[0])))
    return Limit(side, reach, model.estimate(values), extrapolated or outside)


def _reach(value: float, measured: tuple[float, float], side: Literal["from", "up to"]) -> Reach:
    least, most = measured
    if side == "from":
        never, always, within = value == np.inf, value <= least, value <= most
    else:
        never, always, within = value == 0, value >= most, value >= least
    return "never" if never else "always" if always else "within" if within else "beyond"


def _spread(rows: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """Choose some of many, the first and the last among them."""
    if len(rows) <= _MOST_PAYLOADS:
        return list(rows)
    step = (len(rows) - 1) / (_MOST_PAYLOADS - 1)
    return [rows[round(index * step)] for index in range(_MOST_PAYLOADS)]
