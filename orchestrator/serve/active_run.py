"""One run that the long-lived orchestrator works on, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from parlab.orchestrator.control.controller import StopRequest
from parlab.orchestrator.control.lifecycle import RunContext, serve_run
from parlab.orchestrator.lab.backend import Lab
from parlab.orchestrator.serve.events import RunEvents
from parlab.orchestrator.serve.progress import RunProgress
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import Clock
from parlab.workers.errors import LabError
from parlab.workers.wire.codec import encode

log = logging.getLogger("parlab.run")

#: After a fault of the surroundings (a full disk, say) a run is tried again after so long.
AGAIN_SECONDS = 10.0
#: A lab waits for its server as long as it takes.
_PATIENCE_SECONDS = float("inf")


@dataclass(frozen=True)
class RunParts:
    """What every run of an orchestrator is made with."""

    settings: Settings
    clock: Clock
    #: Gives the lab as a run sees it, by the run's id.
    lab: Callable[[str], Lab]


class ActiveRun:
    """Takes one run to its end, or until it is told to stop."""

    def __init__(self, run: str, parts: RunParts, channel: RunEvents, progress: RunProgress) -> None:
        """Prepare to go on with a stored run."""
        self.run = run
        self.channel = channel
        self.progress = progress
        self._parts = parts
        self._request: StopRequest | None = None
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"run-{run}", daemon=True)

    def start(self) -> None:
        """Begin to work on it."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it is worked on."""
        return self._thread.is_alive()

    def stop(self, request: StopRequest) -> None:
        """Ask it to stop; :meth:`join` waits until it has. Stopping for good is not taken back."""
        if self._request != "stopped":
            self._request = request
        self._asked.set()

    def join(self, limit_seconds: float) -> bool:
        """Wait until it has stopped; False where that took longer."""
        self._thread.join(limit_seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            with Store.open(self._parts.settings.store_path, self._parts.clock) as store:
                while not self._try(store):
                    self.progress.waiting(f"{AGAIN_SECONDS:.0f} s, to try again")
                    if self._asked.wait(AGAIN_SECONDS):
                        self._leave(store)
                        return
        except LabError as fault:
            # The store itself: nothing can be written down, and the next start goes on.
            self.progress.say(fault.message)
        except Exception as fault:
            # A fault of parlab's own ends this run, not the lab.
            log.exception("run %s: a fault of parlab's own", self.run)
            self._fail(f"a fault in parlab itself: {type(fault).__name__}: {fault}")
        finally:
            self.channel.close()

    def _try(self, store: Store) -> bool:
        """Work on it; True where that is over, for now or for good."""
        record = store.run(self.run)
        context = RunContext(
            store,
            self._parts.settings,
            self._parts.clock,
            self.progress,
            stop=lambda: self._request,
            patience_seconds=_PATIENCE_SECONDS,
            state_after_fault="running",
            listener=self.progress,
        )
        left = record.experiment.stop.budget_seconds - record.running_seconds
        try:
            ending = serve_run(context, self._parts.lab(self.run), self.run, max(left, 0.0))
        except LabError as fault:
            self.progress.say(fault.message)
            return False
        if ending == "suspended":
            return True
        if not store.run(self.run).ended:
            # Its end could not be stored (a full disk, say), and so nobody may be told of it.
            return False
        self._end(store)
        return True

    def _leave(self, store: Store) -> None:
        """Stop while it waits for its surroundings."""
        if self._request == "stopped":
            store.set_state(self.run, "interrupted", "it was stopped")
            self._end(store)

    def _end(self, store: Store) -> None:
        """Tell everybody how it ended, as it is stored by now: who hears of it fetches the run at once."""
        record = store.run(self.run)
        # What came in last is shown with the next sitting, and there is none.
        self.channel.publish("progress", encode(self.progress.state))
        self.channel.publish("end", encode({"state": record.state, "reason": record.reason}))

    def _fail(self, reason: str) -> None:
        try:
            with Store.open(self._parts.settings.store_path, self._parts.clock) as store:
                store.set_state(self.run, "failed", reason)
                self._end(store)
        except LabError as fault:
            log.error("run %s: %s", self.run, fault.message)  # noqa: TRY400 - no bug
