"""Self-tests of stored runs and of runs as a lab gives them out."""

from __future__ import annotations

import math

from parlab.orchestrator.analysis.findings.selftest import SelfTestFinding
from parlab.orchestrator.analysis.selftest.judged import is_self_test, self_tests
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import StoredTrial
from parlab.workers.wire.result import Reading

__all__ = ["found_in", "found_in_view", "is_self_test"]


def found_in(store: Store, run: str) -> tuple[SelfTestFinding, ...]:
    """Say what a stored run of the self-test found of each node and build; nothing before it was planned."""
    plan = store.plan(run)
    if plan is None:
        return ()
    seconds = {s.attempt.sitting: s.result.seconds for s in store.sittings.stored(run)}
    return self_tests(plan, store.sittings.observations(run), seconds)


def found_in_view(run: RunView) -> tuple[SelfTestFinding, ...]:
    """Say the same of a run with its trials."""
    seconds = {s.attempt.sitting: s.result.seconds for s in run.sittings}
    return self_tests(run.plan, observations_of(run), seconds)


def observations_of(run: RunView) -> list[Observation]:
    """Give the trials of a run's blocks that count, as the analysis takes them."""
    void = {(block.group, block.block) for block in run.voided_blocks}
    return [
        _observation(trial, trial.block)
        for trial in run.trials
        if trial.block is not None and (trial.group, trial.block) not in void
    ]


def _observation(trial: StoredTrial, block: int) -> Observation:
    """Give a trial as the store gives it to the analysis (``intake.store_trial``)."""
    result = trial.result
    readings: list[Reading] = list(result.readings)
    return Observation(
        group=trial.group,
        block=block,
        sitting=trial.sitting,
        configuration=result.configuration,
        outcome=result.outcome,
        cause=result.cause,
        reason=result.reason,
        seconds=math.fsum(r.seconds for r in result.rounds) if result.outcome == "measured" else None,
        rounds=len(result.rounds),
        start_up_seconds=result.start_up_seconds,
        tear_down_seconds=result.tear_down_seconds,
        readings={r.probe: r.value for r in readings if r.value is not None},
        unread={r.probe: r.reason or "no reason was given" for r in readings if r.value is None},
    )
