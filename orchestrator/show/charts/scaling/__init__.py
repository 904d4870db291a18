"""Speed-up by number of workers, with fitted laws."""

from parlab.orchestrator.show.charts.scaling.chart import CHART

__all__ = ["CHART"]
