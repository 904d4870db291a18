"""A run as a comparison takes it: what was planned, where it was measured, and its trials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.show.formats.base import RunView
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure, RunState
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput
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


def load_runs(settings: Settings, names: Sequence[str], lab_url: str | None) -> list[MeasuredRun]:
    """Give the runs that are named, each once, in the order they were named.

    Raises:
        BadInput: one is not there, or was stopped before it was planned.
        EnvironmentFault: the lab does not answer.
    """
    found = list(_of_lab(settings, names, lab_url) if lab_url is not None else _of_store(settings, names))
    return list({run.run: run for run in found}.values())


def _of_store(settings: Settings, names: Sequence[str]) -> Iterator[MeasuredRun]:
    with Store.open(settings.store_path, SystemClock()) as store:
        for name in names:
            record = store.run(name)
            plan = store.plan(record.id)
            if plan is None:
                raise BadInput(
                    f"run {record.id} was stopped before it was planned", "There is nothing in it to compare."
                )
            latest = {seen.registration.node: seen.registration for seen in store.registrations(record.id)}
            yield MeasuredRun(
                run=record.id,
                experiment=record.experiment,
                plan=plan,
                registrations=tuple(latest.values()),
                observations=tuple(store.observations(record.id)),
                calibrations=store.calibrations(record.id),
                failures=store.failed(record.id),
                state=record.state,
                started_unix_seconds=record.created_unix_seconds,
                parlab_version=record.parlab_version,
            )


def _of_lab(settings: Settings, names: Sequence[str], lab_url: str) -> Iterator[MeasuredRun]:
    from parlab.orchestrator.control.remote import client

    with client(settings, lab_url) as lab:
        for name in names:
            yield run_of(lab.record(name, trials=True))


def run_of(view: RunView) -> MeasuredRun:
    """Take from a view with all its trials what a comparison needs."""
    return MeasuredRun(
        run=view.run,
        experiment=view.experiment,
        plan=view.plan,
        registrations=view.registrations,
        observations=tuple(_observations(view)),
        calibrations=view.calibrations,
        failures=view.failures,
        state=view.state,
        started_unix_seconds=view.started_unix_seconds,
        parlab_version=view.parlab_version,
    )


def _observations(view: RunView) -> Iterator[Observation]:
    void = {(voided.group, voided.block) for voided in view.voided_blocks}
    for stored in view.trials:
        if stored.block is None or (stored.group, stored.block) in void:
            continue
        trial = stored.result
        measured = trial.outcome == "measured"
        yield Observation(
            group=stored.group,
            block=stored.block,
            sitting=stored.sitting,
            configuration=trial.configuration,
            outcome=trial.outcome,
            cause=trial.cause,
            reason=trial.reason,
            seconds=math.fsum(one.seconds for one in trial.rounds) if measured else None,
            rounds=len(trial.rounds),
            start_up_seconds=trial.start_up_seconds,
            tear_down_seconds=trial.tear_down_seconds,
            readings={r.probe: r.value for r in trial.readings if r.value is not None},
        )
