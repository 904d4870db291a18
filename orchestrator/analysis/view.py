"""What is worked out of a run where it is shown, not while it measures: scaling, break-even, and more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parlab.orchestrator.analysis.advice.choice import advice_of
from parlab.orchestrator.analysis.findings.run import RunFinding
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure
from parlab.workers.wire.result import Calibration

from .narrowing import narrowing_of


def with_derived(
    finding: RunFinding,
    plan: Plan,
    observations: Sequence[Observation],
    *,
    calibrations: Mapping[str, Calibration],
    failed: Mapping[str, Failure],
) -> RunFinding:
    """Add scaling, break-even, advice and how estimates narrowed; arguments as of ``summarize``."""
    # Fits on resampled blocks: numpy is loaded with them, and a second or so goes by.
    from parlab.orchestrator.analysis.breakeven.grid import break_evens_of
    from parlab.orchestrator.analysis.scaling.curves import scaling_of

    return replace(
        finding,
        scaling=scaling_of(plan, observations, finding, calibrations=calibrations, failed=failed),
        break_evens=break_evens_of(plan, observations, calibrations),
        advice=advice_of(plan, observations, finding, calibrations),
        narrowing=narrowing_of(plan, observations, failed=failed),
    )
