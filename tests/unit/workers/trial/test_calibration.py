"""The number of tasks of a round: real functions, counted and timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from parlab.workers.errors import TrialFault
from parlab.workers.trial.calibration import calibrate
from parlab.workers.trial.check import SerialDigests
from parlab.workers.wire.digest import digest
from parlab.workers.workloads.base import Workload


def workload(function: Callable[[Any], Any], **other: Any) -> Workload:
    return Workload(
        name="w",
        summary="",
        kind="cpu",
        parameters={},
        function=function,
        inputs=lambda _, count: list(range(count)),
        **other,
    )


def wanted(**other: Any) -> dict[str, Any]:
    return {"round_seconds": 0.03, "tasks": None, "multiple_of": 1, "max_tasks": 10_000, **other}


def expected(*results: Any) -> dict[str, Any]:
    return SerialDigests.of([digest(result) for result in results]).to_plain()


class Sleeper:
    """A task of known length that counts its calls."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls: list[int] = []

    def __call__(self, item: int) -> int:
        self.calls.append(item)
        time.sleep(self.seconds)
        return item * item


def test_long_tasks_are_run_once_each_and_the_first_one_twice() -> None:
    task = Sleeper(0.03)
    found = calibrate(workload(task), {}, wanted(multiple_of=4))
    assert task.calls == [0, 0, 1, 2, 3]
    assert found["tasks"] == 4
    assert found["task_seconds"] == pytest.approx(0.03, rel=0.5)
    assert found["expected"] == expected(0, 1, 4, 9)


def test_a_fixed_number_of_tasks_is_kept() -> None:
    task = Sleeper(0.03)
    found = calibrate(workload(task), {}, wanted(tasks=3, multiple_of=4))
    assert task.calls == [0, 0, 1, 2]
    assert found["tasks"] == 3
    assert found["expected"] == expected(0, 1, 4)


def test_short_tasks_are_as_many_as_fill_the_round() -> None:
    found = calibrate(workload(Sleeper(0.001)), {}, wanted(multiple_of=4))
    # A sleep takes longer than asked, so there are fewer than 30.
    assert 4 <= found["tasks"] <= 28
    assert found["tasks"] % 4 == 0
    assert found["tasks"] * found["task_seconds"] >= 0.9 * 0.03
    assert (found["tasks"] - 4) * found["task_seconds"] < 0.9 * 0.03


def test_the_number_is_capped_at_a_multiple() -> None:
    found = calibrate(workload(abs), {}, wanted(multiple_of=7, max_tasks=100))
    assert found["tasks"] == 98
    assert found["expected"] == expected(*range(98))
    assert calibrate(workload(abs), {}, wanted(multiple_of=7, max_tasks=3))["tasks"] == 7


def test_a_round_may_be_a_little_shorter_than_asked() -> None:
    task = Sleeper(0.03)
    assert calibrate(workload(task), {}, wanted(round_seconds=0.0305))["tasks"] == 1
    assert calibrate(workload(task), {}, wanted(round_seconds=0.045))["tasks"] == 2


def test_calls_that_are_slow_only_at_first_do_not_count() -> None:
    task = Sleeper(0.01)

    def warms_up(item: int) -> int:
        result = task(item)
        task.seconds = 0.01 if len(task.calls) < 2 else 0.0005
        return result

    found = calibrate(workload(warms_up), {}, wanted())
    assert found["task_seconds"] < 0.003
    assert found["tasks"] > 10


def test_results_that_differ_each_time_are_found() -> None:
    counter = iter(range(100))
    with pytest.raises(TrialFault, match="returns a different result each time") as fault:
        calibrate(workload(lambda _: next(counter)), {}, wanted())
    assert fault.value.cause == "wrong-result"


def test_a_check_of_its_own_is_used_instead_of_digests() -> None:
    seen = []

    def check(item: int, result: float) -> bool:
        seen.append(item)
        return abs(result) < 1

    found = calibrate(workload(lambda _: time.time() % 1, check=check), {}, wanted(tasks=3))
    assert found["expected"] is None
    assert seen == [0, 0, 0, 1, 2]


def test_a_check_that_refuses_a_serial_result_names_the_task() -> None:
    refuses_two = workload(abs, check=lambda item, _: item != 2)
    with pytest.raises(TrialFault, match="task 2 of 3 gave 2, which the workload's check refuses"):
        calibrate(refuses_two, {}, wanted(tasks=3))


def test_a_task_that_raises_is_named() -> None:
    with pytest.raises(TrialFault, match="task 2 raised ZeroDivisionError") as fault:
        calibrate(workload(lambda item: 1 // (item - 2)), {}, wanted(tasks=3))
    assert fault.value.cause == "raised"
    assert "ZeroDivisionError" in str(fault.value.traceback)


def test_inputs_that_are_too_few_are_an_error() -> None:
    short = Workload(
        name="short", summary="", kind="cpu", parameters={}, function=abs, inputs=lambda _, __: [1]
    )
    with pytest.raises(TrialFault, match="short gave 1 input where 3 were requested"):
        calibrate(short, {}, wanted(tasks=3))
