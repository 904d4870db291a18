"""Break-evens as data: from where on, and up to where, a strategy pays on a host, fitted and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.statistics.interval import Estimate
from parlab.workers.wire.spec import Gil

#: always: wherever it was measured. within: the limit lies between what was measured. beyond: it pays only
#: outside of what was measured, as far as the fit goes. never: nowhere.
Reach = Literal["always", "within", "beyond", "never"]


@dataclass(frozen=True)
class Limit:
    """From where on, or up to where, a strategy is faster than serial."""

    side: Literal["from", "up to"]
    reach: Reach
    estimate: Estimate
    #: Whether the figure, or what it is told for, lies outside of what was measured.
    extrapolated: bool


@dataclass(frozen=True)
class CheckedCell:
    """A cell that the fit did not use: what it foretold there, and what was measured."""

    group: str
    payload_bytes: float | None
    task_seconds: float
    foretold_speed_up: float
    measured_speed_up: float
    #: How far the measured one may be off itself, by the noise of its blocks (standard error).
    noise_ratio: float


@dataclass(frozen=True)
class FitCheck:
    """How far the fit is off where it was not fitted."""

    cells: tuple[CheckedCell, ...]
    #: Of foretold speed-up / measured speed-up - 1, without its sign.
    median_error_ratio: float
    largest_error_ratio: float
    #: Median of its cells' noise: errors of that size are the measurement's own.
    noise_ratio: float


@dataclass(frozen=True)
class TaskLimit:
    """Which tasks, in seconds that they take serially, pay with a payload."""

    #: What a task sends and gets; None: it was not varied, or nobody knows.
    payload_bytes: float | None
    seconds: Limit
    #: Least and greatest seconds of the tasks that were measured with that payload.
    measured_seconds: tuple[float, float]


@dataclass(frozen=True)
class PayloadLimit:
    """Which payloads, in bytes there and back, pay with a task of a given length."""

    task_seconds: float
    payload_bytes: Limit


@dataclass(frozen=True)
class Repayment:
    """After how many tasks a pool that was not there has paid for its start."""

    task_seconds: float
    payload_bytes: float | None
    #: Its value is None where no number of them does.
    tasks: Estimate
    #: Whether such tasks are longer or shorter than what was measured.
    extrapolated: bool


@dataclass(frozen=True)
class StrategyBreakEven:
    """One strategy against serial.

    Seconds of a task are (dispatch + bytes x per byte) and (serial seconds x share), added up, or the
    larger of the two where handing over and work go on at once.
    """

    label: str
    strategy: str
    max_workers: int
    #: The host's effective CPUs.
    cpus: int
    #: Median of what its pools took to start; None where none is known.
    start_up_seconds: float | None
    dispatch_seconds: Estimate
    #: Seconds that a byte of payload adds; below 0: work on payload is shared better than the rest.
    #: None: the payload was not varied.
    seconds_per_byte: Estimate | None
    #: The part of the serial seconds that is left: 1/2 where two workers truly work at once.
    work_share: Estimate
    #: Whether the larger of the two counts, not their sum: what fitted cells better.
    overlapping: bool
    #: How far fitted cells lie off the fit beyond the noise of their blocks (standard deviation);
    #: all intervals allow for it.
    misfit_ratio: float
    #: Cells that the fit used.
    fitted_cells: int
    check: FitCheck
    #: Why the model does not hold; None where it does. Nothing that follows is given where it does not.
    refused: str | None
    task_limits: tuple[TaskLimit, ...] = ()
    payload_limits: tuple[PayloadLimit, ...] = ()
    repayments: tuple[Repayment, ...] = ()


@dataclass(frozen=True)
class BreakEvenFinding:
    """One kind of work on one host and build."""

    host: str
    #: Of the first group: what the others of the grid are called after, too.
    workload: str
    #: What tells it from others of its kind, "codec=zlib"; empty where nothing does.
    conditions: str
    node: str
    python: str
    gil: Gil | None
    #: Least and greatest that were measured: serial seconds of a task, bytes of payload (None: not known).
    task_seconds: tuple[float, float]
    payload_bytes: tuple[float, float] | None
    #: Level of all intervals, for example 0.95.
    level: float
    strategies: tuple[StrategyBreakEven, ...]
    #: Strategies of which too few cells were measured, with how many there are: "processes ×2: 3 of 6 cells".
    left_out: tuple[str, ...] = ()
