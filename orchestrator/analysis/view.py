"""A run as outputs see it, with what is worked out only where it is shown: scaling, break-even, and more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from parlab.orchestrator.analysis.advice.choice import advice_of
from parlab.orchestrator.analysis.findings.run import RunFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.narrowing import narrowing_of
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure, RunState, StoredSitting, StoredTrial, VoidedBlock
from parlab.workers.errors import BadInput
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import Calibration


def with_derived(finding: RunFinding, measured: Measurements) -> RunFinding:
    """Add scaling, break-even, advice and how estimates narrowed."""
    # Fits on resampled blocks: numpy is loaded with them, and a second or so goes by.
    from parlab.orchestrator.analysis.breakeven.grid import break_evens_of
    from parlab.orchestrator.analysis.scaling.curves import scaling_of

    return replace(
        finding,
        scaling=scaling_of(measured, finding),
        break_evens=break_evens_of(measured),
        advice=advice_of(measured, finding),
        narrowing=narrowing_of(measured),
    )


@dataclass(frozen=True)
class RunView:
    """A run with all that is known of it, as outputs see it."""

    #: Id of the run.
    run: str
    experiment: Experiment
    plan: Plan
    #: The nodes it was measured on, as they described themselves.
    registrations: tuple[NodeRegistration, ...]
    state: RunState
    started_unix_seconds: float
    #: None while it runs.
    ended_unix_seconds: float | None
    finding: RunFinding
    #: By group.
    calibrations: Mapping[str, Calibration]
    #: All trials that are stored, calibrations' too, in the order they came in.
    trials: tuple[StoredTrial, ...]
    #: What else a reader must know, besides the finding's own warnings.
    warnings: tuple[str, ...] = ()
    #: Seconds it was running, over all its resumes; None where it is not known.
    running_seconds: float | None = None
    #: Why it is in its state, in a sentence.
    reason: str | None = None
    #: All sittings that are stored, with what their guardians said of them.
    sittings: tuple[StoredSitting, ...] = ()
    #: Configurations that were taken out of the run, by id.
    failures: Mapping[str, Failure] = field(default_factory=dict)
    #: Blocks that count for nothing.
    voided_blocks: tuple[VoidedBlock, ...] = ()
    parlab_version: str = ""
    #: The command line that made it.
    command: tuple[str, ...] = ()


def by_node(run: RunView) -> dict[str, RunView]:
    """Give each node's part of a run, the plan being whole, by the node's name."""
    nodes = dict.fromkeys(c.node for group in run.plan.groups for c in group.configurations)
    # The plan stays whole: what a configuration is called depends on what else there is.
    return {
        node: replace(
            run,
            registrations=tuple(r for r in run.registrations if r.node == node),
            trials=tuple(trial for trial in run.trials if trial.node == node),
            sittings=tuple(sitting for sitting in run.sittings if sitting.attempt.node == node),
        )
        for node in nodes
    }


def observations_of(run: RunView) -> list[Observation]:
    """Give the trials of a run's blocks that count, as the analysis takes them."""
    void = {(voided.group, voided.block) for voided in run.voided_blocks}
    return [
        Observation.of(trial.result, trial.group, trial.block, trial.sitting)
        for trial in run.trials
        if trial.block is not None and (trial.group, trial.block) not in void
    ]


def finding_of(store: Store, plan: Plan, *, derived: bool = False) -> RunFinding:
    """Say what the stored trials of a run mean; ``derived``: with all that is worked out of it (seconds)."""
    measured = Measurements.of(store, plan)
    finding = summarize(measured)
    return with_derived(finding, measured) if derived else finding


def view(store: Store, run: str, *, trials: bool = True) -> RunView:
    """Put together all that is known of a stored run, for an output.

    Without ``trials`` it is much quicker, and enough for people.
    """
    record = store.run(run)
    plan = store.plan(record.id)
    if plan is None:
        raise BadInput(f"run {record.id} was stopped before it was planned", "There is nothing to show.")
    latest = {seen.registration.node: seen.registration for seen in store.registrations(record.id)}
    sittings = store.sittings.stored(record.id)
    heard = [e.unix_seconds for e in store.events(record.id)]
    heard += [s.attempt.ended_unix_seconds for s in sittings if s.attempt.ended_unix_seconds is not None]
    return RunView(
        run=record.id,
        experiment=record.experiment,
        plan=plan,
        registrations=tuple(latest.values()),
        state=record.state,
        started_unix_seconds=record.created_unix_seconds,
        ended_unix_seconds=None if record.state == "running" else max(heard, default=None),
        finding=finding_of(store, plan, derived=True),
        calibrations=store.calibrations(record.id),
        trials=tuple(store.sittings.trials(record.id)) if trials else (),
        running_seconds=record.running_seconds,
        reason=record.reason,
        sittings=tuple(sittings),
        failures=store.failed(record.id),
        voided_blocks=tuple(store.sittings.voided_blocks(record.id)),
        parlab_version=record.parlab_version,
        command=record.command,
    )
