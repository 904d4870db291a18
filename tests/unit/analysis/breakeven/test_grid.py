"""From measured cells to break-evens, on costs that are known."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.breakeven.grid import LEAST_BLOCKS, MOST_ERROR_RATIO, break_evens_of
from parlab.orchestrator.analysis.findings.breakeven import BreakEvenFinding, StrategyBreakEven
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.statistics.interval import Estimate
from parlab.orchestrator.store.observation import Observation
from tests.support.breakeven_grids import PAYLOADS, SECONDS, Build, Costs, Run, make_run

PROCESSES = Costs()


def found(run: Run, observations: list[Observation]) -> tuple[BreakEvenFinding, ...]:
    return break_evens_of(Measurements(run.plan, observations, run.calibrations))


def only(run: Run, observations: list[Observation]) -> StrategyBreakEven:
    [finding] = found(run, observations)
    [strategy] = finding.strategies
    return strategy


def contains(estimate: Estimate, value: float) -> bool:
    low = float("-inf") if estimate.low is None else estimate.low
    high = float("inf") if estimate.high is None else estimate.high
    return low <= value <= high


@pytest.mark.parametrize("costs", [Costs(), Costs(share=0.13), Costs(share=0.2, overlapping=True)])
def test_without_noise_costs_and_break_evens_are_those_that_were_planted(costs: Costs) -> None:
    run = make_run({"processes": costs})
    one = only(run, run.observations())
    assert one.dispatch_seconds.value == pytest.approx(costs.dispatch, rel=1e-3)
    assert one.seconds_per_byte is not None
    assert one.seconds_per_byte.value == pytest.approx(costs.per_byte, rel=1e-3)
    assert one.work_share.value == pytest.approx(costs.share, rel=1e-3)
    assert one.start_up_seconds == pytest.approx(costs.start_up)
    assert one.overlapping == costs.overlapping
    assert one.misfit_ratio < 1e-3
    assert one.check.largest_error_ratio < 1e-3
    assert one.refused is None
    for limit in one.task_limits:
        assert limit.payload_bytes is not None
        wanted = costs.least_task(limit.payload_bytes)
        assert limit.seconds.estimate.value == pytest.approx(wanted, rel=1e-3)
    for payload in one.payload_limits:
        wanted = max(costs.greatest_payload(payload.task_seconds), 0.0)
        assert payload.payload_bytes.estimate.value == pytest.approx(wanted, rel=1e-2)
    [repaid] = [repaid for repaid in one.repayments if repaid.task_seconds == 0.01]
    saved = 0.01 - costs.seconds(0.01, PAYLOADS[0])
    assert repaid.tasks.value == pytest.approx(costs.start_up / saved, rel=1e-3)


def test_with_noise_their_intervals_hold_what_was_planted() -> None:
    run = make_run({"processes": PROCESSES, "threads": Costs(2e-5, 0.0, 0.6, start_up=0.001)})
    [finding] = found(run, run.observations(blocks=9, noise=0.04, drift=0.1))
    assert [one.strategy for one in finding.strategies] == ["processes", "threads"]
    one = finding.strategies[0]
    assert contains(one.dispatch_seconds, PROCESSES.dispatch)
    assert one.seconds_per_byte is not None
    assert contains(one.seconds_per_byte, PROCESSES.per_byte)
    assert contains(one.work_share, PROCESSES.share)
    for limit in one.task_limits:
        assert limit.payload_bytes is not None
        assert contains(limit.seconds.estimate, PROCESSES.least_task(limit.payload_bytes))
    for payload in one.payload_limits:
        assert contains(
            payload.payload_bytes.estimate, max(PROCESSES.greatest_payload(payload.task_seconds), 0)
        )
    first = one.task_limits[0].seconds.estimate
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.high < 2 * first.low


def test_the_same_data_give_the_same_intervals() -> None:
    run = make_run({"processes": PROCESSES})
    observations = run.observations(noise=0.05)
    assert found(run, observations) == found(run, observations)


def test_a_finding_says_what_was_measured() -> None:
    run = make_run({"processes": PROCESSES})
    [finding] = found(run, run.observations())
    assert (finding.host, finding.workload, finding.conditions) == ("h", "payload", "")
    assert (finding.node, finding.python, finding.gil, finding.level) == ("local", "3.11.7", None, 0.95)
    assert finding.payload_bytes == (float(PAYLOADS[0]), float(PAYLOADS[-1]))
    assert finding.task_seconds == pytest.approx((SECONDS[0], SECONDS[-1]), rel=0.05)
    one = finding.strategies[0]
    assert (one.label, one.max_workers, one.cpus) == ("processes ×2", 2, 2)
    assert one.fitted_cells + len(one.check.cells) == len(PAYLOADS) * len(SECONDS)


def test_cells_that_are_checked_are_not_in_the_fit() -> None:
    run = make_run({"processes": PROCESSES})
    observations = run.observations(noise=0.03)
    before = only(run, observations)
    for cell in before.check.cells:
        spoilt = [
            replace(o, seconds=3 * o.seconds)
            if o.group == cell.group and "processes" in o.configuration
            else o
            for o in observations
            if o.seconds is not None
        ]
        after = only(run, spoilt)
        assert after.dispatch_seconds == before.dispatch_seconds
        assert after.seconds_per_byte == before.seconds_per_byte
        assert after.work_share == before.work_share
        assert after.misfit_ratio == before.misfit_ratio
        assert after.check.largest_error_ratio > 1 > before.check.largest_error_ratio
        assert after.refused is not None


def test_a_cell_of_the_fit_that_a_neighbour_disturbed_hardly_moves_it() -> None:
    run = make_run({"processes": PROCESSES})
    observations = run.observations(noise=0.02)
    before = only(run, observations)
    checked = {cell.group for cell in before.check.cells}
    disturbed = next(group for group in run.work if group not in checked)
    spoilt = [
        replace(o, seconds=1.4 * o.seconds) if o.group == disturbed and "processes" in o.configuration else o
        for o in observations
        if o.seconds is not None
    ]
    after = only(run, spoilt)
    assert after.refused is None
    assert after.work_share.value == pytest.approx(before.work_share.value, rel=0.05)
    # The intervals say that something is off.
    assert after.misfit_ratio > before.misfit_ratio + 0.03


def test_a_model_that_foretells_wrongly_is_refused_with_the_figures_and_derives_nothing() -> None:
    run = make_run({"processes": PROCESSES})

    def thrashing(costs: Costs, work: float, payload: float) -> float:
        # Between one and ten milliseconds something else happens, which no such model knows.
        return costs.seconds(work, payload) * (3 if 0.0007 < work < 0.003 else 1)

    one = only(run, run.observations(noise=0.02, truth=thrashing))
    assert one.refused is not None
    assert one.check.largest_error_ratio > MOST_ERROR_RATIO
    assert f"off by {100 * one.check.largest_error_ratio:.0f} %, more than 30 %" in one.refused
    assert "give or take" in one.refused
    assert (one.task_limits, one.payload_limits, one.repayments) == ((), (), ())


def test_what_lies_between_model_and_cells_widens_the_intervals() -> None:
    run = make_run({"processes": PROCESSES})

    def uneven(costs: Costs, work: float, payload: float) -> float:
        # A lasting tenth more or less, by cell.
        sign = 1 if round(1e7 * work + payload) % 3 else -1
        return costs.seconds(work, payload) * (1 + 0.1 * sign)

    smooth = only(run, run.observations(blocks=12, noise=0.01))
    rough = only(run, run.observations(blocks=12, noise=0.01, truth=uneven))
    assert rough.refused is None
    assert rough.misfit_ratio > 0.05 > smooth.misfit_ratio

    def width(estimate: Estimate) -> float:
        assert estimate.low is not None
        assert estimate.high is not None
        return estimate.high / estimate.low

    assert width(rough.work_share) > 1.1 > width(smooth.work_share)


def test_a_check_says_how_much_of_its_error_is_the_measurements_own() -> None:
    run = make_run({"processes": PROCESSES})
    quiet = only(run, run.observations(noise=0.01)).check
    loud = only(run, run.observations(noise=0.1)).check
    # sqrt(pi / 2) x sqrt(2) x noise / sqrt(7): the standard error of a median of ratios.
    assert quiet.noise_ratio == pytest.approx(0.0067, rel=0.5)
    assert loud.noise_ratio == pytest.approx(0.067, rel=0.5)
    assert loud.median_error_ratio < 3 * loud.noise_ratio


@pytest.mark.parametrize(
    ("costs", "side", "reach"),
    [
        (Costs(), "from", "within"),
        (Costs(dispatch=0.05), "from", "beyond"),
        (Costs(dispatch=1e-6), "from", "always"),
        (Costs(share=1.1), "from", "never"),
    ],
)
def test_where_a_break_even_lies_is_said_by_what_was_measured(costs: Costs, side: str, reach: str) -> None:
    run = make_run({"processes": costs})
    one = only(run, run.observations())
    limit = one.task_limits[0].seconds
    assert (limit.side, limit.reach) == (side, reach)
    assert limit.extrapolated == (reach in ("beyond", "always"))
    if reach == "never":
        assert limit.estimate == Estimate(None, None, None)
        assert [repaid.tasks.value for repaid in one.repayments] == [None] * len(one.repayments)


@pytest.mark.parametrize(
    ("costs", "reach"),
    [
        (Costs(per_byte=3e-9), "within"),
        (Costs(per_byte=1e-10), "always"),
        (Costs(dispatch=0.02), "never"),
        (Costs(dispatch=0.0044, per_byte=1e-6), "beyond"),
    ],
)
def test_up_to_which_payload_is_said_by_what_was_measured(costs: Costs, reach: str) -> None:
    run = make_run({"processes": costs})
    limit = next(p for p in only(run, run.observations()).payload_limits if p.task_seconds == 0.01)
    assert (limit.payload_bytes.side, limit.payload_bytes.reach) == ("up to", reach)


def test_work_on_payload_that_is_shared_better_makes_a_payload_pay_from_somewhere_on() -> None:
    # As threads do it: what reads the bytes lets go of the GIL, and the rest does not.
    run = make_run({"threads": Costs(dispatch=1e-4, per_byte=-1.5e-10, share=1.0)})
    one = only(run, run.observations())
    assert one.seconds_per_byte is not None
    assert one.seconds_per_byte.value == pytest.approx(-1.5e-10, rel=1e-2)
    sides = {limit.payload_bytes.side for limit in one.payload_limits}
    assert sides == {"from"}
    limit = next(limit for limit in one.payload_limits if limit.task_seconds == 0.001)
    assert limit.payload_bytes.estimate.value == pytest.approx(1e-4 / 1.5e-10, rel=1e-2)


def test_nothing_is_said_of_tasks_far_from_all_that_were_measured() -> None:
    run = make_run({"processes": PROCESSES}, seconds=(0.0001, 0.0004, 0.0016, 0.005))
    one = only(run, run.observations())
    assert [limit.task_seconds for limit in one.payload_limits] == [0.001, 0.01]
    extrapolated = {repaid.task_seconds: repaid.extrapolated for repaid in one.repayments}
    assert extrapolated == {0.001: False, 0.01: True}
    assert one.payload_limits[1].payload_bytes.extrapolated


def test_a_payload_that_was_not_varied_has_no_cost_of_a_byte() -> None:
    run = make_run({"processes": PROCESSES}, payloads=(2_000,), seconds=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2))
    one = only(run, run.observations(noise=0.01))
    assert one.seconds_per_byte is None
    assert one.payload_limits == ()
    assert (one.fitted_cells, len(one.check.cells)) == (4, 2)
    [limit] = one.task_limits
    assert limit.payload_bytes is None
    assert contains(limit.seconds.estimate, PROCESSES.least_task(2_000))


def test_bytes_that_are_not_declared_are_those_that_were_pickled() -> None:
    run = make_run({"processes": PROCESSES}, parameters=lambda size, seconds: {"size": size, "n": seconds})
    one = only(run, run.observations(pickled_in=30.0, pickled_out=10.0))
    assert [limit.payload_bytes for limit in one.task_limits] == [payload + 40 for payload in PAYLOADS]
    assert one.seconds_per_byte is not None
    assert one.seconds_per_byte.value == pytest.approx(PROCESSES.per_byte, rel=1e-2)


def test_where_nobody_knows_the_bytes_only_work_is_told() -> None:
    run = make_run(
        {"threads": Costs(2e-5, 0.0, 0.6)}, parameters=lambda size, seconds: {"n": seconds, "m": size}
    )
    [finding] = found(run, run.observations())
    assert finding.payload_bytes is None
    assert finding.strategies[0].seconds_per_byte is None


def test_each_build_and_each_host_has_its_own_finding() -> None:
    builds = [Build(), Build(python="3.13.5t", gil="off"), Build(host="k", node="other")]
    run = make_run({"processes": PROCESSES}, builds=builds)
    findings = found(run, run.observations())
    assert [(f.host, f.node, f.python, f.gil) for f in findings] == [
        ("h", "local", "3.11.7", None),
        ("h", "local", "3.13.5t", "off"),
        ("k", "other", "3.11.7", None),
    ]
    assert all(f.strategies[0].refused is None for f in findings)


def test_what_is_not_a_number_tells_two_kinds_of_work_apart() -> None:
    run = make_run(
        {"processes": PROCESSES},
        payloads=(2_000, 2_001),
        seconds=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
        parameters=lambda size, seconds: {"codec": "zlib" if size % 2 else "lzma", "n": seconds},
    )
    findings = found(run, run.observations())
    assert [finding.conditions for finding in findings] == ["codec=lzma", "codec=zlib"]


def test_too_few_cells_are_no_grid() -> None:
    run = make_run({"processes": PROCESSES}, payloads=(2_000,))
    assert found(run, run.observations(blocks=20)) == ()


def test_too_few_blocks_are_told_and_nothing_is_fitted() -> None:
    run = make_run({"processes": PROCESSES})
    [finding] = found(run, run.observations(blocks=LEAST_BLOCKS - 1))
    assert finding.strategies == ()
    [left] = finding.left_out
    assert left.startswith("processes ×2: 0 of its cells have at least 5 blocks")
    assert len(found(run, run.observations(blocks=LEAST_BLOCKS))[0].strategies) == 1


def test_a_strategy_that_lost_its_trials_is_left_out_and_the_others_are_not() -> None:
    run = make_run({"processes": PROCESSES, "threads": Costs(2e-5, 0.0, 0.6)})
    observations = [
        replace(o, outcome="rejected", cause="steal", seconds=None)
        if "processes" in o.configuration and o.block > 2
        else o
        for o in run.observations()
    ]
    [finding] = found(run, observations)
    assert [one.strategy for one in finding.strategies] == ["threads"]
    assert [text.partition(":")[0] for text in finding.left_out] == ["processes ×2"]


def test_tasks_that_are_all_of_a_length_are_told_and_nothing_is_fitted() -> None:
    seconds = tuple(0.001 + index * 1e-5 for index in range(8))
    run = make_run({"processes": PROCESSES}, payloads=(2_000,), seconds=seconds)
    [finding] = found(run, run.observations())
    assert finding.strategies == ()
    assert "its longest task takes 1.1 times as long as its shortest" in finding.left_out[0]


def test_without_serial_there_is_nothing_to_be_faster_than() -> None:
    run = make_run({"processes": PROCESSES})
    observations = [o for o in run.observations() if "serial" not in o.configuration]
    assert found(run, observations) == ()


def test_serial_and_strategy_are_compared_within_their_sitting() -> None:
    # The machine is three times as slow in every other block: the ratios do not care.
    run = make_run({"processes": PROCESSES})
    observations = [
        replace(o, seconds=o.seconds * (3 if o.block % 2 else 1))
        for o in run.observations(blocks=8)
        if o.seconds is not None
    ]
    one = only(run, observations)
    assert one.refused is None
    assert one.work_share.value == pytest.approx(PROCESSES.share, rel=0.1)


def test_five_strategies_of_sixteen_cells_take_less_than_a_second() -> None:
    names = ("threads", "processes", "interpreters", "hybrid", "asyncio")
    run = make_run(dict.fromkeys(names, PROCESSES), payloads=(2_000, 60_000, 400_000, 2_000_000))
    observations = run.observations(noise=0.05)
    taken = []
    for _ in range(3):
        began = time.process_time()
        [finding] = found(run, observations)
        taken.append(time.process_time() - began)
        assert len(finding.strategies) == 5
    assert min(taken) < 1.0
