"""Each host's trials over the time of a run."""

from parlab.orchestrator.show.charts.timeline.chart import CHART

__all__ = ["CHART"]
