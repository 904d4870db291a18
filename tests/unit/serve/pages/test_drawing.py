"""Charts are drawn by another process, so that nobody waits for the engine who wants something else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from parlab.orchestrator.serve.pages import drawing as drawer_module
from parlab.orchestrator.serve.pages.drawing import Drawer, NotDrawn
from parlab.orchestrator.serve.pages.drawing_process import serve
from parlab.orchestrator.show.charts.base import Chart

SPEC = {
    "data": {"values": [{"a": 1}]},
    "mark": "point",
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}
CHART = Chart("one", "A title", "A finding <&>", SPEC)


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    made = Drawer()
    yield made
    made.close()


def test_a_chart_comes_back_as_svg(drawer: Drawer) -> None:
    drawn = drawer.svg(CHART)
    assert drawn.startswith("<svg")
    assert "A finding &lt;&amp;&gt;" in drawn


def test_a_process_that_ended_is_begun_anew(drawer: Drawer) -> None:
    first = drawer.svg(CHART)
    assert drawer._process is not None
    drawer._process.kill()
    assert drawer.svg(CHART) == first


def test_a_chart_that_cannot_be_drawn_is_told_and_costs_no_other(drawer: Drawer) -> None:
    with pytest.raises(NotDrawn, match="chart broken"):
        drawer.svg(Chart("broken", "", "", {"mark": 7}))
    assert drawer.svg(CHART).startswith("<svg")


def test_a_process_that_says_nothing_is_given_up(drawer: Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawer_module, "LIMIT_SECONDS", 0.01)
    with pytest.raises(NotDrawn, match="has died"):
        drawer.svg(CHART)
    monkeypatch.undo()
    assert drawer.svg(CHART).startswith("<svg")


def test_the_process_answers_each_line_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its alarm is for a process of its own, not for the tests'.
    monkeypatch.setattr("parlab.orchestrator.serve.pages.drawing_process.signal.alarm", lambda _: 0)
    asked = io.StringIO(f"{json.dumps(asdict(CHART))}\nno chart\n{json.dumps(asdict(CHART))}\n")
    answers = io.StringIO()

    def draw(chart: Chart) -> str:
        return f"<svg>\n{chart.title}</svg>"

    serve(asked, answers, draw)
    first, second, third = (json.loads(line) for line in answers.getvalue().splitlines())
    assert first == third == {"svg": "<svg>\nA title</svg>"}
    assert "JSONDecodeError" in second["fault"]


def test_one_that_is_closed_begins_no_process(drawer: Drawer) -> None:
    drawer.close()
    with pytest.raises(NotDrawn):
        drawer.svg(CHART)
    assert drawer._process is None
