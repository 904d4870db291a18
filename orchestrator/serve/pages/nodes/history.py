"""What the store knows of a node: the runs that it took part in, and what it said of itself then."""

from __future__ import annotations

from dataclasses import dataclass

from parlab.orchestrator.serve.pages.home.overview import recent_runs
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.wire.registration import NodeRegistration

#: Of so many runs, the newest, it is looked whether the node took part.
_LOOKED_AT = 50
#: So many of those are told.
_TOLD = 8


@dataclass(frozen=True)
class NodeHistory:
    """A node in runs that are stored."""

    #: Newest first.
    runs: tuple[RunRecord, ...]
    #: What it said of itself in the newest; None: it took part in none of those that were looked at.
    registration: NodeRegistration | None


def node_history(store: Store, name: str) -> NodeHistory:
    """Look for a node in the newest runs."""
    found: list[RunRecord] = []
    last: NodeRegistration | None = None
    for record in recent_runs(store, _LOOKED_AT):
        own = [seen.registration for seen in store.registrations(record.id) if seen.registration.node == name]
        if own:
            found.append(record)
            last = last or own[-1]
        if len(found) == _TOLD:
            break
    return NodeHistory(tuple(found), last)
