"""Bare script that times an executor, as a user would write it: nothing of parlab is in it.

A resident process: each line on standard input is one round, each line on standard output its seconds.
``python benchmarks/bare/loops.py threads 4 12 100000`` (strategy, workers, tasks, steps)
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def integer_sum(item: tuple[int, int]) -> int:
    """Do the article's loop."""
    n, steps = item
    result = 0
    for i in range(steps):
        result += i * n
    return result


def main() -> None:
    """Do a round for each line that comes."""
    strategy, workers, tasks, steps = sys.argv[1], *map(int, sys.argv[2:5])
    items = [(n, steps) for n in range(tasks)]
    executor: ThreadPoolExecutor | ProcessPoolExecutor
    if strategy == "threads":
        executor = ThreadPoolExecutor(workers)
    else:
        executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("forkserver"))
    with executor:
        list(executor.map(integer_sum, items))
        print("ready", flush=True)
        for _ in sys.stdin:
            start = time.perf_counter()
            list(executor.map(integer_sum, items))
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
