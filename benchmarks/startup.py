"""How long things take to come up: the command's help, a trial's interpreter, and what it loads.

Wanted: ``parlab --help`` at most 400 ms (median). ``python -m benchmarks.startup``, ten seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.machine import PRCTL, header, this_node
from orchestrator.analysis import inference
from workers.interpreter import Interpreters
from workers.scratch import scratch
from workers.seat import Seat
from workers.spec import Expected, TrialSpec

STRATEGIES = ("serial", "threads", "processes", "hybrid")


def seconds_of(*arguments: str) -> float:
    """Time a command of this interpreter from its start to its end."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def trial_seconds(strategy: str) -> tuple[float, float]:
    """Give the seconds from a trial interpreter's start to its hello, and from there until prepared."""
    build = this_build()
    options = {"processes": 1, "threads": 2} if strategy == "hybrid" else {}
    spec = TrialSpec(
        "t",
        "t",
        "integer_sum",
        {"steps": 1000},
        4,
        strategy,
        options,
        1 if strategy == "serial" else 2,
        build.id,
        expected=Expected("", ()),
    )
    seat = Seat(spec)
    interpreters = Interpreters(PRCTL)
    with scratch() as folder:
        try:
            begin = time.perf_counter()
            seat.start(lambda: interpreters.start("t", build.executable, None, 1, folder))
            seat.greet()
            greeted = time.perf_counter()
            seat.await_prepared()
            prepared = time.perf_counter()
            assert seat.open, seat.ended
        finally:
            seat.end("failed", "internal", "it was only started")
            interpreters.close()
    return greeted - begin, prepared - greeted


NODE = this_node()


def this_build():  # type: ignore[no-untyped-def]
    return NODE.builds[0]


def report(what: str, measure: Callable[[], float], times: int) -> None:
    """Print the median and the extremes of so many times."""
    show(what, [measure() for _ in range(times)])


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
    report("parlab --help", lambda: seconds_of("-m", "orchestrator", "--help"), given.times)
    report("parlab --version", lambda: seconds_of("-m", "orchestrator", "--version"), given.times)
    report("a bare interpreter, for comparison", lambda: seconds_of("-s", "-P", "-S", "-c", ""), given.times)
    for strategy in STRATEGIES:
        pairs = [trial_seconds(strategy) for _ in range(given.times)]
        show(f"a trial's interpreter until its hello ({strategy})", [hello for hello, _ in pairs])
        show(f"  and until it is prepared: workload, strategy, inputs", [ready for _, ready in pairs])


if __name__ == "__main__":
    main()
