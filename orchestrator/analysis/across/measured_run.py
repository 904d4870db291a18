"""A run as a comparison takes it: what was planned, where it was measured, and its trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from parlab.orchestrator.analysis.view import RunView, observations_of
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure, RunState
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import Calibration


@dataclass(frozen=True)
class MeasuredRun:
    """One run, from the store here or from a lab."""

    run: str
    experiment: Experiment
    plan: Plan
    #: The nodes as they described themselves last.
    registrations: tuple[NodeRegistration, ...]
    #: Trials of blocks that count.
    observations: tuple[Observation, ...]
    #: By group.
    calibrations: Mapping[str, Calibration]
    #: Configurations that were taken out, by id.
    failures: Mapping[str, Failure]
    state: RunState
    started_unix_seconds: float
    parlab_version: str


def run_of(view: RunView) -> MeasuredRun:
    """Take from a view with all its trials what a comparison needs."""
    return MeasuredRun(
        run=view.run,
        experiment=view.experiment,
        plan=view.plan,
        registrations=view.registrations,
        observations=tuple(observations_of(view)),
        calibrations=view.calibrations,
        failures=view.failures,
        state=view.state,
        started_unix_seconds=view.started_unix_seconds,
        parlab_version=view.parlab_version,
    )
