"""Overview of the lab, as ``/`` shows it: its newest runs and its nodes, live."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.control.progress_state import summary
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.feed import Feed, Rendering
from parlab.orchestrator.serve.pages.home.answers import ShortAnswer, ShortAnswers
from parlab.orchestrator.serve.pages.site import Site
from parlab.orchestrator.serve.snapshot import NodeSnapshot, NodeStanding
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import Attempt, RunRecord
from parlab.workers.errors import BadInput

#: So many runs are on the page; the others are on pages of their own.
MOST_RUNS = 30
#: Nodes are read every 2.5 s, and runs change with each sitting.
_LOOK_SECONDS = 2.0
_MACROS = "home/parts.html"


@dataclass(frozen=True)
class RunLine:
    """One run."""

    record: RunRecord
    #: "measuring", "waiting", or the state it ended in.
    standing: str
    #: How far it is, or why it is in its state.
    progress: str
    #: Share of what is to be settled, and all of it; None of a run that has ended.
    settled: tuple[int, int] | None
    #: What it found, in words; None: not known (yet).
    answer: ShortAnswer | None


@dataclass(frozen=True)
class NodeLine:
    """One node."""

    node: NodeSnapshot
    standing: NodeStanding
    #: Run and what it measures for it; "" is nothing.
    run: str
    doing: str


@dataclass(frozen=True)
class LabLook:
    """The lab at a moment."""

    runs: tuple[RunLine, ...]
    nodes: tuple[NodeLine, ...]
    #: Of all runs there are.
    count: int
    server_up: bool
    #: Changes when a run or a node is there that was not.
    key: str
    #: Inner HTML by the id of its element.
    parts: Mapping[str, str]


class Overview:
    """Looks at the lab. May be used from any thread; its feed from the server's loop."""

    def __init__(self, parts: LabParts, site: Site) -> None:
        """Look at ``parts`` and render with ``site``."""
        self._parts = parts
        self._site = site
        self._answers = ShortAnswers(parts)
        self._lock = threading.Lock()
        self.feed = Feed(self._render, self._changed, pause_seconds=0.0)

    def look(self, skipped: int = 0) -> LabLook:
        """Look at the newest runs, ``skipped`` of them left out, and at all nodes."""
        with self._lock, self._parts.service.store() as store:
            ids = store.run_ids()
            records = recent_runs(store, skipped + MOST_RUNS)[skipped:]
            sent = self._sent(store)
            lines = tuple(self._line(store, record) for record in records)
        nodes = tuple(_node_line(node, sent.get(node.name)) for node in self._parts.exporter.nodes)
        macros = self._site.macros(_MACROS)
        parts = {f"run-{line.record.id}": str(macros.run(line)) for line in lines}
        parts |= {f"node-{line.node.name}": str(macros.node(line)) for line in nodes}
        newest = ids[-1] if ids else ""
        key = " ".join([newest, *(line.node.name for line in nodes)])
        parts["fresh-key"] = str(macros.key(key))
        parts["lab"] = str(macros.lab(self._parts.service.standing, self._parts.exporter.server_up))
        return LabLook(
            runs=lines,
            nodes=nodes,
            count=len(ids),
            server_up=self._parts.exporter.server_up,
            key=key,
            parts=parts,
        )

    def close(self) -> None:
        """Work nothing out any more."""
        self._answers.close()

    def _render(self, last: bool) -> Rendering:  # noqa: FBT001 - the feed calls it with that alone
        del last
        return Rendering(self.look().parts)

    async def _changed(self, after: int) -> tuple[int, bool]:
        if after >= 0:
            await asyncio.sleep(_LOOK_SECONDS)
        return after + 1, False

    def _line(self, store: Store, record: RunRecord) -> RunLine:
        active = self._parts.service.active.get(record.id)
        if active is None or not active.alive:
            answer = self._answers.of(store, record)
            return RunLine(record, record.state, record.reason or "", None, answer)
        progress = active.progress.state
        waiting_for = active.progress.waiting_for
        if progress.claims:
            settled = progress.claims_settled, progress.claims
        else:
            settled = progress.settled, progress.comparisons
        return RunLine(
            record,
            "waiting" if waiting_for else "measuring",
            f"waiting for {waiting_for}" if waiting_for else summary(progress),
            settled,
            None,
        )

    def _sent(self, store: Store) -> dict[str, tuple[str, str, Attempt]]:
        """Give what was sent to each node and has not come back: its run, its group's label, the attempt."""
        measured = {}
        for name, active in self._parts.service.active.copy().items():
            plan = active.progress.plan
            if not active.alive or plan is None:
                continue
            labels = {group.id: group.label for group in plan.groups}
            for attempt in store.sittings.open(name):
                measured[attempt.node] = name, labels.get(attempt.group, attempt.group), attempt
        return measured


def _node_line(node: NodeSnapshot, sent: tuple[str, str, Attempt] | None) -> NodeLine:
    run, doing = "", ""
    if sent is not None:
        run, label, attempt = sent
        doing = f"{label} · " + ("calibrating" if attempt.block is None else f"block {attempt.block + 1}")
    standing = node.standing
    if standing == "ready" and sent is not None:
        standing = "measuring"
    return NodeLine(node, standing, run, doing)


def page_of(query: str) -> int:
    """Read which page of runs is asked for, from 1; what is no number is the first."""
    return max(1, int(query)) if query.isdecimal() and len(query) < 7 else 1


def pages(count: int, page: int) -> Sequence[int]:
    """Give the numbers of the pages before and after one, where there are any."""
    last = max(1, -(-count // MOST_RUNS))
    return [number for number in (page - 1, page + 1) if 1 <= number <= last]


def recent_runs(store: Store, most: int) -> list[RunRecord]:
    """Give so many runs, newest first; one that is pruned while this reads is left out."""
    records = []
    for name in reversed(store.run_ids()[-most:]):
        try:
            records.append(store.run(name))
        except BadInput:
            continue
    return records
