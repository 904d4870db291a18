"""Pools of workers: how many there are, that they stay, and in what order results come."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from parlab.workers.host.bootstrap import TRIALPATH

PROGRAM = """
import json, os, sys, threading
sys.path.insert(0, sys.argv[1])
from _parlab_trial import catalog
from _parlab_trial.parameter import settle
name, max_workers, given = sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
strategy = catalog.strategy(name)
pool = strategy.open(max_workers, settle(strategy.options, given, name), None)
pool.ping()
print(json.dumps({
    "pids": sorted(pool.pids()),
    "own": os.getpid(),
    "processes": pool.survey(os.getpid),
    "threads": [sorted(pool.survey(threading.get_ident)) for _ in range(2)],
    "results": [pool.map(abs, range(-count, 0)) for count in (0, 1, 7)],
}))
pool.close()
pool.tidy()
"""


def use(name: str, max_workers: int, **options: Any) -> dict[str, Any]:
    """Open a pool in a fresh interpreter and ask it about itself."""
    answer = subprocess.run(
        [
            sys.executable,
            "-s",
            "-P",
            "-S",
            "-c",
            PROGRAM,
            TRIALPATH,
            name,
            str(max_workers),
            json.dumps(options),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    seen: dict[str, Any] = json.loads(answer.stdout)
    return seen


RESULTS = [[], [1], [7, 6, 5, 4, 3, 2, 1]]


def test_serial_is_the_main_thread() -> None:
    seen = use("serial", 1)
    assert seen["pids"] == []
    assert seen["processes"] == [seen["own"]]
    assert seen["results"] == RESULTS


def test_threads_are_as_many_as_asked_for_and_stay() -> None:
    seen = use("threads", 5)
    assert seen["processes"] == [seen["own"]] * 5
    assert len(set(seen["threads"][0])) == 5
    assert seen["threads"][0] == seen["threads"][1]
    assert seen["results"] == RESULTS


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_processes_are_as_many_as_asked_for_and_stay(start_method: str) -> None:
    seen = use("processes", 3, start_method=start_method, chunksize=2)
    assert sorted(seen["processes"]) == seen["pids"]
    assert len(set(seen["pids"])) == 3
    assert seen["own"] not in seen["pids"]
    assert seen["results"] == RESULTS


@pytest.mark.parametrize(
    ("processes", "options"),
    [(3, {}), (2, {"processes": 2, "threads": 3}), (1, {"threads": 6}), (3, {"chunksize": 1})],
)
def test_a_hybrid_keeps_the_threads_of_each_of_its_processes(processes: int, options: dict[str, int]) -> None:
    seen = use("hybrid", 6, start_method="fork", **options)
    assert len(seen["pids"]) == processes
    # One answer of each thread: as many of each process as it has threads.
    assert sorted(seen["processes"]) == sorted(seen["pids"] * (6 // processes))
    assert len(seen["threads"][0]) == 6
    assert seen["threads"][0] == seen["threads"][1]
    assert seen["results"] == RESULTS
