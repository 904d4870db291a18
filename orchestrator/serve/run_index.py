"""Runs as they are known now: of those that are worked on from memory, of the others from the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from parlab.orchestrator.analysis.view import finding_of
from parlab.orchestrator.control.progress import state_of
from parlab.orchestrator.control.progress_state import ProgressState
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.serve.active_run import ActiveRun
from parlab.orchestrator.serve.snapshot import RunSnapshot
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord

#: Findings of so many runs that have ended are kept.
_KEPT = 32


class Catalogue:
    """Gives snapshots of runs. What has ended is looked at once, and again only when it changed."""

    def __init__(self, active: Mapping[str, ActiveRun]) -> None:
        """Know the runs that are worked on by ``active``, which changes under it."""
        self._active = active
        self._lock = threading.Lock()
        self._ended: OrderedDict[str, tuple[tuple[object, ...], RunSnapshot]] = OrderedDict()

    def snapshot(self, store: Store, run: str) -> RunSnapshot:
        """Look at a run by its id; raises ``BadInput`` where there is none."""
        record = store.run(run)
        active = self._active.get(record.id)
        if active is not None and active.alive:
            progress = active.progress
            return RunSnapshot(
                record=record,
                plan=progress.plan or store.plan(record.id),
                registrations=progress.registrations,
                finding=progress.finding,
                progress=progress.state,
                active=True,
                waiting_for=progress.waiting_for,
                voided_blocks=len(store.sittings.voided_blocks(record.id)),
                changed_unix_seconds=progress.changed_unix_seconds,
            )
        return self._stored(store, record.id)

    def glance(self, store: Store, record: RunRecord) -> RunSnapshot:
        """Look at a run for a list: what it found only where that is known without work."""
        active = self._active.get(record.id)
        if active is not None and active.alive:
            return self.snapshot(store, record.id)
        with self._lock:
            kept = self._ended.get(record.id)
        progress = ProgressState(run=record.id, experiment=record.experiment.name)
        return RunSnapshot(
            record=record,
            plan=None,
            registrations=(),
            finding=None,
            progress=kept[1].progress if kept is not None else progress,
            active=False,
        )

    def _stored(self, store: Store, run: str) -> RunSnapshot:
        record = store.run(run)
        version = (record.state, record.reason, record.running_seconds, store.last_used().get(run))
        with self._lock:
            kept = self._ended.get(run)
            if kept is not None and kept[0] == version:
                self._ended.move_to_end(run)
                return kept[1]
        plan: Plan | None = store.plan(run)
        finding = finding_of(store, plan) if plan is not None else None
        latest = {seen.registration.node: seen.registration for seen in store.registrations(run)}
        snapshot = RunSnapshot(
            record=record,
            plan=plan,
            registrations=tuple(latest.values()),
            finding=finding,
            progress=state_of(plan, finding) if plan is not None and finding is not None else ProgressState(),
            active=False,
            voided_blocks=len(store.sittings.voided_blocks(run)),
            changed_unix_seconds=store.last_used().get(run, record.created_unix_seconds),
        )
        with self._lock:
            self._ended[run] = (version, snapshot)
            while len(self._ended) > _KEPT:
                self._ended.popitem(last=False)
        return snapshot
