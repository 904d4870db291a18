"""Cost of people who look on: the orchestrator's share of a CPU, its pages' lag, and their first paint.

A real ``parlab serve`` works on a run, and as many browsers as are asked for follow the run's page: they are
event streams, as a browser's script opens them, read as fast as they come. CPU is the server's alone, read
from its clock; the process that draws is told apart. Lag is from the moment that a block's sitting was stored
until its number of blocks is at the last follower. First paint is headless Chromium's own. Wanted: 50
followers under 10 % of one CPU, lag at most 2 s, first paint under 300 ms.
``python -m benchmarks.cost.followers``, three minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.machine import header
from parlab.orchestrator.lab.embedded import EmbeddedNode, EmbeddedServer
from parlab.orchestrator.lab.queue import LabQueue
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from parlab.workers.host.tree import cpu_nanoseconds, processes_below
from parlab.workers.wire.connection import connect
from parlab.workers.wire.signing import node_key

_KEY = bytes(range(32))
_TOKEN = "the-token-of-this-benchmark"  # noqa: S105 - of a server that lives as long as the benchmark
_CHROMIUM = "/usr/bin/chromium"
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
_BLOCKS = re.compile(r"^(\d+) block")


def experiment(ways: int) -> dict[str, Any]:
    """Compare so many ways of waiting, for longer than anybody looks."""
    return {
        "experiment": {"name": "followers", "question": "What does looking cost?", "trial_seconds": 0.1},
        "workload": [{"name": "wait", "seconds": 0.002, "tasks": 8}],
        "strategy": [{"name": "serial"}, {"name": "threads", "max_workers": list(range(2, 2 + ways))}],
        "stop": {"rule": "fixed", "blocks": 5000, "budget": "1h"},
    }


@dataclass
class Served:
    """A lab that works."""

    url: str
    pid: int
    home: Path

    def begin(self, ways: int) -> str:
        """Begin a run."""
        request = urllib.request.Request(  # noqa: S310 - of our own server
            f"{self.url}/api/runs",
            data=json.dumps(experiment(ways)).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {_TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return str(json.load(answer)["run"])

    def get(self, path: str) -> bytes:
        """Ask for something."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=60) as answer:  # noqa: S310 - as above
            return bytes(answer.read())

    def stop(self, run: str) -> None:
        """Stop a run."""
        request = urllib.request.Request(  # noqa: S310 - as above
            f"{self.url}/api/runs/{run}", method="DELETE", headers={"Authorization": f"Bearer {_TOKEN}"}
        )
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310 - as above

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time so far of the server, and of what it has draw."""
        return cpu_nanoseconds(self.pid) / 1e9, sum(map(cpu_nanoseconds, processes_below(self.pid))) / 1e9


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Start a server of Redis, a node and an orchestrator, and end them."""
    (folder / "redis").mkdir()
    home = folder / "home"
    home.mkdir()
    (home / "lab.key").write_text(_KEY.hex())
    (home / "lab.key").chmod(0o600)
    server = EmbeddedServer(folder / "redis")
    server.start()
    environment = {**os.environ, "PARLAB_REDIS_URL": server.url, "TMPDIR": str(folder)}
    # What disturbs a trial is of no interest here, and a machine that looks on is disturbed.
    of_node = {**environment, "PARLAB_NODE_KEY": node_key(_KEY, "a").hex()}
    of_node["PARLAB_TOLERATE"] = "load other-measurement steal throttled"
    queue = LabQueue(connect(server.url), _KEY, "of the benchmark")
    node = EmbeddedNode("a", (sys.executable,), folder / "a", of_node, queue)
    process = subprocess.Popen(
        [sys.executable, "-m", "parlab", "serve", "--port", "0"],
        env={**environment, "PARLAB_HOME": str(home), "PARLAB_TOKEN": _TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = re.search(r"on (http://\S+)", process.stdout.readline())
        assert address is not None, "parlab serve did not start"
        served = Served(address[1], process.pid, home)
        node.start()
        _until(lambda: json.loads(served.get("/healthz"))["status"] == "ok" and _ready(served))
        yield served
    finally:
        process.terminate()
        process.wait(20)
        node.stop()
        server.stop()


def _ready(served: Served) -> bool:
    try:
        return bool(json.loads(served.get("/readyz"))["ready"])
    except OSError:
        return False


def _until(condition: Any) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "the lab did not become ready"
        time.sleep(0.2)


@dataclass
class Follower:
    """One event stream."""

    #: When it first heard of so many blocks, in Unix seconds.
    heard: dict[int, float] = field(default_factory=dict)
    events: int = 0
    bytes: int = 0


async def follow(url: str, run: str, follower: Follower) -> None:
    """Read a run's stream until it is cancelled."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 24)
    writer.write(f"GET /runs/{run}/live HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    try:
        while line := await reader.readline():
            follower.bytes += len(line)
            if not line.startswith(b'data: {"parts"'):
                continue
            follower.events += 1
            shown = json.loads(line[6:])["parts"].get("g1-progress", "")
            if block := _BLOCKS.match(shown):
                follower.heard.setdefault(int(block[1]), time.time())
    finally:
        writer.close()


async def watch(served: Served, run: str, count: int, seconds: float) -> None:
    """Have a run followed by so many, and print what that costs."""
    followers = [Follower() for _ in range(count)]
    tasks = [asyncio.create_task(follow(served.url, run, follower)) for follower in followers]
    # The first picture loads the engine: that is once, and not what following costs.
    await asyncio.sleep(8.0 if count else 2.0)
    before, began = served.cpu_seconds(), time.monotonic()
    begun = time.time()
    await asyncio.sleep(seconds)
    elapsed, after = time.monotonic() - began, served.cpu_seconds()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    server, drawing = ((a - b) / elapsed for a, b in zip(after, before, strict=True))
    print(f"{count:4} followers: server {server:6.2%} of one CPU, drawing {drawing:6.2%}", end="")
    if count:
        events = sum(follower.events for follower in followers) / count / (elapsed + 8)
        size = sum(f.bytes for f in followers) / max(1, sum(f.events for f in followers))
        lags = _lags(served, run, followers, begun)
        print(f"; {events:.2f} events a second, {size / 1e3:.1f} kB each")
        print(
            f"     behind the store, the last of them: median {statistics.median(lags):.2f} s, "
            f"at most {max(lags):.2f} s, {len(lags)} blocks"
        )
    else:
        print()


def _lags(served: Served, run: str, followers: list[Follower], since: float) -> list[float]:
    """Return for each block how long after it was stored the last follower had it."""
    with Store.open(served.home / "parlab.db", SystemClock()) as store:
        ended = sorted(
            sitting.attempt.ended_unix_seconds or 0.0
            for sitting in store.sittings.stored(run)
            if sitting.attempt.block is not None and sitting.attempt.state == "accepted"
        )
    lags = []
    for blocks, stored in enumerate(ended, 1):
        times = [follower.heard.get(blocks) for follower in followers]
        if stored >= since and None not in times:
            lags.append(max(at for at in times if at is not None) - stored)
    assert lags, "no block came in while it was followed"
    return lags


def paint(served: Served, what: str, path: str, times: int) -> None:
    """Print when Chromium first paints a page, each time in a fresh profile."""
    from playwright.sync_api import sync_playwright

    seconds = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        # The browser's own first page starts its processes.
        browser.new_page().goto(f"{served.url}/healthz")
        for _ in range(times):
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{served.url}{path}", wait_until="domcontentloaded")
            # Not wait_for_function: it evaluates text, which the pages' policy forbids.
            while (painted := page.evaluate(_PAINTED)) is None:
                time.sleep(0.02)
            seconds.append(painted / 1e3)
            context.close()
        browser.close()
    spread = ", ".join(f"{taken * 1e3:.0f}" for taken in sorted(seconds))
    print(f"first paint of {what}: median {statistics.median(seconds) * 1e3:.0f} ms (each: {spread})")


def main() -> None:
    """Print what following costs, and when pages are painted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--followers", type=int, nargs="+", default=[0, 50], help="how many follow, each time"
    )
    parser.add_argument("--seconds", type=float, default=40.0, help="how long each time")
    parser.add_argument("--ways", type=int, default=8, help="configurations compared, beside the baseline")
    parser.add_argument("--times", type=int, default=7, help="how often each page is painted")
    given = parser.parse_args()
    print(header("Looking on: what it costs the orchestrator, and how far behind it is"))
    with tempfile.TemporaryDirectory(prefix="pl-") as folder, serving(Path(folder)) as served:
        run = served.begin(given.ways)
        _until(lambda: json.loads(served.get(f"/api/runs/{run}"))["progress"]["blocks"] >= 2)
        for count in given.followers:
            asyncio.run(watch(served, run, count, given.seconds))
        # What the browser itself takes on this machine, as busy as it is.
        paint(served, "a line of text", "/healthz", given.times)
        paint(served, "a run that measures", f"/runs/{run}", given.times)
        served.stop(run)
        paint(served, "a run that has ended, its report not made yet", f"/runs/{run}", 1)
        served.get(f"/runs/{run}/body")
        paint(served, "a run that has ended", f"/runs/{run}", given.times)
        paint(served, "the first page", "/", given.times)


if __name__ == "__main__":
    main()
