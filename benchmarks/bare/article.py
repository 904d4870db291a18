"""The article's comparison as a user would write it: no part of parlab is in it.

Prints seconds of four tasks one after the other, in four threads, and in four processes, executors'
start and end included. ``python benchmarks/bare/article.py integer_sum`` (or ``wait``)
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def integer_sum(n: int) -> int:
    """Do the article's loop."""
    result = 0
    for i in range(10_000_000):
        result += i * n
    return result


def wait(n: int) -> int:
    """Wait, as for a network."""
    time.sleep(0.05)
    return n


def main() -> None:
    """Do the three, and print a line of their seconds."""
    task: Callable[[int], int] = {"integer_sum": integer_sum, "wait": wait}[sys.argv[1]]

    start = time.perf_counter()
    expected = [task(n) for n in range(4)]
    serial = time.perf_counter() - start

    start = time.perf_counter()
    with ThreadPoolExecutor(max_workers=4) as executor:
        assert list(executor.map(task, range(4))) == expected
    threads = time.perf_counter() - start

    start = time.perf_counter()
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(max_workers=4, mp_context=context) as pool:
        assert list(pool.map(task, range(4))) == expected
    processes = time.perf_counter() - start

    print(serial, threads, processes)


if __name__ == "__main__":
    main()
