"""How long things take to come up: the command's help, a trial's interpreter, and what that loads.

Wanted: ``parlab --help`` at most 400 ms (median). ``python -m benchmarks.cost.startup``, ten seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from functools import partial

from benchmarks.machine import header, this_node
from parlab.orchestrator.statistics import inference
from parlab.workers.host.processes import Prctl
from parlab.workers.host.scratch import scratch
from parlab.workers.sitting.interpreter import Interpreters
from parlab.workers.sitting.session import TrialSession
from parlab.workers.wire.registration import PythonBuild
from parlab.workers.wire.spec import Expected, Scalar, TrialSpec

HYBRID: dict[str, Scalar] = {"processes": 1, "threads": 2}
STRATEGIES: dict[str, dict[str, Scalar]] = {"serial": {}, "threads": {}, "processes": {}, "hybrid": HYBRID}


def command_seconds(*arguments: str) -> float:
    """Time this interpreter with some arguments from its start to its end."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def trial_seconds(build: PythonBuild, strategy: str, prctl: Prctl) -> tuple[float, float]:
    """Give the seconds from a trial interpreter's start to its hello, and from there until prepared."""
    spec = TrialSpec(
        "t",
        "t",
        "integer_sum",
        {"steps": 1000},
        4,
        strategy,
        STRATEGIES[strategy],
        1 if strategy == "serial" else 2,
        build.id,
        expected=Expected("none"),
    )
    session = TrialSession(spec)
    interpreters = Interpreters(prctl)
    with scratch() as folder:
        try:
            begin = time.perf_counter()
            session.start(partial(interpreters.start, "t", build.executable, None, 1, folder))
            session.greet({})
            greeted = time.perf_counter()
            session.await_prepared()
            prepared = time.perf_counter()
            assert session.open, session.ended
        finally:
            session.end("failed", "internal", "it was only started")
            interpreters.close()
    return greeted - begin, prepared - greeted


def show(what: str, seconds: list[float]) -> None:
    """Print the median and the extremes."""
    print(
        f"{inference.median(seconds) * 1000:6.0f} ms  {what} "
        f"({len(seconds)} times, {min(seconds) * 1000:.0f} to {max(seconds) * 1000:.0f} ms)",
        flush=True,
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    print(header("Start-up: medians"))
    times = range(given.times)
    show("parlab --help", [command_seconds("-m", "parlab", "--help") for _ in times])
    show("an interpreter that does nothing", [command_seconds("-s", "-P", "-S", "-c", "") for _ in times])
    build, prctl = this_node().builds[0], Prctl()
    for strategy in STRATEGIES:
        pairs = [trial_seconds(build, strategy, prctl) for _ in times]
        show(f"a trial's interpreter until its hello ({strategy})", [hello for hello, _ in pairs])
        show("  and until it has loaded workload and strategy", [ready for _, ready in pairs])


if __name__ == "__main__":
    main()
