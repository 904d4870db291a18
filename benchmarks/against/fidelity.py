"""A round's seconds as parlab measures them, against a bare concurrent.futures script doing the same.

Both are alive at once and take turns in random order, as the trials of a sitting do. A block is
``--turns`` rounds of each; its ratio is that of the totals. Wanted: the interval of the median ratio
(binomial: one look, after a number of blocks that was set) contains 1 and is at most 3 % to each side.
``python -m benchmarks.against.fidelity``, three minutes.
"""

from __future__ import annotations

import argparse
import math
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.machine import alone, header
from parlab.orchestrator.analysis.stopping import half_width
from parlab.orchestrator.statistics import inference
from parlab.workers.host.processes import Prctl
from parlab.workers.host.scratch import scratch
from parlab.workers.sitting.interpreter import Interpreters
from parlab.workers.sitting.session import TrialSession, calibration_from
from parlab.workers.wire.spec import CalibrationSpec, Expected, Scalar, TrialSpec

BARE = Path(__file__).parents[1] / "bare" / "loops.py"
STEPS = 100_000
WORKERS = 4


@contextmanager
def trial(
    strategy: str, tasks: int, workers: int, right: Expected | None, options: dict[str, Scalar]
) -> Iterator[TrialSession]:
    """Start a trial as a sitting does, up to its preparation; it is ended whatever happens."""
    spec = TrialSpec(
        "t", "t", "integer_sum", {"steps": STEPS}, tasks, strategy, options, workers, "here", None, right
    )
    interpreters = Interpreters(Prctl())
    session = TrialSession(spec)
    with scratch() as folder:
        try:
            session.start(partial(interpreters.start, "t", sys.executable, None, 1, folder))
            session.greet({})
            session.await_prepared()
            yield session
        finally:
            session.end("failed", "internal", "the benchmark is done with it")
            interpreters.close()


@contextmanager
def bare_script(strategy: str, tasks: int) -> Iterator[Callable[[], float]]:
    """Start the bare script; what is given does a round in it and returns its seconds."""
    arguments = [sys.executable, str(BARE), strategy, str(WORKERS), str(tasks), str(STEPS)]
    # It ends with its input, which it loses when this process ends.
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as script:
        assert script.stdin is not None
        assert script.stdout is not None
        asked, answers = script.stdin, script.stdout

        def round_seconds() -> float:
            asked.write("go\n")
            asked.flush()
            return float(answers.readline())

        assert answers.readline() == "ready\n"
        yield round_seconds


def expected(tasks: int) -> Expected:
    """Calibrate once, for the right results."""
    with trial("serial", 0, 1, None, {}) as session:
        answer = session.do("calibrate", "calibration", calibration=vars(CalibrationSpec(0.05, tasks)))
        assert answer is not None, session.ended
        results = calibration_from(answer).expected
        assert results is not None
        return results


def compare(strategy: str, blocks: int, turns: int, tasks: int, draw: random.Random) -> list[float]:
    """Give one effect per block: log(parlab's seconds / the bare script's)."""
    options: dict[str, Scalar] = {} if strategy == "threads" else {"start_method": "forkserver"}
    right = expected(tasks)
    effects = []
    for _ in range(blocks):
        with (
            trial(strategy, tasks, WORKERS, right, options) as session,
            bare_script(strategy, tasks) as bare_round,
        ):
            session.do("open", "cold start")
            session.do("warm_up", "warm-up")
            ours = theirs = 0.0
            for _ in range(turns):
                for side in draw.sample(("ours", "theirs"), 2):
                    if side == "ours":
                        answer = session.do("round", "round")
                        assert answer is not None, session.ended
                        ours += answer["seconds"]
                    else:
                        theirs += bare_round()
            session.finish()
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
        with alone():
            draw = random.Random(given.seed)
            effects = compare(strategy, given.blocks, given.turns, given.tasks, draw)
        low, high = inference.interval(effects, 0.05, fixed=True)
        sd = inference.standard_deviation(effects) or math.nan
        print(
            f"{strategy:10} ratio {math.exp(inference.median(effects)):.4f} "
            f"[{math.exp(low):.4f}, {math.exp(high):.4f}] at 95 %, half-width {half_width(low, high):.1%}, "
            f"block sd {sd:.3f}, {len(effects)} blocks of {given.turns} rounds",
            flush=True,
        )


if __name__ == "__main__":
    main()
