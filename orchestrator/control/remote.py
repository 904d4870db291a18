"""A lab as a source of runs: its API, with what a command shows while the lab measures."""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from dataclasses import asdict, replace
from typing import Self

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun, run_of
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.control.client import Heard, LabClient
from parlab.orchestrator.control.progress import Progress, make_progress
from parlab.orchestrator.control.progress_state import ProgressState
from parlab.orchestrator.control.sources import Changes, ListedRun
from parlab.orchestrator.control.termination import INTERRUPTED, Stopped
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.experiment.tables import document
from parlab.orchestrator.plan.planner import RuledOut
from parlab.orchestrator.settings import Settings
from parlab.workers.errors import BadInput, EnvironmentFault
from parlab.workers.wire.codec import decode

#: A line that was cut is taken up again for so long.
_PATIENCE_SECONDS = 60.0
_AGAIN_SECONDS = 1.0


class LabSource:
    """A lab, whose nodes measure."""

    local = False

    def __init__(self, settings: Settings, url: str, *, quiet: bool = False) -> None:
        self.settings = settings
        self.lab_url: str | None = url
        self._url = url
        self._quiet = quiet

    def __enter__(self) -> Self:
        self._lab = LabClient(self._url, self.settings.token, self.settings.version)
        return self

    def __exit__(self, *error: object) -> None:
        self._lab.close()

    def runs(self) -> list[ListedRun]:
        """List all runs, newest first."""
        return [
            ListedRun(
                run=run["run"],
                experiment=run["experiment"],
                created_unix_seconds=run["created_unix_seconds"],
                state=run["state"],
                running_seconds=run["running_seconds"],
                why=f"waiting for {run['waiting_for']}" if run["waiting_for"] else run["reason"] or "",
            )
            for run in self._lab.runs()
        ]

    def view(self, run: str, *, trials: bool = True) -> RunView:
        """Give a run as an output takes it."""
        return self._lab.record(run, trials=trials)

    def measured(self, run: str) -> MeasuredRun:
        """Give a run as a comparison takes it."""
        return run_of(self._lab.record(run, trials=True))

    def run(self, experiment: Experiment, ruled_out: RuledOut | None = None) -> RunView:
        """Run an experiment; its nodes find out themselves what they cannot run."""
        del ruled_out
        for choice in experiment.pythons:
            if choice.executable is not None:
                raise BadInput(
                    f"python.executable = {choice.executable!r}: a lab takes no paths of interpreters",
                    'Name a version that its nodes offer: version = "3.13", or --python 3.13.',
                )
        if not experiment.fleet:
            return self._followed(self._lab.begin(document(experiment)))
        from parlab.orchestrator.control.served_fleet import nodes_for_a_run

        with nodes_for_a_run(self._lab, experiment.fleet) as names:
            run = self._lab.begin(document(replace(experiment, nodes=tuple(names), fleet=())))
            try:
                return self._followed(run)
            except BaseException as end:
                # Its nodes are about to go: it could not end without them.
                self._lab.stop(run)
                if isinstance(end, Stopped):
                    text = f"what was measured is kept. See it: parlab show {run} --lab {self.lab_url}"
                    raise Stopped(f"stopped; {text}", end.exit_code, run) from None
                raise

    def resume(self, run: str, changes: Changes) -> RunView:
        """Take a run further."""
        return self._followed(self._lab.resume(run, asdict(changes)))

    def _followed(self, run: str) -> RunView:
        """Show how far a run is until it ends, and give it."""
        progress = make_progress(sys.stderr, quiet=self._quiet)
        progress.say(f"run {run} in the lab {self.lab_url}")
        try:
            _until_it_ends(self._lab, run, progress)
        except KeyboardInterrupt:
            # The run is the lab's: whoever looks at it may leave.
            where = f"{run} --lab {self.lab_url}"
            raise Stopped(
                f"the run continues in the lab. See it: parlab show {where} · end it: parlab stop {where}",
                INTERRUPTED,
                run,
            ) from None
        finally:
            progress.end()
        return _fetched(self._lab, run)


def _fetched(lab: LabClient, name: str) -> RunView:
    """Fetch a run that has ended; an orchestrator that is being started again is waited for here, too."""
    began = time.monotonic()
    while True:
        try:
            return lab.record(name, trials=True)
        except EnvironmentFault:
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise
        time.sleep(_AGAIN_SECONDS)


def _until_it_ends(lab: LabClient, name: str, progress: Progress) -> None:
    after = 0
    cut_since: float | None = None
    while True:
        try:
            with closing(lab.follow(name, after)) as heard:
                for event in heard:
                    after, cut_since = event.number, None
                    if _shown(event, progress):
                        return
        except EnvironmentFault as fault:
            cut_since = cut_since or time.monotonic()
            if time.monotonic() - cut_since > _PATIENCE_SECONDS:
                raise
            progress.say(fault.message)
        # An orchestrator that was started again counts its events anew.
        after = 0
        time.sleep(_AGAIN_SECONDS)


def _shown(event: Heard, progress: Progress) -> bool:
    """Show an event; True where it was the last one."""
    if event.kind == "progress":
        progress.update(decode(ProgressState, event.data))
    elif event.kind == "message":
        progress.say(str(json.loads(event.data)))
    return event.kind == "end"
