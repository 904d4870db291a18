"""Self-tests of stored runs and of runs as a lab gives them out."""

from __future__ import annotations

from parlab.orchestrator.analysis.findings.selftest import SelfTestFinding
from parlab.orchestrator.analysis.selftest.judged import is_self_test, self_tests
from parlab.orchestrator.analysis.view import RunView, observations_of
from parlab.orchestrator.store.facade import Store

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
