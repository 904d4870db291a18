"""A few lines at the end of a terminal that are drawn over and taken away again.

Drawn by hand, with no colour, because it has to cost next to nothing: one write per frame, of lines
that are cut to the width, so that the cursor is always where it is thought to be.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len

from parlab.orchestrator.control.progress_state import OpenComparison, ProgressState, Surface, summary
from parlab.orchestrator.figures import ascii_only, can_show, interval, printable, waiting
from parlab.orchestrator.show.text.interval_bar import ASCII, Bounded, Signs, bar, scale_of, signs_for
from parlab.workers.clock import Clock

_FRAME_SECONDS = 1.0
_ESTIMATES = 8
#: Columns of a bar, at the least and at the most.
_BAR_LEAST, _BAR_MOST = 17, 33
#: A tick writes less than this, so that it never costs a round anything that could be seen.
_TICK_BYTES = 200
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"


class LiveLines(Surface):
    """Shows a run's progress in place."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        """Draw on ``stream``, a terminal; ``clock`` keeps it to one frame, one tick a second."""
        self._stream = stream
        self._clock = clock
        self._ascii = not can_show(stream)
        self._signs = ASCII if self._ascii else signs_for(getattr(stream, "encoding", None))
        self._frame: list[str] = []
        self._drawn_ns: int | None = None
        self._ticked_ns = 0

    def update(self, state: ProgressState) -> None:
        """Draw a state, unless the last drawing is less than a second old."""
        now = self._clock.monotonic_ns()
        if self._drawn_ns is not None and now - self._drawn_ns < _FRAME_SECONDS * 1e9:
            return
        self._drawn_ns = self._ticked_ns = now
        columns, lines = self._size()
        self._write(self._erasure() + self._draw(_frame(state, lines - 1, columns - 1, self._signs), columns))

    def tick(self, state: ProgressState, seconds: float) -> None:
        """Write the last line anew, at most once a second, in less than 200 bytes."""
        now = self._clock.monotonic_ns()
        if not self._frame or now - self._ticked_ns < _FRAME_SECONDS * 1e9:
            return
        self._ticked_ns = now
        room = _TICK_BYTES - len(_CLEAR_LINE) - 2
        line = self._cut(f"{_status(state)} · {waiting(seconds)}", self._size()[0])
        while len(line.encode("utf-8", "replace")) > room:
            line = line[:-1]
        self._frame[-1] = line
        self._write(f"\r{line}{_CLEAR_LINE}")

    def say(self, text: str) -> None:
        """Write a line that stays, above the frame."""
        frame = "\n".join(self._frame)
        self._write(f"{self._erasure()}{self._text(text)}\n{frame}")

    def end(self) -> None:
        """Take the frame away; the cursor is where the frame began."""
        erasure = self._erasure()
        self._frame = []
        self._drawn_ns = None
        self._write(erasure)

    def _erasure(self) -> str:
        if not self._frame:
            return ""
        up = len(self._frame) - 1
        return "\r" + (f"\x1b[{up}A" if up else "") + _CLEAR_BELOW

    def _draw(self, lines: list[str], columns: int) -> str:
        self._frame = [self._cut(line, columns) for line in lines]
        return "\n".join(self._frame)

    def _cut(self, text: str, columns: int) -> str:
        """Cut a line to less than the width: after a full one, some terminals' cursor is on the next."""
        line = self._text(text)
        while cell_len(line) >= columns:
            line = line[:-1]
        return line

    def _text(self, text: str) -> str:
        clean = printable(text)
        return ascii_only(clean) if self._ascii else clean

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return 80, 24
        # A terminal that does not know its size says 0.
        return size.columns or 80, size.lines or 24

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # The terminal has gone (a closed window or connection). A run is not given up for that.
            self._frame = []


def _frame(state: ProgressState, room: int, columns: int, signs: Signs) -> list[str]:
    """Put a frame together, of at most ``room`` lines; the last is the one that ticks.

    Where a line has more than ``columns``, it is left to be cut; bars are only drawn where none has to be.
    """
    shown = state.estimates[: max(0, min(_ESTIMATES, room - 3))]
    lines = [f"run {state.run} · {state.experiment} · {summary(state)}"]
    rows: list[tuple[str, ...]] = [
        (estimate.label, _ratio(estimate), estimate.verdict, _more(estimate)) for estimate in shown
    ]
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    bars = _bars(shown, state.margin, columns - sum(widths) - 2 * (len(widths) + 1), signs)
    if bars:
        rows = [(*row[:2], drawn, *row[2:]) for row, drawn in zip(rows, bars, strict=True)]
        widths.insert(2, len(bars[0]))
    for row in rows:
        padded = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        lines.append("  " + "  ".join(padded).rstrip())
    if len(shown) < len(state.estimates):
        lines.append(f"  … and {len(state.estimates) - len(shown)} more")
    return [*lines, _status(state)]


def _bars(estimates: Sequence[OpenComparison], margin: float | None, room: int, signs: Signs) -> list[str]:
    """Draw the estimates on one scale, in at most ``room`` columns; nothing where that is not enough."""
    ratios = [None if e.ratio is None else Bounded(e.ratio, e.low, e.high) for e in estimates]
    scale = scale_of((ratio for ratio in ratios if ratio is not None), margin)
    if scale is None or room < _BAR_LEAST:
        return []
    return [bar(ratio, scale, min(room, _BAR_MOST), signs) for ratio in ratios]


def _ratio(estimate: OpenComparison) -> str:
    return "–" if estimate.ratio is None else interval(estimate.ratio, estimate.low, estimate.high)


def _more(estimate: OpenComparison) -> str:
    if estimate.more_blocks is None:
        return ""
    return f"about {estimate.more_blocks} more block{'s' * (estimate.more_blocks != 1)}"


def _status(state: ProgressState) -> str:
    if state.running is None:
        return "starting"
    return f"{state.running} · " + ("calibrating" if state.block is None else f"block {state.block + 1}")
