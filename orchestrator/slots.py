"""The exclusive slots of the hosts that a run measures on."""

from __future__ import annotations

from collections.abc import Callable

from workers.clock import Clock
from workers.errors import LabError

from .lab import Lab

#: A slot outlives its holder by so much, in seconds; it is renewed many times within.
LEASE_SECONDS = 30
POLL_SECONDS = 1.0


class Slots:
    """Holds one slot per host, by the host's boot id: one measurement per host at a time.

    A slot is fenced: each holder has a higher number than the one before, sittings carry it, and a
    node refuses a sitting with a number that is not the slot's.
    """

    def __init__(self, lab: Lab, clock: Clock, run: str, tell: Callable[[str, str], None]) -> None:
        """Take slots at ``lab`` in the name of ``run``; what is waited for goes to ``tell``."""
        self._lab = lab
        self._clock = clock
        self._run = run
        self._tell = tell
        self._fences: dict[str, int] = {}
        self._boot_ids: dict[str, str] = {}

    def fence(self, host: str) -> int:
        """Return the number of the host's slot; while another run holds it, wait and say for whom."""
        boot_id = self._boot_id(host)
        told = None
        while boot_id not in self._fences:
            slot = self._lab.queue.acquire_slot(boot_id, self._run, LEASE_SECONDS)
            if slot.fence is not None:
                self._fences[boot_id] = slot.fence
            else:
                if slot.holder != told:
                    told = slot.holder
                    self._tell("waiting", f"host {host} is measuring for {told}; waiting until it is done")
                self._clock.sleep(POLL_SECONDS)
        return self._fences[boot_id]

    def renew(self) -> None:
        """Prolong the leases; one that was lost meanwhile is taken anew before the next sitting."""
        for boot_id, fence in list(self._fences.items()):
            if not self._lab.queue.renew_slot(boot_id, fence, LEASE_SECONDS):
                del self._fences[boot_id]

    def release(self) -> None:
        """Give all slots back; what cannot be given back expires."""
        for boot_id, fence in self._fences.items():
            try:
                self._lab.queue.release_slot(boot_id, fence)
            except LabError as error:
                self._tell("slot", f"a slot was not given back and will expire: {error.message}")
        self._fences.clear()

    def _boot_id(self, host: str) -> str:
        # A host that does not answer just now keeps the slot that was taken for it.
        for registration in self._lab.registrations():
            if registration.host.id == host:
                self._boot_ids[host] = registration.host.boot_id
        return self._boot_ids.get(host, host)
