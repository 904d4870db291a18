"""A run on a terminal: at several widths, in pipes, without colours, without Unicode."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import termios
from dataclasses import replace
from typing import TextIO

import pytest
from rich.cells import cell_len

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.formats.terminal import OUTPUT, write

ESCAPE = "\x1b"


def shown(run: RunView, width: int | None = 120) -> str:
    stream = io.StringIO()
    write(run, stream, width)
    return stream.getvalue()


def line_of(text: str, label: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(label))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> TextIO:
    """A stream that says it is a colour terminal of 100 columns."""
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    return Terminal()


SAMPLE = """\
article · do threads or processes speed this work up?                 run 7f3a · 1 node · seed 42
node laptop-py311 · 2 effective CPUs (affinity 2, no quota) · CPython 3.11.7, GIL on

integer_sum(10⁷) × 4       seconds (quartiles)  speed-up [95 %]    start-up  memory   verdict
  serial                   2.08 (2.02–2.15)     1                  –         9.0 MB   baseline
  threads ×4               2.31 (2.24–2.40)     0.90 [0.86, 0.95]  300 µs    +0.2 MB  slower
  processes ×4 forkserver  1.09 (1.06–1.13)     1.91 [1.83, 1.99]  41.0 ms   +31 MB   faster
  hybrid 2×2               1.10 (1.07–1.15)     1.89 [1.80, 1.97]  39.0 ms   +17 MB   faster ◀
  asyncio ×4               –                    –                  –         –        skipped
  asyncio ×4: skipped: integer_sum has no async function

Processes ×4 do this work 1.91 times as fast as one by one (95 %: 1.83–1.99, 9 blocks). Hybrid
2×2 ties with them in half the memory. Threads do not help: the GIL is on, and the tree used 1.0
CPU.

Settled in 71 s · more precision: parlab resume 7f3a --precision 5%
◀ recommended: the cheapest of those tied with the fastest
Left out for lack of space (97 columns): efficiency
"""


def test_a_run_looks_as_it_was_designed(article: RunView) -> None:
    assert shown(article, 97) == SAMPLE
    assert re.search(
        r"processes ×4 forkserver .* 1\.91 \[1\.83, 1\.99\] +0\.95 +41\.0 ms", shown(article, 120)
    )


@pytest.mark.parametrize("width", [60, 80, 100, 160, 400])
def test_no_line_is_wider_than_the_terminal_nor_ends_in_blanks(
    article: RunView, troubled: RunView, width: int
) -> None:
    for run in (article, troubled):
        for line in shown(run, width).splitlines():
            assert cell_len(line) <= width
            assert line == line.rstrip()


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_the_answer_is_there_at_every_width(troubled: RunView, width: int) -> None:
    text = shown(troubled, width)
    assert "1.92 [1.70, –]" in text
    assert "faster ◀" in text
    assert "failed" in text


def test_what_a_narrow_terminal_has_no_room_for_is_named(article: RunView) -> None:
    assert "Left out for lack of space (80 columns): efficiency, start-up, quartiles" in shown(article, 80)
    assert "Left out" not in shown(article, 160)


def test_a_long_name_does_not_push_the_verdict_out(article: RunView) -> None:
    group = article.finding.groups[0]
    rows = (*group.configurations[:3], replace(group.configurations[3], label="hybrid 2×2 " + "spawn" * 12))
    finding = replace(article.finding, groups=(replace(group, configurations=rows),))
    text = shown(replace(article, finding=finding), 80)
    assert "faster ◀" in text
    assert all(cell_len(line) <= 80 for line in text.splitlines())


def test_failed_and_skipped_rows_have_a_dash_and_a_reason(troubled: RunView) -> None:
    text = shown(troubled, 160)
    assert re.search(r"processes ×4 forkserver +– +– +– +– +– +failed", text)
    assert "processes ×4 forkserver on 3.11.7: failed: ValueError: broken" in text
    assert "processes ×4 forkserver on 3.13.5t: skipped: forkserver is missing in this build" in text
    assert "Tracebacks: parlab export 7f3a --format json" in text


def test_a_speed_up_without_an_interval_says_so(troubled: RunView) -> None:
    assert "1.04 [none yet]" in line_of(shown(troubled), "hybrid")


def test_what_is_not_distinguished_from_the_fastest_has_a_sign_that_is_explained(troubled: RunView) -> None:
    text = shown(troubled)
    assert line_of(text, "hybrid").endswith("unresolved ◁")
    assert "◁ not distinguished from the fastest" in text


def test_rejected_and_lost_trials_are_counted_with_their_causes(troubled: RunView) -> None:
    assert "do not count: threads ×4 on 3.11.7 3 of 12 (steal 2, died 1)" in shown(troubled)


def test_each_build_has_its_line_and_its_gil_as_the_trials_saw_it(troubled: RunView) -> None:
    text = shown(troubled, 160)
    assert "CPython 3.11.7, GIL on; CPython 3.13.5t, GIL off" in text.replace("\n", " ")
    assert "\n  CPython 3.13.5t, GIL off\n    serial" in text
    assert "serial on 3.13.5t: compared with serial on 3.11.7" in text


def test_a_gil_that_came_back_is_shown_as_it_was_seen(troubled: RunView) -> None:
    *others, last = troubled.trials
    on = replace(last, result=replace(last.result, gil_enabled=True))
    assert "CPython 3.13.5t, GIL on" in shown(replace(troubled, trials=(*others, on)), 160)
    both = replace(troubled, trials=(*others, last, on))
    assert "CPython 3.13.5t, GIL off and on" in shown(both, 160)


def test_warnings_come_before_any_figure(troubled: RunView) -> None:
    text = shown(replace(troubled, warnings=("the wall clock was set by 3 s",)))
    assert text.index("! 3 of 40 trials") < text.index("! the wall clock") < text.index("seconds (quartiles)")


def test_small_times_are_in_units_that_suit_them(troubled: RunView) -> None:
    text = shown(troubled, 160)
    assert "ms (quartiles)" in line_of(text, "wait(seconds=0.02) × 120")
    assert "31.2 (30.9–31.8)" in text


def test_memory_that_is_not_known_is_a_dash_with_its_reason(troubled: RunView) -> None:
    assert "memory is not known: this system has no /proc" in shown(troubled)


def test_a_workloads_words_cannot_reach_the_screen_as_commands(troubled: RunView) -> None:
    assert ESCAPE not in shown(troubled)
    assert "[bold]" in shown(replace(troubled, warnings=("[bold]",)))


def test_what_goes_to_a_pipe_has_no_colour_and_needs_no_width(article: RunView) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        OUTPUT.write(article, stream)
    with os.fdopen(reading, encoding="utf-8") as stream:
        text = stream.read()
    assert ESCAPE not in text
    assert "efficiency" in text
    assert "Left out" not in text


def test_a_terminal_has_colours_and_one_with_no_color_has_none(
    article: RunView, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    OUTPUT.write(article, terminal)
    colours = terminal.getvalue()
    assert "\x1b[32mfaster" in colours
    terminal.truncate(0)
    monkeypatch.setenv("NO_COLOR", "1")
    OUTPUT.write(article, terminal)
    assert "\x1b[3" not in terminal.getvalue()


def test_a_real_terminal_is_filled_to_its_own_width(article: RunView) -> None:
    own, other = pty.openpty()
    try:
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
        with os.fdopen(other, "w", encoding="utf-8") as stream:
            OUTPUT.write(article, stream)
            stream.flush()
            text = ""
            # A terminal hands over what it has, which need not be all.
            while "(80 columns)" not in text:
                text += os.read(own, 1 << 16).decode("utf-8", "replace")
    finally:
        os.close(own)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_locale_without_these_signs_gets_others(troubled: RunView, encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    write(troubled, stream, 160)
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert "integer_sum(10^7) x 4" in text
    assert "1.20 (1.10-1.30)" in text
    assert "faster <<" in text
    assert "?" not in text.replace("broken?[31m", "").replace("work up?", "")


def test_several_hosts_are_told_apart_by_name(article: RunView) -> None:
    host = article.plan.hosts[0]
    plan = replace(article.plan, hosts=(host, replace(host, id="h2", nodes=("other",))))
    assert "integer_sum(10⁷) × 4 · host laptop" in shown(replace(article, plan=plan), 160)


@pytest.mark.parametrize(
    ("state", "last_line"),
    [
        ("done", "Settled in 71 s · more precision: parlab resume 7f3a --precision 5%"),
        (
            "budget",
            "Stopped at its budget after 71 s, 0 of 3 comparisons still open · continue: parlab resume 7f3a",
        ),
        (
            "interrupted",
            "Interrupted after 71 s, 0 of 3 comparisons still open · continue: parlab resume 7f3a",
        ),
        ("failed", "Ended after 71 s: every comparison is settled"),
        ("running", "It is still running, or its command was killed; 0 of 3 comparisons still open"),
        ("planned", "Nothing has been measured yet · start: parlab resume 7f3a"),
    ],
)
def test_each_ending_says_how_to_go_on(article: RunView, state: str, last_line: str) -> None:
    assert last_line in shown(replace(article, state=state))  # type: ignore[arg-type]


def test_a_run_without_a_single_figure_is_shown_without_one(article: RunView) -> None:
    group = article.finding.groups[0]
    rows = tuple(
        replace(
            row,
            seconds=None,
            memory_bytes=None,
            start_up_seconds=None,
            efficiency=None,
            comparison=row.comparison and replace(row.comparison, verdict="unresolved", speed_up=None),
            outcomes={},
            best=None,
            recommended=False,
        )
        for row in group.configurations
    )
    finding = replace(article.finding, groups=(replace(group, configurations=rows, sentences=()),))
    text = shown(replace(article, finding=finding, state="interrupted"))
    assert "0.0" not in text
    assert line_of(text, "threads").split() == ["threads", "×4", "–", "–", "unresolved"]


def test_a_run_that_has_no_group_is_shown_without_a_table(article: RunView) -> None:
    finding = replace(article.finding, groups=())
    assert shown(replace(article, finding=finding, state="failed")).endswith("every comparison is settled\n")
