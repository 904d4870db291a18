"""Memory against speed-up, with the frontier."""

from parlab.orchestrator.show.charts.memory.chart import CHART

__all__ = ["CHART"]
