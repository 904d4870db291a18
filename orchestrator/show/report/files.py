"""Charts as files of their own: SVG or PNG, with an index that has their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts._kit.drawing import Scheme, png, svg
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.report.pictures import FailedKind, charts_by_kind


@dataclass(frozen=True)
class PictureFile:
    """A chart, drawn."""

    run: str
    #: "speed-up-1.svg"; of several runs "7f3a-speed-up-1.svg".
    file: str
    chart: Chart
    content: bytes


def draw(
    runs: Sequence[RunView], kinds: Sequence[str] | None, format_: Literal["svg", "png"], scheme: Scheme
) -> tuple[list[PictureFile], list[str]]:
    """Draw all charts of runs; with them, what could not be made."""
    files: list[PictureFile] = []
    notes: list[str] = []
    for run in runs:
        for chart in _charts(run, kinds, notes):
            name = chart.name if len(runs) == 1 else f"{run.run}-{chart.name}"
            content = svg(chart).encode() if format_ == "svg" else png(chart, scheme)
            files.append(PictureFile(run.run, f"{name}.{format_}", chart, content))
    return files, notes


def index_of(files: Sequence[PictureFile]) -> Mapping[str, Any]:
    """Give what a folder's index says of its pictures: the text of each above all."""
    return {
        "charts": [
            {
                "file": picture.file,
                "run": picture.run,
                "title": picture.chart.title,
                "finding": picture.chart.finding,
            }
            for picture in files
        ]
    }


def _charts(run: RunView, kinds: Sequence[str] | None, notes: list[str]) -> Iterator[Chart]:
    for charts in charts_by_kind(run, kinds):
        if isinstance(charts, FailedKind):
            notes.append(charts.text)
        else:
            yield from charts
