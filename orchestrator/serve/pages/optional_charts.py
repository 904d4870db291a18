"""Charts of a page that is whole without them: what cannot be made or drawn is told, and costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.across import CompareFinding
from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.report.extras import missing_for_report


@dataclass(frozen=True)
class Charts:
    """Charts that are not drawn yet, and why some are not there."""

    there: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()


def comparison_charts(finding: CompareFinding) -> Charts:
    """Make the charts of a comparison."""

    def make() -> Sequence[Chart]:
        from parlab.orchestrator.show.charts import hosts

        return hosts.of_comparison(finding)

    return _made(make)


def claim_charts(claims: Iterable[tuple[str, ClaimFinding]]) -> Charts:
    """Make the chart of claims on builds, each with its column's name."""

    def make() -> Sequence[Chart]:
        from parlab.orchestrator.show.charts.claims import chart

        drawn = chart(claims)
        return [] if drawn is None else [drawn]

    return _made(make)


def _made(make: Callable[[], Sequence[Chart]]) -> Charts:
    if (missing := missing_for_report()) is not None:
        return Charts(notes=(f"There are no pictures: {missing.message}. {missing.hint}",))
    try:
        return Charts(tuple(make()))
    except Exception as error:  # noqa: BLE001 - a chart's fault must not cost the page its words; it is told there
        return Charts(notes=(f"The picture failed: {type(error).__name__}: {error}",))
