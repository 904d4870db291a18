"""The exporter goes on, whatever happens while it looks."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from parlab.orchestrator.serve.metrics import exporter
from parlab.orchestrator.serve.metrics.exporter import Exporter
from parlab.orchestrator.serve.run_index import Catalogue
from parlab.orchestrator.serve.service import Service
from parlab.orchestrator.serve.snapshot import LabSnapshot
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock

if TYPE_CHECKING:
    import pytest


class Breaking:
    """Takes snapshots, and breaks at the first."""

    def __init__(self) -> None:
        self.taken: list[LabSnapshot] = []
        self.went_on = threading.Event()

    def update(self, snapshot: LabSnapshot) -> None:
        self.taken.append(snapshot)
        if len(self.taken) == 1:
            raise RuntimeError("as if by a bug")
        self.went_on.set()


def test_a_fault_of_parlabs_own_is_logged_and_the_next_look_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(exporter, "READ_SECONDS", 0.01)
    clock, exposed = SystemClock(), Breaking()
    service: Any = SimpleNamespace(
        active={}, standing="leading", store=lambda: Store.open(tmp_path / "parlab.db", clock)
    )
    roster: Any = SimpleNamespace(read=list)
    running = Exporter(cast("Service", service), Catalogue({}), roster, exposed.update)
    with caplog.at_level(logging.ERROR, "parlab.metrics"):
        running.start()
        assert exposed.went_on.wait(10)
        running.stop()
    assert "a fault of parlab's own" in caplog.text
    assert "as if by a bug" in caplog.text
