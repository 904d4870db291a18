"""Runs of a comparison, by id: from the store here, or from a lab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun, run_of
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput


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
                observations=tuple(store.sittings.observations(record.id)),
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
