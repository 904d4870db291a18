"""The scenarios of costs on every build that is here: what they give, in which order, and what they leave."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.scenarios import ipc
from parlab.workers.scenarios.base import repetitions
from tests.support.scenarios import BUILDS, Measured, Try, all_variants, measured, tried

__all__ = ["measured", "tried"]

SCENARIOS = ("counter", "creation", "ipc", "primitives", "switching")
#: Greatest plausible value of each measure, whatever else runs on the machine.
MOST = {
    "creation": 5.0, "creation_start": 5.0, "creation_end": 5.0, "switch": 0.5, "primitive": 0.5,
    "increment": 0.01, "lost_updates": 1.0, "ipc_latency": 1.0, "ipc_bandwidth": 1e13,
}  # fmt: skip
#: In a trial: all on our own build, and on another what only that has. (All others are below.)
CASES = [
    (build, name, one.name)
    for name in SCENARIOS
    for one in catalog.scenario(name).variants
    for build in ("python", "python314")
    if build == "python" or one.name.startswith("interpreter")
]
#: What is measured otherwise under a condition of its own.
CONDITIONS: list[tuple[str, dict[str, Any]]] = [
    ("counter", {"form": "call", "switch_interval": 0.001, "updates": 5000}),
    ("creation", {}),
    ("ipc", {}),
    ("ipc", {"heap": "warmed"}),
    ("primitives", {}),
    ("primitives", {"contended": True}),
    ("switching", {}),
    ("switching", {"cpus": "one"}),
]


def assert_plausible(values: Mapping[str, float]) -> None:
    for name, value in values.items():
        assert 0 <= value < MOST[name], name
        assert value > 0 or name == "lost_updates", name


@pytest.mark.parametrize(("build", "scenario", "variant"), CASES)
def test_every_variant_gives_plausible_values_in_a_trial(
    build: str, scenario: str, variant: str, measured: Measured
) -> None:
    assert_plausible(measured(scenario, variant, build))


def test_a_thread_is_made_sooner_than_a_process_and_a_task_sooner_than_a_thread(measured: Measured) -> None:
    seconds = {
        variant: measured("creation", variant)["creation"] for variant in ("task", "thread", "process-spawn")
    }
    assert 2 * seconds["task"] < seconds["thread"]
    assert 20 * seconds["thread"] < seconds["process-spawn"]


def test_the_start_and_the_end_of_a_worker_are_all_that_it_costs(measured: Measured) -> None:
    found = measured("creation", "process-fork", rounds=1)
    assert found["creation"] == pytest.approx(found["creation_start"] + found["creation_end"])


@pytest.mark.parametrize("variant", ["mp-queue", "mp-simplequeue", "mp-pipe", "shared-memory"])
def test_longer_messages_take_longer_and_bring_more_bytes_per_second(
    variant: str, measured: Measured
) -> None:
    short, long = (measured("ipc", variant, size=size) for size in (16, 4_000_000))
    assert 5 * short["ipc_latency"] < long["ipc_latency"]
    assert 20 * short["ipc_bandwidth"] < long["ipc_bandwidth"]


def test_a_warmed_heap_gives_no_memory_back_between_large_messages(tried: Try) -> None:
    faults = {
        heap: tried("ipc", "mp-pipe", size=1_000_000, heap=heap).others["page_faults_minor"]
        for heap in ("fresh", "warmed")
    }
    assert faults["fresh"] is not None
    assert faults["warmed"] is not None
    assert 5 * faults["warmed"] < faults["fresh"]


@pytest.mark.parametrize("form", ["augmented", "call"])
@pytest.mark.parametrize("build", BUILDS)
def test_a_counter_with_a_lock_loses_nothing_and_a_value_without_one_does(
    build: str, form: str, measured: Measured
) -> None:
    for variant in ("thread-lock", "value-lock"):
        assert measured("counter", variant, build, rounds=1, form=form, updates=5000)["lost_updates"] == 0
    # So many that no worker is done before another one's turn comes.
    assert 0.001 < measured("counter", "value", build, rounds=1, form=form)["lost_updates"] < 1


def test_threads_lose_updates_where_they_take_turns_between_reading_and_writing(measured: Measured) -> None:
    often = {"form": "call", "switch_interval": 1e-6}
    assert measured("counter", "thread", **often)["lost_updates"] > 0.001
    assert measured("counter", "thread", "free_threaded")["lost_updates"] > 0.001


@pytest.mark.parametrize("variant", ["thread", "value"])
def test_one_worker_alone_loses_nothing(variant: str, measured: Measured) -> None:
    assert measured("counter", variant, workers=1, updates=1000)["lost_updates"] == 0


def test_a_loop_with_nothing_in_it_is_quicker_than_with_a_lock(measured: Measured) -> None:
    seconds = {
        variant: measured("primitives", variant)["primitive"]
        for variant in ("none", "thread-lock", "thread-barrier", "process-lock")
    }
    assert 3 * seconds["none"] < seconds["thread-lock"] < seconds["thread-barrier"]
    assert 3 * seconds["none"] < seconds["process-lock"]


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_waiting_for_another_takes_longer_than_not_to_wait(kind: str, measured: Measured) -> None:
    for name in ("condition", "event", "barrier"):
        alone = measured("primitives", f"{kind}-{name}")["primitive"]
        assert 2 * alone < measured("primitives", f"{kind}-{name}", contended=True)["primitive"], name


@pytest.mark.parametrize(("scenario", "parameters"), CONDITIONS)
@pytest.mark.parametrize("build", BUILDS)
def test_every_variant_is_plausible_on_every_build_and_leaves_no_thread_process_file_or_setting(
    build: str, scenario: str, parameters: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    told = all_variants(request.getfixturevalue(build), scenario, parameters)
    lacking = build != "python314" and sys.version_info < (3, 14)
    variants = [one.name for one in catalog.scenario(scenario).variants]
    assert list(told) == [name for name in variants if not (lacking and name.startswith("interpreter"))]
    for variant, one in told.items():
        assert_plausible(one["values"])
        assert one["after"] == one["before"], variant
        assert one["there"] == [], variant
    made = {variant for variant, one in told.items() if one["names"]}
    # What is to be gone was there.
    expected = {
        "counter": {"value", "value-lock"},
        "ipc": {"mp-queue", "mp-simplequeue", "shared-memory"},
        "primitives": {variant for variant in told if variant.startswith("process-")},
    }
    assert made >= expected.get(scenario, set())
    if parameters == {"cpus": "one"}:
        assert all(len(one["during"]["cpus"]) == 1 for one in told.values())
    if "switch_interval" in parameters:
        assert told["thread"]["during"]["switch_interval"] == 0.001


def test_a_number_of_repetitions_fills_the_time_that_is_wanted() -> None:
    assert repetitions(lambda count: count * 1e-6, 0.04) == 40_000
    assert repetitions(lambda count: 0.001 + count * 1e-4, 0.04) == pytest.approx(390, rel=0.1)
    assert repetitions(lambda count: count * 0.3, 0.04) == 1


def test_a_moments_disturbance_does_not_make_rounds_short() -> None:
    calls: list[int] = []

    def timed(count: int) -> float:
        calls.append(count)
        return count * 1e-6 + (0.1 if len(calls) in (1, 4) else 0.0)

    assert repetitions(timed, 0.04) == pytest.approx(40_000, rel=0.1)


def test_shared_memory_that_is_not_there_is_said_before_anything_is_written() -> None:
    with pytest.raises(NotImplementedError, match=r"shared memory.*--shm-size"):
        ipc._check_room(1 << 60)
