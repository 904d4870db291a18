"""Views of runs for pages: quick ones, of what is known anyway."""

from __future__ import annotations

from parlab.orchestrator.serve.snapshot import RunSnapshot
from parlab.orchestrator.show.formats.base import RunView


def view_of(snapshot: RunSnapshot) -> RunView | None:
    """Give a run as outputs see it, without its trials; None: the snapshot knows no finding."""
    if snapshot.plan is None or snapshot.finding is None:
        return None
    record = snapshot.record
    return RunView(
        run=record.id,
        experiment=record.experiment,
        plan=snapshot.plan,
        registrations=snapshot.registrations,
        state=record.state,
        started_unix_seconds=record.created_unix_seconds,
        ended_unix_seconds=None if snapshot.active else snapshot.changed_unix_seconds,
        finding=snapshot.finding,
        calibrations={},
        trials=(),
        running_seconds=record.running_seconds,
        reason=record.reason,
        parlab_version=record.parlab_version,
        command=record.command,
    )
