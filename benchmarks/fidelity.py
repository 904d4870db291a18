"""A round's seconds as parlab measures them, against a bare concurrent.futures script doing the same.

Both are alive at once and take turns in random order, as the trials of a sitting do. A block is
``--turns`` rounds of each; its ratio is that of the totals. Wanted: the interval of the median ratio
contains 1 and is at most 3 % to each side.
"""

from __future__ import annotations

import argparse
import math
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.machine import header, this_node
from orchestrator.analysis import inference
from orchestrator.analysis.stopping import half_width
from workers.interpreter import Interpreters
from workers.isolation import Prctl
from workers.seat import Seat
from workers.spec import CalibrationSpec, Expected, TrialSpec

BARE = Path(__file__).with_name("bare.py")
STEPS = 100_000
WORKERS = 4


def expected(tasks: int) -> Expected:
    """Calibrate once, for the right results."""
    interpreters = Interpreters(Prctl())
    seat = Seat(TrialSpec("cal", "cal", "integer_sum", {"steps": STEPS}, 0, "serial", {}, 1, "here"))
    executable = this_node().builds[0].executable
    seat.start(partial(interpreters.start, "cal", executable, None, 1, "/tmp"))  # noqa: S108
    seat.greet()
    seat.await_prepared()
    wanted = CalibrationSpec(0.05, tasks)
    answer = seat.do("calibrate", "calibration", calibration=vars(wanted))
    assert answer is not None, seat.ended
    seat.finish()
    interpreters.close()
    return Expected(answer["expected"]["combined"], tuple(answer["expected"]["heads"]))


def compare(strategy: str, blocks: int, turns: int, tasks: int, seed: int) -> list[float]:
    """Give one effect per block: log(parlab's seconds / the bare script's)."""
    draw = random.Random(seed)
    executable = this_node().builds[0].executable
    options = {} if strategy == "threads" else {"start_method": "forkserver"}
    right = expected(tasks)
    effects = []
    for _ in range(blocks):
        bare = subprocess.Popen(
            [executable, str(BARE), strategy, str(WORKERS), str(tasks), str(STEPS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        interpreters = Interpreters(Prctl())
        spec = TrialSpec(
            "t", "t", "integer_sum", {"steps": STEPS}, tasks, strategy, options, WORKERS, "here", None, right
        )
        seat = Seat(spec)
        seat.start(partial(interpreters.start, "t", executable, None, 1, "/tmp"))  # noqa: S108
        seat.greet()
        seat.await_prepared()
        seat.do("open", "cold start")
        seat.do("warm_up", "warm-up")
        assert bare.stdin is not None
        assert bare.stdout is not None
        assert bare.stdout.readline() == "ready\n"
        ours = theirs = 0.0
        for _ in range(turns):
            for side in draw.sample(("ours", "theirs"), 2):
                if side == "ours":
                    answer = seat.do("round", "round")
                    assert answer is not None, seat.ended
                    ours += answer["seconds"]
                else:
                    bare.stdin.write("go\n")
                    bare.stdin.flush()
                    theirs += float(bare.stdout.readline())
        bare.stdin.close()
        bare.wait()
        seat.finish()
        interpreters.close()
        effects.append(math.log(ours / theirs))
    return effects


def main() -> None:
    """Print a line per strategy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--turns", type=int, default=12, help="rounds of each side in a block")
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(header("Fidelity: parlab's rounds against a bare script's, interleaved"))
    for strategy in ("threads", "processes"):
        effects = compare(strategy, given.blocks, given.turns, given.tasks, given.seed)
        low, high = inference.interval(effects, 0.05)
        sd = inference.standard_deviation(effects) or math.nan
        print(
            f"{strategy:10} ratio {math.exp(inference.median(effects)):.4f} "
            f"[{math.exp(low):.4f}, {math.exp(high):.4f}] at 95 %, half-width {half_width(low, high):.1%}, "
            f"block sd {sd:.3f}, {len(effects)} blocks of {given.turns} rounds"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
