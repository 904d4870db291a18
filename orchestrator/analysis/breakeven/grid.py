"""Break-evens of a host: from which work and up to which payload each strategy pays, fitted and checked.

The cells of a grid (tasks of several lengths and payloads, each run serially and by the strategy in the
same sittings) are divided: about two thirds are fitted, the rest are foretold and compared with what was
measured. Where that fails, the model does not hold and nothing is derived from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from parlab.orchestrator.analysis.breakeven.cells import Grid, GridCell, Series, grids_of, payload_rows
from parlab.orchestrator.analysis.breakeven.fit import Fit, fit
from parlab.orchestrator.analysis.breakeven.limits import payload_limits, repayments, task_limits
from parlab.orchestrator.analysis.findings.breakeven import (
    BreakEvenFinding,
    CheckedCell,
    FitCheck,
    StrategyBreakEven,
)
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.figures import percent
from parlab.orchestrator.statistics import inference

LEVEL = 0.95
#: Fewer blocks of a cell are no sample that could be drawn from again.
LEAST_BLOCKS = 5
#: Cells that a model needs to be fitted and checked: without payload, and with.
LEAST_CELLS, LEAST_CELLS_WITH_PAYLOAD = 6, 9
#: Tasks, or payloads, of which the greatest is less than so many times the least say nothing of what a
#: task costs beside its work, or what a byte does.
LEAST_FACTOR = 4.0
#: Nor do payloads that differ by so few bytes: beside what a call itself sends they cannot be seen.
LEAST_BYTES = 1000.0
#: A model does not hold whose foretold speed-up is off by more than this in any cell that it did not use.
MOST_ERROR_RATIO = 0.30


def break_evens_of(measured: Measurements) -> tuple[BreakEvenFinding, ...]:
    """Find the break-evens of a run; empty where it has no grid.

    A grid is six cells at least, of one kind of work. Of a strategy that has too few blocks, or whose
    cells are too much alike, only that is said.
    """
    findings = (_finding(grid, measured.plan.cpus_of(grid.host).count) for grid in grids_of(measured))
    return tuple(finding for finding in findings if finding is not None)


def _finding(grid: Grid, cpus: int) -> BreakEvenFinding | None:
    if max(len(series.cells) for series in grid.series) < LEAST_CELLS:
        return None
    strategies, left_out = [], []
    cells: list[GridCell] = []
    for series in grid.series:
        enough = [cell for cell in series.cells if len(cell.pairs) >= LEAST_BLOCKS]
        with_payload = _payload_varies(enough)
        lack = _lack(enough, with_payload=with_payload)
        if lack is None:
            strategies.append(_strategy(series, enough, cpus, with_payload=with_payload))
        else:
            left_out.append(f"{series.configuration.label}: {lack}")
        cells += series.cells
    payloads = [cell.payload_bytes for cell in cells if cell.payload_bytes is not None]
    return BreakEvenFinding(
        host=grid.host,
        workload=grid.workload,
        conditions=grid.conditions,
        node=grid.node,
        python=grid.python,
        gil=grid.gil,
        task_seconds=_range([cell.task_seconds for cell in cells]),
        payload_bytes=_range(payloads) if len(payloads) == len(cells) else None,
        level=LEVEL,
        strategies=tuple(strategies),
        left_out=tuple(left_out),
    )


def _lack(cells: Sequence[GridCell], *, with_payload: bool) -> str | None:
    """Say what cells lack for a model to be fitted and checked; None: nothing."""
    needed = LEAST_CELLS_WITH_PAYLOAD if with_payload else LEAST_CELLS
    if len(cells) < needed:
        have = "has" if len(cells) == 1 else "have"
        return f"{len(cells)} of its cells {have} at least {LEAST_BLOCKS} blocks; {needed} are needed"
    least, most = _range([cell.task_seconds for cell in cells])
    if most < LEAST_FACTOR * least:
        return (
            f"its longest task takes {most / least:.2g} times as long as its shortest; "
            f"at least {LEAST_FACTOR:g} times is needed"
        )
    return None


def _payload_varies(cells: Sequence[GridCell]) -> bool:
    known = [cell.payload_bytes for cell in cells if cell.payload_bytes is not None]
    if not known or len(known) < len(cells):
        return False
    return max(known) > LEAST_FACTOR * min(known) and max(known) - min(known) >= LEAST_BYTES


def _range(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def held_out(cells: Sequence[GridCell]) -> set[int]:
    """Choose the cells that are not fitted, about a third, on diagonals of the grid; by their indices.

    Payloads are the rows, tasks in the order of their seconds the columns. A corner is fitted always, so
    that the check asks for what lies between: where a diagonal meets one, its neighbour is taken.
    """
    chosen = set()
    rows = payload_rows(cells)
    for number, row in enumerate(rows):
        outer = number in (0, len(rows) - 1)
        for column, index in enumerate(row):
            if (number + column) % 3 != 1:
                continue
            if not outer or 0 < column < len(row) - 1:
                chosen.add(index)
            elif len(row) > 2:
                chosen.add(row[1] if column == 0 else row[-2])
    return chosen


def _strategy(
    series: Series, cells: Sequence[GridCell], cpus: int, *, with_payload: bool
) -> StrategyBreakEven:
    out = held_out(cells)
    fitted = [cell for index, cell in enumerate(cells) if index not in out]
    model = fit(fitted, LEVEL, with_payload=with_payload)
    check = _check(model, [cells[index] for index in sorted(out)])
    refused = _refused(check)
    holds = refused is None
    return StrategyBreakEven(
        label=series.configuration.label,
        strategy=series.configuration.strategy,
        max_workers=series.configuration.max_workers,
        cpus=cpus,
        start_up_seconds=inference.median(series.start_up_seconds) if series.start_up_seconds else None,
        dispatch_seconds=model.estimate(model.dispatch),
        seconds_per_byte=model.estimate(model.per_byte) if with_payload else None,
        work_share=model.estimate(model.share),
        overlapping=bool(model.overlapping[0]),
        misfit_ratio=model.misfit_ratio,
        fitted_cells=len(fitted),
        check=check,
        refused=refused,
        task_limits=tuple(task_limits(model, cells)) if holds else (),
        payload_limits=tuple(payload_limits(model, cells)) if holds and with_payload else (),
        repayments=tuple(repayments(model, cells, series.start_up_seconds)) if holds else (),
    )


def _check(model: Fit, cells: Sequence[GridCell]) -> FitCheck:
    checked = tuple(
        CheckedCell(
            group=cell.group,
            payload_bytes=cell.payload_bytes,
            task_seconds=cell.task_seconds,
            foretold_speed_up=model.speed_up(cell.task_seconds, cell.payload_bytes),
            measured_speed_up=cell.speed_up,
            noise_ratio=cell.noise_ratio,
        )
        for cell in cells
    )
    errors = [abs(cell.foretold_speed_up / cell.measured_speed_up - 1) for cell in checked]
    noise = [cell.noise_ratio for cell in checked]
    return FitCheck(checked, inference.median(errors), max(errors), inference.median(noise))


def _refused(check: FitCheck) -> str | None:
    # Not ">": a speed-up that is no number is an error of no number.
    if check.largest_error_ratio <= MOST_ERROR_RATIO:
        return None
    worst = max(check.cells, key=lambda cell: abs(cell.foretold_speed_up / cell.measured_speed_up - 1))
    return (
        f"for a cell that it did not use, it predicts a speed-up of {worst.foretold_speed_up:.2f}, but "
        f"{worst.measured_speed_up:.2f} was measured (give or take {percent(worst.noise_ratio)}): off by "
        f"{percent(check.largest_error_ratio)}, more than {percent(MOST_ERROR_RATIO)}"
    )
