"""Draws charts in a process of its own, for whoever must not stand still meanwhile.

The engine that draws holds Python's lock from beginning to end, three seconds the first time: a server's
other threads would answer nobody, and its runs would wait. One chart comes in on a line of standard input
and its SVG goes out on a line of standard output, both as JSON, until the input ends or nothing comes for
a while.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import IO

from parlab.orchestrator.show.charts._kit.drawing import svg
from parlab.orchestrator.show.charts.base import Chart

#: Without a chart for so long it ends by itself: it takes some 100 MB.
IDLE_SECONDS = 300
#: What is measured comes first.
_NICENESS = 10


def serve(source: IO[str], target: IO[str], draw: Callable[[Chart], str] = svg) -> None:
    """Draw what comes on ``source`` until it ends; a chart that cannot be drawn costs none of the others."""
    for line in source:
        signal.alarm(0)
        try:
            answer = {"svg": draw(Chart(**json.loads(line)))}
        except Exception as error:  # noqa: BLE001 - told to whoever asked for it
            answer = {"fault": f"{type(error).__name__}: {error}"}
        target.write(f"{json.dumps(answer)}\n")
        target.flush()
        signal.alarm(IDLE_SECONDS)


def main() -> None:
    """Serve standard input."""
    os.nice(_NICENESS)
    # Ctrl-C in a terminal is for the server; this ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.alarm(IDLE_SECONDS)
    # What the engine prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
