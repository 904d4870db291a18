"""Runs as they are known now: of those that are worked on from memory, of the others from the store."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

from parlab.orchestrator.analysis.view import finding_of
from parlab.orchestrator.control.progress import state_of
from parlab.orchestrator.control.progress_state import ProgressState
from parlab.orchestrator.serve.active_run import ActiveRun
from parlab.orchestrator.serve.cache import RunCache, has_failed, is_there
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
        self._ended: RunCache[Future[RunSnapshot]] = RunCache(_KEPT, has_failed)

    def snapshot(self, store: Store, run: str) -> RunSnapshot:
        """Look at a run by its id; raises ``BadInput`` where there is none."""
        record = store.run(run)
        active = self._active.get(record.id)
        if active is not None and active.alive:
            return live_snapshot(store, active)
        mine: Future[RunSnapshot] = Future()
        kept = self._ended.get(record.id, store.version(record.id), lambda: mine)
        if kept is mine:
            # Who asks for it meanwhile waits; who asks for another run does not.
            try:
                mine.set_result(_stored(store, record))
            except BaseException as error:
                mine.set_exception(error)
                raise
        return kept.result()

    def overview(self, store: Store, record: RunRecord) -> RunSnapshot:
        """Look at a run for a list: what it found only where that is known without work."""
        active = self._active.get(record.id)
        if active is not None and active.alive:
            return self.snapshot(store, record.id)
        kept = self._ended.latest(record.id)
        progress = ProgressState(run=record.id, experiment=record.experiment.name)
        return RunSnapshot(
            record=record,
            plan=None,
            registrations=(),
            finding=None,
            progress=kept.result().progress if kept is not None and is_there(kept) else progress,
            active=False,
        )


def live_snapshot(store: Store, active: ActiveRun) -> RunSnapshot:
    """Look at a run that is worked on; raises ``BadInput`` where it was removed."""
    progress = active.progress
    return RunSnapshot(
        record=store.run(active.run),
        plan=progress.plan or store.plan(active.run),
        registrations=progress.registrations,
        finding=progress.finding,
        progress=progress.state,
        active=True,
        waiting_for=progress.waiting_for,
        voided_blocks=len(store.sittings.voided_blocks(active.run)),
        changed_unix_seconds=progress.changed_unix_seconds,
    )


def _stored(store: Store, record: RunRecord) -> RunSnapshot:
    run = record.id
    plan = store.plan(run)
    finding = finding_of(store, plan) if plan is not None else None
    latest = {seen.registration.node: seen.registration for seen in store.registrations(run)}
    return RunSnapshot(
        record=record,
        plan=plan,
        registrations=tuple(latest.values()),
        finding=finding,
        progress=state_of(plan, finding) if plan is not None and finding is not None else ProgressState(),
        active=False,
        voided_blocks=len(store.sittings.voided_blocks(run)),
        changed_unix_seconds=store.last_used().get(run, record.created_unix_seconds),
    )
