"""A/A by pyperf: how many pairs of runs of the same function its ``compare_to`` calls different.

The function is the one that ``benchmarks.method.aa`` measures. Runs are kept in a folder, so that they can
be made in pieces: ``python -m benchmarks.against.pyperf_aa --folder FOLDER --runs 40 --minutes 9`` (again,
until all are there; about 10 s each). Its level promises 5 %. Needs pyperf.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import header
from benchmarks.method.aa_figures import share
from benchmarks.noise import recording
from benchmarks.noise.recording import STEPS

#: Folder of the loops that pyperf times.
_BARE = str(Path(__file__).parents[1] / "bare")


def run(path: Path, options: Sequence[str]) -> None:
    """Have pyperf measure the function once, as its user would."""
    setup = f"import sys; sys.path.insert(0, {_BARE!r}); from loops import integer_sum"
    partial = path.with_suffix(".part")
    partial.unlink(missing_ok=True)
    asked = [
        *(sys.executable, "-m", "pyperf", "timeit", "--quiet", *options, "--output", str(partial)),
        *("--setup", setup, f"integer_sum((3, {STEPS}))"),
    ]
    subprocess.run(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    partial.rename(path)


def compared(first: Path, second: Path) -> bool:
    """Ask ``compare_to`` whether two runs differ significantly."""
    asked = [sys.executable, "-m", "pyperf", "compare_to", "--verbose", str(first), str(second)]
    output = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    if "Significant (t=" in output:
        return True
    if "Not significant!" in output:
        return False
    raise SystemExit(f"pyperf compare_to said something else:\n{output}")


def values_of(path: Path) -> list[float]:
    """Give all values of a run, as pyperf's test takes them."""
    (benchmark,) = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
    return [value for part in benchmark["runs"] for value in part.get("values", ())]


def significant(first: Sequence[float], second: Sequence[float]) -> bool:
    """Do the same test as ``compare_to``, which takes half a second to say it."""
    test = importlib.import_module("pyperf._utils").is_significant
    return bool(test(first, second)[0])


def report(paths: Sequence[Path]) -> None:
    """Print the shares."""
    values = [values_of(path) for path in paths]
    means = [statistics.fmean(v) for v in values]
    spread = statistics.stdev(map(math.log, means))
    print(
        f"{len(paths)} runs of {len(values[0])} values, {statistics.median(means) * 1000:.3f} ms; "
        f"sd between runs' means {spread:.3f}"
    )
    adjacent = [compared(a, b) for a, b in itertools.pairwise(paths)]
    same = [significant(a, b) for a, b in itertools.pairwise(values)]
    assert adjacent == same, "its test was called as compare_to calls it"
    apart = adjacent[::2]
    print(f"each run with the next, called different: {share(sum(adjacent), len(adjacent))}")
    print(f"  of these, pairs that share no run:      {share(sum(apart), len(apart))}")
    every = [significant(a, b) for a, b in itertools.combinations(values, 2)]
    print(f"all pairs (these hang together): {sum(every)} of {len(every)}: {sum(every) / len(every):.1%}")


def main() -> None:
    """Record what is missing, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="of pyperf's results")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=0.0, help="record for so long at most before")
    parser.add_argument(
        "--rigour", choices=("fast", "default"), default="fast", help="pyperf's --fast, or 20 processes"
    )
    given = parser.parse_args()
    print(header(f"A/A by pyperf ({given.rigour}): integer_sum"), flush=True)
    given.folder.mkdir(parents=True, exist_ok=True)
    options = ["--fast"] if given.rigour == "fast" else []
    wanted = [given.folder / f"{given.rigour}-{number:03}.json" for number in range(given.runs)]
    missing = [path for path in wanted if not path.exists()]
    if missing:
        for path, _ in zip(missing, recording.slices(given.minutes * 60), strict=False):
            run(path, options)
    there = [path for path in wanted if path.exists()]
    if len(there) < 3:
        print("too few runs yet: add --minutes 9")
        return
    report(there)


if __name__ == "__main__":
    main()
