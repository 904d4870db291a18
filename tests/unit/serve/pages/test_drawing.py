"""Charts are drawn by another process, so that nobody waits for the engine who wants something else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from parlab.orchestrator.serve.pages import drawing
from parlab.orchestrator.serve.pages.drawing import DrawingProcess, NotDrawn
from parlab.orchestrator.show.charts.base import Chart
from tests.support.laboratory import alive, wait_until

SPEC = {
    "data": {"values": [{"a": 1}]},
    "mark": "point",
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}
CHART = Chart("one", "A title", "A finding <&>", SPEC)
#: A server that has drawn, says by which process, and waits to be ended.
SERVER = """
import multiprocessing, sys
from parlab.orchestrator.serve.pages.drawing import DrawingProcess
from parlab.orchestrator.show.charts.base import Chart
if __name__ == "__main__":
    DrawingProcess().svg(Chart("one", "", "", {"data": {"values": []}, "mark": "point"}))
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def process() -> Iterator[DrawingProcess]:
    made = DrawingProcess()
    yield made
    made.close()


def drawing_pids() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.pid is not None]


def test_a_chart_comes_back_as_svg(process: DrawingProcess) -> None:
    drawn = process.svg(CHART)
    assert drawn.startswith("<svg")
    assert "A finding &lt;&amp;&gt;" in drawn


def test_a_process_that_ended_is_begun_anew(process: DrawingProcess) -> None:
    first = process.svg(CHART)
    (pid,) = drawing_pids()
    os.kill(pid, signal.SIGKILL)
    assert process.svg(CHART) == first
    assert pid not in drawing_pids()


def test_a_chart_that_cannot_be_drawn_is_told_and_costs_no_other(process: DrawingProcess) -> None:
    process.svg(CHART)
    before = drawing_pids()
    with pytest.raises(NotDrawn, match="chart broken"):
        process.svg(Chart("broken", "", "", {"mark": 7}))
    assert process.svg(CHART).startswith("<svg")
    assert drawing_pids() == before


def test_a_process_that_says_nothing_is_given_up(
    process: DrawingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "LIMIT_SECONDS", 0.01)
    with pytest.raises(NotDrawn, match="the drawing process died"):
        process.svg(CHART)
    monkeypatch.undo()
    assert process.svg(CHART).startswith("<svg")
    wait_until(lambda: len(drawing_pids()) == 1)


def test_one_that_nobody_asks_ends_by_itself_and_another_is_begun(
    process: DrawingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    armed: list[int] = []
    with monkeypatch.context() as within:
        # The tests' own process has no alarm clock to be woken by.
        within.setattr(signal, "alarm", armed.append)
        drawing._draw(CHART)
    assert armed == [0, drawing.IDLE_SECONDS]
    process.svg(CHART)
    (pid,) = drawing_pids()
    os.kill(pid, signal.SIGALRM)
    wait_until(lambda: not alive(pid))
    assert process.svg(CHART).startswith("<svg")


def test_one_that_is_closed_has_no_process_and_begins_none(process: DrawingProcess) -> None:
    process.svg(CHART)
    process.close()
    wait_until(lambda: not drawing_pids())
    with pytest.raises(NotDrawn):
        process.svg(CHART)
    assert not drawing_pids()


def test_a_server_that_is_killed_leaves_none_behind(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    pids = [int(word) for word in server.stdout.readline().split()]
    assert len(pids) == 1
    assert alive(pids[0])
    server.kill()
    server.communicate()
    wait_until(lambda: not alive(pids[0]))
