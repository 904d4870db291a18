"""Cost of handing over one task: parlab's reading ``dispatch`` against a bare loop, in turn.

Both pools are warm and alive at once; a turn is one tasks pass of the trial and one measurement of the
bare script, in random order. Wanted: a median ratio within 10 % of 1.
``python -m benchmarks.against.dispatch``, a minute.
"""

from __future__ import annotations

import argparse
import math
import random
import subprocess
import sys
from pathlib import Path

from benchmarks.against.fidelity import trial
from benchmarks.machine import alone, header
from parlab.orchestrator.statistics import inference
from parlab.workers.sitting.session import TrialSession, calibration_from
from parlab.workers.wire.spec import Scalar

BARE = Path(__file__).parents[1] / "bare" / "dispatch.py"
WORKERS = 2
#: strategy → options
STRATEGIES: dict[str, dict[str, Scalar]] = {
    "threads": {},
    "processes": {"start_method": "forkserver", "chunksize": 1},
}


def reading(session: TrialSession) -> float:
    """Have the trial do its tasks pass, and give what it read."""
    answer = session.do("tasks_pass", "the tasks pass", limit_seconds=1.0)
    assert answer is not None, session.ended
    (dispatch,) = (r for r in answer["readings"] if r["probe"] == "dispatch")
    assert dispatch["value"] is not None, dispatch["reason"]
    return float(dispatch["value"])


def effects(strategy: str, turns: int) -> tuple[list[float], float]:
    """Give log(parlab / bare) per turn, and the bare script's median seconds per task."""
    tasks = 2 * WORKERS
    with trial("serial", 0, 1, None, {}) as session:
        wanted = {"round_seconds": 0.01, "tasks": tasks, "multiple_of": 1, "max_tasks": tasks}
        answer = session.do("calibrate", "calibration", calibration=wanted)
        assert answer is not None, session.ended
        right = calibration_from(answer).expected
    ratios, bare = [], []
    with (
        trial(strategy, tasks, WORKERS, right, STRATEGIES[strategy]) as session,
        subprocess.Popen(
            [sys.executable, str(BARE), strategy, str(WORKERS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as script,
    ):
        assert script.stdin is not None
        assert script.stdout is not None
        script.stdout.readline()
        assert session.do("open", "cold start") is not None, session.ended
        assert session.do("warm_up", "warm-up") is not None, session.ended
        for _ in range(turns):
            mine_first = random.random() < 0.5
            mine = reading(session) if mine_first else 0.0
            script.stdin.write("\n")
            script.stdin.flush()
            bare.append(float(script.stdout.readline()))
            mine = mine or reading(session)
            ratios.append(math.log(mine / bare[-1]))
        script.stdin.close()
    return ratios, inference.median(bare)


def main() -> None:
    """Print a line per strategy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=40, help="of each side")
    given = parser.parse_args()
    print(header("Dispatch: parlab's reading / a bare executor.map loop, seconds per task"), flush=True)
    with alone():
        for strategy in STRATEGIES:
            logs, seconds = effects(strategy, given.turns)
            low, high = inference.interval(logs, 0.05, fixed=True)
            ratio = math.exp(inference.median(logs))
            verdict = "within 10 %" if abs(ratio - 1) <= 0.1 else "NOT within 10 %"
            print(
                f"{strategy:10} {ratio:.3f} [{math.exp(low):.3f}, {math.exp(high):.3f}]  "
                f"bare {seconds * 1e6:.1f} µs  {verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main()
