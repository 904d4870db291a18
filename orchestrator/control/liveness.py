"""Liveness of a run's nodes, and of the sittings in flight to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.control.schedule import Step
from parlab.orchestrator.lab.backend import Lab
from parlab.orchestrator.plan.model import Plan
from parlab.workers.clock import Clock
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.spec import SCHEMA_VERSION, SittingSpec

#: What the server says of the nodes is believed for so long.
FRESH_SECONDS = 0.5
#: A job that is gone, finished or failed has its result on the way; after so long it has not.
GONE_SECONDS = 10.0


@dataclass
class InFlight:
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


class Liveness:
    """Asks the lab for its nodes, and compares them with those of the plan and of what was sent."""

    def __init__(self, lab: Lab, clock: Clock, plan: Plan, known: Sequence[NodeRegistration]) -> None:
        """Ask ``lab``; ``known`` is what the run's nodes said of themselves before, oldest first."""
        self._lab = lab
        self._clock = clock
        self._host_of = {node: host.id for host in plan.hosts for node in host.nodes}
        self._builds: dict[str, set[str]] = {}
        for group in plan.groups:
            for configuration in group.configurations:
                self._builds.setdefault(configuration.node, set()).add(configuration.python)
        #: Boot of each host that the run measures on; None before any of its nodes answered.
        self._boot_ids: dict[str, str | None] = {host.id: None for host in plan.hosts}
        self._boot_ids |= {r.host.id: r.host.boot_id for r in known if r.host.id in self._boot_ids}
        #: Boots that are over: a node's row may outlive them by some seconds.
        self._over: set[str] = set()
        self._present: dict[str, NodeRegistration] = {}
        self._paused: frozenset[str] = frozenset()
        self._asked_seconds: float | None = None

    def rebooted(self) -> list[str]:
        """Hosts that were started anew since this was last asked, or since the run's last command."""
        self._ask()
        hosts = []
        for registration in self._present.values():
            host, boot_id = registration.host.id, registration.host.boot_id
            if boot_id in self._over or self._host_of[registration.node] != host:
                continue
            before = self._boot_ids[host]
            if before not in (None, boot_id):
                self._over.add(str(before))
                hosts.append(host)
            self._boot_ids[host] = boot_id
        return hosts

    def machine(self, host: str) -> str:
        """Boot id of a host: two hosts with the same one are one machine, and take turns."""
        # A host that never answered so far is told apart by its name; nothing is sent to it.
        return self._boot_ids[host] or host

    def machines(self) -> list[str]:
        """Boot ids of all machines that the run measures on, as far as they have answered."""
        return [boot_id for boot_id in self._boot_ids.values() if boot_id is not None]

    def registrations(self) -> list[NodeRegistration]:
        """Nodes of the plan that answer."""
        self._ask()
        return list(self._present.values())

    def obstacle(self, node: str) -> str | None:
        """Say why nothing can be sent to a node now, or None where it can."""
        self._ask()
        registration = self._present.get(node)
        if registration is None:
            return f"node {node}, which does not answer"
        if registration.schema_version != SCHEMA_VERSION:
            return f"node {node}, which has another version of parlab ({registration.parlab_version})"
        if registration.host.id != self._host_of[node]:
            return f"node {node}, which is on another host now ({registration.host.id})"
        missing = self._builds.get(node, set()) - {build.id for build in registration.builds}
        if missing:
            return f"node {node}, which no longer has Python {', '.join(sorted(missing))}"
        if registration.host.boot_id in self._over:
            return f"node {node}, whose host was restarted"
        return f"node {node}, which is paused" if node in self._paused else None

    def answers(self, node: str) -> bool:
        """Whether a node is there, paused or not."""
        self._ask()
        return node in self._present

    def began(self, step: Step, spec: SittingSpec, job_id: str) -> InFlight:
        """Take up a sitting that is about to be sent."""
        # By the process that is there at this moment.
        self._asked_seconds = None
        return InFlight(step, spec, job_id, self._pid(spec.node), self._now())

    def missing(self, sitting: InFlight) -> str | None:
        """Say why a sitting's result will not come, or None while it may."""
        node = sitting.spec.node
        state = self._lab.queue.state_of(sitting.job_id, node)
        pid = self._pid(node)
        if state == "queued":
            # Whichever process the node is when it takes the job is the one that has it.
            sitting.node_pid = pid
            sitting.gone_since_seconds = None
            return None
        if state in ("started", "intermediate") and pid == sitting.node_pid and pid is not None:
            sitting.gone_since_seconds = None
            return None
        # At its end, or with a node that is gone or another: its result may be on the way still.
        if sitting.gone_since_seconds is None:
            sitting.gone_since_seconds = self._now()
        if self._now() - sitting.gone_since_seconds < GONE_SECONDS:
            return None
        if pid is None:
            return f"node {node} no longer answers"
        if pid != sitting.node_pid:
            return f"node {node} was restarted"
        return f"its job is {state} and no result came"

    def _pid(self, node: str) -> int | None:
        self._ask()
        return self._present[node].pid if node in self._present else None

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    def _ask(self) -> None:
        now = self._now()
        if self._asked_seconds is not None and now - self._asked_seconds < FRESH_SECONDS:
            return
        present: Mapping[str, NodeRegistration] = {r.node: r for r in self._lab.registrations()}
        self._paused = self._lab.paused()
        self._present = {name: present[name] for name in self._host_of if name in present}
        self._asked_seconds = now
