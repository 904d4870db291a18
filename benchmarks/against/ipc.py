"""Messages through a multiprocessing.Pipe: parlab's scenario ``ipc`` against a bare loop, in turn.

A block is a trial and a bare script, both new and alive at once, whose rounds alternate; its ratio is that
of the medians of the rounds. Wanted: median ratios of latency and bandwidth within 10 % of 1. With messages
of 100 kB and more that can be had only of warmed heaps: whether a fresh one gives memory back to the system
after each message hangs on how it happens to lie (see the scenario), and the lines of those show how much.
``python -m benchmarks.against.ipc``, five minutes on a quiet machine.
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

BARE = Path(__file__).parents[1] / "bare" / "ipc.py"
#: Bytes of a message and heap → round trips and messages of a bare round: 25 ms each, as the scenario's.
CASES = {
    (100, "fresh"): (250, 3000),
    (1_000, "fresh"): (250, 3000),
    (100_000, "warmed"): (200, 500),
    (1_000_000, "warmed"): (25, 60),
    (100_000, "fresh"): (80, 200),
    (1_000_000, "fresh"): (6, 15),
}
MEASURES = ("ipc_latency", "ipc_bandwidth")


def compare(
    case: tuple[int, str], blocks: int, turns: int, draw: random.Random
) -> dict[str, list[tuple[float, float]]]:
    """Give parlab's and the bare loop's value of each measure, once per block."""
    size, heap = case
    by_measure: dict[str, list[tuple[float, float]]] = {name: [] for name in MEASURES}
    for _ in range(blocks):
        with (
            scenario_trial("ipc", "mp-pipe", {"size": size, "heap": heap}) as session,
            bare_script(BARE, size, *CASES[case], heap) as bare,
        ):
            ours, theirs = in_turn(session, bare, turns, draw)
        for place, name in enumerate(MEASURES):
            by_measure[name].append((ours[name], statistics.median(column(theirs, place))))
    return by_measure


def main() -> None:
    """Print a line per size and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--turns", type=int, default=10, help="rounds of each side in a block")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(header("Messages through a pipe: parlab's scenario ipc / a bare loop"), flush=True)
    draw = random.Random(given.seed)
    for case in CASES:
        with alone():
            by_measure = compare(case, given.blocks, given.turns, draw)
        for name, pairs in by_measure.items():
            logs = [math.log(ours / theirs) for ours, theirs in pairs]
            low, high = inference.interval(logs, 0.05, fixed=True)
            ratio = math.exp(inference.median(logs))
            bare = inference.median([theirs for _, theirs in pairs])
            figure = f"{bare * 1e6:.1f} µs" if name == "ipc_latency" else f"{bare / 1e6:.0f} MB/s"
            verdict = "within 10 %" if abs(ratio - 1) <= 0.1 else "NOT within 10 %"
            print(
                f"{case[0]:>9} bytes, {case[1]:6}  {name:13} {ratio:.3f} "
                f"[{math.exp(low):.3f}, {math.exp(high):.3f}]  "
                f"bare {figure}  {len(pairs)} blocks  {verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main()
