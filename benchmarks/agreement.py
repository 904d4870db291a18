"""The article's question, answered by parlab and by a bare script: speed-ups side by side.

``parlab run article`` first, then ``bare_article.py`` some times in fresh processes. The bare script's
seconds include its executors' start and end, parlab's rounds do not: processes that wait for 50 ms
show it, the long loop does not. Wanted: the same answer everywhere, and intervals that overlap where
the start does not show. The two are not measured in turn: on a machine with other work they can differ.
``python -m benchmarks.agreement``, three minutes.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import alone, header, run_experiment
from orchestrator.analysis import inference

BARE = Path(__file__).with_name("bare_article.py")
WORKLOADS = ("integer_sum", "wait")
STRATEGIES = ("threads", "processes")

#: Median of a speed-up, and its interval.
SpeedUp = tuple[float, float, float]


def of_parlab(document: dict[str, Any]) -> dict[tuple[str, str], SpeedUp]:
    """Take the speed-ups by workload and strategy from a result document."""
    found = {}
    workloads = {group["id"]: group["workload"]["name"] for group in document["plan"]["groups"]}
    for group in document["finding"]["groups"]:
        for row in group["configurations"]:
            comparison = row["comparison"]
            if comparison is not None and comparison["speed_up"] is not None:
                ratio = comparison["speed_up"]
                strategy = row["label"].split()[0]
                low, high = ratio["low"] or 0.0, ratio["high"] or math.inf
                found[workloads[group["group"]], strategy] = ratio["ratio"], low, high
    return found


def of_bare(workload: str, times: int) -> dict[tuple[str, str], SpeedUp]:
    """Run the bare script so many times; the intervals are binomial, at 95 %."""
    logs: dict[str, list[float]] = {strategy: [] for strategy in STRATEGIES}
    for _ in range(times):
        script = subprocess.run(
            [sys.executable, str(BARE), workload], stdout=subprocess.PIPE, text=True, check=True
        )
        serial, *others = map(float, script.stdout.split())
        for strategy, seconds in zip(STRATEGIES, others, strict=True):
            logs[strategy].append(math.log(serial / seconds))
    found = {}
    for strategy, effects in logs.items():
        low, high = inference.interval(effects, 0.05, fixed=True)
        found[workload, strategy] = math.exp(inference.median(effects)), math.exp(low), math.exp(high)
    return found


def written(speed_up: SpeedUp | None) -> str:
    """Write a speed-up with its interval."""
    return "none" if speed_up is None else "{:.2f} [{:.2f}, {:.2f}]".format(*speed_up)


def judged(mine: SpeedUp | None, bare: SpeedUp) -> str:
    """Say how far two intervals agree."""
    if mine is None or math.isinf(mine[2]):
        return "too few blocks"
    gap = max(mine[1] / bare[2], bare[1] / mine[2])
    if gap <= 1:
        return "the intervals overlap"
    same = (mine[1] > 1 and bare[1] > 1) or (mine[2] < 1 and bare[2] < 1)
    return f"{'the same answer' if same else 'another answer'}, the intervals {gap - 1:.1%} apart"


def main() -> None:
    """Print a line per comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10, help="runs of the bare script (6 at least)")
    parser.add_argument("--budget", default="110s", help="of parlab's run")
    given = parser.parse_args()
    print(header("Agreement: speed-ups by parlab and by a bare script"), flush=True)
    with tempfile.TemporaryDirectory(prefix="pl-") as home:
        ours = of_parlab(run_experiment("article", home, "--budget", given.budget))
    print(f"{'':22}{'parlab':>22}{'bare script':>22}")
    with alone():
        for workload in WORKLOADS:
            for pair, bare in of_bare(workload, given.times).items():
                mine = ours.get(pair)
                print(
                    f"{' '.join(pair):22}{written(mine):>22}{written(bare):>22}  {judged(mine, bare)}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
