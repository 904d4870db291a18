"""The evaluation of a round whose tasks note when and where they ran, with a pool of this process."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.probes import dispatch, pickling, tasks
from parlab.workers.probes.base import TaskPass
from parlab.workers.strategies.base import Pool
from parlab.workers.strategies.serial import SerialPool
from parlab.workers.trial import tasks_pass as taskpass
from parlab.workers.trial.tasks_pass import Noting, NotingAsync, noting


def double(item: int) -> int:
    return 2 * item


async def double_async(item: int) -> int:
    await asyncio.sleep(0)
    return 2 * item


def task_pass(strategy: str = "serial", pool: Pool | None = None, **other: Any) -> TaskPass:
    given: dict[str, Any] = {
        "function": double, "items": range(4), "notes": [(i, i + 1, 1, 1, 2 * i) for i in range(4)],
        "started_ns": 0, "limit_seconds": 0.5, **other,
    }  # fmt: skip
    return TaskPass(catalog.strategy(strategy), 1, pool or SerialPool(1, {}, None), **given)


def notes(*workers: tuple[int, int], each_ns: int = 1_000_000) -> list[tuple[int, int, int, int, Any]]:
    """One task after the other, each done by the process and thread that is named."""
    return [(i * each_ns, (i + 1) * each_ns, *worker, 2 * i) for i, worker in enumerate(workers)]


def by_name(probe: Any, done: TaskPass) -> dict[str, float | str]:
    return {q.name: value for q, value in zip(probe.quantities, probe.evaluate(done), strict=True)}


def test_a_noting_function_gives_its_result_and_crosses_to_other_processes() -> None:
    again = pickle.loads(pickle.dumps(Noting(double)))
    begin, end, _, _, result = again(21)
    assert begin <= end
    assert result == 42
    native = pickle.loads(pickle.dumps(NotingAsync(double_async)))
    assert asyncio.run(native(21))[4] == 42


def test_the_form_of_the_strategy_is_wrapped() -> None:
    assert isinstance(noting(double, catalog.strategy("threads")), Noting)
    assert isinstance(noting(double_async, catalog.strategy("asyncio")), NotingAsync)


def test_latency_wait_and_division_are_those_of_the_notes() -> None:
    done = task_pass(notes=notes((1, 1), (1, 2), (2, 1), (1, 1)))
    found = by_name(tasks.PROBE, done)
    assert found["task_p50"] == found["task_p99"] == pytest.approx(0.001)
    assert found["task_wait_p50"] == pytest.approx(0.001)
    assert found["task_wait_p99"] == pytest.approx(0.003)
    assert found["task_share_max"] == 0.5
    # A thread of another process is another worker, whatever its number.
    assert found["task_workers"] == 3


def test_a_share_is_a_value_that_was_seen() -> None:
    seen = [float(n) for n in range(1, 101)]
    assert [tasks.at(share, seen) for share in (0.5, 0.9, 0.99)] == [50, 90, 99]
    assert [tasks.at(share, [7.0]) for share in (0.5, 0.99)] == [7, 7]


def test_clocks_that_cannot_be_compared_leave_the_latency() -> None:
    found = by_name(tasks.PROBE, task_pass(notes=notes((1, 1), (1, 1)), started_ns=10_000_000))
    assert isinstance(found["task_wait_p50"], str)
    assert isinstance(found["task_p50"], float)


def test_pickled_bytes_are_scaled_up_to_all_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = b"x" * 1000
    given: dict[str, Any] = {"items": [payload] * 40, "notes": [(0, 1, 1, 1, payload)] * 40}
    whole = by_name(pickling.PROBE, task_pass("processes", **given))
    monkeypatch.setattr(pickling, "_MOST_TASKS", 4)
    scaled = by_name(pickling.PROBE, task_pass("processes", **given))
    for name in ("pickled_in", "pickled_out"):
        assert scaled[name] == whole[name]
        assert 40_000 < float(whole[name]) < 45_000
    # Time that is up ends it after the task that it was up at.
    assert by_name(pickling.PROBE, task_pass("processes", **given, limit_seconds=0.0)) == {
        **whole, "pickling": pytest.approx(float(whole["pickling"]), rel=20),
    }  # fmt: skip


def test_what_is_not_pickled_or_cannot_be_has_a_reason() -> None:
    def reasons(done: TaskPass) -> set[str | None]:
        return {one["reason"] for one in taskpass.readings(done) if one["probe"].startswith("pickl")}

    assert reasons(task_pass("threads")) == {"tasks and results are not pickled"}
    (reason,) = reasons(task_pass("joblib", function=lambda item: item))
    assert reason is not None
    assert reason.startswith("pickle cannot do what this strategy does")


def test_handing_over_is_measured_with_a_warm_pool_and_is_little_when_it_is_a_call() -> None:
    (seconds,) = dispatch.evaluate(task_pass())
    assert isinstance(seconds, float)
    assert 0 < seconds < 1e-5


class Sleepless(SerialPool):
    """Counts what it is given, and says that each call takes long."""

    def __init__(self, now: list[float]) -> None:
        super().__init__(1, {}, None)
        self.given: list[int] = []
        self._now = now

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        self.given.append(len(items))
        self._now[0] += 0.001 * len(items)
        return super().map(function, items)


def test_a_pass_has_as_many_tasks_as_make_it_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(dispatch, "perf_counter", lambda: now[0])
    pool = Sleepless(now)
    assert dispatch.evaluate(task_pass(pool=pool)) == [pytest.approx(0.001)]
    assert pool.given[:2] == [1, 1]
    # 6 of a millisecond each, and a fifth to be sure; five passes after the one that found it.
    assert pool.given[-6:] == [7] * 6


def test_passes_end_when_their_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(dispatch, "perf_counter", lambda: now[0])
    pool = Sleepless(now)
    dispatch.evaluate(task_pass(pool=pool, limit_seconds=0.015))
    # The one that found the number, and three that reach the limit.
    assert pool.given == [1, 1, 7, 7, 7, 7]


def test_a_probe_that_fails_is_a_reason_and_the_others_go_on() -> None:
    class Broken(SerialPool):
        def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
            raise OSError(f"out of order: {function} {items}")

    found = {one["probe"]: one for one in taskpass.readings(task_pass(pool=Broken(1, {}, None)))}
    assert found["dispatch"]["value"] is None
    assert "out of order" in found["dispatch"]["reason"]
    assert found["task_workers"]["value"] == 1


def test_a_pool_that_is_never_warm_says_so() -> None:
    pool = SerialPool(1, {}, None)
    pool.renews_processes = True
    (found,) = (one for one in taskpass.readings(task_pass(pool=pool)) if one["probe"] == "dispatch")
    assert found["reason"] == "the pool replaces its processes: it is never warm"
