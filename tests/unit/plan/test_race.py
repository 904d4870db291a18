"""Field of a race: enough for any kind of work, and no more than a minute can tell apart."""

from __future__ import annotations

import pytest

from parlab.orchestrator.experiment.model import Goal, StrategyChoice
from parlab.orchestrator.experiment.quantities import workers
from parlab.orchestrator.plan.race import Seen, candidates
from parlab.workers import catalog
from parlab.workers.parameter import settle

CPU = Seen(call_seconds=0.010, cpu_share=1.0)
WAITING = Seen(call_seconds=0.005, cpu_share=0.02)
TINY = Seen(call_seconds=20e-6, cpu_share=1.0)


def named(found: tuple[StrategyChoice, ...], name: str) -> list[StrategyChoice]:
    return [choice for choice in found if choice.name == name]


@pytest.mark.parametrize("seen", [CPU, WAITING, TINY, Seen()])
@pytest.mark.parametrize("goal", ["throughput", "latency", "memory"])
@pytest.mark.parametrize("cpus", [None, 1, 2, 8, 64])
@pytest.mark.parametrize("most", [None, 1, 2, 3, 5])
def test_every_candidate_can_be_run_and_is_there_once(
    seen: Seen, goal: Goal, cpus: int | None, most: int | None
) -> None:
    found = candidates(seen, goal, cpus=cpus, max_workers=most)
    assert found[0] == StrategyChoice("serial")
    contents = [(c.name, tuple(sorted(c.options.items())), c.max_workers) for c in found]
    assert len(set(contents)) == len(contents)
    for choice in found:
        strategy = catalog.strategy(choice.name)
        options = settle(strategy.options, choice.options, choice.name)
        count = 1 if choice.name == "serial" else workers(choice.max_workers, cpus or 4)
        if choice.name != "hybrid":
            assert strategy.impossible(count, options) is None
        if most is not None:
            assert count <= most
    assert len(found) <= 24


def test_work_that_waits_is_given_more_workers_than_cpus() -> None:
    counts = [
        c.max_workers for c in named(candidates(WAITING, "throughput", cpus=2, max_workers=None), "threads")
    ]
    # Two would leave the CPUs idle for 96 % of the time: they cannot be the best, and take the longest.
    assert counts == [8, 32, 128]
    assert named(candidates(WAITING, "throughput", cpus=2, max_workers=None), "hybrid")


def test_long_waits_are_given_no_more_workers_than_a_race_has_time_for() -> None:
    long = Seen(call_seconds=0.05, cpu_share=0.001)
    found = candidates(long, "throughput", cpus=2, max_workers=None)
    assert {c.max_workers for c in named(found, "threads")} == {8, 32}
    # However long a call waits, more workers than CPUs are tried.
    slow = candidates(Seen(call_seconds=5.0, cpu_share=0.001), "throughput", cpus=2, max_workers=None)
    assert {c.max_workers for c in named(slow, "threads")} == {2, 8}


def test_work_on_the_cpu_is_not() -> None:
    found = candidates(CPU, "throughput", cpus=2, max_workers=None)
    assert {c.max_workers for c in found} <= {"cpus", 2, 4}
    assert not named(found, "hybrid")


def test_short_tasks_are_sent_in_chunks_and_long_ones_are_not() -> None:
    short = named(candidates(TINY, "throughput", cpus=2, max_workers=None), "processes")
    assert {c.options.get("chunksize", 1) for c in short} == {1, 32, 128}
    long = named(candidates(CPU, "throughput", cpus=2, max_workers=None), "processes")
    assert {c.options.get("chunksize", 1) for c in long} == {1}


def test_where_a_pools_start_counts_the_ways_to_start_it_are_raced() -> None:
    found = named(candidates(CPU, "latency", cpus=2, max_workers=None), "processes")
    assert {c.options["start_method"] for c in found} == {"fork", "forkserver", "spawn"}


def test_several_hosts_work_out_their_numbers_themselves() -> None:
    found = candidates(Seen(), "throughput", cpus=None, max_workers=None)
    assert {c.max_workers for c in named(found, "threads")} == {"cpus", "4*cpus", "16*cpus"}
