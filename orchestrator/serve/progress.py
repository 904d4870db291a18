"""Progress of a run of the long-lived orchestrator, kept for its pages and handed on to its followers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from parlab.orchestrator.analysis.findings.run import RunFinding
from parlab.orchestrator.control.progress import Progress
from parlab.orchestrator.control.progress_state import ProgressState, Surface
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.serve.events import RunEvents
from parlab.orchestrator.serve.metrics.durations import Durations
from parlab.workers.clock import Clock
from parlab.workers.wire.codec import encode
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import SittingResult


class RunProgress(Progress):
    """Progress of one run. Written by the controller's thread, read by the server's.

    Everything read is replaced whole and never changed, so that a reader sees one moment.
    """

    def __init__(
        self, channel: RunEvents, log: Callable[[str], None], durations: Durations, clock: Clock
    ) -> None:
        """Hand on to ``channel`` and, what is said to people, to ``log``; times go to ``durations``."""
        super().__init__(_Handed(channel, log), clock)
        self._channel = channel
        self._durations = durations
        self._wall = clock
        self.plan: Plan | None = None
        self.registrations: tuple[NodeRegistration, ...] = ()
        self.finding: RunFinding | None = None
        self.waiting_for: str | None = None
        self.busy_seconds: float | None = None
        self.changed_unix_seconds = clock.unix_seconds()

    @property
    def state(self) -> ProgressState:
        """The state as it is now."""
        return self._state

    def begin(self, plan: Plan, registrations: Sequence[NodeRegistration]) -> None:
        """Take up a run."""
        super().begin(plan, registrations)
        self.plan = plan
        self.registrations = tuple(registrations)
        self._changed()

    def look(
        self, finding: RunFinding, sitting_seconds: Mapping[str, Sequence[float]], budget_seconds: float
    ) -> None:
        """Take in what is known after a sitting."""
        super().look(finding, sitting_seconds, budget_seconds)
        self.finding = finding
        self._changed()

    def waiting(self, what: str | None) -> None:
        """Keep and say what is waited for."""
        if what != self.waiting_for:
            self.waiting_for = what
            self._changed()
        super().waiting(what)

    def stored(self, result: SittingResult, waited_seconds: float | None) -> None:
        """Count a result's times."""
        if self.plan is not None:
            self._durations.take(self.plan, result, waited_seconds)

    def looped(self, busy_seconds: float) -> None:
        """Keep how long the controller was busy in its last turn."""
        self.busy_seconds = busy_seconds

    def _changed(self) -> None:
        self.changed_unix_seconds = self._wall.unix_seconds()
        # What came in shows on the pages at once; the event of it comes with the next sitting.
        self._channel.touch()


class _Handed(Surface):
    """Hands states and messages on; its channel stays open at the end, since the run may be tried again."""

    def __init__(self, channel: RunEvents, log: Callable[[str], None]) -> None:
        self._channel = channel
        self._log = log

    def update(self, state: ProgressState) -> None:
        self._channel.publish("progress", encode(state))

    def say(self, text: str) -> None:
        self._log(text)
        self._channel.publish("message", encode(text))
