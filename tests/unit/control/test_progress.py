"""Progress while a run measures: drawn seldom, cut to the width, and gone without a trace."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TextIO

import pytest

from parlab.orchestrator.analysis.findings.run import (
    ComparisonFinding,
    ConfigurationFinding,
    GroupFinding,
    Quartiles,
    RunFinding,
    Verdict,
)
from parlab.orchestrator.control.progress import make_progress
from parlab.orchestrator.control.progress_state import OpenComparison, ProgressState, summary
from parlab.orchestrator.experiment.model import Experiment, Stop, WorkloadChoice
from parlab.orchestrator.plan.model import Comparison, Group, Plan
from parlab.orchestrator.statistics.interval import Interval
from parlab.workers import __version__
from parlab.workers.wire.registration import NodeRegistration
from tests.support.checkout import CHECKOUT


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic_ns(self) -> int:
        return int(self.seconds * 1e9)

    def unix_seconds(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Screen:
    """A terminal of a given size: what was written to it, and what it then shows."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.own, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.stream: TextIO = os.fdopen(other, "w", encoding="utf-8")
        self.columns = columns
        self.rows: list[str] = [""]
        self.row = 0

    def written(self) -> str:
        """Take what was written since the last call, and show it."""
        os.set_blocking(self.own, False)
        raw = b""
        while True:
            try:
                raw += os.read(self.own, 1 << 16)
            except BlockingIOError:
                break
        text = raw.decode()
        self._show(text)
        return text

    def _show(self, text: str) -> None:
        column = len(self.rows[self.row])
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
            if part == "\r":
                column = 0
            elif part == "\n":
                self.row += 1
                if self.row == len(self.rows):
                    self.rows.append("")
            elif up := re.fullmatch(r"\x1b\[(\d+)A", part):
                self.row -= int(up[1])
                assert self.row >= 0, "the cursor went above what was drawn"
            elif part == "\x1b[J":
                self.rows[self.row] = self.rows[self.row][:column]
                del self.rows[self.row + 1 :]
            elif part == "\x1b[K":
                self.rows[self.row] = self.rows[self.row][:column]
            else:
                assert "\x1b" not in part, "a sequence this screen does not know"
                line = self.rows[self.row]
                self.rows[self.row] = line[:column] + part + line[column + len(part) :]
                column += len(part)
                assert column < self.columns, "a line that wraps moves the cursor to where nobody expects it"

    def close(self) -> None:
        self.stream.close()
        os.close(self.own)


@pytest.fixture(autouse=True)
def xterm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen()
    yield made
    made.close()


@pytest.fixture
def wide_screen() -> Iterator[Screen]:
    made = Screen(columns=500)
    yield made
    made.close()


STATE = ProgressState(
    run="7f3a",
    experiment="article",
    running="integer_sum × 4",
    block=11,
    blocks=11,
    settled=1,
    comparisons=3,
    seconds_left=42.0,
    budget_seconds=500.0,
    estimates=(
        OpenComparison("threads ×4", "unresolved", 0.9, None, None, 2),
        OpenComparison("processes ×4 forkserver", "faster", 1.91, 1.83, 1.99),
    ),
)


def comparison(name: str, verdict: Verdict, *, done: bool, more: int | None) -> ConfigurationFinding:
    return ConfigurationFinding(
        configuration=name,
        label=name,
        python="3.11.7",
        max_workers=4,
        seconds=None,
        comparison=ComparisonFinding(
            name, "serial", verdict, Interval(1.9, 1.5, 2.2, 0.95, 8), 30.0, done, None, None, 0.05, more
        ),
        efficiency=None,
        start_up_seconds=None,
        tear_down_seconds=None,
        memory_bytes=None,
        cpus_used=None,
        readings={},
        unread={},
        outcomes={"measured": 8},
        causes={},
        problem=None,
        best=None,
        recommended=False,
    )


SECONDS = Quartiles(1.0, 0.9, 1.1, 8)


def finding(*rows: ConfigurationFinding, blocks: int = 8) -> RunFinding:
    group = GroupFinding("g1", "h1", "integer_sum × 4", 4, rows, blocks, done=False, sentences=())
    return RunFinding((group,), comparisons=len(rows), declared=0, done=False, warnings=())


def plan() -> Plan:
    group = Group(
        "g1",
        "h1",
        WorkloadChoice("integer_sum", {}),
        "integer_sum × 4",
        (),
        (Comparison("threads", "serial"),),
    )
    return Plan("7f3a", 1, Experiment("article", "?", (), ()), (), (group,))


def test_a_frame_shows_what_runs_what_is_done_and_what_is_left(screen: Screen) -> None:
    make_progress(screen.stream, clock=HandClock()).update(STATE)
    screen.written()
    assert screen.rows == [
        "run 7f3a · article · 11 blocks · 1 of 3 comparisons settled · about 42 s left",
        "  threads ×4               0.90 [none yet]    unresolved  about 2 more blocks",
        "  processes ×4 forkserver  1.91 [1.83, 1.99]  faster",
        "integer_sum × 4 · block 12",
    ]


def test_where_there_is_room_a_frame_draws_the_estimates_on_one_scale(wide_screen: Screen) -> None:
    progress = make_progress(wide_screen.stream, clock=HandClock())
    progress.update(replace(STATE, margin=0.05))
    written = wide_screen.written()
    threads, processes = wide_screen.rows[1:3]
    assert re.fullmatch(
        r"  threads ×4 +0\.90 \[none yet\]    ←─*●─*┼─+→  unresolved  about 2 more blocks", threads
    )
    assert re.search(r"1\.91 \[1\.83, 1\.99\]  .*░│░ +├─*●─*┤ +faster$", processes)
    assert threads.index("┼") == processes.index("│")
    # Colours would cost more writing, and say no more than the word does.
    assert "\x1b[3" not in written


def test_a_frame_without_an_estimate_draws_nothing(wide_screen: Screen) -> None:
    none_yet = replace(STATE.estimates[0], ratio=None)
    make_progress(wide_screen.stream, clock=HandClock()).update(replace(STATE, estimates=(none_yet,)))
    wide_screen.written()
    assert wide_screen.rows[1] == "  threads ×4  –  unresolved  about 2 more blocks"


def test_the_margin_that_is_drawn_is_the_runs(wide_screen: Screen) -> None:
    progress = make_progress(wide_screen.stream, clock=HandClock())
    planned = plan()
    experiment = replace(planned.experiment, stop=Stop(margin=0.5))
    progress.begin(replace(planned, experiment=experiment), [])
    progress.look(finding(comparison("threads", "unresolved", done=False, more=6)), {}, 500.0)
    progress.now("integer_sum × 4", 8)
    wide_screen.written()
    assert re.search(r" ░{3,}│░+├", wide_screen.rows[1])


def test_the_next_frame_takes_the_place_of_the_last(screen: Screen) -> None:
    clock = HandClock()
    progress = make_progress(screen.stream, clock=clock)
    progress.update(STATE)
    clock.seconds += 1.0
    progress.update(replace(STATE, block=12, estimates=STATE.estimates[:1]))
    screen.written()
    assert len(screen.rows) == 3
    assert screen.rows[-1] == "integer_sum × 4 · block 13"


def test_frames_are_a_second_apart(screen: Screen) -> None:
    clock = HandClock()
    progress = make_progress(screen.stream, clock=clock)
    progress.update(STATE)
    assert screen.written()
    clock.seconds += 0.9
    progress.update(replace(STATE, block=12))
    assert screen.written() == ""
    clock.seconds += 0.1
    progress.update(replace(STATE, block=13))
    assert "block 14" in screen.written()


def test_a_tick_is_one_short_write_a_second(wide_screen: Screen) -> None:
    screen = wide_screen
    clock = HandClock()
    progress = make_progress(screen.stream, clock=clock)
    progress.update(replace(STATE, running="愛" * 200))
    screen.written()
    written = []
    for _ in range(50):
        clock.seconds += 0.1
        progress.tick()
        written.append(screen.written())
    ticks = [text for text in written if text]
    assert 4 <= len(ticks) <= 5
    assert all(len(text.encode()) < 200 for text in ticks)


def test_a_tick_says_for_how_long_the_sitting_runs(screen: Screen) -> None:
    clock = HandClock()
    progress = make_progress(screen.stream, clock=clock)
    progress.begin(plan(), [])
    progress.now("integer_sum × 4", 3)
    clock.seconds += 3.0
    progress.tick()
    screen.written()
    assert screen.rows[-1] == "integer_sum × 4 · block 4 · 3 s"


def test_a_message_stays_above_the_frame(screen: Screen) -> None:
    progress = make_progress(screen.stream, clock=HandClock())
    progress.update(STATE)
    progress.say("node local was restarted\x1b[2J")
    screen.written()
    assert screen.rows[0] == "node local was restarted?[2J"
    assert screen.rows[1].startswith("run 7f3a")
    assert screen.rows[-1] == "integer_sum × 4 · block 12"


def test_nothing_of_a_frame_is_left_at_the_end(screen: Screen) -> None:
    progress = make_progress(screen.stream, clock=HandClock())
    progress.say("before")
    progress.update(STATE)
    progress.end()
    progress.end()
    screen.written()
    assert screen.rows == ["before", ""]


@pytest.mark.parametrize(("columns", "lines"), [(20, 24), (80, 6), (200, 50), (80, 1)])
def test_a_frame_fits_any_terminal(columns: int, lines: int) -> None:
    screen = Screen(columns, lines)
    clock = HandClock()
    progress = make_progress(screen.stream, clock=clock)
    many = tuple(replace(STATE.estimates[0], label=f"strategy number {n} 愛") for n in range(30))
    for block in range(3):
        progress.update(replace(STATE, block=block, estimates=many))
        clock.seconds += 2
        progress.tick()
        screen.written()
    shown = len(screen.rows)
    screen.close()
    assert shown <= max(3, lines)
    assert shown <= 11


def test_more_comparisons_than_are_shown_are_counted(screen: Screen) -> None:
    make_progress(screen.stream, clock=HandClock()).update(replace(STATE, estimates=STATE.estimates * 6))
    screen.written()
    assert len(screen.rows) == 11
    assert screen.rows[-2] == "  … and 4 more"


def test_time_left_is_that_of_the_trials_that_are_probably_needed(screen: Screen) -> None:
    progress = make_progress(screen.stream, clock=HandClock())
    progress.begin(plan(), [])
    rows = (
        comparison("threads", "unresolved", done=False, more=6),
        comparison("hybrid", "faster", done=False, more=2),
        comparison("processes", "faster", done=True, more=None),
    )
    serial = replace(comparison("serial", "baseline", done=False, more=None), comparison=None)
    found = finding(serial, *rows)
    group = replace(found.groups[0], needed=("serial", "threads", "hybrid"))
    # 32 trials in 16 s; six more of threads and of serial beside them, two more of hybrid.
    progress.look(replace(found, comparisons=3, groups=(group,)), {"g1": [2.0] * 8}, 500.0)
    progress.now("integer_sum × 4", 8)
    screen.written()
    assert screen.rows[0].endswith("8 blocks · 1 of 3 comparisons settled · about 7 s left")


def test_time_left_that_is_not_known_is_the_budgets() -> None:
    assert summary(replace(STATE, seconds_left=None)).endswith("at most 8 min 20 s left")
    assert summary(replace(STATE, seconds_left=9000.0)).endswith("at most 8 min 20 s left")
    assert "left" not in summary(replace(STATE, seconds_left=None, budget_seconds=None))


def test_a_log_gets_a_line_for_the_run_and_one_every_ten_seconds() -> None:
    stream = io.StringIO()
    clock = HandClock()
    progress = make_progress(stream, clock=clock)
    for block in range(40):
        progress.update(replace(STATE, blocks=block, block=block))
        progress.tick()
        clock.seconds += 1
    progress.say("node local was restarted")
    progress.end()
    assert stream.getvalue().splitlines() == [
        "parlab: run 7f3a · article · 3 comparisons",
        "parlab: run 7f3a · 10 blocks · 1 of 3 comparisons settled · about 42 s left",
        "parlab: run 7f3a · 20 blocks · 1 of 3 comparisons settled · about 42 s left",
        "parlab: run 7f3a · 30 blocks · 1 of 3 comparisons settled · about 42 s left",
        "parlab: node local was restarted",
    ]


def test_a_log_gets_no_line_while_no_block_is_done() -> None:
    stream = io.StringIO()
    clock = HandClock()
    progress = make_progress(stream, clock=clock)
    for _ in range(5):
        progress.update(replace(STATE, blocks=0))
        clock.seconds += 60
    assert len(stream.getvalue().splitlines()) == 1


def test_quiet_is_quiet(screen: Screen) -> None:
    progress = make_progress(screen.stream, quiet=True, clock=HandClock())
    progress.begin(plan(), [])
    progress.now("integer_sum", None)
    progress.tick()
    progress.say("node local was restarted")
    progress.end()
    assert screen.written() == ""


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    make_progress(screen.stream, clock=HandClock()).update(STATE)
    assert "\x1b" not in screen.written()


def test_a_locale_without_these_signs_gets_others() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    make_progress(stream, clock=HandClock()).say("threads ×4 · 10⁷")
    assert raw.getvalue() == b"parlab: threads x4 | 10^7\n"


def test_a_reader_that_has_gone_does_not_end_the_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w", encoding="utf-8")
    progress = make_progress(stream, clock=HandClock())
    progress.update(STATE)
    progress.say("still here")
    progress.end()
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_a_terminal_that_was_closed_does_not_end_the_run() -> None:
    screen = Screen()
    progress = make_progress(screen.stream, clock=HandClock())
    os.close(screen.own)
    progress.update(STATE)
    progress.tick()
    progress.end()
    with pytest.raises(OSError, match="Input/output"):
        screen.stream.close()


def test_ctrl_c_leaves_a_clean_terminal() -> None:
    script = (
        "import sys, time\n"
        "from parlab.orchestrator.control.progress import make_progress\n"
        "from parlab.orchestrator.control.progress_state import ProgressState\n"
        "progress = make_progress(sys.stderr)\n"
        "try:\n"
        "    progress.update(ProgressState('7f3a', 'article', 'integer_sum', 3))\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
        "finally:\n"
        "    progress.end()\n"
    )
    screen = Screen()
    process = subprocess.Popen([sys.executable, "-c", script], stderr=screen.stream, cwd=CHECKOUT)
    try:
        deadline = time.monotonic() + 20
        text = ""
        while "block 4" not in text and time.monotonic() < deadline:
            text += screen.written()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        screen.written()
    finally:
        process.kill()
        process.wait()
        screen.close()
    assert "block 4" in text
    assert screen.rows == [""]


def test_a_race_says_how_many_ways_may_still_be_the_best() -> None:
    stream, clock = io.StringIO(), HandClock()
    progress = make_progress(stream, clock=clock)
    race = replace(plan(), experiment=Experiment("advise", "?", (), (), stop=Stop(until="best")))
    progress.begin(race, [])
    rows = (
        replace(comparison("threads", "faster", done=True, more=None), best="fastest", level=SECONDS),
        replace(
            comparison("hybrid", "faster", done=True, more=None), best="not distinguished", level=SECONDS
        ),
        replace(comparison("processes", "slower", done=True, more=None), level=SECONDS),
    )
    progress.look(finding(*rows), {"g1": [2.0] * 8}, 500.0)
    progress.now("shop:thumbnail", 8)
    clock.seconds += 20
    progress.now("shop:thumbnail", 9)
    assert "8 blocks · 2 of 3 ways may be the best" in stream.getvalue()


def test_a_node_of_another_version_is_told_of(make_node: Callable[..., NodeRegistration]) -> None:
    stream = io.StringIO()
    progress = make_progress(stream, clock=HandClock())
    progress.begin(plan(), [make_node("desk"), replace(make_node("attic"), parlab_version="0.1.7")])
    told = f"parlab: node attic has parlab 0.1.7, this is {__version__}: install the same on both\n"
    assert stream.getvalue() == told


def test_progress_loads_rich_only_for_a_terminal() -> None:
    script = (
        "import io, sys\n"
        "from parlab.orchestrator.control.progress import make_progress\n"
        "make_progress(io.StringIO()), make_progress(io.StringIO(), quiet=True)\n"
        "sys.exit('rich.console' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
