"""Bare script that counts lost updates, as a user would write it: nothing of parlab is in it.

A resident process: for each line on standard input four processes raise one multiprocessing.Value, and it
prints the share of their updates that is missing. ``python benchmarks/bare/lost_updates.py unlocked 20000``
"""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier

WORKERS = 4


def raise_it(value: Synchronized[int], start: Barrier, updates: int, locked: bool) -> None:  # noqa: FBT001
    """Raise it so many times, once all others are there."""
    start.wait()
    if locked:
        for _ in range(updates):
            with value.get_lock():
                value.value += 1
    else:
        for _ in range(updates):
            value.value += 1


def main() -> None:
    """Count once for each line that comes."""
    locked, updates = sys.argv[1] == "locked", int(sys.argv[2])
    context = multiprocessing.get_context("forkserver")
    print("ready", flush=True)
    for _ in sys.stdin:
        value, start = context.Value("q", 0), context.Barrier(WORKERS)
        arguments = (value, start, updates, locked)
        workers = [context.Process(target=raise_it, args=arguments) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print(1 - value.value / (WORKERS * updates), flush=True)


if __name__ == "__main__":
    main()
