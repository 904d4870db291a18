"""Tests of what a comparison takes from a run that a lab gave out."""

from __future__ import annotations

from parlab.orchestrator.analysis.across.measured_run import run_of
from parlab.orchestrator.analysis.view import RunView


def test_a_reading_that_is_missing_keeps_its_reason(article: RunView) -> None:
    observations = run_of(article).observations
    assert observations
    for observation in observations:
        assert "throttled" not in observation.readings
        assert observation.unread == {"throttled": "no cgroup CPU controller counts throttling here"}
