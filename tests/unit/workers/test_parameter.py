"""Parameters of workloads and strategies: what may be set, and what is said of what may not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from parlab.workers.errors import BadInput
from parlab.workers.parameter import Parameter, settle

STEPS = Parameter(int, 10, minimum=1, maximum=1000)
SECONDS = Parameter(float, 0.5, minimum=0.0)
METHOD = Parameter(str, "fork", choices=("fork", "spawn"), summary="How to start.")
FLAG = Parameter(bool, False)
WIDTH = Parameter(int, None, minimum=1)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (STEPS, 1),
        (STEPS, 1000),
        (SECONDS, 0),
        (SECONDS, 2.5),
        (METHOD, "spawn"),
        (FLAG, True),
        (WIDTH, None),
        (WIDTH, 3),
    ],
)
def test_what_fits_is_taken(parameter: Parameter, value: Any) -> None:
    assert parameter.refusal(value) is None


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        (STEPS, 0, "must be at least 1, not 0"),
        (STEPS, -3, "must be at least 1, not -3"),
        (SECONDS, 10**400, "must be a finite number, not 1000"),
        (STEPS, 1001, "must be at most 1000, not 1001"),
        (STEPS, 1.0, "must be an integer, not 1.0"),
        (STEPS, True, "must be an integer, not True"),
        (STEPS, "1", "must be an integer, not '1'"),
        (STEPS, None, "must be an integer, not None"),
        (SECONDS, math.nan, "must be a finite number, not nan"),
        (SECONDS, math.inf, "must be a finite number, not inf"),
        (SECONDS, -0.1, "must be at least 0, not -0.1"),
        (METHOD, "vfork", "must be one of fork, spawn, not 'vfork'"),
        (FLAG, 1, "must be true or false, not 1"),
        (WIDTH, 0, "must be at least 1, not 0"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(parameter: Parameter, value: Any, said: str) -> None:
    refusal = parameter.refusal(value)
    assert refusal is not None
    assert refusal.startswith(said)


def test_what_is_not_given_has_its_default_and_integers_become_floats() -> None:
    settled = settle({"steps": STEPS, "seconds": SECONDS, "width": WIDTH}, {"seconds": 2}, "workload x")
    assert settled == {"steps": 10, "seconds": 2.0, "width": None}
    assert isinstance(settled["seconds"], float)


def test_a_name_that_is_not_declared_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadInput, match="workload x: there is no parameter 'stpes'") as refused:
        settle({"steps": STEPS, "seconds": SECONDS}, {"stpes": 3}, "workload x")
    assert refused.value.hint == "It has: steps, seconds."


def test_a_refused_value_names_its_parameter_and_says_what_it_is_for() -> None:
    with pytest.raises(BadInput, match="strategy y: method must be one of fork, spawn, not 3") as refused:
        settle({"method": Parameter(int, 1, choices=("fork", "spawn"))}, {"method": 3}, "strategy y")
    assert refused.value.hint == ""
