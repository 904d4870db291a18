"""Seconds of one serial task by pyperf and by parlab, in turn.

A turn is one worker process of pyperf (its own calibration is done once before) and one serial trial of
parlab, each a fresh interpreter, in random order. Wanted: the interval of the median ratio contains 1
(binomial, at 95 %: one look, after a number of turns that was set).
``python -m benchmarks.against.pyperf``, a minute. Needs pyperf.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.against.fidelity import STEPS, trial
from benchmarks.machine import alone, header
from parlab.orchestrator.statistics import inference
from parlab.workers.sitting.session import calibration_from
from parlab.workers.wire.spec import Expected

#: Folder of the loops that pyperf times.
_BARE = str(Path(__file__).parents[1] / "bare")

TASKS = 4
ROUNDS = 10


def by_pyperf(path: Path, loops: int) -> float:
    """Run one worker process of pyperf; seconds per task."""
    setup = f"import sys; sys.path.insert(0, {_BARE!r}); from loops import integer_sum"
    asked = [
        *(sys.executable, "-m", "pyperf", "timeit", "--quiet", "--processes", "1", "--warmups", "1"),
        *("--values", str(ROUNDS), "--loops", str(loops), "--output", str(path)),
        *("--setup", setup, f"integer_sum((3, {STEPS}))"),
    ]
    path.unlink(missing_ok=True)
    subprocess.run(asked, stdout=subprocess.DEVNULL, check=True)
    (benchmark,) = json.loads(path.read_text())["benchmarks"]
    return statistics.fmean(value for run in benchmark["runs"] for value in run.get("values", ()))


def by_parlab(right: Expected | None) -> float:
    """Do one serial trial; seconds per task."""
    with trial("serial", TASKS, 1, right, {}) as session:
        assert session.do("open", "cold start") is not None, session.ended
        assert session.do("warm_up", "warm-up") is not None, session.ended
        taken = []
        for turn in range(ROUNDS):
            answer = session.do("round", f"round {turn + 1}")
            assert answer is not None, session.ended
            taken.append(answer["seconds"] / TASKS)
    return statistics.fmean(taken)


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=20, help="of each side (6 at least)")
    given = parser.parse_args()
    print(header("Serial seconds of a task: parlab / pyperf"), flush=True)
    logs = []
    with alone(), tempfile.TemporaryDirectory(prefix="pl-") as folder:
        path = Path(folder, "pyperf.json")
        with trial("serial", 0, 1, None, {}) as session:
            wanted = {"round_seconds": 0.01, "tasks": TASKS, "multiple_of": 1, "max_tasks": TASKS}
            answer = session.do("calibrate", "calibration", calibration=wanted)
            assert answer is not None, session.ended
            right = calibration_from(answer).expected
        for _ in range(given.turns):
            first = random.random() < 0.5
            mine = by_parlab(right) if first else 0.0
            theirs = by_pyperf(path, TASKS)
            mine = mine or by_parlab(right)
            logs.append(math.log(mine / theirs))
    low, high = inference.interval(logs, 0.05, fixed=True)
    verdict = "contains 1" if low <= 0 <= high else "does NOT contain 1"
    print(
        f"{math.exp(inference.median(logs)):.3f} [{math.exp(low):.3f}, {math.exp(high):.3f}]  "
        f"{given.turns} turns, the interval {verdict}"
    )


if __name__ == "__main__":
    main()
