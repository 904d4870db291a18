"""The wait until a trial's processes have nothing left to do: real ones, that work and then rest."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from parlab.workers.host.tree import CpuTimes, Tree, cpu_used
from parlab.workers.trial import base
from parlab.workers.trial.base import await_rest

#: Using less than this from look to look is resting.
LITTLE_SECONDS = 0.001

#: Says that it is there, then uses the CPU for as long as each line says, in seconds of CPU time.
PROGRAM = """
import sys, time
print("there", flush=True)
for line in sys.stdin:
    end = time.process_time() + float(line)
    while time.process_time() < end:
        pass
    print("done", flush=True)
"""


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-S", "-c", PROGRAM]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert told_by(process) == "there"
        yield process
        process.kill()


def told_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def work(process: subprocess.Popen[str], seconds: float) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()


class Looks:
    """Reads the CPU times of processes, as a trial does of its own tree, and keeps what it read."""

    def __init__(self, *pids: int) -> None:
        self._tree = Tree(os.getpid())
        self.pids = pids
        self.seen: list[dict[int, CpuTimes]] = []

    def __call__(self) -> dict[int, CpuTimes]:
        self._tree.below = self.pids
        times = self._tree.cpu_times()
        # Not of this process, which waits.
        self.seen.append({pid: times[pid] for pid in self.pids if pid in times})
        return self.seen[-1]

    @property
    def used(self) -> list[float]:
        """Seconds of CPU time between one look and the next."""
        return [cpu_used(before, after).total / 1e9 for before, after in itertools.pairwise(self.seen)]


def waited(cpu_times: Callable[[], dict[int, CpuTimes] | None]) -> float:
    begin = time.perf_counter()
    await_rest(cpu_times)
    return time.perf_counter() - begin


def assert_waited_until_quiet(looks: Looks) -> None:
    """Each pair of looks but the last saw work: whatever the machine does, that is when it may end."""
    assert looks.used
    assert looks.used[-1] < LITTLE_SECONDS
    assert all(used >= LITTLE_SECONDS for used in looks.used[:-1])


def test_what_rests_is_looked_at_twice(worker: subprocess.Popen[str]) -> None:
    # It may still be on its way from having said that it is there to reading what it is to do.
    await_rest(Looks(worker.pid))
    looks = Looks(worker.pid)
    await_rest(looks)
    assert_waited_until_quiet(looks)


def test_what_works_is_waited_for_until_it_rests(worker: subprocess.Popen[str]) -> None:
    looks = Looks(worker.pid)
    work(worker, 0.4)
    deadline = time.monotonic() + 20
    while looks()[worker.pid].total - looks.seen[0][worker.pid].total < 0.05e9:
        assert time.monotonic() < deadline, "it never began"
    looks.seen.clear()
    await_rest(looks)
    assert_waited_until_quiet(looks)
    assert told_by(worker) == "done"


def test_one_that_comes_up_meanwhile_counts(worker: subprocess.Popen[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-S", "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as late:
        assert told_by(late) == "there"
        work(late, 0.05)
        assert told_by(late) == "done"
        looks = Looks(worker.pid)

        def read() -> dict[int, CpuTimes] | None:
            times = looks()
            looks.pids = (worker.pid, late.pid)
            return times

        await_rest(read)
        late.kill()
    # All that it has used was new at the second look, so that it took a third.
    assert looks.used[0] >= 0.05
    assert len(looks.seen) >= 3


def test_one_that_has_gone_is_not_waited_for(worker: subprocess.Popen[str]) -> None:
    looks = Looks(worker.pid)
    worker.kill()
    worker.wait()
    await_rest(looks)
    assert looks.seen == [{}, {}]


def test_what_never_rests_is_not_waited_for_beyond_the_limit(
    worker: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_LIMIT_SECONDS", 0.3)
    # So that none is ever quiet, not even one that the machine has no time for.
    monkeypatch.setattr(base, "_CPU_SECONDS", 0.0)
    work(worker, 3600)
    looks = Looks(worker.pid)
    assert waited(looks) >= 0.3
    assert len(looks.seen) >= 2


def test_times_that_cannot_be_read_are_waited_for_no_longer_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "_LIMIT_SECONDS", 0.2)
    asked: list[None] = []

    def unreadable() -> None:
        asked.append(None)

    assert waited(unreadable) >= 0.2
    assert len(asked) >= 2
