"""Runs put into a store as controllers put them there, from figures that are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import RunRecord, RunState
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import Calibration, Reading, Round, SittingResult, TrialResult


def put_measured(store: Store, run: MeasuredRun, *, experiment: Experiment | None = None) -> None:
    """Store a run to be compared, with all its trials; ``experiment`` renames it."""
    plan = run.plan if experiment is None else replace(run.plan, experiment=experiment)
    put(
        store, plan, run.observations, run.registrations,
        state=run.state, created=run.started_unix_seconds, calibrations=run.calibrations,
    )  # fmt: skip
    for failure in run.failures.values():
        store.fail_configuration(run.run, failure.configuration, failure.reason, None)


def put(
    store: Store,
    plan: Plan,
    observations: Sequence[Observation],
    registrations: Sequence[NodeRegistration],
    *,
    state: RunState = "done",
    created: float = 1_790_000_000.0,
    calibrations: Mapping[str, Calibration] | None = None,
) -> None:
    """Store a run with its plan and trials."""
    run = plan.run
    store.create_run(RunRecord(run, plan.experiment, plan.seed, created, parlab_version="1.0"))
    store.save_plan(plan)
    store.save_registrations(run, registrations)
    for group, calibration in (calibrations or {}).items():
        store.save_calibration(run, group, calibration)
    nodes = {c.id: c.node for group in plan.groups for c in group.configurations}
    sittings: dict[str, list[Observation]] = {}
    for one in observations:
        sittings.setdefault(one.sitting, []).append(one)
    for name, own in sittings.items():
        node = nodes[own[0].configuration]
        store.sittings.dispatched(
            run, name, 1, own[0].group, own[0].block, node, f"{node}-{run}-{name}-a1", created
        )
        trials = tuple(_trial(name, one) for one in own)
        result = SittingResult(run, name, 1, node, "h1", "b00t", created, 1.0, trials)
        assert store.sittings.record(result)
    store.add_running_seconds(run, 60.0)
    store.set_state(run, state, "as a test has it")


def _trial(sitting: str, one: Observation) -> TrialResult:
    measured = one.outcome == "measured"
    return TrialResult(
        f"{sitting}-{one.configuration}",
        one.configuration,
        one.outcome,
        cause=one.cause,
        reason=one.reason,
        rounds=tuple(Round(0, 0, (one.seconds or 0.0) / one.rounds) for _ in range(one.rounds))
        if measured
        else (),
        readings=tuple(Reading(probe, "seconds", value) for probe, value in one.readings.items()),
    )
