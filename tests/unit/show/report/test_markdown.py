"""The report as Markdown: the answer, then pictures that are found beside it, then the tables."""

from __future__ import annotations

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.report.files import PictureFile
from parlab.orchestrator.show.report.markdown import markdown


def test_it_names_its_pictures_and_bears_their_words(article: RunView) -> None:
    drawn = PictureFile("7f3a", "speed-up-1.svg", Chart("speed-up-1", "T", "Hybrid *wins* [1]", {}), b"")
    text = markdown([article], [drawn], "my report-pictures", "1.0", 1_790_000_000.0)
    assert text.startswith("<!-- parlab report, parlab 1.0, ")
    assert "![Hybrid \\*wins\\* \\[1\\]](my%20report-pictures/speed-up-1.svg)" in text
    places = [
        text.index(part) for part in ("# do threads", "> integer", "![Hybrid", "## integer", "## Do it again")
    ]
    assert places == sorted(places)
    assert text.count("do threads or processes speed this work up?") == 1
