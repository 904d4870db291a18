"""Use of the GIL by the code under each workload that computes: two threads against one.

The same tasks are done by a pool of two threads and one by one, in rounds that alternate in random order;
serial time over the threads' time is 2 where all of a task runs beside another, about 1 where threads take
turns, and less where they also get in each other's way. Two CPUs are needed, and nobody else on them: a
round during which others used more than a tenth of the CPUs is done again. ``python -m
benchmarks.method.gil_release [--rounds 15] [WORKLOAD…]``, four minutes on an idle machine; from the
checkout, with any Python that parlab measures, also one that has no parlab installed.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

from parlab.workers import catalog
from parlab.workers.host.gil import gil_enabled
from parlab.workers.parameter import settle
from parlab.workers.wire.spec import Scalar

THREADS = 2
#: A round is as many tasks as take about so long one by one.
ROUND_SECONDS = 0.1
#: Share of the CPUs that others may use during a round that counts.
OTHERS = 0.1
#: For so long nobody else must have used them before a round begins.
QUIET_SECONDS = 0.05
#: A case is given up after so long, on a machine that is never quiet.
LIMIT_SECONDS = 120.0

#: The workload and what is not its default.
CASES: list[tuple[str, dict[str, Scalar]]] = [
    ("integer_sum", {"steps": 100_000}),
    ("sum_of_squares", {}),
    ("prime_sieve", {}),
    ("matrix_multiply", {}),
    ("json_parse", {}),
    ("regex_scan", {}),
    ("hash", {"algorithm": "sha256", "size": 2047}),
    ("hash", {"algorithm": "sha256", "size": 2048}),
    ("hash", {"algorithm": "sha256"}),
    ("hash", {"algorithm": "blake2b", "size": 2047}),
    ("hash", {"algorithm": "blake2b", "size": 2048}),
    ("hash", {"algorithm": "blake2b"}),
    ("hash", {"algorithm": "md5"}),
    ("hash", {"algorithm": "sha1"}),
    ("compress", {"algorithm": "zlib"}),
    ("compress", {"algorithm": "lzma"}),
    ("compress", {"algorithm": "bz2"}),
    ("compress", {"algorithm": "zstd"}),
    ("image_resize", {}),
    ("numpy_matmul", {}),
    ("payload", {}),
    ("file_write_read", {}),
    ("sqlite_query", {}),
    ("sqlite_query", {"mode": "write"}),
]


def header() -> str:
    """Say what it was measured on; as machine.header() does, whose imports not every Python has."""
    cpus = len(os.sched_getaffinity(0))
    gil = "on" if gil_enabled() else "off"
    when = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
    return f"{platform.machine()}, {cpus} CPUs, Python {platform.python_version()}, GIL {gil}, {when}"


def in_turn(function: Callable[[Any], object], items: list[Any]) -> float:
    """Time the tasks one by one."""
    begin = perf_counter()
    for item in items:
        function(item)
    return perf_counter() - begin


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Give the lower quartile, the median and the upper one."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return ordered[round(last / 4)], ordered[round(last / 2)], ordered[round(last * 3 / 4)]


def measure(name: str, given: Mapping[str, Scalar], rounds: int) -> tuple[float, list[float]] | str:
    """Give seconds per task and the ratios of all rounds, or why there are none."""
    workload = catalog.workload(name)
    parameters = settle(workload.parameters, given, name)
    reason = workload.unavailable(parameters) if workload.unavailable else None
    if reason is not None:
        return reason
    if workload.environment is not None:
        os.environ.update(workload.environment(parameters))
    try:
        if workload.setup is not None:
            workload.setup()
    except ImportError as error:
        return str(error)
    items = workload.inputs(parameters, THREADS)
    seconds = min(in_turn(workload.function, items) for _ in range(3)) / THREADS
    items = workload.inputs(parameters, THREADS * max(1, round(ROUND_SECONDS / seconds / THREADS)))
    with ThreadPoolExecutor(THREADS) as pool:
        _ratio(pool, workload.function, items)
        ratios = _undisturbed(lambda: _ratio(pool, workload.function, items), rounds)
    if workload.teardown is not None:
        workload.teardown()
    if len(ratios) < rounds:
        return f"the machine is too busy: {len(ratios)} of {rounds} rounds were undisturbed"
    return seconds, ratios


def _undisturbed(measured: Callable[[], float], times: int) -> list[float]:
    """Measure until so many values are of times in which nobody else used the CPUs, or it takes too long."""
    values: list[float] = []
    deadline = perf_counter() + LIMIT_SECONDS
    while len(values) < times and perf_counter() < deadline:
        if others_share(partial(sleep, QUIET_SECONDS)) > OTHERS:
            continue
        readings: list[float] = []
        if others_share(lambda: readings.append(measured())) <= OTHERS:  # noqa: B023 - called before the next
            values += readings
    return values


def others_share(meanwhile: Callable[[], None]) -> float:
    """Give the share of the CPUs that others used while something was done."""
    before, began = others_seconds(), perf_counter()
    meanwhile()
    return (others_seconds() - before) / (perf_counter() - began) / THREADS


def others_seconds() -> float:
    """Give the CPU time, stolen included, that was used since the start by all but this process."""
    ticks = Path("/proc/stat").read_text().split(maxsplit=11)[1:9]
    user, nice, system, _, _, irq, softirq, steal = map(int, ticks)
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return busy - process_time()


def _ratio(pool: ThreadPoolExecutor, function: Callable[[Any], object], items: list[Any]) -> float:
    """Do one round of each, in random order."""

    def in_threads() -> float:
        begin = perf_counter()
        list(pool.map(function, items))
        return perf_counter() - begin

    if random.random() < 0.5:
        one_by_one = in_turn(function, items)
        return one_by_one / in_threads()
    beside = in_threads()
    return in_turn(function, items) / beside


def main() -> None:
    """Print the table, a line at a time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="these only")
    given = parser.parse_args()
    print(f"Serial time over {THREADS} threads' time, median of {given.rounds} rounds (quartiles)")
    print(f"{header()}\n\n| workload | ms a task | ratio |\n|---|---|---|")
    for name, parameters in CASES:
        if given.workloads and name not in given.workloads:
            continue
        label = " ".join([name, *(f"{key}={value}" for key, value in parameters.items())])
        measured = measure(name, parameters, given.rounds)
        if isinstance(measured, str):
            print(f"| {label} | – | {measured} |", flush=True)
            continue
        low, middle, high = quartiles(measured[1])
        print(f"| {label} | {measured[0] * 1e3:.1f} | {middle:.2f} ({low:.2f}–{high:.2f}) |", flush=True)


if __name__ == "__main__":
    main()
