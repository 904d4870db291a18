"""The fit behind break-evens: which cells it uses, which kind it takes, and how often its intervals miss."""

from __future__ import annotations

import numpy as np
import pytest

from parlab.orchestrator.analysis.breakeven.cells import GridCell, payload_rows
from parlab.orchestrator.analysis.breakeven.fit import Fit, fit
from parlab.orchestrator.analysis.breakeven.grid import LEVEL, held_out
from parlab.orchestrator.analysis.breakeven.limits import payload_limits, repayments, task_limits
from parlab.orchestrator.statistics.interval import Estimate
from parlab.orchestrator.statistics.least_errors import fitted, solve
from tests.support.breakeven_grids import PAYLOADS, READING, SECONDS, Costs

#: Each side of an interval misses a fortieth; of 200 runs more than 20 would be no chance (p < 0.01).
RUNS = 200
MOST_MISSES = 20


def grid(payloads: tuple[float, ...], seconds: tuple[float, ...]) -> list[GridCell]:
    return [GridCell("g", payload, ((length, length),) * 5) for payload in payloads for length in seconds]


def draw_cells(source: np.random.Generator, costs: Costs, *, blocks: int, noise: float) -> list[GridCell]:
    cells = []
    for payload in PAYLOADS:
        for length in SECONDS:
            work = length + READING * payload
            taken = costs.seconds(work, payload)
            level = np.exp(source.normal(0, 0.15, blocks))
            serial = work * level * np.exp(source.normal(0, noise, blocks))
            own = taken * level * np.exp(source.normal(0, noise, blocks))
            pairs = tuple((float(a), float(b)) for a, b in zip(serial, own, strict=True))
            cells.append(GridCell("g", float(payload), pairs))
    return cells


def misses(estimate: Estimate, value: float) -> bool:
    return (estimate.low is None or estimate.low > value) or (
        estimate.high is not None and estimate.high < value
    )


@pytest.mark.parametrize(("costs", "blocks"), [(Costs(), 7), (Costs(share=0.2, overlapping=True), 5)])
def test_intervals_miss_no_more_often_than_their_level_says(costs: Costs, blocks: int) -> None:
    source = np.random.default_rng(11)
    missed = dict.fromkeys(("dispatch", "per byte", "share", "task", "payload"), 0)
    wide = []
    for _ in range(RUNS):
        cells = draw_cells(source, costs, blocks=blocks, noise=0.05)
        out = held_out(cells)
        used = [cell for index, cell in enumerate(cells) if index not in out]
        model = fit(used, LEVEL, with_payload=True, resamples=100)
        task = next(task_limits(model, cells)).seconds.estimate
        payload = next(limit for limit in payload_limits(model, cells) if limit.task_seconds == 0.01)
        missed["dispatch"] += misses(model.estimate(model.dispatch), costs.dispatch)
        missed["per byte"] += misses(model.estimate(model.per_byte), costs.per_byte)
        missed["share"] += misses(model.estimate(model.share), costs.share)
        missed["task"] += misses(task, costs.least_task(PAYLOADS[0]))
        missed["payload"] += misses(payload.payload_bytes.estimate, costs.greatest_payload(0.01))
        assert task.low is not None
        assert task.high is not None
        wide.append(task.high / task.low)
    assert max(missed.values()) <= MOST_MISSES, missed
    # Nor are they so wide that they could not miss.
    assert np.median(wide) < 2.5


@pytest.mark.parametrize("overlapping", [False, True])
def test_the_kind_that_was_planted_is_told_by_the_fit(overlapping: bool) -> None:
    source = np.random.default_rng(3)
    costs = Costs(share=0.2, overlapping=overlapping)
    kinds = [
        bool(
            fit(
                draw_cells(source, costs, blocks=7, noise=0.1),
                LEVEL,
                with_payload=True,
                resamples=2,
            ).overlapping[0]
        )
        for _ in range(40)
    ]
    assert kinds.count(overlapping) >= 38


def test_about_a_third_is_held_out_and_never_a_corner() -> None:
    for rows in (3, 4, 5):
        for columns in (3, 4, 5, 6):
            payloads = tuple(1000.0 * 4**row for row in range(rows))
            seconds = tuple(0.001 * 3**column for column in range(columns))
            cells = grid(payloads, seconds)
            out = held_out(cells)
            assert 0.2 < len(out) / len(cells) < 0.45
            corners = {
                index
                for index, cell in enumerate(cells)
                if cell.payload_bytes in (payloads[0], payloads[-1])
                and cell.task_seconds in (seconds[0], seconds[-1])
            }
            assert len(corners) == 4
            assert not corners & out
            # What is fitted still has every payload and every length.
            kept = [cell for index, cell in enumerate(cells) if index not in out]
            assert {cell.payload_bytes for cell in kept} == set(payloads)
            assert {cell.task_seconds for cell in kept} == set(seconds)


def test_of_one_payload_the_shortest_and_the_longest_tasks_are_fitted() -> None:
    cells = grid((2000.0,), (0.001, 0.002, 0.004, 0.008, 0.016))
    assert held_out(cells) == {1, 3}
    assert held_out(list(reversed(cells))) == {3, 1}


def test_payloads_that_hardly_differ_are_one_row() -> None:
    pickled = (41.0, 45.0, 44.0, 100_041.0, 100_047.0, 2_000_044.0)
    cells = [GridCell("g", payload, ((0.001 * (index + 1), 0.001),)) for index, payload in enumerate(pickled)]
    assert payload_rows(cells) == [[0, 1, 2], [3, 4], [5]]


def test_costs_that_cannot_be_are_not_fitted() -> None:
    # Faster than any share of the work allows by what dispatch would have to be: below 0.
    work = np.array([0.001, 0.002, 0.004, 0.008])
    taken = 0.5 * work - 0.0004
    columns = np.stack([np.ones(4), np.zeros(4), work], axis=1)[None] / taken[None, :, None]
    for overlapping in (False, True):
        [found] = solve(columns, with_payload=False, overlapping=overlapping)
        assert found[0] == 0
        assert found[1] == 0
        assert 0 < found[2] < 0.5
        assert np.all(fitted(columns, found[None], overlapping=overlapping) > 0)


def test_half_of_all_cells_being_wrong_by_as_much_up_as_down_does_not_move_the_fit() -> None:
    costs = Costs()
    work = np.array(SECONDS * 3)
    payload = np.repeat(np.array(PAYLOADS, dtype=float), 4)
    taken = np.array([costs.seconds(w, p) for w, p in zip(work, payload, strict=True)])
    taken[3] *= 2.0
    taken[6] *= 1.5
    columns = np.stack([np.ones(12), payload, work], axis=1)[None] / taken[None, :, None]
    [found] = solve(columns, with_payload=True, overlapping=False)
    assert found == pytest.approx([costs.dispatch, costs.per_byte, costs.share], rel=0.02)


def one_fit(dispatch: float, per_byte: float, share: float, *, overlapping: bool = False) -> Fit:
    return Fit(
        dispatch=np.full(3, dispatch),
        per_byte=np.full(3, per_byte),
        share=np.full(3, share),
        overlapping=np.full(3, overlapping),
        with_payload=True,
        misfit_ratio=0.0,
        level=LEVEL,
    )


def test_speed_up_is_serial_seconds_over_what_handing_over_and_work_take() -> None:
    added = one_fit(0.001, 1e-8, 0.5)
    assert added.speed_up(0.01, 100_000) == pytest.approx(0.01 / 0.007)
    assert added.speed_up(0.01, None) == pytest.approx(0.01 / 0.006)
    larger = one_fit(0.001, 1e-8, 0.5, overlapping=True)
    assert larger.speed_up(0.01, 100_000) == pytest.approx(2)
    assert larger.speed_up(0.002, 100_000) == pytest.approx(1)


def test_where_handing_over_goes_on_at_once_work_has_no_part_in_the_break_even() -> None:
    cells = grid((1000.0, 100_000.0), (0.001, 0.01))
    model = one_fit(0.001, 1e-8, 0.5, overlapping=True)
    assert [limit.seconds.estimate.value for limit in task_limits(model, cells)] == pytest.approx(
        [0.00101, 0.002]
    )
    assert list(payload_limits(model, cells))[1].payload_bytes.estimate.value == pytest.approx(900_000)
    # Unless work is not shared at all.
    hopeless = one_fit(0.001, 1e-8, 1.2, overlapping=True)
    assert [limit.seconds.reach for limit in task_limits(hopeless, cells)] == ["never", "never"]
    assert {limit.payload_bytes.reach for limit in payload_limits(hopeless, cells)} == {"never"}


def test_an_interval_has_no_bound_where_resamples_have_none() -> None:
    cells = grid((1000.0,), (0.001, 0.01))
    share = np.array([0.5] * 60 + [1.5] * 41)
    model = Fit(
        np.full(101, 0.001), np.zeros(101), share, np.zeros(101, dtype=bool),
        with_payload=False, misfit_ratio=0.0, level=LEVEL,
    )  # fmt: skip
    [limit] = task_limits(model, cells)
    assert limit.seconds.estimate.value == pytest.approx(0.002)
    assert limit.seconds.estimate.low == pytest.approx(0.002)
    assert limit.seconds.estimate.high is None


def test_a_pool_that_saves_nothing_is_never_paid_back_and_an_unknown_start_says_nothing() -> None:
    cells = grid((1000.0,), (0.001, 0.01))
    model = one_fit(0.005, 0.0, 0.5)
    assert not list(repayments(model, cells, ()))
    never, ten_milliseconds, _ = repayments(model, cells, (0.06, 0.05, 0.07))
    assert never.tasks == Estimate(None, None, None)
    # 10 ms - 5 ms - 10 ms / 2 is nothing either.
    assert ten_milliseconds.tasks.value is None
    _, quicker, _ = repayments(one_fit(0.001, 0.0, 0.5), cells, (0.06, 0.05, 0.07))
    assert quicker.tasks.value == pytest.approx(0.06 / 0.004)
