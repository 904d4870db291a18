"""Planted slowdowns on every build that is here: exactly so many more steps, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.errors import BadInput
from parlab.workers.parameter import settle
from parlab.workers.scenarios import planted
from tests.support.scenarios import BUILDS, Measured, all_variants, measured, tried

__all__ = ["measured", "tried"]

VARIANTS = [one.name for one in catalog.scenario("planted").variants]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("build", BUILDS)
def test_every_variant_gives_plausible_seconds_on_every_build(
    build: str, variant: str, measured: Measured
) -> None:
    found = measured("planted", variant, build, hundreds=100)
    # Ten thousand steps: from 2 ns to 10 µs each, whatever else runs.
    assert 2e-5 < found["planted"] < 0.1


def test_a_slower_variant_does_exactly_so_many_more_steps_and_those_that_are_the_same_none() -> None:
    steps = {variant: planted.steps_of(variant, 4000) for variant in VARIANTS}
    assert steps == {
        "same": 400_000,
        "again": 400_000,
        "slower-2-percent": 408_000,
        "slower-5-percent": 420_000,
        "slower-10-percent": 440_000,
    }
    # Also where a round is as short as it may be.
    assert planted.steps_of("slower-2-percent", 1) == 102


def test_the_loop_does_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(planted, "_run", done.append)
    bench = planted.SCENARIO.open("slower-5-percent", settle(planted.SCENARIO.parameters, {}, "planted"))
    done.clear()
    for _ in range(3):
        (seconds,) = bench.round()
        assert seconds
    assert done == [420_000] * 3
    # Each step's result is used by the next one.
    monkeypatch.undo()
    assert planted._run(0) == 0
    assert planted._run(4) == 6
    assert planted._run(500) == (499 * 500 // 2) & 0xFFFF


def test_twice_as_many_steps_take_about_twice_as_long(measured: Measured) -> None:
    # The best of three: what else runs makes it longer, and nothing makes it shorter.
    short, long = (
        min(measured("planted", "same", hundreds=hundreds, rounds=5)["planted"] for _ in range(3))
        for hundreds in (1000, 10_000)
    )
    assert 4 < long / short < 25


@pytest.mark.parametrize("build", BUILDS)
def test_a_closed_bench_leaves_nothing(build: str, request: pytest.FixtureRequest) -> None:
    told: dict[str, Any] = all_variants(request.getfixturevalue(build), "planted", {"hundreds": 10})
    assert list(told) == VARIANTS
    for variant, one in told.items():
        assert one["after"] == one["before"], variant
        assert one["there"] == [], variant


@pytest.mark.parametrize("hundreds", [0, -1, 1.5])
def test_a_round_has_whole_hundreds_of_steps(hundreds: float) -> None:
    with pytest.raises(BadInput, match="hundreds"):
        settle(planted.SCENARIO.parameters, {"hundreds": hundreds}, "planted")
