"""The long-lived orchestrator: holds the lab's lease and works on every run that is to be measured."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Literal

from parlab.orchestrator.control.lifecycle import RunContext, enter
from parlab.orchestrator.experiment.file import load, override_stop
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.lab.backend import ExistingLab
from parlab.orchestrator.lab.queue import LabQueue
from parlab.orchestrator.plan.planner import make_plan
from parlab.orchestrator.serve.active_run import ActiveRun, RunParts
from parlab.orchestrator.serve.events import RunEvents
from parlab.orchestrator.serve.lease import RENEW_SECONDS, Lease
from parlab.orchestrator.serve.leftovers import Leftovers
from parlab.orchestrator.serve.metrics.durations import Durations
from parlab.orchestrator.serve.nodes import Roster
from parlab.orchestrator.serve.progress import RunProgress
from parlab.orchestrator.serve.settings import ServeSettings
from parlab.orchestrator.store.facade import Store, make_run_id
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.clock import Clock
from parlab.workers.errors import BadInput, EnvironmentFault, LabError, ServerUnreachable
from parlab.workers.wire.connection import connect, masked
from parlab.workers.wire.registration import NodeRegistration

_faults = logging.getLogger("parlab.service")

#: More runs at a time would only wait for each other.
MOST_ACTIVE = 16
#: More would make what is exported unbounded.
MOST_PINNED = 3
#: How long stopping may take before the process goes all the same; a container is killed after 10.
STOP_SECONDS = 6.0
_LOOK_SECONDS = 1.0

Standing = Literal["starting", "leading", "waiting", "server away"]


class Service:
    """Works on runs while it holds the lease. Its methods may be called from any thread."""

    def __init__(
        self,
        settings: ServeSettings,
        lab_key: bytes,
        lease: Lease,
        clock: Clock,
        durations: Durations,
        log: Callable[[str], None],
    ) -> None:
        """Prepare it; nothing is done before :meth:`start`.

        Args:
            settings: of the command.
            lab_key: signs specs, and checks results.
            lease: of the lab's control.
            clock: times everything.
            durations: counts the times of sittings and trials.
            log: takes lines for people.
        """
        self.settings = settings
        self.active: dict[str, ActiveRun] = {}
        self.where = masked(settings.redis_url)
        self._lab_key = lab_key
        self._lease = lease
        self._clock = clock
        self._durations = durations
        self._log = log
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._standing: Standing = "starting"
        self._holder: str | None = None
        self._first_is_due = settings.first_experiment is not None
        self._first_since: float | None = None
        self._parts = RunParts(settings.settings, clock, self._lab)
        self._leftovers = Leftovers(connect(settings.redis_url), lab_key, self.where, clock, log)
        self._thread = threading.Thread(target=self._stand, name="lease", daemon=True)

    # Its life

    def start(self) -> None:
        """Begin to wait for the lease."""
        self._thread.start()

    def stop(self) -> None:
        """Suspend all runs, give the lease back, and end; the runs go on when a service is started again."""
        self._ending.set()
        self._suspend()
        self._thread.join(STOP_SECONDS)
        self._lease.release()

    @property
    def standing(self) -> Standing:
        """What it does now."""
        return self._standing

    def require_lead(self) -> None:
        """Raise EnvironmentFault unless runs can be controlled from here now."""
        if self._standing == "leading":
            return
        if self._standing == "waiting":
            raise EnvironmentFault(
                f"another orchestrator ({self._holder}) controls this lab", "Use that one, or stop it."
            )
        raise ServerUnreachable(
            f"the lab's server {self.where} does not answer (yet)",
            "Start it; the lab then continues by itself.",
        )

    def _stand(self) -> None:
        """Hold the lease and look after the runs, until the end."""
        while not self._ending.is_set():
            try:
                self._look_after()
            except Exception:  # noqa: BLE001 - logged below with its traceback
                # A fault of parlab's own. Without this thread, the lease would run out and another
                # orchestrator would control the runs that this one goes on with.
                _faults.exception("a fault of parlab's own; the lab goes on")
            self._ending.wait(
                RENEW_SECONDS if self._standing == "leading" and not self._first_is_due else _LOOK_SECONDS
            )

    def _look_after(self) -> None:
        try:
            holder = self._lease.hold()
        except LabError as fault:
            # Whoever holds the lease cannot reach the server either; the runs wait by themselves.
            self._turn("server away", fault.message)
            return
        if holder is not None:
            self._holder = holder
            self._turn("waiting", f"orchestrator {holder} controls this lab; waiting until it ends")
            self._suspend()
        else:
            self._lead()

    def _lead(self) -> None:
        if self._standing != "leading":
            self._turn("leading", f"leading; server {self.where}")
        try:
            self._go_on()
            self._clear_up()
            if self._first_is_due:
                self._begin_first()
        except LabError as fault:
            self._log(str(fault))

    def _turn(self, standing: Standing, text: str) -> None:
        if standing != self._standing:
            self._standing = standing
            self._log(text)

    def _suspend(self) -> None:
        with self._lock:
            runs = list(self.active.values())
        for run in runs:
            run.stop("suspended")
        deadline = time.monotonic() + STOP_SECONDS
        for run in runs:
            run.join(max(deadline - time.monotonic(), 0.0))

    # Runs

    def _go_on(self) -> None:
        """Work on every run that has not ended: of an earlier process, or of this one before."""
        with self._lock, self.store() as store:
            for run in [name for name, active in self.active.items() if not active.alive]:
                del self.active[run]
            for record in store.runs():
                if record.state in ("planned", "running") and record.id not in self.active:
                    if store.plan(record.id) is None:
                        store.set_state(record.id, "failed", "it was stopped before it was planned")
                        continue
                    self._work_on(record)

    def _clear_up(self) -> None:
        """Take in what came for runs that have ended: their controllers wait no more."""
        # No run may begin meanwhile: its results would be taken from under its controller.
        with self._lock, self.store() as store:
            self._leftovers.sweep(store, [run for run, active in self.active.items() if active.alive])

    def _begin_first(self) -> None:
        with self.store() as store:
            if store.run_ids():
                self._first_is_due = False
                return
        now = self._clock.monotonic_ns() / 1e9
        self._first_since = self._first_since or now
        nodes = len(self._nodes())
        late = now - self._first_since > 30.0
        if nodes and (nodes >= self.settings.expect_nodes or late):
            name = self.settings.first_experiment or ""
            run = self.submit(load(name), (f"PARLAB_FIRST_EXPERIMENT={name}",))
            self._first_is_due = False
            self._log(f"run {run}: experiment {name}, started because there was no run yet")

    def submit(self, experiment: Experiment, command: tuple[str, ...]) -> str:
        """Plan a run of an experiment on the nodes that answer and begin it; its id is returned.

        Raises:
            EnvironmentFault: this is not the lab's controller, or too many runs wait already.
            BadInput: nothing of it can be run on these nodes.
        """
        self.require_lead()
        for choice in experiment.pythons:
            if choice.executable is not None:
                raise BadInput(
                    f"python.executable = {choice.executable!r}: a lab takes no paths of interpreters",
                    'Name a version that its nodes offer: version = "3.13".',
                )
        if experiment.fleet:
            raise BadInput(
                "the experiment has [[node]] with limits, which the lab's orchestrator cannot make",
                "Run it from a machine with a Docker engine: parlab run FILE --fleet --lab URL.",
            )
        with self._lock, self.store() as store:
            if sum(active.alive for active in self.active.values()) >= MOST_ACTIVE:
                raise EnvironmentFault(
                    f"{MOST_ACTIVE} runs are already running or waiting", "Wait for one to end, or stop one."
                )
            run = make_run_id(store.run_ids())
            seed = experiment.seed if experiment.seed is not None else secrets.randbits(31)
            registrations = self._nodes()
            plan = make_plan(run, experiment, registrations, seed)
            context = RunContext(store, self.settings.settings, self._clock, self._progress(RunEvents(), run))
            enter(context, plan, command)
            used = {node for host in plan.hosts for node in host.nodes}
            store.save_registrations(run, [r for r in registrations if r.node in used])
            self._work_on(store.run(run))
        return run

    def resume(self, run: str, *, budget: str | None, blocks: int | None, precision: str | None) -> str:
        """Take a run further, by another stop rule where one is given; its id is returned."""
        self.require_lead()
        with self._lock, self.store() as store:
            record = store.run(run)
            active = self.active.get(record.id)
            if active is not None and active.alive:
                raise BadInput(f"run {record.id} is running already", "Wait for it, or stop it first.")
            if store.plan(record.id) is None:
                raise BadInput(f"run {record.id} was stopped before it was planned", "Begin it again.")
            experiment = override_stop(record.experiment, budget=budget, blocks=blocks, precision=precision)
            left = record.experiment.stop.budget_seconds - record.running_seconds
            if budget is not None or blocks is not None or precision is not None or left <= 0:
                # Counted from now on, whatever it has taken so far.
                seconds = experiment.stop.budget_seconds + record.running_seconds
                experiment = replace(experiment, stop=replace(experiment.stop, budget_seconds=seconds))
            store.set_experiment(record.id, experiment)
            store.set_state(record.id, "planned")
            self._work_on(store.run(record.id))
            return record.id

    def stop_run(self, run: str) -> RunRecord:
        """Stop a run for good; what was measured stays. One that has ended already is no error."""
        with self.store() as store:
            record = store.run(run)
            active = self.active.get(record.id)
            if active is not None:
                active.stop("stopped")
                active.join(STOP_SECONDS)
            elif record.state in ("planned", "running"):
                store.set_state(record.id, "interrupted", "it was stopped")
            return store.run(record.id)

    def pin(self, run: str) -> None:
        """Have a run's figures exported beside the current one's; at most three are."""
        with self.store() as store:
            record = store.run(run)
            pinned = store.pinned()
            if record.id not in pinned and len(pinned) >= MOST_PINNED:
                raise BadInput(
                    f"{MOST_PINNED} runs are pinned already: {', '.join(pinned)}",
                    "Unpin one of them first: only so many are exported.",
                )
            store.pin(record.id)

    def store(self) -> Store:
        """Open the store, for the caller's thread."""
        return Store.open(self.settings.settings.store_path, self._clock)

    def _work_on(self, record: RunRecord) -> None:
        channel = RunEvents()
        active = ActiveRun(record.id, self._parts, channel, self._progress(channel, record.id))
        self.active[record.id] = active
        active.start()

    def _progress(self, channel: RunEvents, run: str) -> RunProgress:
        return RunProgress(
            channel, lambda text: self._log(f"run {run}: {text}"), self._durations, self._clock
        )

    def _nodes(self) -> list[NodeRegistration]:
        """Nodes that can take part: fresh, of this version, not paused."""
        server = connect(self.settings.redis_url)
        with closing(server):
            roster = Roster(server, self.where, self._clock).read()
        return [
            node.registration
            for node in roster
            if node.up and node.registration is not None and node.problem is None and not node.paused
        ]

    def _lab(self, run: str) -> ExistingLab:
        return ExistingLab(LabQueue(connect(self.settings.redis_url), self._lab_key, self.where, run))
