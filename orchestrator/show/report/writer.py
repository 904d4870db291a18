"""A report from runs to HTML: what the command writes, and what a run leaves behind at its end."""

from __future__ import annotations

from collections.abc import Sequence

from parlab.orchestrator.analysis.across.compare import compare
from parlab.orchestrator.analysis.across.measured_run import run_of
from parlab.orchestrator.analysis.findings.across import CompareFinding
from parlab.orchestrator.show.formats.base import RunView
from parlab.orchestrator.show.report.document import report, run_report
from parlab.orchestrator.show.report.html import html
from parlab.orchestrator.show.report.pictures import pictures_of
from parlab.workers.errors import BadInput


def make_html(
    runs: Sequence[RunView],
    parlab_version: str,
    made_unix_seconds: float,
    kinds: Sequence[str] | None = None,
) -> str:
    """Make a report of one or several runs.

    Args:
        runs: with their trials.
        parlab_version: of what makes it.
        made_unix_seconds: when it is made.
        kinds: names of the kinds of charts that are wanted; None: all.
    """
    drawn = [run_report(run, pictures_of(run, kinds=kinds)) for run in runs]
    return html(report(drawn, compared(runs), parlab_version, made_unix_seconds))


def compared(runs: Sequence[RunView]) -> CompareFinding | str | None:
    """Compare several runs; a text says why they cannot be, and one run is not."""
    if len(runs) < 2:
        return None
    try:
        return compare([run_of(run) for run in runs])
    except BadInput as refusal:
        return refusal.message
