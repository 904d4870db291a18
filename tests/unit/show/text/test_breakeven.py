"""Break-evens in words: what a reader is told in each case, and what is kept from him."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.breakeven.grid import break_evens_of
from parlab.orchestrator.analysis.findings.breakeven import (
    BreakEvenFinding,
    CheckedCell,
    FitCheck,
    Limit,
    PayloadLimit,
    Reach,
    Repayment,
    StrategyBreakEven,
    TaskLimit,
)
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.show.text.breakeven import breakeven_sections
from parlab.orchestrator.show.text.sections import Section
from parlab.orchestrator.statistics.interval import Estimate
from tests.support.breakeven_grids import Build, Costs, make_run

CELL = CheckedCell("g", 2000.0, 0.001, 1.04, 1.0, 0.03)
NOWHERE = Estimate(None, None, None)


def start(value: float | None, low: float | None, high: float | None, reach: Reach = "within") -> TaskLimit:
    limit = Limit("from", reach, Estimate(value, low, high), extrapolated=reach == "beyond")
    return TaskLimit(2000.0, limit, (0.0002, 0.025))


def end(value: float | None, low: float | None, high: float | None, reach: Reach = "within") -> PayloadLimit:
    limit = Limit("up to", reach, Estimate(value, low, high), extrapolated=reach == "beyond")
    return PayloadLimit(0.01, limit)


PROCESSES = StrategyBreakEven(
    label="processes ×2 forkserver",
    strategy="processes",
    max_workers=2,
    cpus=2,
    start_up_seconds=0.06,
    dispatch_seconds=Estimate(0.000141, 0.00011, 0.00018),
    seconds_per_byte=Estimate(1.6e-9, 1.4e-9, 1.9e-9),
    work_share=Estimate(0.55, 0.53, 0.58),
    overlapping=False,
    misfit_ratio=0.02,
    fitted_cells=8,
    check=FitCheck((CELL,) * 5, 0.04, 0.09, 0.03),
    refused=None,
    task_limits=(start(0.00031, 0.00025, 0.0004),),
    payload_limits=(end(400_000, 310_000, 520_000),),
    repayments=(Repayment(0.01, 2000.0, Estimate(44.2, 39.0, 50.3), extrapolated=False),),
)
FINDING = BreakEvenFinding(
    host="h",
    workload="payload",
    conditions="",
    node="local",
    python="3.11.7",
    gil=None,
    task_seconds=(0.0002, 0.025),
    payload_bytes=(2000.0, 2_000_000.0),
    level=0.95,
    strategies=(PROCESSES,),
)


def drawn(*strategies: StrategyBreakEven) -> Section:
    [section] = breakeven_sections([replace(FINDING, strategies=strategies)], {})
    return section


def sentence(strategy: StrategyBreakEven) -> str:
    [said] = drawn(strategy).sentences
    return said


def cells(strategy: StrategyBreakEven) -> dict[str, str]:
    section = drawn(strategy)
    assert len(section.rows[0].cells) == len(section.headers)
    return dict(zip(section.headers, section.rows[0].cells, strict=True))


def test_a_strategy_that_pays_is_told_with_all_that_one_can_act_on() -> None:
    assert sentence(PROCESSES) == (
        "Processes ×2 forkserver: pays for tasks from 310 µs [250, 400] on with 2 kB; tasks of 10 ms pay "
        "up to 400 kB [310, 520]; after 45 [39, 51] tasks of 10 ms the start of its pool (60 ms) is paid "
        "back. The model was off by 4 % (median) and 9 % (largest) in 5 cells that it did not use; the "
        "measured speed-ups there are themselves known to ±3 %."
    )


def test_its_row_has_the_costs_the_limits_and_the_error_of_the_check() -> None:
    assert cells(PROCESSES) == {
        "": "processes ×2 forkserver",
        "a task": "141 µs",
        "a MB": "1.60 ms",
        "work left": "0.55 (×1.8)",
        "pays from (2 kB)": "310 µs [250, 400]",
        "pays up to (10 ms)": "400 kB [310, 520]",
        "off by": "4 %, 9 %",
    }


def test_a_model_that_does_not_hold_shows_its_error_and_none_of_its_figures() -> None:
    check = FitCheck((CELL,) * 5, 0.17, 0.45, 0.03)
    refused = replace(
        PROCESSES, check=check, refused="it was off by 45%", task_limits=(), payload_limits=(), repayments=()
    )
    assert sentence(refused) == (
        "Processes ×2 forkserver: no break-even, because the model does not hold: it was off by 45%."
    )
    assert list(cells(refused).values()) == ["processes ×2 forkserver", *["–"] * 5, "17 %, 45 %"]
    assert drawn(refused).notes == ()


@pytest.mark.parametrize(
    ("limit", "cell", "words"),
    [
        (start(None, None, None, "never"), "never", "no task with 2 kB pays, however long"),
        (start(None, 0.004, None, "never"), "not known", "no task with 2 kB is known to pay"),
        (start(0.0, 0.0, None, "always"), "not known", "no task with 2 kB is known to pay"),
        (
            start(0.004, 0.001, None),
            "4.0 ms [1.0, –]",
            "seems to pay for tasks from 4.0 ms [1.0, –] on with 2 kB",
        ),
        (start(0.0001, 0.0, 0.00015, "always"), "≤ 200 µs", "pays even for the shortest measured task"),
        (start(0.0001, 0.0, 0.0003, "always"), "100 µs [0, 300]", "pays for tasks from 100 µs [0, 300] on"),
        (start(0.05, 0.03, 0.09, "beyond"), "~50 ms [30, 90]", "which is longer than what was measured"),
    ],
)
def test_from_which_task_on_it_pays_is_said_as_far_as_it_is_known(
    limit: TaskLimit, cell: str, words: str
) -> None:
    one = replace(PROCESSES, task_limits=(limit,))
    assert cells(one)["pays from (2 kB)"] == cell
    assert words in sentence(one)


def test_of_what_is_not_known_to_pay_neither_payload_nor_repayment_is_told() -> None:
    said = sentence(replace(PROCESSES, task_limits=(start(0.004, 0.001, None),)))
    assert "this is not certain. The model" in said
    assert "paid back" not in said
    assert "up to" not in said


@pytest.mark.parametrize(
    ("limit", "cell", "words"),
    [
        (end(0.0, 0.0, 0.0, "never"), "never", "tasks of 10 ms do not pay, whatever their payload"),
        (end(0.0, 0.0, 1.7e6), "not known", "up to which payload tasks of 10 ms pay is not known"),
        (end(4e5, 0.0, None), "not known", "up to which payload tasks of 10 ms pay is not known"),
        (end(None, 3e6, None, "always"), "≥ 3.0 MB", "pay with any payload, 3.0 MB at least"),
        (end(None, None, None, "always"), "any", "pay with any payload;"),
        (end(4e5, 0.0, 9e5), "400 kB [0, 900]", "pay up to 400 kB [0, 900], which is not certain"),
        (end(900.0, 500.0, 1500.0, "beyond"), "~900 B [500, 1500]", "outside of what was measured"),
    ],
)
def test_up_to_which_payload_it_pays_is_said_as_far_as_it_is_known(
    limit: PayloadLimit, cell: str, words: str
) -> None:
    one = replace(PROCESSES, payload_limits=(limit,))
    assert cells(one)["pays up to (10 ms)"] == cell
    assert words in sentence(one)


def test_a_payload_that_makes_it_pay_is_told_as_where_it_begins() -> None:
    limit = PayloadLimit(0.01, Limit("from", "within", Estimate(2e5, 1e5, 3e5), extrapolated=False))
    one = replace(PROCESSES, seconds_per_byte=Estimate(-1e-10, -2e-10, -5e-11), payload_limits=(limit,))
    assert cells(one)["pays up to (10 ms)"] == "from 200 kB [100, 300]"
    assert cells(one)["a MB"] == "−100 µs"
    assert "tasks of 10 ms pay from 200 kB [100, 300] on" in sentence(one)
    assert any(note.startswith("a MB below 0") for note in drawn(one).notes)


def test_a_repayment_that_is_not_certain_is_not_told() -> None:
    one = replace(
        PROCESSES, repayments=(Repayment(0.01, 2000.0, Estimate(44.2, 39.0, None), extrapolated=False),)
    )
    assert "paid back" not in sentence(one)
    assert "paid back" not in sentence(replace(PROCESSES, start_up_seconds=None, repayments=()))


def test_what_was_not_varied_is_left_out_of_words_and_table() -> None:
    limit = replace(start(0.00031, 0.00025, 0.0004), payload_bytes=None)
    one = replace(PROCESSES, seconds_per_byte=None, task_limits=(limit,), payload_limits=())
    assert sentence(one).startswith(
        "Processes ×2 forkserver: pays for tasks from 310 µs [250, 400] on; after 45 "
    )
    assert cells(one)["pays from"] == "310 µs [250, 400]"
    assert cells(one)["a MB"] == "–"


def test_tasks_of_a_length_that_was_not_measured_are_not_told_of() -> None:
    [section] = breakeven_sections([replace(FINDING, task_seconds=(0.0002, 0.004))], {})
    assert section.headers[5] == "pays up to"
    assert section.rows[0].cells[5] == "–"
    assert "tasks of 10 ms" not in section.sentences[0]


def test_the_shape_of_the_model_and_what_was_left_out_are_noted() -> None:
    one = replace(PROCESSES, overlapping=True)
    finding = replace(FINDING, strategies=(one,), left_out=("threads ×2: 0 of its cells have 5 blocks",))
    [section] = breakeven_sections([finding], {})
    assert any("95 % intervals, each by itself" in note for note in section.notes)
    assert any(
        note.startswith("processes ×2 forkserver: handing over and work go on") for note in section.notes
    )
    assert section.notes[-1] == "threads ×2: 0 of its cells have 5 blocks"
    assert not any(note.startswith("~") for note in section.notes)


def test_where_nothing_could_be_fitted_that_is_said() -> None:
    finding = replace(FINDING, strategies=(), left_out=("processes ×2: 3 of its cells …",))
    [section] = breakeven_sections([finding], {})
    assert section.rows == ()
    assert section.sentences == ("Not known yet: nothing could be fitted and checked.",)
    assert section.notes == ("processes ×2: 3 of its cells …",)


def test_builds_hosts_and_conditions_tell_sections_apart() -> None:
    findings = [FINDING, replace(FINDING, host="k", python="3.13.5t", gil="off", conditions="codec=zlib")]
    builds = {"local 3.11.7 gil=default": "CPython 3.11.7, GIL on"}
    titles = [section.title for section in breakeven_sections(findings, builds)]
    assert titles == [
        "Where it starts to pay · payload · CPython 3.11.7, GIL on · host h",
        "Where it starts to pay · payload(codec=zlib) · Python 3.13.5t · host k",
    ]
    assert breakeven_sections([], {}) == []


def test_what_an_analysis_found_is_laid_out_as_it_is() -> None:
    run = make_run(
        {"processes": Costs(), "threads": Costs(2e-5, 0.0, 1.02)}, builds=[Build(), Build(python="3.14.0")]
    )
    observations = run.observations(noise=0.03, drift=0.1)
    findings = break_evens_of(Measurements(run.plan, observations, run.calibrations))
    sections = breakeven_sections(findings, {})
    assert len(sections) == 2
    for section in sections:
        assert [row.cells[0] for row in section.rows] == ["processes ×2", "threads ×2"]
        assert all(len(row.cells) == len(section.headers) for row in section.rows)
        assert section.sentences[0].startswith("Processes ×2: pays for tasks from ")
        assert "is paid back" in section.sentences[0]
        assert "known to pay" in section.sentences[1] or "pays, however long" in section.sentences[1]


def test_a_figure_without_an_end_is_never_written_as_a_number() -> None:
    nothing = replace(
        PROCESSES,
        dispatch_seconds=NOWHERE,
        work_share=NOWHERE,
        task_limits=(start(None, None, None, "never"),),
        payload_limits=(end(0.0, 0.0, 0.0, "never"),),
        check=FitCheck((CELL,), float("inf"), float("inf"), float("inf")),
    )
    row = cells(nothing)
    assert (row["a task"], row["work left"], row["off by"]) == ("–", "–", "–, –")
    assert "in 1 cell that" in sentence(nothing)
