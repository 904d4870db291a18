"""Sources of runs: the store here, whose runs are measured from here, or a lab, which measures its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from parlab.orchestrator.control.termination import Stopped, Terminated, exit_code, terminable
from parlab.orchestrator.experiment.file import override_stop
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.plan.planner import RuledOut, nothing_ruled_out
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.folder import is_running
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput

if TYPE_CHECKING:
    # Who only lists runs loads nothing of what is worked out of them, or measures them.
    from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
    from parlab.orchestrator.analysis.view import RunView
    from parlab.orchestrator.control.lifecycle import RunContext


@dataclass(frozen=True)
class ListedRun:
    """A run as it is listed."""

    run: str
    experiment: str
    created_unix_seconds: float
    state: str
    running_seconds: float
    #: Why it is in its state, or what it waits for; may be empty.
    why: str


@dataclass(frozen=True)
class Changes:
    """What a run that is resumed is to have instead of its experiment's own stop rule; None: as it was."""

    budget: str | None = None
    blocks: int | None = None
    precision: str | None = None


class Source(AbstractContextManager["Source"], Protocol):
    """Where runs are kept and measured. Use it in a ``with``.

    Every method raises ``LabError``: ``BadInput`` for a run that is not there or a change that cannot be,
    ``EnvironmentFault`` where the store cannot be used or the lab does not answer.
    """

    settings: Settings
    #: Address of the lab; None: the runs are here.
    lab_url: str | None
    #: Whether this machine alone measures, by a node that the command starts itself.
    local: bool

    def runs(self) -> list[ListedRun]:
        """List all runs, newest first."""
        ...

    def view(self, run: str, *, trials: bool = True) -> RunView:
        """Give a run as an output takes it; without its trials where they are not wanted and cost time."""
        ...

    def measured(self, run: str) -> MeasuredRun:
        """Give a run as a comparison takes it."""
        ...

    def run(self, experiment: Experiment, ruled_out: RuledOut | None = None) -> RunView:
        """Run an experiment and show how far it is.

        Configurations with a reason in ``ruled_out`` are skipped; None: find out here what must be.

        Raises:
            Stopped: it was asked to end.
        """
        ...

    def resume(self, run: str, changes: Changes) -> RunView:
        """Take a run further; otherwise as ``run``."""
        ...


def source_of(
    settings: Settings, lab_url: str | None, redis_url: str | None = None, *, quiet: bool = False
) -> Source:
    """Choose the source that a command's options and the environment name.

    Args:
        settings: of the command.
        lab_url: what ``--lab`` names.
        redis_url: what ``--redis`` names: a server whose nodes measure the runs that are here.
        quiet: show no progress.

    Raises:
        BadInput: both are named.
    """
    if redis_url is not None and lab_url is not None:
        raise BadInput(
            "--redis and --lab cannot be used together",
            "Give --lab, or --redis for a server without a lab.",
        )
    url = (lab_url or settings.lab_url) if redis_url is None else None
    if url is None:
        return StoreSource(settings, redis_url or settings.redis_url, quiet=quiet)
    from parlab.orchestrator.control.remote import LabSource

    return LabSource(settings, url, quiet=quiet)


def load_runs(settings: Settings, names: Sequence[str], lab_url: str | None) -> list[MeasuredRun]:
    """Give the runs that are named, each once, in the order they were named; None: they are here.

    Raises:
        BadInput: one is not there, or was stopped before it was planned.
        EnvironmentFault: the lab does not answer.
    """
    with source_of(settings, lab_url) as source:
        measured = [source.measured(name) for name in names]
    return list({run.run: run for run in measured}.values())


class StoreSource:
    """The store here."""

    lab_url: str | None = None

    def __init__(self, settings: Settings, redis_url: str | None = None, *, quiet: bool = False) -> None:
        self.settings = settings
        self.local = redis_url is None
        self._redis_url = redis_url
        self._quiet = quiet
        self._clock = SystemClock()

    def __enter__(self) -> Self:
        self._store = Store.open(self.settings.store_path, self._clock)
        return self

    def __exit__(self, *error: object) -> None:
        self._store.close()

    def runs(self) -> list[ListedRun]:
        """List all runs, newest first."""
        return [
            ListedRun(
                run=record.id,
                experiment=record.experiment.name,
                created_unix_seconds=record.created_unix_seconds,
                state=self._state(record),
                running_seconds=record.running_seconds,
                why=record.reason or "",
            )
            for record in self._store.runs()
        ]

    def _state(self, record: RunRecord) -> str:
        """Say a run's state; one that is "running" and whose command is gone was killed."""
        if record.state == "running" and not is_running(self.settings.home, record.id):
            return "interrupted"
        return record.state

    def view(self, run: str, *, trials: bool = True) -> RunView:
        """Give a run with its trials: here they cost little."""
        del trials
        from parlab.orchestrator.analysis.view import view

        return view(self._store, run)

    def measured(self, run: str) -> MeasuredRun:
        """Give a run as a comparison takes it."""
        from parlab.orchestrator.analysis.across.measured_run import MeasuredRun

        store = self._store
        record = store.run(run)
        plan = store.plan(record.id)
        if plan is None:
            raise BadInput(
                f"run {record.id} was stopped before it was planned", "There is nothing in it to compare."
            )
        latest = {seen.registration.node: seen.registration for seen in store.registrations(record.id)}
        return MeasuredRun(
            run=record.id,
            experiment=record.experiment,
            plan=plan,
            registrations=tuple(latest.values()),
            observations=tuple(store.sittings.observations(record.id)),
            calibrations=store.calibrations(record.id),
            failures=store.failed(record.id),
            state=record.state,
            started_unix_seconds=record.created_unix_seconds,
            parlab_version=record.parlab_version,
        )

    def run(self, experiment: Experiment, ruled_out: RuledOut | None = None) -> RunView:
        """Run an experiment."""
        from parlab.orchestrator.control.lifecycle import begin

        context = self._context()
        with self._stoppable(known={record.id for record in self._store.runs()}):
            run = begin(context, experiment, ruled_out or self._preflight(context, experiment))
        return self.view(run)

    def resume(self, run: str, changes: Changes) -> RunView:
        """Take a run further: as asked, else for what is left of its budget, else for all of it again."""
        from parlab.orchestrator.control.lifecycle import go_on

        store = self._store
        record = store.run(run)
        experiment = override_stop(
            record.experiment, budget=changes.budget, blocks=changes.blocks, precision=changes.precision
        )
        seconds = record.experiment.stop.budget_seconds - record.running_seconds
        if changes != Changes() or seconds <= 0:
            seconds = experiment.stop.budget_seconds
        context = self._context()
        with self._stoppable(known={other.id for other in store.runs()} - {record.id}):
            if not store.imports.has(record.id):
                # Said only: in another folder its functions would not be found, and be taken out of the run.
                self._preflight(context, experiment)
            go_on(context, record.id, experiment, seconds)
        return self.view(record.id)

    def _context(self) -> RunContext:
        from parlab.orchestrator.control.lifecycle import RunContext
        from parlab.orchestrator.control.progress import make_progress

        progress = make_progress(sys.stderr, quiet=self._quiet)
        return RunContext(self._store, self.settings, self._clock, progress, self._redis_url)

    def _preflight(self, context: RunContext, experiment: Experiment) -> RuledOut:
        """Look at the user's own functions, where this machine measures, and say what is to be known."""
        own = any(workload.function is not None for workload in experiment.workloads)
        if not own or not self.local or experiment.fleet:
            return nothing_ruled_out
        from parlab.orchestrator.lab.backend import project_folders
        from parlab.orchestrator.plan import preflight

        preflights = preflight.examine_all(experiment, project_folders(os.environ))
        for _, look in preflights:
            for finding in look.findings:
                if finding.mark in ("note", "refused"):
                    where = f"{look.function} on {look.build.id}"
                    context.progress.say(f"{where}: {finding.about}: {finding.text}")
        return preflight.RuledOut(preflights)

    @contextmanager
    def _stoppable(self, known: set[str]) -> Iterator[None]:
        """Turn Ctrl-C and SIGTERM into an orderly end that says how to go on."""
        try:
            with terminable():
                yield
        except (KeyboardInterrupt, Terminated) as end:
            # What is measured is stored already; a second Ctrl-C is for those who cannot wait for this.
            stopped = [record.id for record in self._store.runs() if record.id not in known]
            if not stopped:
                raise Stopped("stopped before anything was measured", exit_code(end), None) from None
            run = stopped[0]
            text = f"what was measured is kept. See it: parlab show {run} · continue: parlab resume {run}"
            raise Stopped(f"stopped; {text}", exit_code(end), run) from None
