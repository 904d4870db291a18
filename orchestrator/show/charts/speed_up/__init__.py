"""Speed-up by configuration, with intervals."""

from parlab.orchestrator.show.charts.speed_up.chart import CHART

__all__ = ["CHART"]
