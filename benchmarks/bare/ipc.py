"""Bare script that times a multiprocessing.Pipe, as a user would write it: nothing of parlab is in it.

A resident process with another one at the pipe's end: for each line on standard input it prints the seconds
of a round trip, and the bytes per second one way. ``python benchmarks/bare/ipc.py 1000 300 3000 fresh``
(bytes of a message, round trips, messages one way, and "warmed" where both are to free a large block first)
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from multiprocessing.connection import Connection

FREED_FIRST = 16 << 20


def other_side(pipe: Connection, freed: int) -> None:
    """Give back what comes, or take all and say so, as is asked."""
    bytes(freed)
    while (asked := pipe.recv()) is not None:
        what, count = asked
        pipe.send("ready")
        if what == "echo":
            for _ in range(count):
                pipe.send(pipe.recv())
        else:
            for _ in range(count):
                pipe.recv()
            pipe.send("all there")


def round_trip_seconds(pipe: Connection, message: bytes, count: int) -> float:
    """Send a message and wait until it is back, so many times."""
    pipe.send(("echo", count))
    pipe.recv()
    start = time.perf_counter()
    for _ in range(count):
        pipe.send(message)
        pipe.recv()
    return (time.perf_counter() - start) / count


def bytes_per_second(pipe: Connection, message: bytes, count: int) -> float:
    """Send so many messages and wait until all are there."""
    pipe.send(("take", count))
    pipe.recv()
    start = time.perf_counter()
    for _ in range(count):
        pipe.send(message)
    pipe.recv()
    return count * len(message) / (time.perf_counter() - start)


def main() -> None:
    """Measure once for each line that comes."""
    size, trips, messages = map(int, sys.argv[1:4])
    freed = FREED_FIRST if sys.argv[4] == "warmed" else 0
    bytes(freed)
    context = multiprocessing.get_context("forkserver")
    here, there = context.Pipe()
    process = context.Process(target=other_side, args=(there, freed))
    process.start()
    message = b"x" * size
    round_trip_seconds(here, message, trips)
    bytes_per_second(here, message, messages)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(round_trip_seconds(here, message, trips), bytes_per_second(here, message, messages), flush=True)
    here.send(None)
    process.join()


if __name__ == "__main__":
    main()
