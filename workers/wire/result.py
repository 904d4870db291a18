"""Results that come back from a node: readings, rounds, trials, sittings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .spec import SCHEMA_VERSION, Expected

#: measured: counts. skipped: this build cannot run it. failed: the workload or its result is wrong.
#: rejected: a stated physical cause disturbed it. lost: its interpreter died; it may be tried again.
Outcome = Literal["measured", "skipped", "failed", "rejected", "lost"]


@dataclass(frozen=True)
class Reading:
    """A probe's value with its unit, or the reason why there is none. Missing is never zero."""

    probe: str
    unit: str
    value: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Round:
    """One timed pass over the tasks."""

    #: Index of the turn that the round belongs to, from 0.
    turn: int
    #: Its place in the order of that turn, from 0.
    position: int
    seconds: float
    #: CPU seconds of the trial's whole process tree during the round; None where unreadable.
    cpu_seconds: float | None = None


@dataclass(frozen=True)
class TrialResult:
    """What one trial gave."""

    trial: str
    configuration: str
    outcome: Outcome
    #: Why the outcome is not "measured", in a sentence with figures.
    reason: str | None = None
    #: Short machine-readable cause, for counting: "steal", "throttled", "load", "other-measurement",
    #: "clock", "gil", "wrong-result", "raised", "timeout", "died", "unavailable", "not-idle", …
    cause: str | None = None
    traceback: str | None = None
    rounds: tuple[Round, ...] = ()
    #: From Popen until the interpreter was ready for its spec.
    interpreter_seconds: float | None = None
    #: Cold start: from creating the pool until each of its workers has answered.
    start_up_seconds: float | None = None
    warm_up_seconds: float | None = None
    tear_down_seconds: float | None = None
    readings: tuple[Reading, ...] = ()
    #: ``sys.version`` of the trial interpreter, its GIL as seen in the pool's workers afterwards.
    python_version: str | None = None
    gil_enabled: bool | None = None
    #: The end of what it wrote to stdout and stderr, at most 4 KiB.
    output_tail: str = ""
    #: What a scenario has to show besides its figures: the stacks of a deadlock.
    notes: str | None = None


@dataclass(frozen=True)
class Calibration:
    """What a round of a workload is on a host: the same for every strategy compared there."""

    tasks: int
    #: Seconds of one task, run serially.
    task_seconds: float
    #: Digests of the serial results; None where the workload has a check of its own.
    expected: Expected | None


@dataclass(frozen=True)
class SittingResult:
    """What one sitting gave; the unit that is spooled, sent, stored and acknowledged."""

    run: str
    sitting: str
    attempt: int
    node: str
    host: str
    boot_id: str
    #: When the guardian took the sitting over, by the wall clock.
    started_unix_seconds: float
    #: Guardian's own time for all of it, by the monotonic clock.
    seconds: float
    trials: tuple[TrialResult, ...]
    calibration: Calibration | None = None
    #: Wall clock against monotonic clock over the sitting; a step of the clock shows here.
    clock_step_seconds: float = 0.0
    #: Processes that trials left behind and the guardian ended.
    left_behind: tuple[str, ...] = ()
    schema_version: int = field(default=SCHEMA_VERSION)
