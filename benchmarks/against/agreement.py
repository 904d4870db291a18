"""The article's benchmark by parlab and by a bare script, in turn: speed-ups side by side, per build.

A turn is one block of ``parlab run article`` and one run of ``bare_article.py`` by the same interpreter.
The bare script's seconds include its executors' start and end; so parlab's start-up and tear-down are
added to a round of its here. Wanted: each side's speed-up within the other's interval (binomial, at
95 %: one look, after a number of turns that was set).
``python -m benchmarks.against.agreement --python 3.11 --python 3.14 --python 3.13t``, four minutes per build.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import alone, header, run_experiment
from parlab.orchestrator.experiment.file import load
from parlab.orchestrator.experiment.model import PythonChoice
from parlab.orchestrator.plan.pythons import choose_pythons
from parlab.orchestrator.statistics import inference
from parlab.workers.host.builds import read_build

BARE = Path(__file__).parents[1] / "bare" / "article.py"
STRATEGIES = ("threads", "processes")

#: (workload, strategy) → log of the speed-up, one per turn.
Effects = dict[tuple[str, str], list[float]]


def parlabs_turn(executable: str, effects: Effects) -> list[str]:
    """Measure a block and add its effects; the workloads are returned."""
    with tempfile.TemporaryDirectory(prefix="pl-") as home:
        fixed = ("--set", "stop.rule=fixed", "--set", "stop.blocks=1")
        document = run_experiment("article", home, "--python", executable, *fixed)
    planned = {c["id"]: c for group in document["plan"]["groups"] for c in group["configurations"]}
    seconds: dict[tuple[str, str], float] = {}
    for trial in document["trials"]:
        configuration = planned[trial["configuration"]]
        if trial["block"] is not None and trial["outcome"] == "measured":
            seconds[configuration["workload"], configuration["strategy"]] = _cold(trial)
    for (workload, strategy), taken in seconds.items():
        if strategy in STRATEGIES and (workload, "serial") in seconds:
            effects.setdefault((workload, strategy), []).append(math.log(seconds[workload, "serial"] / taken))
    return sorted({workload for workload, _ in seconds})


def _cold(trial: dict[str, Any]) -> float:
    rounds = [timed["seconds"] for timed in trial["rounds"]]
    return float(trial["start_up_seconds"] + median(rounds) + trial["tear_down_seconds"])


def bare_turn(executable: str, workloads: Sequence[str], effects: Effects) -> None:
    """Run the bare script once for each workload and add its effects."""
    for workload in workloads:
        asked = [executable, str(BARE), workload]
        script = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True)
        serial, *others = map(float, script.stdout.split())
        for strategy, taken in zip(STRATEGIES, others, strict=True):
            effects.setdefault((workload, strategy), []).append(math.log(serial / taken))


def written(effects: Sequence[float]) -> tuple[str, float, float, float]:
    """Write a speed-up with its interval, and give it."""
    low, high = inference.interval(effects, 0.05, fixed=True)
    figures = (math.exp(inference.median(effects)), math.exp(low), math.exp(high))
    return "{:.2f} [{:.2f}, {:.2f}]".format(*figures), *figures


def main() -> None:
    """Print a line per comparison and build."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=10, help="of each side (6 at least)")
    parser.add_argument("--python", action="append", help="interpreter, repeatable (default: this one)")
    given = parser.parse_args()
    print(header("Agreement: speed-ups by parlab and by a bare script, in turn"), flush=True)
    asked = choose_pythons(load("article"), given.python or [sys.executable], None, local=True)
    print(f"{'':30}{'parlab':>22}{'bare script':>22}")
    for choice in asked.pythons:
        _compare(choice, given.turns)


def _compare(choice: PythonChoice, turns: int) -> None:
    assert choice.executable is not None
    build = read_build(choice.executable).id
    ours: Effects = {}
    theirs: Effects = {}
    for _ in range(turns):
        workloads = parlabs_turn(choice.executable, ours)
        with alone():
            bare_turn(choice.executable, workloads, theirs)
    for pair, effects in theirs.items():
        mine, mid, low, high = written(ours[pair])
        bare, bare_mid, bare_low, bare_high = written(effects)
        inside = low <= bare_mid <= high and bare_low <= mid <= bare_high
        verdict = "each within the other's" if inside else "NOT within the other's"
        print(f"{build:8} {' '.join(pair):21}{mine:>22}{bare:>22}  {verdict}", flush=True)


if __name__ == "__main__":
    main()
