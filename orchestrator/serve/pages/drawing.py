"""Has charts drawn by another process: the engine would hold up every thread of this one."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import threading
from dataclasses import asdict

from parlab.orchestrator.show.charts.base import Chart
from parlab.workers.errors import LabError

#: Beyond this, something is wrong with the engine or the machine; a first picture takes some seconds.
LIMIT_SECONDS = 60.0
_MODULE = "parlab.orchestrator.serve.pages.drawing_process"


class NotDrawn(LabError):
    """A chart could not be drawn."""


class Drawer:
    """One process that draws, begun when it is needed. May be used from any thread: charts take turns."""

    def __init__(self) -> None:
        """Begin without a process."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def svg(self, chart: Chart) -> str:
        """Draw a chart as SVG; raises NotDrawn where that fails."""
        request = f"{json.dumps(asdict(chart))}\n".encode()
        with self._lock:
            answer = self._asked(request)
            if answer is None:
                # It had ended, since nothing was asked for a while.
                answer = self._asked(request)
        if answer is None:
            raise NotDrawn(f"chart {chart.name}: the process that draws has died", "See the server's log.")
        if "svg" not in answer:
            raise NotDrawn(f"chart {chart.name}: {answer.get('fault')}", "Please report it.")
        return str(answer["svg"])

    def close(self) -> None:
        """End the process, and begin no other: who waits for a picture hears that there is none."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._lock:
            self._drop()

    def _asked(self, request: bytes) -> dict[str, object] | None:
        """Ask the process, a new one where there is none; None where it has died."""
        if self._process is not None and self._process.poll() is not None:
            self._drop()
        if self._process is None:
            if self._closed:
                return None
            self._process = _started()
        try:
            line = _exchanged(self._process, request)
        except (OSError, TimeoutError):
            line = b""
        if not line.endswith(b"\n"):
            self._drop()
            return None
        answer: dict[str, object] = json.loads(line)
        return answer

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )


def _exchanged(process: subprocess.Popen[bytes], request: bytes) -> bytes:
    """Send a line and read one, or up to the end; raises TimeoutError where nothing comes for too long."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(request)
    found = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not found.endswith(b"\n"):
            if not selector.select(LIMIT_SECONDS):
                raise TimeoutError
            part = process.stdout.read(1 << 16)
            if not part:
                break
            found += part
    return bytes(found)
