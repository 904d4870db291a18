"""Sittings under way: what was sent, and how to tell that nothing will come back."""

from __future__ import annotations

from dataclasses import dataclass

from parlab.orchestrator.control.schedule import Step
from parlab.orchestrator.lab.backend import Lab
from parlab.workers.clock import Clock
from parlab.workers.wire.spec import SittingSpec

#: A job that is gone, finished or failed has its result on the way; after so long it has not.
GONE_SECONDS = 10.0


@dataclass
class Outstanding:
    """A sitting that was sent and not yet heard of."""

    step: Step
    spec: SittingSpec
    job_id: str
    #: The node's process while it was queued; a later one has not got it. None: the node was away.
    node_pid: int | None
    #: When it was sent, by the monotonic clock.
    sent_seconds: float
    #: Since when its job is at an end without a result; None while it is queued or runs.
    gone_since_seconds: float | None = None


class Watch:
    """Compares what was sent with what the server and the nodes say of it."""

    def __init__(self, lab: Lab, clock: Clock) -> None:
        """Read from ``lab`` and measure waiting by ``clock``."""
        self._lab = lab
        self._clock = clock

    def began(self, step: Step, spec: SittingSpec, job_id: str) -> Outstanding:
        """Start to watch a sitting that is about to be sent."""
        return Outstanding(step, spec, job_id, self._pid(spec.node), self._clock.monotonic_ns() / 1e9)

    def missing(self, outstanding: Outstanding) -> str | None:
        """Say why a sitting's result will not come, or None while it may."""
        node = outstanding.spec.node
        state = self._lab.queue.state_of(outstanding.job_id, node)
        pid = self._pid(node)
        if state == "queued":
            # Whichever process the node is when it takes the job is the one that has it.
            outstanding.node_pid = pid
            outstanding.gone_since_seconds = None
            return None
        if state in ("started", "intermediate") and pid == outstanding.node_pid and pid is not None:
            outstanding.gone_since_seconds = None
            return None
        # At its end, or with a node that is gone or another: its result may be on the way still.
        now = self._clock.monotonic_ns() / 1e9
        if outstanding.gone_since_seconds is None:
            outstanding.gone_since_seconds = now
        if now - outstanding.gone_since_seconds < GONE_SECONDS:
            return None
        if pid is None:
            return f"node {node} does not answer any more"
        if pid != outstanding.node_pid:
            return f"node {node} was restarted"
        return f"its job is {state} and no result came"

    def _pid(self, node: str) -> int | None:
        return next((r.pid for r in self._lab.registrations() if r.node == node), None)
