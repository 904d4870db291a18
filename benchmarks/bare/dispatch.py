"""Bare script that times the handing over of tasks, as a user would write it: nothing of parlab is in it.

A resident process: for each line on standard input it maps a function that does nothing and prints the
seconds per task, the median of five. ``python benchmarks/bare/dispatch.py threads 2``
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

TASKS = 500


def nothing(n: int) -> int:
    """Give back what was given."""
    return n


def main() -> None:
    """Measure once for each line that comes."""
    strategy, workers = sys.argv[1], int(sys.argv[2])
    executor: ThreadPoolExecutor | ProcessPoolExecutor
    if strategy == "threads":
        executor = ThreadPoolExecutor(workers)
    else:
        executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("forkserver"))
    with executor:
        list(executor.map(nothing, range(TASKS)))
        print("ready", flush=True)
        for _ in sys.stdin:
            taken = []
            for _ in range(5):
                start = time.perf_counter()
                list(executor.map(nothing, range(TASKS)))
                taken.append((time.perf_counter() - start) / TASKS)
            print(statistics.median(taken), flush=True)


if __name__ == "__main__":
    main()
