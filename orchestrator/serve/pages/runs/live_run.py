"""A run that is measured, rendered part by part, once for all who look at its page."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from parlab.orchestrator.serve.active_run import ActiveRun
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.feed import Feed, Rendering
from parlab.orchestrator.serve.pages.ratio_bar import BarScale
from parlab.orchestrator.serve.pages.runs.live_look import (
    LiveClaim,
    LiveGroup,
    LiveNode,
    live_claims,
    live_groups,
    live_nodes,
    live_trials,
    time_left,
    verdicts,
)
from parlab.orchestrator.serve.pages.runs.pictures import LivePictures
from parlab.orchestrator.serve.pages.site import Site
from parlab.orchestrator.serve.run_index import live_snapshot
from parlab.orchestrator.serve.snapshot import RunSnapshot
from parlab.orchestrator.store.records import Event, RunRecord
from parlab.workers.errors import BadInput

#: So many of a run's latest events are shown.
MOST_EVENTS = 20
#: Looked at again after so long where nothing came in: a node can go away without an event.
_IDLE_SECONDS = 5.0
_MACROS = "runs/parts.html"


@dataclass(frozen=True)
class LiveLook:
    """A run at a moment, laid out."""

    record: RunRecord
    #: Those that are compared, and those that only claims are about.
    groups: tuple[LiveGroup, ...]
    claimed: tuple[LiveGroup, ...]
    claims: tuple[LiveClaim, ...]
    nodes: tuple[LiveNode, ...]
    #: Inner HTML by the id of its element.
    parts: Mapping[str, str]


class LiveRun:
    """One run that this process works on."""

    def __init__(self, active: ActiveRun, parts: LabParts, site: Site, pictures: LivePictures) -> None:
        """Prepare to render the page of ``active``."""
        self.active = active
        self.feed = Feed(self.render, self._changed)
        self._parts = parts
        self._site = site
        self._pictures = pictures
        self._lock = threading.Lock()
        self._scales: dict[str, BarScale] = {}
        self._words: dict[str, str] | None = None
        self._kept: tuple[object, LiveLook] | None = None

    def look(self, *, last: bool = False) -> LiveLook:
        """Look at the run and render its parts; ``last``: nobody works on it any more.

        Raises ``BadInput`` where it was removed.
        """
        with self._lock:
            version = (self.active.channel.changes, self._parts.exporter.nodes, last)
            if self._kept is None or self._kept[0] != version:
                self._kept = (version, self._looked(last=last))
            return self._kept[1]

    def render(self, last: bool) -> Rendering:  # noqa: FBT001 - the feed calls it with that alone
        """Render for those who follow; ``last``: the run has ended, or goes on in another process."""
        try:
            look = self.look(last=last)
        except BadInput:
            return Rendering({}, announced="This run was removed.", ended="removed")
        before = self._words
        arrived = list(verdicts([*look.groups, *look.claimed], look.claims))
        self._words = {name: word for name, word, _ in arrived}
        # What was settled when the first browser came is on its page already.
        announced = [text for name, word, text in arrived if before is not None and before.get(name) != word]
        ended = look.record.state if last and look.record.state not in ("planned", "running") else ""
        if ended:
            announced.append(f"The run has ended: {look.record.reason or ended}")
        return Rendering(look.parts, announced=". ".join(announced), ended=ended)

    async def _changed(self, after: int) -> tuple[int, bool]:
        try:
            return await asyncio.wait_for(self.active.channel.changed(after), _IDLE_SECONDS)
        except TimeoutError:
            return after, False

    def _looked(self, *, last: bool) -> LiveLook:
        run = self.active.run
        with self._parts.service.store() as store:
            snapshot = live_snapshot(store, self.active)
            sent = store.sittings.open(run)
            events = store.events(run)[-MOST_EVENTS:]
        plan = snapshot.plan
        if plan is None:
            raise BadInput(f"run {run} has no plan", "It was stopped before it was planned.")
        if last:
            progress = replace(snapshot.progress, running=None)
            snapshot = replace(snapshot, progress=progress, active=False, waiting_for=None)
        groups = live_groups(plan, snapshot, self._scales)
        finding = snapshot.finding
        claims = live_claims(finding.claims) if finding is not None else []
        # What only claims are about is said by the claims first.
        about = (
            {name for claim in finding.claims for cell in claim.cells for name in cell.groups}
            if finding
            else set()
        )
        planned = [group.id for group in plan.groups]
        nodes = live_nodes(plan, self._parts.exporter.nodes, sent if not last else ())
        self._pictures.refresh(self.active, snapshot)
        return LiveLook(
            record=snapshot.record,
            groups=tuple(g for g, name in zip(groups, planned, strict=True) if name not in about),
            claimed=tuple(g for g, name in zip(groups, planned, strict=True) if name in about),
            claims=tuple(claims),
            nodes=tuple(nodes),
            parts=self._rendered(snapshot, groups, claims, nodes, events),
        )

    def _rendered(
        self,
        snapshot: RunSnapshot,
        groups: list[LiveGroup],
        claims: list[LiveClaim],
        nodes: list[LiveNode],
        events: list[Event],
    ) -> dict[str, str]:
        macros = self._site.macros(_MACROS)
        finding = snapshot.finding
        trials = live_trials(finding.groups if finding is not None else ())
        warnings = finding.warnings if finding is not None else ()
        parts: dict[str, str] = {
            "state": macros.state(snapshot),
            "progress": macros.progress(snapshot, time_left(snapshot)),
            "notes": macros.notes(warnings, trials, snapshot.voided_blocks),
            "events": macros.events(list(reversed(events))),
            "pictures": macros.pictures(self._pictures.of(snapshot.record.id).pictures),
        }
        for number, node in enumerate(nodes):
            parts[f"node-{number}"] = macros.node(node)
        for number, claim in enumerate(claims):
            parts[f"claim-{number}"] = macros.claim(claim)
        for group in groups:
            parts[f"{group.id}-progress"] = macros.group_progress(group)
            parts[f"{group.id}-scale"] = macros.scale(group.scale)
            for row in group.rows:
                parts[f"row-{row.id}"] = macros.row(row, group.scale)
        return {name: str(html) for name, html in parts.items()}
