"""Exporter of figures: a thread that reads runs and nodes beside everything else, and disturbs nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from parlab.orchestrator.serve.active_run import ActiveRun
from parlab.orchestrator.serve.metrics.selftests import NewestSelfTests
from parlab.orchestrator.serve.nodes import Roster
from parlab.orchestrator.serve.run_index import Catalogue
from parlab.orchestrator.serve.service import MOST_PINNED, Service
from parlab.orchestrator.serve.snapshot import (
    LabHealth,
    LabSnapshot,
    NodeSnapshot,
    RunSnapshot,
    SelfTestSnapshot,
)
from parlab.orchestrator.store.facade import Store
from parlab.workers.errors import LabError

log = logging.getLogger("parlab.metrics")

#: Nodes are read so often: their beats come every 2 s, and Prometheus every 5.
READ_SECONDS = 2.5


class Exporter:
    """Reads nodes and runs in a thread of its own and has them rendered."""

    def __init__(
        self, service: Service, catalogue: Catalogue, roster: Roster, render: Callable[[LabSnapshot], None]
    ) -> None:
        """Read from ``service``, ``catalogue`` and ``roster``; hand on to ``render``."""
        self._service = service
        self._catalogue = catalogue
        self._roster = roster
        self._render = render
        self._self_tests = NewestSelfTests()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="exporter", daemon=True)
        #: What was seen last; replaced whole.
        self.nodes: tuple[NodeSnapshot, ...] = ()
        self.self_tests: tuple[SelfTestSnapshot, ...] = ()
        self.server_up = False

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._ending.set()
        self._thread.join(READ_SECONDS)

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                self.refresh()
            except Exception:
                # A fault of parlab's own. Without this thread, what is exported would stay as it is for ever.
                log.exception("a fault of parlab's own; what is exported is as it was before")
            self._ending.wait(READ_SECONDS)

    def refresh(self) -> None:
        """Read everything once."""
        try:
            self.nodes = tuple(self._roster.read())
            self.server_up = True
        except LabError:
            # The service's log says it; what was last known of the nodes would be a lie by now.
            self.nodes = ()
            self.server_up = False
        # Once for all that follows: a run that ends is taken out by the service's thread.
        active = {name: run for name, run in self._service.active.copy().items() if run.alive}
        try:
            with self._service.store() as store:
                runs = self._runs(store, active)
                self.self_tests = self._self_tests.read(store, active)
                size = store.space.size_bytes()
        except LabError:
            return
        busy = [run.progress.busy_seconds for run in active.values()]
        self._render(
            LabSnapshot(
                runs=runs,
                nodes=self.nodes,
                self_tests=self.self_tests,
                health=LabHealth(
                    leading=self._service.standing == "leading",
                    loop_seconds=max((b for b in busy if b is not None), default=None),
                    store_bytes=size,
                    server_up=self.server_up,
                    active_runs=len(active),
                    waiting_runs=sum(run.progress.waiting_for is not None for run in active.values()),
                ),
            )
        )

    def _runs(self, store: Store, active: Mapping[str, ActiveRun]) -> tuple[RunSnapshot, ...]:
        """Choose what is exported: the runs that are measured, else the latest, and those that are pinned."""
        pinned = store.pinned()[:MOST_PINNED]
        at_work = [name for name, run in active.items() if not run.progress.waiting_for]
        latest = store.run_ids()[-1:]
        current = [name for name in (at_work or list(active) or latest) if name not in pinned]
        room = MOST_PINNED + 1 - len(pinned)
        return tuple(self._catalogue.snapshot(store, run) for run in [*current[:room], *pinned])
