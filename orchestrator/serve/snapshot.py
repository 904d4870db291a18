"""Snapshots of what the long-lived orchestrator knows: runs, nodes, its own health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.analysis.findings.run import RunFinding
from parlab.orchestrator.analysis.findings.selftest import SelfTestFinding
from parlab.orchestrator.control.progress_state import ProgressState
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.wire.registration import Heartbeat, NodeRegistration


@dataclass(frozen=True)
class RunSnapshot:
    """A run as it is known now: what the API answers and the metrics show."""

    record: RunRecord
    #: None before the run was planned.
    plan: Plan | None
    registrations: tuple[NodeRegistration, ...]
    finding: RunFinding | None
    progress: ProgressState
    #: Whether a controller of this process works on it.
    active: bool
    #: What it waits for, for people ("run 7f3a on host h1", "node x, which is paused"); None: nothing.
    waiting_for: str | None = None
    #: Blocks that were voided, by cause ("reboot").
    voided_blocks: int = 0
    #: When something last came in, in Unix seconds of this process's clock.
    changed_unix_seconds: float = 0.0


NodeStanding = Literal["ready", "measuring", "paused", "left out", "gone"]


@dataclass(frozen=True)
class NodeSnapshot:
    """A node that is or was there. All of it is read without changing anything at the server."""

    name: str
    #: Whether its heartbeat is fresh.
    up: bool
    paused: bool
    #: What it last said of itself; None where it is gone, or cannot be read.
    registration: NodeRegistration | None
    heartbeat: Heartbeat | None
    #: Why it takes no part although it answers (another schema version, a clock that is off); None: it does.
    problem: str | None
    #: Jobs on its queue and how long the oldest has waited; None: nothing waits.
    queued: int
    oldest_queued_seconds: float | None
    #: Job that it has taken and not ended, or None.
    running_job: str | None
    #: Results in its stream that are not in the store yet.
    uncollected: int
    #: Lab's clock less the node's, as far as a beat tells (within the interval of the beats); None: no beat.
    clock_offset_seconds: float | None

    @property
    def standing(self) -> NodeStanding:
        """How it is, in a word."""
        if not self.up:
            return "gone"
        if self.problem is not None:
            return "left out"
        if self.paused:
            return "paused"
        return "measuring" if self.running_job is not None else "ready"


@dataclass(frozen=True)
class SelfTestSnapshot:
    """What the newest self-test of a node and build found."""

    run: str
    created_unix_seconds: float
    finding: SelfTestFinding


@dataclass(frozen=True)
class LabHealth:
    """How the orchestrator itself is."""

    #: Whether this process controls the lab's runs (else it waits for the lease).
    leading: bool
    #: Seconds that controllers were busy in their last loop, at most, and when the last loop ended.
    loop_seconds: float | None
    store_bytes: int
    #: Whether the server answered last time.
    server_up: bool
    active_runs: int
    waiting_runs: int


@dataclass(frozen=True)
class LabSnapshot:
    """All that is exported at once."""

    runs: tuple[RunSnapshot, ...]
    nodes: tuple[NodeSnapshot, ...]
    health: LabHealth
    self_tests: tuple[SelfTestSnapshot, ...] = ()
