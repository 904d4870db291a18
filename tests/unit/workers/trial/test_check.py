"""Checking a round's results against the serial ones, or by the workload's own check."""

from __future__ import annotations

from typing import Any

import pytest

from parlab.workers.errors import TrialFault
from parlab.workers.trial.check import Checker, SerialDigests
from parlab.workers.wire.digest import digest
from parlab.workers.workloads.base import Workload


def checker(results: list[Any], function: Any = lambda item: item, **other: Any) -> Checker:
    """A checker for tasks that should give ``results``; run again, ``function`` of the index is it."""
    workload = Workload(
        name="w", summary="", kind="cpu", parameters={}, function=function, inputs=lambda *_: [], **other
    )
    return Checker(workload, range(len(results)), SerialDigests.of([digest(result) for result in results]))


def test_the_same_results_pass_again_and_again() -> None:
    for results in ([1, 2.5, "x"], [[1], {2: 3}], [None]):
        check = checker(results)
        for _ in range(3):
            check.check(list(results))


@pytest.mark.parametrize("wrong", [2.0, True, "2", None, [2], 3])
def test_a_result_that_is_merely_equal_or_of_another_type_is_wrong_even_after_right_rounds(
    wrong: object,
) -> None:
    check = checker([1, 2])
    check.check([1, 2])
    with pytest.raises(TrialFault, match="task 1 of 2 gave") as fault:
        check.check([1, wrong])
    assert fault.value.cause == "wrong-result"


def test_results_in_another_order_are_wrong() -> None:
    with pytest.raises(TrialFault, match="task 0 of 3 gave 2"):
        checker([1, 2, 3]).check([2, 1, 3])


def test_results_that_are_too_few_or_too_many_are_wrong() -> None:
    for results in ([1], [1, 2, 3]):
        with pytest.raises(TrialFault, match=f"2 tasks gave {len(results)} result"):
            checker([1, 2]).check(results)


def test_a_wrong_result_after_those_kept_one_by_one_is_found_by_running_tasks_again() -> None:
    right = list(range(100))
    with pytest.raises(TrialFault, match="task 77 of 100 gave -1"):
        checker(right).check([-1 if n == 77 else n for n in right])


def test_a_wrong_result_that_this_build_also_gives_serially_cannot_be_named() -> None:
    right = list(range(100))
    with pytest.raises(TrialFault, match="a task after the first 64 of 100"):
        checker(right, lambda item: -1 if item == 77 else item).check([-1 if n == 77 else n for n in right])


def test_a_check_of_its_own_decides() -> None:
    check = checker([0.1, 0.2], check=lambda item, result: abs(result - (item + 1) / 10) < 0.01)
    check.check([0.1, 0.2000001])
    with pytest.raises(TrialFault, match=r"task 1 of 2 gave 0\.5, which the workload's check refuses"):
        check.check([0.1, 0.5])


def test_a_check_that_raises_is_the_workloads_own_fault() -> None:
    with pytest.raises(TrialFault, match="the check of task 0 raised ZeroDivisionError") as fault:
        checker([1], check=lambda *_: 1 // 0).check([1])
    assert fault.value.cause == "raised"


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError


def test_a_wrong_result_that_cannot_be_shown_is_still_wrong() -> None:
    with pytest.raises(TrialFault, match="gave a Unshowable whose repr raised ValueError"):
        checker([1], check=lambda *_: False).check([Unshowable()])


def test_what_is_expected_survives_its_journey() -> None:
    expected = SerialDigests.of([digest(n) for n in range(100)])
    assert len(expected.heads) == 64
    there = SerialDigests.from_plain(expected.to_plain())
    assert (there.combined, there.heads) == (expected.combined, expected.heads)
