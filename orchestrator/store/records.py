"""Records of the store, as frozen data: runs, attempts, trials, events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.experiment.model import Experiment
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import SittingResult, TrialResult

#: planned: nothing was measured yet. budget: stopped at the budget with something unresolved.
#: A run whose command was killed stays "running"; whether it runs is what its lock says (retention).
RunState = Literal["planned", "running", "done", "budget", "interrupted", "failed"]

#: open: sent, nothing heard. accepted: its trials count. void: stored, but it settles nothing (a
#: calibration that gave none), so that another attempt may. lost: given up.
AttemptState = Literal["open", "accepted", "void", "lost"]

ReceiptOutcome = Literal["stored", "duplicate", "refused"]


@dataclass(frozen=True)
class RunRecord:
    """One execution of an experiment."""

    #: 4 to 6 hex digits.
    id: str
    experiment: Experiment
    #: Seed of all random orders, drawn where the experiment gives none; below 2**63.
    seed: int
    created_unix_seconds: float
    state: RunState = "planned"
    #: Why it is in that state, in a sentence.
    reason: str | None = None
    #: The command line that made it.
    command: tuple[str, ...] = ()
    parlab_version: str = ""
    #: Seconds it was running, over all its resumes.
    running_seconds: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether it is over: nobody works on it or is about to, until it is resumed."""
        return self.state not in ("planned", "running")


@dataclass(frozen=True)
class SeenRegistration:
    """A node's registration and when a run first saw it in this form (a reboot changes it)."""

    registration: NodeRegistration
    first_seen_unix_seconds: float


@dataclass(frozen=True)
class Attempt:
    """One try of one sitting."""

    sitting: str
    #: From 1.
    attempt: int
    group: str
    #: None for a calibration.
    block: int | None
    node: str
    job_id: str
    dispatched_unix_seconds: float
    state: AttemptState
    #: When it left the state "open"; None while it is open.
    ended_unix_seconds: float | None = None
    #: Why it was given up; it stays there when a late result was accepted after all.
    lost_reason: str | None = None


@dataclass(frozen=True)
class Receipt:
    """What became of a result; true where it was stored now. In each case it may be acknowledged."""

    outcome: ReceiptOutcome
    #: Why it was not stored; empty where it was.
    reason: str = ""
    #: Block that counts for nothing since: its sittings were measured on two boots of its host.
    voided_block: int | None = None

    def __bool__(self) -> bool:
        """Whether the result was stored by this call."""
        return self.outcome == "stored"


@dataclass(frozen=True)
class StoredSitting:
    """A stored attempt with what its guardian said about the whole sitting."""

    attempt: Attempt
    #: Without its trials (see ``Store.sittings.trials``).
    result: SittingResult


@dataclass(frozen=True)
class StoredTrial:
    """One trial with its place in the plan."""

    group: str
    #: None for a calibration.
    block: int | None
    sitting: str
    attempt: int
    node: str
    result: TrialResult


@dataclass(frozen=True)
class Failure:
    """Why a configuration takes no further part in a run."""

    configuration: str
    reason: str
    traceback: str | None
    unix_seconds: float
    #: Whether it is something that its build or node cannot do, which is no fault.
    skipped: bool = False


@dataclass(frozen=True)
class VoidedBlock:
    """A block that counts for nothing, though its trials stay."""

    group: str
    block: int
    #: Short and fixed: "reboot".
    cause: str


@dataclass(frozen=True)
class Event:
    """Something that happened in a run and is worth telling."""

    unix_seconds: float
    #: Short and fixed: "sitting-lost", "result-refused", "node-restarted", …
    kind: str
    text: str
