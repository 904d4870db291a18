"""A lab under Docker Compose, brought up and taken down with a test session."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.checkout import CHECKOUT

#: All but Grafana, whose image not every machine can have; its dashboards are proven by their queries.
SERVICES = (
    "redis", "orchestrator", "node-py313", "node-py314", "node-limited", "node-freethreaded", "prometheus",
    "http-target",
)  # fmt: skip


def wait_until(condition: Callable[[], Any], seconds: float, what: str = "it") -> Any:
    """Look until a condition holds and give what it gave; fail when it does not within the limit."""
    limit = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < limit, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.3)


def docker(*arguments: str, check: bool = True, **options: Any) -> str:
    """Run a docker command and give what it printed."""
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=600, **options
    )
    if check:
        assert done.returncode == 0, f"docker {' '.join(arguments[:6])}: {done.stderr[-3000:]}"
    return str(done.stdout)


def free_port() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Lab:
    """One compose project with ports, images and volumes of its own."""

    project: str
    environment: dict[str, str]
    seconds_to_up: float = 0.0
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """Address of the orchestrator."""
        return f"http://127.0.0.1:{self.environment['PARLAB_PORT']}"

    @property
    def prometheus_url(self) -> str:
        """Address of Prometheus."""
        return f"http://127.0.0.1:{self.environment['PARLAB_PROMETHEUS_PORT']}"

    @property
    def redis_address(self) -> str:
        """Where other containers of this machine reach the lab's Redis."""
        return f"{self.environment['PARLAB_REDIS_BIND']}:{self.environment['PARLAB_REDIS_PORT']}"

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run a compose command on the project."""
        return docker(
            "compose", "--project-name", self.project, "--profile", "freethreaded", *arguments,
            cwd=CHECKOUT, env={**os.environ, **self.environment}, check=check,
        )  # fmt: skip

    def up(self) -> None:
        """Bring it up, and wait as a user does."""
        began = time.monotonic()
        self.compose("up", "--wait", "--detach", *SERVICES)
        self.seconds_to_up = time.monotonic() - began
        self.token = self.compose("exec", "-T", "orchestrator", "cat", "/run/parlab-secrets/token").strip()

    def container(self, service: str) -> str:
        """Id of a service's container."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, kind: str = "application/json",
        token: str | None = None,
    ) -> tuple[int, Any]:  # fmt: skip
        """Ask the API and give the status and what it answered."""
        request = urllib.request.Request(f"{self.url}{path}", data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", kind)
        shown = self.token if token is None else token
        if shown:
            request.add_header("Authorization", f"Bearer {shown}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def begin(self, experiment: str) -> str:
        """Begin a run of an experiment's text."""
        status, answer = self.ask(
            "/api/runs", method="POST", body=experiment.encode(), kind="application/toml"
        )
        assert status == 201, answer
        return str(answer["run"])

    def run(self, run: str) -> dict[str, Any]:
        """Say how far a run is."""
        status, answer = self.ask(f"/api/runs/{run}")
        assert status == 200, answer
        return dict(answer)

    def until_ended(self, run: str, seconds: float) -> dict[str, Any]:
        """Wait for a run's end and give what it found."""
        wait_until(lambda: self.run(run)["state"] not in ("planned", "running"), seconds, f"end of run {run}")
        return self.run(run)

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Nodes by name; none where the orchestrator does not answer."""
        try:
            status, answer = self.ask("/api/nodes")
        except OSError:
            return {}
        return {node["name"]: node for node in answer} if status == 200 else {}

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Ask Prometheus; raises on a query that it refuses."""
        place = f"{self.prometheus_url}/api/v1/query?{urllib.parse.urlencode({'query': expr})}"
        with urllib.request.urlopen(place, timeout=30) as answer:
            return list(json.load(answer)["data"]["result"])

    def parlab(self, *arguments: str, check: bool = True) -> str:
        """Run a command in the orchestrator's container, as README says."""
        return self.compose("exec", "-T", "orchestrator", "parlab", *arguments, check=check)

    def down(self, *arguments: str) -> None:
        """Take it down."""
        self.compose("down", "--timeout", "15", "--remove-orphans", *arguments)

    def stop_runs(self) -> None:
        """End every run that is under way, so that the next test has the hosts to itself."""
        _, runs = self.ask("/api/runs")
        for run in runs:
            if run["active"]:
                self.ask(f"/api/runs/{run['run']}", method="DELETE")


def experiment(
    name: str, *, blocks: int, seconds: float = 0.004, nodes: str = "", budget: str = "240s"
) -> str:
    """Write a small experiment: waiting by one and by two threads, so many blocks."""
    return f"""
[experiment]
name = "{name}"
question = "Does waiting work gain by threads?"
[[workload]]
name = "wait"
seconds = {seconds}
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
{nodes}
[stop]
rule = "fixed"
blocks = {blocks}
budget = "{budget}"
"""


def claiming(name: str, *, blocks: int, budget: str = "240s") -> str:
    """Write a small experiment of two claims: one about a ratio, one about a value in its own unit."""
    return f"""
[experiment]
name = "{name}"
question = "Are these two claims right?"
trial_seconds = 0.02
[[claim]]
id = "waiting"
title = "Waiting gains by threads"
text = "Two threads wait at the same time."
[[claim.workload]]
name = "wait"
seconds = 0.004
[[claim.contrast]]
of = {{ name = "threads", max_workers = 2 }}
against = "serial"
bound = 1.2
supports = "above"
[[claim]]
id = "losing"
title = "Processes lose updates"
text = "Processes that change a shared value without a lock lose some of the changes."
[[claim.scenario]]
name = "counter"
[[claim.contrast]]
of = "value"
measure = "lost_updates"
rule = "value"
bound = 1e-9
supports = "above"
[stop]
rule = "fixed"
blocks = {blocks}
budget = "{budget}"
"""
