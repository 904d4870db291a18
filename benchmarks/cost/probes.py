"""Cost of probes: of a round's at its begin and end, and of a look at those beside an untimed round.

Around a timed round the meters stand outside of what the clock sees; what they take is time in which
a node does not measure. A look from outside makes the processes wait that are looked at.
``python -m benchmarks.cost.probes``, ten seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from benchmarks.machine import alone, header
from parlab.workers import catalog
from parlab.workers.errors import NotReadable
from parlab.workers.host.tree import Tree, processes_below
from parlab.workers.probes.base import Meter
from parlab.workers.trial.meters import Meters

#: Processes of the trees that are looked at.
SIZES = (1, 5)
#: A process of the size of a pool's worker.
_PROGRAM = "import multiprocessing.pool, sys; print(flush=True); sys.stdin.read()"


@contextmanager
def tree(processes: int) -> Iterator[Tree]:
    """Have so many processes below this one, less one for it."""
    with ExitStack() as stack:
        for _ in range(processes - 1):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            assert process.stdout is not None
            process.stdout.readline()
        made = Tree(os.getpid())
        made.refresh()
        # As a trial does right before meters begin: the meter of others takes its own time from there.
        made.cpu_times()
        yield made


def cost(call: Callable[[], object], calls: int) -> float:
    """Give the median seconds of a call."""
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def one_round(meter: Meter | Meters) -> None:
    """Do what is done around a round."""
    meter.begin()
    meter.end(0.03)


def around_a_round(made: Tree, calls: int) -> dict[str, float | str]:
    """Give each meter's seconds for a begin and an end, and those of all together."""
    costs: dict[str, float | str] = {}
    for probe in catalog.probes().values():
        if probe.open is None:
            continue
        try:
            meter = probe.open(made)
        except (NotReadable, OSError) as error:
            costs[probe.name] = str(error)
            continue
        meter.opened()
        costs[probe.name] = cost(partial(one_round, meter), calls)
    meters = Meters(made)
    meters.opened()
    costs["all"] = cost(partial(one_round, meters), calls)
    return costs


def by_look(calls: int) -> dict[str, float | str]:
    """Give the seconds of a look by each probe that looks from outside, and of finding the processes."""
    root = os.getpid()
    pids = [root, *processes_below(root)]
    costs: dict[str, float | str] = {"finding the processes": cost(lambda: processes_below(root), calls)}
    for probe in catalog.probes().values():
        if probe.sample is None:
            continue
        try:
            costs[probe.name] = cost(partial(probe.sample, pids, frozenset(pids[1:])), calls)
        except NotReadable as reason:
            costs[probe.name] = reason.message
    return costs


def print_table(
    title: str, unit: str, factor: float, digits: int, columns: list[dict[str, float | str]]
) -> None:
    """Print a row per probe, a column per tree."""
    print(f"\n{title:<24}" + "".join(f"{f'{size} processes':>16}" for size in SIZES))
    for name in columns[0]:
        cells = [column[name] for column in columns]
        texts = [cell if isinstance(cell, str) else f"{cell * factor:.{digits}f} {unit}" for cell in cells]
        print(f"  {name:<22}" + "".join(f"{text:>16}" for text in texts))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=300, help="of which the median is shown")
    given = parser.parse_args()
    print(header("Probes: what they cost"))
    rounds, looks = [], []
    with alone():
        for size in SIZES:
            with tree(size) as made:
                rounds.append(around_a_round(made, given.calls))
                looks.append(by_look(max(given.calls // 10, 1)))
    print_table("begin + end of a round", "µs", 1e6, 1, rounds)
    print_table("a look from outside", "ms", 1e3, 3, looks)


if __name__ == "__main__":
    main()
