"""Memory of a worker, as parlab reads it and as another process reads it at the same time.

A pool of processes is opened as in a trial, each worker keeps some memory, and while the pool is idle
the PSS of its workers is read by the probe and, at the same time, by a process of its own with a reader
written for this. Wanted: within 5 %. ``python -m benchmarks.cost.pss``, ten seconds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Mapping

from benchmarks.machine import alone, header
from parlab.workers.probes.memory import sample
from parlab.workers.strategies.processes import ProcessesPool

#: Reads for each line of process ids the mean PSS of those.
_OUTSIDE = """
import re, sys
for line in sys.stdin:
    texts = [open(f"/proc/{pid}/smaps_rollup").read() for pid in line.split()]
    sizes = [int(re.search(r"^Pss: +(\\d+) kB", text, re.M)[1]) for text in texts]
    print(sum(sizes) / len(sizes) * 1024, flush=True)
"""
_WANTED = 0.05
_kept: list[bytes] = []


def keep(count: int) -> int:
    """Be a task that leaves some memory in its worker; what it gives is of no interest."""
    _kept.append(b"x" * count)
    return len(_kept)


def ratios(start_method: str, workers: int, looks: int) -> list[float]:
    """Give parlab's value by the other process's, once per look."""
    pool = ProcessesPool(
        workers, {"start_method": start_method, "chunksize": 1, "max_tasks_per_child": None}, None
    )
    shares = []
    try:
        # Before the other process is there: forked workers would hold its pipe open.
        pool.ping()
        with subprocess.Popen(
            [sys.executable, "-S", "-c", _OUTSIDE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as outside:
            assert outside.stdin is not None
            assert outside.stdout is not None
            for _ in range(looks):
                pool.map(keep, [1_000_000] * workers)
                pids = pool.worker_pids()
                print(*pids, file=outside.stdin, flush=True)
                own = sample(pids, frozenset(pids))[2]
                other = float(outside.stdout.readline())
                assert isinstance(own, float), own
                shares.append(own / other)
    finally:
        pool.close()
        pool.tidy()
    return shares


def report(by_start: Mapping[str, list[float]]) -> bool:
    """Print the ratios, and tell whether all are as wanted."""
    good = True
    for start_method, values in by_start.items():
        good = good and all(abs(value - 1) <= _WANTED for value in values)
        print(
            f"{start_method:<11} parlab / outside: median {statistics.median(values):.4f}, "
            f"{min(values):.4f} to {max(values):.4f} ({len(values)} looks)"
        )
    print(f"within {_WANTED:.0%}: {'yes' if good else 'no'}")
    return good


def main() -> int:
    """Print how the two agree; fail where they do not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--looks", type=int, default=20)
    given = parser.parse_args()
    print(header("Memory of a worker: parlab against another reader"))
    with alone():
        by_start = {
            method: ratios(method, given.workers, given.looks) for method in ("fork", "forkserver", "spawn")
        }
    return int(not report(by_start))


if __name__ == "__main__":
    sys.exit(main())
