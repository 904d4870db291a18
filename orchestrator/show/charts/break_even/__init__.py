"""Break-even: from which work on a strategy pays."""

from parlab.orchestrator.show.charts.break_even.chart import CHART

__all__ = ["CHART"]
