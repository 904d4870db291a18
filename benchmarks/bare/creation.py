"""Bare script that times the start and end of workers, as a user would write it: nothing of parlab is in it.

A resident process: for each line on standard input it makes workers one after the other, waits for a sign of
life and for the end of each, and prints the seconds of one. What a process runs is the pipe's own method, so
that it has no file of this script to load. ``python benchmarks/bare/creation.py fork 20`` (thread or a start
method, workers of a round)
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time


def make_threads(count: int) -> None:
    """Make threads, each of which lets go of a lock."""
    answered = threading.Lock()
    answered.acquire()
    for _ in range(count):
        thread = threading.Thread(target=answered.release)
        thread.start()
        answered.acquire()
        thread.join()


def make_processes(count: int, method: str) -> None:
    """Make processes, each of which sends a byte."""
    context = multiprocessing.get_context(method)
    answers, answering = context.Pipe(duplex=False)
    for _ in range(count):
        process = context.Process(target=answering.send_bytes, args=(b"x",))  # type: ignore[attr-defined]
        process.start()
        answers.recv_bytes()
        process.join()
        process.close()


def seconds_of_one(kind: str, count: int) -> float:
    """Time so many, and divide."""
    start = time.perf_counter()
    if kind == "thread":
        make_threads(count)
    else:
        make_processes(count, kind)
    return (time.perf_counter() - start) / count


def main() -> None:
    """Measure once for each line that comes."""
    kind, count = sys.argv[1], int(sys.argv[2])
    seconds_of_one(kind, count)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(seconds_of_one(kind, count), flush=True)


if __name__ == "__main__":
    main()
