"""Making and ending workers: parlab's scenario ``creation`` against a bare loop, in turn.

Each worker gives one sign of life, and is waited for. A block is a trial and a bare script, both fresh and
alive at once, whose rounds alternate; its ratio is that of the medians of the rounds. Wanted: a median ratio
within 10 % of 1. What a user's own main file takes to be loaded in each process is in neither.
``python -m benchmarks.against.creation``, five minutes on a quiet machine.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from pathlib import Path

from benchmarks.machine import alone, header
from benchmarks.scenario import bare_script, column, in_turn, scenario_trial
from parlab.orchestrator.statistics import inference

BARE = Path(__file__).parents[1] / "bare" / "creation.py"
#: Variant → what the bare script calls it, and how many workers its round makes: 40 ms, as the scenario's.
VARIANTS = {
    "thread": ("thread", 500),
    "process-fork": ("fork", 20),
    "process-forkserver": ("forkserver", 8),
    "process-spawn": ("spawn", 1),
}


def compare(variant: str, blocks: int, turns: int, draw: random.Random) -> list[tuple[float, float]]:
    """Give parlab's and the bare loop's seconds of a worker, once per block."""
    pairs = []
    for _ in range(blocks):
        with (
            scenario_trial("creation", variant, {}) as session,
            bare_script(BARE, *VARIANTS[variant]) as bare,
        ):
            ours, theirs = in_turn(session, bare, turns, draw)
        pairs.append((ours["creation"], statistics.median(column(theirs, 0))))
    return pairs


def main() -> None:
    """Print a line per variant."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help=f"of {', '.join(VARIANTS)}; all")
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--turns", type=int, default=10, help="rounds of each side in a block")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(header("Making and ending a worker: parlab's scenario creation / a bare loop"), flush=True)
    draw = random.Random(given.seed)
    for variant in given.variants or VARIANTS:
        with alone():
            pairs = compare(variant, given.blocks, given.turns, draw)
        logs = [math.log(ours / theirs) for ours, theirs in pairs]
        low, high = inference.interval(logs, 0.05, fixed=True)
        ratio = math.exp(inference.median(logs))
        bare = inference.median([theirs for _, theirs in pairs])
        verdict = "within 10 %" if abs(ratio - 1) <= 0.1 else "NOT within 10 %"
        print(
            f"{variant:18} {ratio:.3f} [{math.exp(low):.3f}, {math.exp(high):.3f}]  "
            f"bare {bare * 1e6:.0f} µs  {len(pairs)} blocks  {verdict}",
            flush=True,
        )


if __name__ == "__main__":
    main()
