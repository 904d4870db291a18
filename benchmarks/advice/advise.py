"""Is the advice right, and how much does it save? ``parlab advise`` against a search of the whole grid.

For each function: (a) ``parlab advise`` within its budget; (b) a run of every configuration of a grid, which
holds all candidates of the advice, the same number of blocks of each, with rounds of as many tasks. Wanted:
the pick is in the search's best set, or its ratio to the fastest has an upper bound of at most 1.10; and the
advice took at most 25 % of the search's time. The advice's time is the command's, all of it; the search's has
neither its preflight nor what it waited for other runs on the host.

``python -m benchmarks.advice.advise`` in the checkout, three to five minutes a function on 2 CPUs; in
pieces with ``--functions``: what is done is kept in ``--home`` and not done again, and each call prints the
table of all that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.advice.exhaustive import Judgement, Way, experiment, grid, judge
from benchmarks.advice.functions.cases import CASES, AdviceCase
from benchmarks.machine import CLOCK, alone, header, run_experiment
from parlab.workers.host.environment import read_host

MOST_RATIO = 1.10
MOST_SHARE = 0.25
SEED = 1
#: More than preflight and start take beside the race: somebody else measured meanwhile.
SUSPICIOUS_SECONDS = 10.0
MOST_TIMES = 5
#: Exit codes with a document: all is well, or some configuration failed and the others were measured.
ANSWERED = (0, 1)


def advise(case: AdviceCase, budget: str, pythons: Sequence[str], home: Path) -> dict[str, Any]:
    """Ask for advice as a user would, and give its document, with the command's wall time in it."""
    document = home / "advice.json"
    options = ["--inputs", case.inputs_reference, "--budget", budget, "--seed", str(SEED), "--quiet"]
    if case.async_reference is not None:
        options += ["--async", case.async_reference]
    for python in pythons:
        options += ["--python", python]
    command = [sys.executable, "-m", "parlab", "advise", case.reference, *options]
    environment = {**os.environ, "PARLAB_HOME": str(home)}
    # Of another function, where this one cannot be measured at all.
    document.unlink(missing_ok=True)
    for _ in range(MOST_TIMES):
        # What another run takes is not the advice's time: it is asked for when nothing is measured here.
        with alone():
            began_ns = CLOCK.monotonic_ns()
        done = subprocess.run([*command, "--json", str(document)], env=environment, check=False)
        wall_seconds = (CLOCK.monotonic_ns() - began_ns) / 1e9
        if done.returncode not in ANSWERED:
            done.check_returncode()
        advice = {**_read(document), "wall_seconds": wall_seconds}
        if advice["wall_seconds"] - advice["seconds"] <= SUSPICIOUS_SECONDS:
            _advice_file(case, home).write_text(json.dumps(advice), encoding="utf-8")
            return advice
        print(f"{case.name}: the advice waited for another run: asked again", file=sys.stderr)
    raise SystemExit(f"{case.name}: others measure here all the time; try again when they are done")


def tasks_of(advice: dict[str, Any], home: Path) -> int | None:
    """Give the calls per round that the advice was found with; None where they are not one number."""
    document = home / "exported.json"
    command = [sys.executable, "-m", "parlab", "export", advice["run"], "--format", "json"]
    environment = {**os.environ, "PARLAB_HOME": str(home)}
    subprocess.run([*command, "--output", str(document)], env=environment, check=True)
    counts = {group["tasks"] for group in _read(document)["finding"]["groups"]}
    document.unlink()
    return counts.pop() if len(counts) == 1 else None


def search(case: AdviceCase, advice: dict[str, Any], given: argparse.Namespace) -> None:
    """Run the whole grid, and keep the run's document."""
    home = given.home
    ways = grid(case, read_host().effective_cpus.count)
    candidates = [Way.from_plain(candidate) for candidate in advice["hosts"][0]["candidates"]]
    added = [way for way in dict.fromkeys(candidates) if way not in ways]
    if added:
        print(f"{case.name}: the grid did not hold {'; '.join(map(str, added))}: added", file=sys.stderr)
    tasks = tasks_of(advice, home)
    file = home / f"{case.name}.toml"
    text = experiment(case, [*ways, *added], given.python, given.blocks, given.trial, tasks, SEED)
    file.write_text(text, encoding="utf-8")
    Path(home, "run.json").unlink(missing_ok=True)
    try:
        run_experiment(str(file), str(home))
    except subprocess.CalledProcessError as error:
        if error.returncode not in ANSWERED:
            raise
    Path(home, "run.json").replace(_search_file(case, home))


def measure(case: AdviceCase, given: argparse.Namespace) -> None:
    """Do what is still to be done for a function, and keep a line of what it came to."""
    advice_file, search_file = _advice_file(case, given.home), _search_file(case, given.home)
    asks = given.again or not advice_file.exists()
    searches = (given.again or not search_file.exists()) and not given.skip_exhaustive
    if not asks and not searches:
        return
    advice = advise(case, given.budget, given.python, given.home) if asks else _read(advice_file)
    pick = advice["hosts"][0]["pick"]
    if searches:
        search(case, advice, given)
    judged: Judgement | str | None = "nothing was advised" if pick is None else None
    if pick is not None and search_file.exists():
        judged = judge(_read(search_file), pick)
    line = {
        "function": case.name,
        "kind": case.kind,
        "machine": header("").strip(),
        "budget": given.budget,
        "pick": "none" if pick is None else str(Way.from_plain(pick)),
        "line": None if pick is None else pick["line"],
        "settled": advice["hosts"][0]["settled"],
        "advise_seconds": advice["wall_seconds"],
        "judgement": asdict(judged) if isinstance(judged, Judgement) else judged,
    }
    with _lines_file(given.home).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def is_right(judged: dict[str, Any]) -> bool:
    """Whether the pick is as good as it should be."""
    return judged["in_best_set"] or (judged["high"] is not None and judged["high"] <= MOST_RATIO)


def row(line: dict[str, Any]) -> str:
    """Give a function's row of the table."""
    judged, seconds = line["judgement"], line["advise_seconds"]
    cells = [line["function"], line["kind"], line["pick"]]
    if not isinstance(judged, dict):
        return _row([*cells, judged or "not searched", "–", "–", f"{seconds:.0f} s", "–", "–", "–"])
    low, high = (f"{judged[bound]:.2f}" if judged[bound] else "none" for bound in ("low", "high"))
    cells += [
        judged["best"],
        f"{'yes' if judged['in_best_set'] else 'no'} ({judged['best_set']} of {judged['configurations']})",
        f"{judged['ratio']:.2f} [{low}, {high}]",
        f"{seconds:.0f} s",
        f"{judged['seconds']:.0f} s",
        f"{seconds / judged['seconds']:.0%}",
        "yes" if is_right(judged) and seconds <= MOST_SHARE * judged["seconds"] else "NO",
    ]
    return _row(cells)


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Give the table of all that is there, and what it comes to."""
    machines = dict.fromkeys(line["machine"] for line in lines)
    # One line per machine and Python is enough: pieces of one table differ in the minute.
    machine_lines = list({machine.rpartition(", ")[0]: machine for machine in machines}.values())
    heads = ["function", "kind", "pick", "search's best", "in best set", "ratio to best [95 %]"]
    heads += ["advice", "search", "share", "reached"]
    rows = [_row(heads), _row(["---"] * len(heads)), *map(row, lines)]
    searched = [line for line in lines if isinstance(line["judgement"], dict)]
    text = "\n".join([*machine_lines, "", *rows, ""])
    if not searched:
        return text
    shares = {line["function"]: line["advise_seconds"] / line["judgement"]["seconds"] for line in searched}
    right = sum(is_right(line["judgement"]) for line in searched)
    quick = sum(share <= MOST_SHARE for share in shares.values())
    worst = max(shares, key=lambda name: shares[name])
    blocks = sorted({line["judgement"]["blocks"] for line in searched})
    return (
        f"{text}\n{right} of {len(searched)} picks are right, {quick} of {len(searched)} took at most "
        f"{MOST_SHARE:.0%} of the search (worst share {shares[worst]:.0%}, {worst}); searches had "
        f"{' to '.join(map(str, dict.fromkeys((blocks[0], blocks[-1]))))} blocks"
    )


def kept(home: Path) -> list[dict[str, Any]]:
    """Read what was kept: of each function the last line, in the order of the cases."""
    if not _lines_file(home).exists():
        return []
    read = [json.loads(line) for line in _lines_file(home).read_text(encoding="utf-8").splitlines()]
    last = {line["function"]: line for line in read}
    return [last[case.name] for case in CASES if case.name in last]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _advice_file(case: AdviceCase, home: Path) -> Path:
    return home / f"{case.name}.advice.json"


def _search_file(case: AdviceCase, home: Path) -> Path:
    return home / f"{case.name}.search.json"


def _lines_file(home: Path) -> Path:
    return home / "advise.jsonl"


def main() -> None:
    """Do what is still to be done, and print the table."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--functions", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--budget", default="35s", help="of each advice")
    parser.add_argument("--blocks", type=int, default=15, help="of each search")
    parser.add_argument("--trial", type=float, default=0.25, help="seconds of a search's trials")
    parser.add_argument("--python", action="append", default=[], metavar="EXE", help="build; repeat it")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir(), "parlab-advise"))
    parser.add_argument("--skip-exhaustive", action="store_true", help="advice only")
    parser.add_argument("--again", action="store_true", help="also what is there already")
    parser.add_argument("--table", action="store_true", help="measure nothing: print what is there")
    given = parser.parse_args()
    if not Path("benchmarks", "functions").is_dir():
        parser.error("run it in the checkout: the functions are imported from the current folder")
    given.home = given.home.resolve()
    given.home.mkdir(parents=True, exist_ok=True)
    print("Advice against a search of the whole grid")
    for case in CASES:
        if case.name in given.functions and not given.table:
            measure(case, given)
            print(f"done: {case.name}", file=sys.stderr)
    print(table(kept(given.home)))


if __name__ == "__main__":
    main()
