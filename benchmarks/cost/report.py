"""Cost of a report: of a stored run of 10,000 trials, by the command, in seconds and bytes.

A store is filled with one run, and ``parlab report`` makes its HTML a few times. Wanted: under 5 s and 3 MB.
``python -m benchmarks.cost.report``, a minute. ``--home`` and ``--run`` measure a run that is there instead.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.cost.metrics import fill
from benchmarks.machine import CLOCK, header
from parlab.orchestrator.store.facade import Store

RUN = "aa01"


def measure(home: Path, run: str, times: int) -> None:
    """Print how long the command takes, and how large what it makes is."""
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        target = Path(folder) / "report.html"
        seconds, cpu_seconds = [], []
        for _ in range(times):
            began, used = time.monotonic(), _cpu_seconds()
            subprocess.run(
                [sys.executable, "-m", "parlab", "report", run, "-o", str(target)],
                env={**os.environ, "PARLAB_HOME": str(home)},
                stdout=subprocess.DEVNULL,
                check=True,
            )
            seconds.append(time.monotonic() - began)
            cpu_seconds.append(_cpu_seconds() - used)
        spread = ", ".join(f"{taken:.2f}" for taken in sorted(seconds))
        print(
            f"  {statistics.median(seconds):.2f} s (each: {spread}), of CPU time "
            f"{statistics.median(cpu_seconds):.2f} s; {target.stat().st_size / 1e6:.2f} MB"
        )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure runs of several shapes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=3, help="how often each report is made")
    parser.add_argument("--home", type=Path, help="a PARLAB_HOME that has a run")
    parser.add_argument("--run", help="that run's id")
    given = parser.parse_args()
    print(header("parlab report: one HTML file"))
    if given.home is not None:
        print(f"run {given.run} of {given.home.name}")
        measure(given.home, given.run, given.times)
        return
    for configurations, blocks in ((16, 625), (40, 250), (200, 50)):
        with tempfile.TemporaryDirectory(prefix="pl-") as folder:
            home = Path(folder)
            with Store.open(home / "parlab.db", CLOCK) as store:
                plan = fill(store, RUN, configurations, blocks, seed=1)
                trials = sum(len(group.configurations) for group in plan.groups) * blocks
            shape = f"{len(plan.groups)} groups, {configurations} configurations, {blocks} blocks"
            print(f"{trials} trials: {shape}")
            measure(home, RUN, given.times)


if __name__ == "__main__":
    main()
