"""Bars in a terminal's tables: where there is a terminal with room for them, and nowhere else."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import termios
import threading
from dataclasses import replace

import pytest
from rich.cells import cell_len

from parlab.orchestrator.analysis.findings.run import GroupMeasure
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.experiment.model import WorkloadChoice
from parlab.orchestrator.show.formats.terminal import OUTPUT, write

_COLOUR = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture(autouse=True)
def xterm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def on_a_terminal(run: RunView, columns: int, encoding: str = "utf-8") -> str:
    """Write a run to a real terminal of that width; what came there, without its carriage returns."""
    own, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    parts: list[bytes] = []

    def read() -> None:
        # On Linux, reading from a terminal whose other side is closed is an error.
        try:
            while part := os.read(own, 1 << 16):
                parts.append(part)
        except OSError:
            return

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(other, "w", encoding=encoding) as stream:
        OUTPUT.write(run, stream)
    reader.join(20)
    os.close(own)
    return b"".join(parts).decode(encoding).replace("\r\n", "\n")


def plain(text: str) -> str:
    return _COLOUR.sub("", text)


def row_of(text: str, label: str) -> str:
    return next(line for line in plain(text).splitlines() if line.strip().startswith(label))


def test_a_wide_terminal_draws_each_comparison_on_one_scale(article: RunView) -> None:
    text = on_a_terminal(article, 160)
    head, serial, threads, processes, hybrid, asyncio = plain(text).splitlines()[3:9]
    one = serial.index("│")
    assert head[one] == "1"
    assert re.search(r"0\.90 \[0\.86, 0\.95\] +├─*●─*┤░?│", threads)
    assert re.search(r"1\.91 \[1\.83, 1\.99\] .*│.*├─*●─*┤ +0\.95", processes)
    assert [line[one] for line in (threads, processes, hybrid, asyncio)] == ["│"] * 4
    assert threads.index("●") < one < hybrid.index("●") <= processes.index("●")
    assert "efficiency" in head
    assert "Left out" not in text


def test_a_bar_has_its_verdicts_colour_and_the_mark_has_none(article: RunView) -> None:
    text = on_a_terminal(article, 160)
    threads = next(line for line in text.splitlines() if "threads ×4" in line)
    assert re.search(r"\x1b\[31m├─*●─*┤\x1b\[0m\x1b\[2m░?│", threads)
    assert "\x1b[31mslower" in threads


def test_bars_need_no_colour(article: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = on_a_terminal(article, 160)
    monkeypatch.setenv("NO_COLOR", "1")
    text = on_a_terminal(article, 160)
    assert "\x1b[3" not in text
    assert plain(text) == plain(coloured)


def test_a_bar_takes_the_place_of_the_efficiency_and_of_nothing_else(article: RunView) -> None:
    text = plain(on_a_terminal(article, 120))
    assert "●" in row_of(text, "processes")
    assert "41.0 ms" in row_of(text, "processes")
    assert "Left out for lack of space (120 columns): efficiency\n" in text


@pytest.mark.parametrize("columns", [60, 80, 97, 110])
def test_a_terminal_without_room_for_bars_shows_what_it_always_did(article: RunView, columns: int) -> None:
    stream = io.StringIO()
    write(article, stream, columns)
    assert plain(on_a_terminal(article, columns)) == stream.getvalue()
    assert "●" not in stream.getvalue()


def test_a_dumb_terminal_gets_no_bars(article: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    group = article.finding.groups[0]
    # So little that there is room for bars in the 80 columns that a dumb terminal is taken to have.
    serial, *_, hybrid = (
        replace(row, memory_bytes=None, start_up_seconds=None) for row in group.configurations
    )
    small = replace(
        group, label="w", configurations=(serial, replace(hybrid, label="hybrid", efficiency=None))
    )
    planned = replace(article.plan.groups[0], skipped=())
    run = replace(
        article,
        plan=replace(article.plan, groups=(planned,)),
        finding=replace(article.finding, groups=(small,)),
    )
    assert "●" in on_a_terminal(run, 80)
    monkeypatch.setenv("TERM", "dumb")
    text = on_a_terminal(run, 80)
    assert "●" not in text
    assert "1.89 [1.80, 1.97]" in row_of(text, "hybrid")


def test_what_goes_to_a_pipe_has_no_bars_at_any_width(
    article: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("FORCE_COLOR", "1")
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        OUTPUT.write(article, stream)
    with os.fdopen(reading, encoding="utf-8") as stream:
        assert "●" not in stream.read()


@pytest.mark.parametrize("columns", range(117, 124))
def test_a_bar_costs_no_other_cell_a_sign(article: RunView, columns: int) -> None:
    text = plain(on_a_terminal(article, columns, "ascii"))
    assert re.search(
        r"processes x4 forkserver  1\.09 .* [o\[\]-]+ +41\.0 ms   \+31 MB   faster$", text, re.MULTILINE
    )
    assert re.search(r"hybrid 2x2 .* faster <<$", text, re.MULTILINE)


@pytest.mark.parametrize("columns", [120, 125, 160, 400])
def test_with_bars_too_no_line_is_wider_than_the_terminal(
    article: RunView, troubled: RunView, columns: int
) -> None:
    for run in (article, troubled):
        lines = plain(on_a_terminal(run, columns)).splitlines()
        assert any("●" in line for line in lines)
        for line in lines:
            assert cell_len(line) <= columns
            assert line == line.rstrip()


def test_a_terminal_without_these_signs_draws_with_others(troubled: RunView) -> None:
    text = plain(on_a_terminal(troubled, 160, "ascii"))
    assert re.search(r"0\.90 \[0\.86, 0\.95\] +\[-*o-*\]\.?\|", text)
    assert row_of(text, "serial").endswith("baseline")
    assert re.search(r"1\.04 \[none yet\] +<-+\+o?-*o?-*>", text)
    # What is recommended has two signs there, for which the bar left room.
    assert re.search(r"threads x4 .* faster <<$", text, re.MULTILINE)


def test_what_failed_or_was_skipped_has_the_mark_alone_and_a_builds_line_nothing(troubled: RunView) -> None:
    text = on_a_terminal(troubled, 160)
    assert re.search(r"processes ×4 forkserver  –  +–  +░?│░?  +–", plain(text))
    assert "│" not in row_of(text, "CPython 3.13.5t")


def test_a_bound_that_is_not_known_is_an_arrow(troubled: RunView) -> None:
    text = plain(on_a_terminal(troubled, 160))
    assert re.search(r"1\.92 \[1\.70, –\] .*│.*├─*●─*→", text)
    assert re.search(r"1\.04 \[none yet\] +←─*┼─*●─*→", text)


def test_a_scenarios_bar_goes_the_way_its_figure_does(article: RunView) -> None:
    scenario = WorkloadChoice("interpreter_memory", {}, scenario=True)
    planned = replace(article.plan.groups[0], workload=scenario)
    found = replace(article.finding.groups[0], measure=GroupMeasure("memory", "bytes"))
    run = replace(
        article,
        plan=replace(article.plan, groups=(planned,)),
        finding=replace(article.finding, groups=(found,)),
    )
    text = on_a_terminal(run, 160)
    # It takes 1.11 times the baseline's: to the right, whereas its speed-up of 0.90 would be to the left.
    assert re.search(r"1\.11 \[1\.05, 1\.16\] .*│░?├─*●─*┤", row_of(text, "threads"))
    assert re.search(r"0\.52 \[0\.50, 0\.55\] +├─*●─*┤ .*│", row_of(text, "processes"))


def test_a_table_with_nothing_to_compare_has_no_column_of_bars(article: RunView) -> None:
    group = article.finding.groups[0]
    alone = replace(group, configurations=group.configurations[:1])
    text = on_a_terminal(replace(article, finding=replace(article.finding, groups=(alone,))), 160)
    assert "│" not in text
