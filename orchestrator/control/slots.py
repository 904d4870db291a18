"""The exclusive slots of the machines that a run measures on."""

from __future__ import annotations

from collections.abc import Iterable

from parlab.orchestrator.lab.backend import Lab
from parlab.workers.errors import LabError

#: A slot outlives its holder by so much, in seconds; it is renewed many times within.
LEASE_SECONDS = 30


class Slots:
    """Holds one slot per machine, by its boot id: one measurement per machine at a time.

    A slot is fenced: each holder has a higher number than the one before, sittings carry it, and a
    node refuses a sitting with a number that is not the slot's.

    A run takes all of its slots before it measures, in one order that all runs share: two runs that
    each held what the other waits for would wait for ever.
    """

    def __init__(self, lab: Lab, run: str) -> None:
        """Take slots at ``lab`` in the name of ``run``."""
        self._lab = lab
        self._run = run
        self._fences: dict[str, int] = {}

    def hold(self, machines: Iterable[str]) -> str | None:
        """Take the slots of these machines that are not held yet; None where all are held now.

        Else who is in the way, for people. Call it again after a while: nothing is waited for here.
        """
        for machine in sorted(set(machines)):
            if machine not in self._fences:
                slot = self._lab.queue.acquire_slot(machine, self._run, LEASE_SECONDS)
                if slot.fence is None:
                    return slot.holder
                self._fences[machine] = slot.fence
        return None

    def fence(self, machine: str) -> int | None:
        """Return the number of a machine's slot; None where it is not held."""
        return self._fences.get(machine)

    def renew(self) -> None:
        """Prolong the leases; one that was lost meanwhile is taken anew before the next sitting."""
        for machine, fence in list(self._fences.items()):
            if not self._lab.queue.renew_slot(machine, fence, LEASE_SECONDS):
                del self._fences[machine]

    def release(self) -> list[str]:
        """Give all slots back; what cannot be given back expires, and is told."""
        problems = []
        for machine, fence in self._fences.items():
            try:
                self._lab.queue.release_slot(machine, fence)
            except LabError as error:
                problems.append(f"a slot was not given back and will expire: {error.message}")
        self._fences.clear()
        return problems
