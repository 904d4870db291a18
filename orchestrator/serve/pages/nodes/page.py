"""``/nodes`` and ``/nodes/{name}``: nodes, what they may use, how they are, what they do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from parlab.orchestrator.analysis.across.surroundings import build_facts, host_facts
from parlab.orchestrator.doctor import selftest
from parlab.orchestrator.doctor.check import Check
from parlab.orchestrator.serve.components import LabParts, Parts
from parlab.orchestrator.serve.pages.home.overview import recent_runs
from parlab.orchestrator.serve.pages.links import lab_command, shortened
from parlab.orchestrator.serve.pages.nodes.readings import core_use, readings
from parlab.orchestrator.serve.pages.site import Pages
from parlab.orchestrator.serve.problem import UnknownName
from parlab.orchestrator.serve.snapshot import NodeSnapshot, SelfTestSnapshot
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.wire.registration import NodeRegistration

#: Facts of a host that are told among what a node may use.
_LIMITS = frozenset({"effective CPUs", "memory", "memory limit", "control groups"})

#: Of so many runs, the newest, it is looked whether the node took part.
_LOOKED_AT = 50
#: So many of those are told.
_TOLD = 8

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class NodeHistory:
    """A node in runs that are stored."""

    #: Newest first.
    runs: tuple[RunRecord, ...]
    #: What it said of itself in the newest; None: it took part in none of those that were looked at.
    registration: NodeRegistration | None


@dataclass(frozen=True)
class SelfTestCard:
    """What the newest self-test found of one build of a node."""

    snapshot: SelfTestSnapshot
    summary: str
    checks: Sequence[Check]


@dataclass(frozen=True)
class Running:
    """What a node measures now."""

    job: str
    #: The run that it is of; None where the job's name does not say.
    run: str | None
    #: What it is, for people; None: not known here.
    what: str | None


@router.get("/nodes")
def nodes_page(request: Request, parts: Parts, site: Pages) -> HTMLResponse:
    """Show all nodes."""
    nodes = parts.exporter.nodes
    return site.render(
        "nodes/list.html",
        here="nodes",
        nodes=nodes,
        server_up=parts.exporter.server_up,
        ready=sum(node.standing in ("ready", "measuring") for node in nodes),
        join=lab_command(request, "nodes", "add", "NAME"),
    )


@router.get("/nodes/{name}")
def node_page(name: str, request: Request, parts: Parts, site: Pages) -> HTMLResponse:
    """Show one node; one that is gone as it was in the last run that it took part in."""
    seen = {node.name: node for node in parts.exporter.nodes}
    node = seen.get(name)
    with parts.service.store() as store:
        history = _history(store, name)
    if node is None and history.registration is None:
        raise _unknown(name, list(seen), server_up=parts.exporter.server_up)
    registration = (node.registration if node is not None else None) or history.registration
    return site.render(
        "nodes/node.html",
        here="nodes",
        name=name,
        node=node,
        state=node.standing if node is not None else "gone",
        server_up=parts.exporter.server_up,
        registration=registration,
        from_run=_from_run(node, history),
        host=_fingerprint(registration),
        builds=[list(build_facts(build)) for build in (registration.builds if registration else ())],
        readings=readings(node) if node is not None else [],
        cores=core_use(node) if node is not None else [],
        running=_running(parts, node),
        self_tests=[_card(test) for test in parts.exporter.self_tests if test.finding.node == name],
        self_test=lab_command(request, "doctor", "--self-test"),
        history=history,
        offers=_offers(registration),
    )


def _unknown(name: str, known: Sequence[str], *, server_up: bool) -> UnknownName:
    if not server_up:
        cure = "The lab's server does not answer: which nodes there are is not known now."
    elif known:
        cure = f"There are: {', '.join(known)}."
    else:
        cure = "No node has joined yet."
    return UnknownName(f"there is no node {shortened(name)!r} in this lab", cure)


def _history(store: Store, name: str) -> NodeHistory:
    """Look for a node in the newest runs."""
    records: list[RunRecord] = []
    last: NodeRegistration | None = None
    for record in recent_runs(store, _LOOKED_AT):
        own = [seen.registration for seen in store.registrations(record.id) if seen.registration.node == name]
        if own:
            records.append(record)
            last = last or own[-1]
        if len(records) == _TOLD:
            break
    return NodeHistory(tuple(records), last)


def _from_run(node: NodeSnapshot | None, history: NodeHistory) -> str | None:
    """Name the run that tells what a node was, where the node itself does not say it now."""
    if node is not None and node.registration is not None:
        return None
    return history.runs[0].id if history.runs else None


def _running(parts: LabParts, node: NodeSnapshot | None) -> Running | None:
    if node is None or node.running_job is None:
        return None
    match = re.match(re.escape(node.name) + "-([0-9a-f]{4,6})-", node.running_job)
    run = match[1] if match is not None else None
    active = parts.service.active.get(run) if run is not None else None
    return Running(node.running_job, run, active.progress.state.running if active is not None else None)


def _fingerprint(registration: NodeRegistration | None) -> list[tuple[str, str | None]]:
    if registration is None:
        return []
    facts = [*host_facts(registration.host)]
    facts += [("parlab of the node", registration.parlab_version or None)]
    facts += [("Python of the node", registration.harness_python or None)]
    return [(name, value) for name, value in facts if name not in _LIMITS]


def _card(snapshot: SelfTestSnapshot) -> SelfTestCard:
    finding = snapshot.finding
    return SelfTestCard(snapshot, selftest.summary(finding), selftest.checks_of(finding))


def _offers(registration: NodeRegistration | None) -> list[tuple[str, str]]:
    """Say what a node's installation has, and what it lets in."""
    if registration is None:
        return []
    named = {
        "targets": registration.targets,
        "allowed modules (PARLAB_ALLOW)": registration.allow,
        "tolerated disturbances (PARLAB_TOLERATE)": registration.tolerates,
        "probes of others": registration.probes,
    }
    return [(label, ", ".join(values) or "none") for label, values in named.items()]
