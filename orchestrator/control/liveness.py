"""Which of a run's nodes can be sent something now, and on which boot of which machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parlab.orchestrator.lab.backend import Lab
from parlab.orchestrator.plan.model import Plan
from parlab.workers.clock import Clock
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.spec import SCHEMA_VERSION

#: What the server says of the nodes is believed for so long.
FRESH_SECONDS = 0.5


class RollCall:
    """Asks the lab for its nodes, and compares them with those of the plan."""

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
        found = []
        for registration in self._present.values():
            host, boot_id = registration.host.id, registration.host.boot_id
            if boot_id in self._over or self._host_of[registration.node] != host:
                continue
            before = self._boot_ids[host]
            if before not in (None, boot_id):
                self._over.add(str(before))
                found.append(host)
            self._boot_ids[host] = boot_id
        return found

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
            return f"node {node}, whose host was started anew"
        return f"node {node}, which is paused" if node in self._paused else None

    def answers(self, node: str) -> bool:
        """Whether a node is there, paused or not."""
        self._ask()
        return node in self._present

    def _ask(self) -> None:
        now = self._clock.monotonic_ns() / 1e9
        if self._asked_seconds is not None and now - self._asked_seconds < FRESH_SECONDS:
            return
        present: Mapping[str, NodeRegistration] = {r.node: r for r in self._lab.registrations()}
        self._paused = self._lab.paused()
        self._present = {name: present[name] for name in self._host_of if name in present}
        self._asked_seconds = now
