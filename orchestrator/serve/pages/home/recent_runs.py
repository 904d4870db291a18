"""The newest runs of the store, for the pages that list or choose some."""

from __future__ import annotations

from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.errors import BadInput


def recent_runs(store: Store, most: int) -> list[RunRecord]:
    """Give so many runs, newest first; one that is pruned while this reads is left out."""
    found = []
    for name in reversed(store.run_ids()[-most:]):
        try:
            found.append(store.run(name))
        except BadInput:
            continue
    return found
