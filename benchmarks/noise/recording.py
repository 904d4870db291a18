"""Recordings of sittings: one JSON line each, made in pieces, read again as often as wanted."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.machine import CLOCK, alone, this_node
from parlab.workers.host.lock import POLL_SECONDS
from parlab.workers.host.processes import Prctl, guard
from parlab.workers.sitting import loop
from parlab.workers.sitting.loop import run_sitting
from parlab.workers.wire.result import Calibration, SittingResult
from parlab.workers.wire.spec import CalibrationSpec, OwnFunction, Scalar, SittingSpec, TrialSpec

NODE = this_node()
#: Length of a task: about a millisecond.
STEPS = 15_000
#: Others who want to measure wait for so long at most.
_HELD_SECONDS = 40.0


class PlacingPrctl(Prctl):
    """Gives the interpreters that are started with it, and all below them, CPUs and a priority."""

    def __init__(self, cpus: frozenset[int] | None, niceness: int = 0) -> None:
        """``cpus``: their numbers; None: wherever the kernel puts them. A negative niceness needs a right."""
        super().__init__()
        self._cpus = cpus
        self._niceness = niceness

    def die_with_parent(self, sig: int, parent: int) -> bool:
        """Place this process as well: called between fork and exec."""
        if self._cpus is not None:
            os.sched_setaffinity(0, self._cpus)
        if self._niceness:
            os.setpriority(os.PRIO_PROCESS, 0, self._niceness)
        return super().die_with_parent(sig, parent)


@dataclass(frozen=True)
class RecordedTrial:
    """A trial of a recorded sitting."""

    #: What it is among the others: equal names are equal work done the same way.
    name: str
    outcome: str
    reason: str | None
    #: Of its rounds, in the order of the turns.
    seconds: tuple[float, ...]
    #: Its place within each turn.
    positions: tuple[int, ...]
    #: CPU seconds of the rounds; empty in recordings that have none.
    cpu_seconds: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """A recorded sitting."""

    setting: str
    unix_seconds: float
    #: All of it: interpreters started, rounds, interpreters ended.
    seconds: float
    trials: tuple[RecordedTrial, ...]


#: Where modules of functions that benchmarks measure are.
_FOLDER = str(Path(__file__).parent)


def serial(steps: int = STEPS, *, tasks: int = 0, name: str = "serial") -> TrialSpec:
    """Make a serial trial of integer_sum."""
    return made("serial", {}, 1, steps, tasks, name)


def made(
    strategy: str, options: Mapping[str, Scalar], workers: int, steps: int, tasks: int, name: str
) -> TrialSpec:
    """Make a trial of integer_sum."""
    return TrialSpec(
        *(name, name, "integer_sum", {"steps": steps}, tasks, strategy, options, workers, NODE.builds[0].id)
    )


def calibrate(
    trial: TrialSpec, *, tasks: int | None = None, round_seconds: float = 0.02,
    function: OwnFunction | None = None,
) -> Calibration:  # fmt: skip
    """Find how many tasks make a round of a serial trial (or take so many), and their right results."""
    wanted = CalibrationSpec(round_seconds, tasks)
    spec = SittingSpec(
        *("bench", "cal", 1, "bench", "calibrate", (trial,), 0, 1),
        calibration=wanted, function=function,
    )  # fmt: skip
    result = run_sitting(spec, NODE, CLOCK, project=(_FOLDER,))
    if result.calibration is None:
        raise SystemExit(f"no calibration: {result.trials[0].reason}")
    return result.calibration


def sit(
    setting: str, trials: tuple[TrialSpec, ...], count: int, seed: int, *,
    prctl: Prctl | None = None, function: OwnFunction | None = None,
) -> Recorded:  # fmt: skip
    """Do a sitting of ``count`` turns in this process."""
    # The ids must differ, the names say what is equal.
    numbered = tuple(replace(t, trial=f"{t.trial}-{index}") for index, t in enumerate(trials))
    spec = SittingSpec(
        *("bench", f"{setting}-{seed}", 1, "bench", "measure", numbered, count, seed), function=function
    )
    return _recorded(setting, run_sitting(spec, NODE, CLOCK, prctl=prctl, project=(_FOLDER,)))


def _recorded(setting: str, result: SittingResult) -> Recorded:
    trials = tuple(
        RecordedTrial(
            trial.configuration,
            trial.outcome if trial.cause is None else f"{trial.outcome}: {trial.cause}",
            trial.reason,
            tuple(round(r.seconds, 7) for r in trial.rounds),
            tuple(r.position for r in trial.rounds),
            tuple(None if r.cpu_seconds is None else round(r.cpu_seconds, 7) for r in trial.rounds),
        )
        for trial in result.trials
    )
    return Recorded(setting, result.started_unix_seconds, round(result.seconds, 4), trials)


@contextmanager
def orders_changed(change: Callable[[Iterator[list[int]]], Iterator[list[int]]]) -> Iterator[None]:
    """Have the sittings of this process run their rounds in other orders than parlab draws."""
    usual = loop.orders

    def orders(seed: int, trials: int, turns: int) -> Iterator[list[int]]:
        return change(usual(seed, trials, turns))

    loop.orders = orders
    try:
        yield
    finally:
        loop.orders = usual


def mirrored(orders: Iterator[list[int]]) -> Iterator[list[int]]:
    """Have each second turn run in the first one's order turned round."""
    before: list[int] = []
    for turn, order in enumerate(orders):
        if turn % 2 == 0:
            before = order
        yield before[::-1] if turn % 2 else order


def doubled(orders: Iterator[list[int]]) -> Iterator[list[int]]:
    """Have each trial do two rounds in a row."""
    for order in orders:
        yield [index for index in order for _ in range(2)]


def append(path: Path, recorded: Recorded) -> None:
    """Write a sitting behind those that are there."""
    plain = {**vars(recorded), "trials": [vars(trial) for trial in recorded.trials]}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(plain, separators=(",", ":")) + "\n")


def read(path: Path) -> list[Recorded]:
    """Read what was recorded; empty where there is nothing yet. A line cut off by a crash is left out."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [_from_plain(json.loads(line)) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _from_plain(plain: dict[str, Any]) -> Recorded:
    trials = tuple(
        RecordedTrial(
            *(t["name"], t["outcome"], t.get("reason"), tuple(t["seconds"]), tuple(t["positions"])),
            tuple(t.get("cpu_seconds", ())),
        )
        for t in plain["trials"]
    )
    return Recorded(plain["setting"], plain["unix_seconds"], plain["seconds"], trials)


def slices(seconds: float) -> Iterator[None]:
    """Yield while the host is this process's alone, until so many seconds have been spent that way.

    Every now and then the host's lock is let go for as long as who waits for it takes to see that.
    """
    spent = 0.0
    while spent < seconds:
        with alone():
            begun = time.monotonic()
            while (held := time.monotonic() - begun) < min(_HELD_SECONDS, seconds - spent):
                yield
            spent += held
        time.sleep(POLL_SECONDS * 1.2)


def as_guardian(record: Callable[[], None]) -> None:
    """Call ``record`` in a forked process that is a guardian, as a node's are, and wait for it.

    It takes its trials along when it ends; this process may be one whose own parent ends before it.
    """
    prctl, me = Prctl(), os.getpid()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            guard(prctl, me)
            record()
            status = 0
        finally:
            os._exit(status)
    try:
        _, status = os.waitpid(child, 0)
    except KeyboardInterrupt:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        raise
    if status:
        raise SystemExit(f"the recording ended early (status {os.waitstatus_to_exitcode(status)})")
