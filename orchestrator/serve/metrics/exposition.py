"""The text that Prometheus scrapes: rendered when something changed, served from a cache."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric, generate_latest

from parlab.orchestrator.serve.metrics.durations import Durations
from parlab.orchestrator.serve.metrics.families import Families
from parlab.orchestrator.serve.metrics.health import add_health
from parlab.orchestrator.serve.metrics.nodes import add_node
from parlab.orchestrator.serve.metrics.runs import add_run
from parlab.orchestrator.serve.metrics.selftests import add_self_test
from parlab.orchestrator.serve.snapshot import LabSnapshot, RunSnapshot, SelfTestSnapshot


class Exposition:
    """Renders snapshots. Runs are rendered anew only when one of them changed: they are most of it."""

    def __init__(self, durations: Durations) -> None:
        """Serve the histograms of ``durations`` with the rest."""
        self._durations = durations
        self._lock = threading.Lock()
        self._rendered: tuple[RunSnapshot, ...] | None = None
        self._runs = b""
        self._rendered_tests: tuple[SelfTestSnapshot, ...] = ()
        self._tests = b""
        self._rest = b""
        self._render_seconds: float | None = None
        self._scrape_seconds: float | None = None

    def update(self, snapshot: LabSnapshot) -> None:
        """Render what has changed; called from one thread."""
        began = time.perf_counter()
        if self._rendered is None or not _same(self._rendered, snapshot.runs):
            families = Families()
            for run in snapshot.runs:
                add_run(families, run)
            self._runs = _text(families)
            self._rendered = snapshot.runs
        if snapshot.self_tests != self._rendered_tests:
            families = Families()
            for test in snapshot.self_tests:
                add_self_test(families, test)
            self._tests = _text(families)
            self._rendered_tests = snapshot.self_tests
        families = Families()
        for node in snapshot.nodes:
            add_node(families, node, snapshot.runs)
        add_health(families, snapshot.health, self._render_seconds)
        families.gauge(
            "parlab_orchestrator_scrape_seconds", "How long the last scrape took here.", self._scrape_seconds
        )
        rest = self._tests + _text(families) + generate_latest(self._durations.registry)
        with self._lock:
            self._rest = rest
        self._render_seconds = time.perf_counter() - began

    def body(self) -> bytes:
        """Give the text."""
        began = time.perf_counter()
        with self._lock:
            body = self._runs + self._rest
        self._scrape_seconds = time.perf_counter() - began
        return body


def _same(before: tuple[RunSnapshot, ...], now: tuple[RunSnapshot, ...]) -> bool:
    """Whether nothing that is exported of the runs changed: findings are compared by identity, for speed."""
    return len(before) == len(now) and all(
        a.finding is b.finding
        and a.record == b.record
        and a.active == b.active
        and a.waiting_for == b.waiting_for
        and a.progress == b.progress
        for a, b in zip(before, now, strict=True)
    )


def _text(families: Families) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(families.collect()))
    return generate_latest(registry)


class _Collected:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
