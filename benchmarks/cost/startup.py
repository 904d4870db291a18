"""CPU seconds until something happens, and a trial's start: of this checkout, or of two in turn.

Wanted: ``parlab --help`` and ``parlab run smoke`` before its first block at most 0.7 CPU seconds, and
trials that start no slower than before (± 3 %). CPU seconds are those of the command and of all that
it starts. ``python -m benchmarks.cost.startup --against ../older``: the other checkout has its own
``.venv``; both are measured in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.machine import alone, header
from parlab.orchestrator.statistics import inference
from parlab.workers.host.processes import Prctl
from parlab.workers.host.scratch import scratch
from parlab.workers.host.tree import processes_below
from parlab.workers.sitting.interpreter import Interpreters
from parlab.workers.sitting.session import TrialSession
from parlab.workers.wire.registration import PythonBuild
from parlab.workers.wire.spec import Expected, Scalar, TrialSpec

HYBRID: dict[str, Scalar] = {"processes": 1, "threads": 2}
STRATEGIES: dict[str, dict[str, Scalar]] = {"serial": {}, "threads": {}, "processes": {}, "hybrid": HYBRID}
#: What is measured, with its arguments; the last one goes no further than its first trial.
COMMANDS = {"--help": ("--help",), "--version": ("--version",), "run smoke": ("run", "smoke", "--quiet")}
_POLL_SECONDS = 0.002
_LIMIT_SECONDS = 60.0
#: Of a process that is a trial's interpreter.
_TRIAL = b"PARLAB_TRIAL="
#: Names the module of another checkout that has ``trial_seconds`` and what it takes.
_TRIALS = """
import importlib, json, sys
for name in ("benchmarks.cost.startup", "benchmarks.startup"):
    try:
        bench = importlib.import_module(name)
        break
    except ModuleNotFoundError:
        pass
from benchmarks.machine import this_node
build, prctl = this_node().builds[0], bench.Prctl()
for strategy in sys.stdin:
    print(json.dumps(bench.trial_seconds(build, strategy.strip(), prctl)), flush=True)
"""


@dataclass(frozen=True)
class Checkout:
    """A version of parlab that can be run from its folder."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its interpreter needs to find this version, and not the one that is installed."""
        source = self.folder / "src"
        folders = [*([str(source)] if source.is_dir() else []), str(self.folder)]
        # Compiled files are written at the first start, and found by what is measured.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PARLAB_", "PYTHON"))}
        return {**kept, "PYTHONPATH": os.pathsep.join(folders)}

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / ".venv" / "bin" / "python")

    def command(self, arguments: tuple[str, ...]) -> list[str]:
        """Give the command line of ``parlab`` with arguments."""
        module = "parlab" if (self.folder / "src" / "parlab").is_dir() else "orchestrator"
        return [self.python, "-P", "-m", module, *arguments]


def is_trial(pid: int) -> bool:
    """Say whether a process is a trial's interpreter."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return environment.startswith(_TRIAL) or b"\0" + _TRIAL in environment


def cpu_seconds(checkout: Checkout, arguments: tuple[str, ...], home: str) -> float:
    """Measure user and system time of a command and all below it, until a trial begins or it ends."""
    process = subprocess.Popen(
        checkout.command(arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**checkout.environment, "PARLAB_HOME": home},
        cwd=home,
    )
    limit = time.monotonic() + _LIMIT_SECONDS
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if any(is_trial(pid) for pid in processes_below(process.pid)):
            break
        assert time.monotonic() < limit, f"{arguments}: no trial has begun"
        time.sleep(_POLL_SECONDS)
    else:
        assert arguments[0] != "run", "it ended before its first trial"
    total = 0.0
    # What it started comes to us when it ends, and the kernel gives their times to the microsecond.
    while below := processes_below(os.getpid()):
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, _, used = os.wait4(-1, 0)
        total += used.ru_utime + used.ru_stime
    process.returncode = 0
    return total


def trial_seconds(build: PythonBuild, strategy: str, prctl: Prctl) -> tuple[float, float]:
    """Give the seconds from a trial interpreter's start to its hello, and from there until prepared."""
    spec = TrialSpec(
        "t",
        "t",
        "integer_sum",
        {"steps": 1000},
        4,
        strategy,
        STRATEGIES[strategy],
        1 if strategy == "serial" else 2,
        build.id,
        expected=Expected("none"),
    )
    session = TrialSession(spec)
    interpreters = Interpreters(prctl)
    with scratch() as folder:
        try:
            begin = time.perf_counter()
            session.start(partial(interpreters.start, "t", build.executable, None, 1, folder))
            session.greet({})
            greeted = time.perf_counter()
            session.await_prepared()
            prepared = time.perf_counter()
            assert session.open, session.ended
        finally:
            session.end("failed", "internal", "it was only started")
            interpreters.close()
    return greeted - begin, prepared - greeted


class TrialDriver:
    """Starts trials of one checkout, in a process that has loaded what starts them."""

    def __init__(self, checkout: Checkout) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            [checkout.python, "-P", "-c", _TRIALS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=checkout.environment,
            text=True,
        )

    def seconds(self, strategy: str) -> float:
        """Give the seconds from a trial's start until it is prepared."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{strategy}\n")
        self._process.stdin.flush()
        greeted, prepared = json.loads(self._process.stdout.readline())
        return float(greeted) + float(prepared)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def show(what: str, unit: float, columns: list[list[float]]) -> None:
    """Print the medians of one or two checkouts, and how the second compares with the first."""
    cells = [
        f"{inference.median(seconds) * unit:8.3f} ({min(seconds) * unit:.3f} to {max(seconds) * unit:.3f})"
        for seconds in columns
    ]
    if len(columns) > 1:
        ratios = [new / old for old, new in zip(*columns, strict=True)]
        low, high = inference.interval(ratios, 0.05, fixed=True)
        cells.append(f"× {inference.median(ratios):.3f} [{low:.3f}, {high:.3f}]")
    print(f"  {what:28}" + "  ".join(cells), flush=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", type=Path, help="another checkout, measured in turn with this one")
    parser.add_argument("--times", type=int, default=10, help="of each command")
    parser.add_argument("--trials", type=int, default=100, help="of each strategy")
    given = parser.parse_args()
    here = Checkout(Path(__file__).absolute().parents[2])
    checkouts = [here] if given.against is None else [Checkout(given.against.absolute()), here]
    print(header("Start-up: medians (extremes)" + (", then the ratio by pairs" if given.against else "")))
    Prctl().adopt_orphans()
    with ExitStack() as stack:
        # In a folder of its own each: what is kept from one command for the next is kept there.
        homes = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in checkouts]
        places = list(zip(checkouts, homes, strict=True))
        print("CPU seconds")
        for name, arguments in COMMANDS.items():
            for checkout, home in places:
                cpu_seconds(checkout, arguments, home)
            columns: list[list[float]] = [[] for _ in checkouts]
            for _ in range(given.times):
                for index in random.sample(range(len(places)), len(places)):
                    columns[index].append(cpu_seconds(places[index][0], arguments, places[index][1]))
            show(f"parlab {name}", 1, columns)
        stack.enter_context(alone())
        print("milliseconds until a trial's interpreter has loaded its workload and strategy")
        drivers = [TrialDriver(checkout) for checkout in checkouts]
        for driver in drivers:
            stack.callback(driver.close)
        for strategy in STRATEGIES:
            columns = [[] for _ in checkouts]
            for _ in range(given.trials):
                for index in random.sample(range(len(drivers)), len(drivers)):
                    columns[index].append(drivers[index].seconds(strategy))
            show(strategy, 1000, columns)


if __name__ == "__main__":
    main()
