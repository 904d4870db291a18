"""`parlab serve` as its users run it: a process, asked over HTTP."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from parlab.orchestrator.lab.embedded import EmbeddedServer
from tests.conftest import ready_command
from tests.support.checkout import SOURCE
from tests.support.laboratory import Laboratory, laboratory, wait_until
from tests.support.ready_command import ForkedCommand

TOKEN = "a-token-that-only-this-test-knows"


@dataclass
class Served:
    """A running orchestrator."""

    process: subprocess.Popen[str] | ForkedCommand
    url: str
    home: Path
    #: Whose server it has.
    lab: Laboratory
    #: One for all questions: to make it takes longer than to ask. Each has a connection of its own.
    _http: httpx.Client = field(
        default_factory=lambda: httpx.Client(
            timeout=30, verify=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
    )

    @property
    def lines(self) -> list[str]:
        """What it has printed so far."""
        return (self.home / "printed").read_text().splitlines()

    def ask(
        self, path: str, method: str = "GET", *, token: str | None = TOKEN, **options: Any
    ) -> httpx.Response:
        """Ask it something."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        return self._http.request(method, f"{self.url}{path}", headers=headers, **options)

    def begin(self, document: dict[str, Any]) -> str:
        """Begin a run."""
        answer = self.ask("/api/runs", "POST", json=document)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run"])

    def run(self, run: str) -> dict[str, Any]:
        """Look at a run."""
        answer = self.ask(f"/api/runs/{run}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def until(self, run: str, state: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a run's state."""
        wait_until(lambda: self.run(run)["state"] == state, seconds)
        return self.run(run)

    def blocks(self, run: str) -> int:
        """Blocks that a run has measured."""
        return int(self.run(run)["progress"]["blocks"])

    def end(self, limit_seconds: float = 10) -> int:
        """End it as a container is ended; its exit code."""
        self.process.terminate()
        return self.process.wait(limit_seconds)


def experiment(
    name: str = "waits", *, blocks: int = 2, seconds: float = 0.002, **more: Any
) -> dict[str, Any]:
    """A small experiment: waiting by one and by two threads."""
    return {
        "experiment": {"name": name, "question": "?", "trial_seconds": 0.05},
        "workload": [{"name": "wait", "seconds": seconds, "tasks": 4}],
        "strategy": [{"name": "serial"}, {"name": "threads", "max_workers": 2}],
        "stop": {"rule": "fixed", "blocks": blocks, "budget": "120s"},
        **more,
    }


def start(
    lab: Laboratory,
    home: Path,
    *,
    token: str | None = TOKEN,
    within: Sequence[str] = (),
    port: str = "0",
    **environment: str,
) -> Served:
    """Start an orchestrator for a laboratory's server: on a free port; ``within`` another command."""
    home.mkdir(exist_ok=True)
    key = home / "lab.key"
    key.write_text(lab.key.hex())
    key.chmod(0o600)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PARLAB_")}
    if "PARLAB_REDIS_URL" not in environment:
        environment["PARLAB_REDIS_URL"] = lab.server.url
    own |= {"PARLAB_HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": SOURCE}
    own |= {**({"PARLAB_TOKEN": token} if token else {}), **environment}
    printed = home / "printed"
    printed.write_text("")
    process: subprocess.Popen[str] | ForkedCommand
    if within:
        with printed.open("w") as output:
            process = subprocess.Popen(
                [*within, sys.executable, "-P", "-m", "parlab", "serve", "--port", port],
                stdout=output, stderr=subprocess.STDOUT, text=True, cwd=home, env=own,
            )  # fmt: skip
    else:
        process = ready_command().start(["serve", "--port", port], home, own, printed, printed)
    served = Served(process, "", home, lab)
    pattern = re.compile(r"on (http://\S+)")
    wait_until(lambda: any(map(pattern.search, served.lines)) or process.poll() is not None, 20)
    found = next((m[1] for line in served.lines if (m := pattern.search(line))), None)
    assert found is not None, "\n".join(served.lines)
    served.url = found

    def answers() -> bool:
        try:
            return served.ask("/healthz", token=None).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(answers, 20)
    return served


@contextmanager
def serving(lab: Laboratory, home: Path, **options: Any) -> Iterator[Served]:
    """An orchestrator that is ended afterwards, whatever happened."""
    served = start(lab, home, **options)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
        served.process.wait()


def compared(found: dict[str, Any]) -> list[int]:
    """Blocks in each comparison of a run. A trial that was rejected is measured again, in a block more."""
    return [verdict["blocks"] for verdict in found["verdicts"] if verdict["level"] is not None]


@pytest.fixture(scope="module")
def served(shared_server: EmbeddedServer, build_id: str) -> Iterator[Served]:
    """An orchestrator with a node "a", for the tests of a file that leave both as they are."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        lab = laboratory(shared_server, folder, build_id, stack)
        served = stack.enter_context(serving(lab, folder / "orchestrator"))
        lab.node("a").start()
        wait_until(lambda: served.ask("/readyz").status_code == 200)
        yield served


def events(text: str) -> list[tuple[str, Any]]:
    """Read server-sent events."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found
