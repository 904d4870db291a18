"""Lost updates of a multiprocessing.Value: parlab's scenario ``counter`` against a bare script, in turn.

A block is a trial and a bare script, both fresh and alive at once, whose rounds alternate; each side's share
is the mean of its rounds. Wanted: without a lock the intervals of the two medians overlap; with it neither
side ever loses an update. ``python -m benchmarks.against.lost_updates``, two minutes.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import alone, header
from benchmarks.scenario import bare_script, column, in_turn, scenario_trial
from parlab.orchestrator.statistics import inference

BARE = Path(__file__).parents[1] / "bare" / "lost_updates.py"
#: Variant → what the bare script calls it.
VARIANTS = {"value": "unlocked", "value-lock": "locked"}
UPDATES = 20_000


def compare(variant: str, blocks: int, turns: int, draw: random.Random) -> tuple[list[float], list[float]]:
    """Give parlab's and the bare script's share of lost updates, once per block each."""
    ours, theirs = [], []
    for _ in range(blocks):
        with (
            scenario_trial("counter", variant, {"updates": UPDATES}) as session,
            bare_script(BARE, VARIANTS[variant], UPDATES) as bare,
        ):
            read, counted = in_turn(session, bare, turns, draw)
        ours.append(read["lost_updates"])
        theirs.append(statistics.mean(column(counted, 0)))
    return ours, theirs


def written(shares: Sequence[float]) -> tuple[str, float, float]:
    """Write the median share with its interval, and give the interval."""
    low, high = inference.interval(shares, 0.05, fixed=True)
    return f"{inference.median(shares):.1%} [{low:.1%}, {high:.1%}]", low, high


def main() -> None:
    """Print a line per variant."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--turns", type=int, default=5, help="rounds of each side in a block")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(
        header("Lost updates of a Value, four processes: parlab's scenario counter, a bare script"),
        flush=True,
    )
    draw = random.Random(given.seed)
    for variant in VARIANTS:
        with alone():
            ours, theirs = compare(variant, given.blocks, given.turns, draw)
        if variant == "value-lock":
            none = max(*ours, *theirs) == 0
            print(f"{variant:11} parlab {max(ours):g}, bare {max(theirs):g} at most; zero: {_yes(none)}")
            continue
        (our_text, our_low, our_high), (their_text, their_low, their_high) = written(ours), written(theirs)
        overlap = our_low <= their_high and their_low <= our_high
        print(
            f"{variant:11} parlab {our_text}, bare {their_text}  {len(ours)} blocks; "
            f"the intervals overlap: {_yes(overlap)}",
            flush=True,
        )


def _yes(good: bool) -> str:  # noqa: FBT001 - it is what is written
    return "yes" if good else "NO"


if __name__ == "__main__":
    main()
