"""Benchmark of advice: functions can be called, the grid is an experiment, the judgement is right."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pickle
from pathlib import Path
from typing import Any

import pytest

from benchmarks.advice.advise import is_right, table
from benchmarks.advice.exhaustive import Judgement, Way, experiment, grid, judge
from benchmarks.advice.functions.cases import CASES, AdviceCase
from parlab.orchestrator.experiment.file import load

CPUS = 2
SERIAL = {"strategy": "serial", "max_workers": 1, "options": {}, "python": "3.11.7", "gil": None}
THREADS = {**SERIAL, "strategy": "threads", "max_workers": 2}
SPAWNED = {**SERIAL, "strategy": "processes", "max_workers": 2, "options": {"start_method": "spawn"}}


def named(reference: str) -> Any:
    """What a reference names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def inputs_of(case: AdviceCase) -> list[Any]:
    found = named(case.inputs_reference)
    return list(found() if callable(found) else found)


def is_picklable(value: object) -> bool:
    try:
        pickle.dumps(value)
    except (TypeError, AttributeError, pickle.PicklingError):
        return False
    return True


def called(function: Any, item: Any) -> Any:
    found = function(item)
    return asyncio.run(found) if inspect.iscoroutine(found) else found


def document(levels: dict[str, list[float]], best: dict[str, str | None]) -> dict[str, Any]:
    """A search's result document, as far as it is looked at: seconds of each configuration, by block."""
    planned = dict(zip("spt", (SERIAL, SPAWNED, THREADS), strict=True))
    return {
        "reason": "why",
        "running_seconds": 100.0,
        "experiment": {"stop": {"blocks": 15}},
        "plan": {
            "groups": [
                {
                    "configurations": [{"id": i, **planned[i]} for i in levels],
                    "comparisons": [{"configuration": i, "baseline": "s"} for i in levels if i != "s"],
                }
            ]
        },
        "finding": {
            "groups": [
                {
                    "blocks": 15,
                    "configurations": [
                        {"configuration": i, "best": best.get(i), "seconds": {}, "problem": None}
                        for i in levels
                    ],
                }
            ]
        },
        "blocks": [{"block": block, "void": "reboot" if block == 0 else None} for block in range(16)],
        "trials": [
            {
                "group": "g",
                "block": block,
                "sitting": f"b{block}",
                "configuration": i,
                "outcome": "measured",
                "seconds": 2 * seconds[block],
                "rounds": [{}, {}],
            }
            for i, seconds in levels.items()
            for block in range(16)
        ],
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_function_gives_the_same_for_each_of_its_inputs_whenever_it_is_called(case: AdviceCase) -> None:
    function, items = named(case.reference), inputs_of(case)
    assert len(items) >= 4
    assert called(function, items[0]) == called(function, items[0])
    assert called(function, items[0]) != called(function, items[1])
    if case.async_reference is not None:
        assert called(named(case.async_reference), items[1]) == called(function, items[1])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_those_meant_to_be_cannot_be_pickled(case: AdviceCase) -> None:
    assert is_picklable(named(case.reference)) == (case.name != "closure")
    assert is_picklable(inputs_of(case)) == (case.name != "locks")


def test_they_are_of_as_many_kinds_as_are_asked_for() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.kind for case in CASES}) >= 12
    assert [case.name for case in CASES if inspect.iscoroutinefunction(named(case.reference))] == ["async"]
    assert {case.name for case in CASES if case.has_async} == {"async", "both"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_grid_is_an_experiment_of_just_these_ways(case: AdviceCase, tmp_path: Path) -> None:
    ways = grid(case, CPUS)
    file = tmp_path / "search.toml"
    file.write_text(experiment(case, ways, ["python3"], 15, 0.3, 8, 1), encoding="utf-8")
    found = load(str(file))
    assert [Way.of(c.name, int(c.max_workers), c.options) for c in found.strategies] == ways
    assert (found.stop.rule, found.stop.blocks, found.trial_seconds) == ("fixed", 15, 0.3)
    (workload,) = found.workloads
    assert workload.tasks == 8
    assert workload.function is not None
    assert workload.function.function == case.reference
    assert (workload.function.inputs, workload.function.async_function) == (
        case.inputs_reference,
        case.async_reference,
    )


def test_a_way_is_the_same_however_it_is_said() -> None:
    said = Way.of("processes", 2, {"start_method": "forkserver", "chunksize": 1, "max_tasks_per_child": None})
    assert Way.of("processes", 2, {}) == said
    assert Way.of("processes", 2, {"start_method": "fork"}) != said
    assert Way.of("hybrid", 8, {"threads": 4}) == Way.of("hybrid", 8, {"processes": 2})
    assert str(Way.of("hybrid", 8, {"threads": 4, "start_method": "fork"})) == "hybrid 2×4 fork"
    assert str(Way.of("processes", 2, {"chunksize": 8})) == "processes ×2, chunksize 8"


def test_a_pick_is_judged_by_its_blocks_with_the_fastest() -> None:
    threads = [0.5, *(1.0 + 0.01 * block for block in range(1, 16))]
    levels = {"s": [1.0] * 16, "p": [2.0 * one for one in threads], "t": threads}
    found = judge(document(levels, {"s": "fastest", "t": "tied"}), THREADS)
    assert isinstance(found, Judgement)
    assert found.in_best_set
    assert (found.best, found.best_set, found.configurations) == ("serial", 2, 3)
    # 15 blocks, the void one left out: the middle, the 4th from below and the 4th from above.
    assert (found.low, found.ratio, found.high) == pytest.approx((1.04, 1.08, 1.12))
    behind = judge(document(levels, {"s": "fastest", "t": "tied"}), SPAWNED)
    assert isinstance(behind, Judgement)
    assert not behind.in_best_set
    assert behind.ratio == pytest.approx(2.16)


def test_the_fastest_itself_has_a_ratio_of_one_and_what_was_not_measured_has_none() -> None:
    found = document({"s": [1.0] * 16, "t": [2.0] * 16}, {"s": "fastest"})
    itself = judge(found, SERIAL)
    assert isinstance(itself, Judgement)
    assert (itself.low, itself.ratio, itself.high, itself.in_best_set) == (1.0, 1.0, 1.0, True)
    assert judge(found, SPAWNED) == "processes ×2 spawn was not measured"
    assert judge(found, {**SERIAL, "python": "3.14.0"}) == "serial was not measured"


def test_a_pick_is_right_in_the_best_set_or_within_ten_percent_at_its_bound() -> None:
    assert is_right({"in_best_set": True, "high": 1.3})
    assert is_right({"in_best_set": False, "high": 1.1})
    assert not is_right({"in_best_set": False, "high": 1.11})
    assert not is_right({"in_best_set": False, "high": None})


def test_the_table_counts_what_was_reached_and_names_the_worst_share() -> None:
    judged = {"best": "threads ×2", "in_best_set": True, "ratio": 1.0, "low": 1.0, "high": 1.0}
    judged |= {"configurations": 9, "best_set": 2, "seconds": 200.0, "blocks": 15}
    line = {"kind": "k", "machine": "m, 2 CPUs, 2026-01-01 10:00", "pick": "threads ×2"}
    lines: list[dict[str, Any]] = [
        {**line, "function": "a", "advise_seconds": 40.0, "judgement": judged},
        {**line, "function": "b", "advise_seconds": 60.0, "judgement": judged},
        {**line, "function": "c", "advise_seconds": 60.0, "judgement": None},
    ]
    text = table(lines)
    assert (
        "| a | k | threads ×2 | threads ×2 | yes (2 of 9) | 1.00 [1.00, 1.00] | 40 s | 200 s | 20% | yes |"
        in text
    )
    assert "2 of 2 picks are right, 1 of 2 took at most 25% of the search (worst share 30%, b)" in text
    assert "| c | k | threads ×2 | not searched |" in text
