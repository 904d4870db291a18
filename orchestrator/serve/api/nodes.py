"""``/api/nodes``: see, pause, let in and take out nodes."""

from __future__ import annotations

from fastapi import APIRouter

from parlab.orchestrator.serve.api.schemas import JoinModel, NewNodeModel, NodeModel, node_model
from parlab.orchestrator.serve.components import ALLOWED, LabParts, Parts
from parlab.orchestrator.serve.problem import UnknownName
from parlab.workers.errors import BadInput
from parlab.workers.wire.keys import check_node_name

router = APIRouter(prefix="/api/nodes", tags=["nodes"])


@router.get("")
def nodes(parts: Parts) -> list[NodeModel]:
    """List the nodes that are or were there, by name."""
    return [node_model(node) for node in parts.roster.read()]


@router.post("", status_code=201, dependencies=ALLOWED)
def add(wanted: NewNodeModel, parts: Parts) -> JoinModel:
    """Let a node in: its user at the server and its join token are made. Again: with a new password."""
    name = check_node_name(wanted.name)
    token = parts.admission.grant(name, group=wanted.group)
    return JoinModel(name=name, join_token=token, address=parts.settings.redis_address)


@router.delete("/{name}", status_code=204, dependencies=ALLOWED)
def remove(name: str, parts: Parts) -> None:
    """Take a node's user away, and the node off the list; what it measured stays."""
    node = check_node_name(name)
    parts.admission.revoke(node)
    for listed in parts.roster.read():
        if listed.name == node or listed.name.startswith(f"{node}--"):
            parts.roster.forget(listed.name)


@router.post("/{name}/pause", dependencies=ALLOWED)
def pause(name: str, parts: Parts) -> NodeModel:
    """Give a node no further sittings; the one that is running there is finished first."""
    return _pause(name, parts, paused=True)


@router.post("/{name}/resume", dependencies=ALLOWED)
def resume(name: str, parts: Parts) -> NodeModel:
    """Give a paused node sittings again."""
    return _pause(name, parts, paused=False)


def _pause(name: str, parts: LabParts, *, paused: bool) -> NodeModel:
    known = [node.name for node in parts.roster.read()]
    if name not in known:
        there = f"There are: {', '.join(known)}." if known else "No node has joined yet."
        raise UnknownName(f"there is no node {name!r}", there)
    parts.roster.pause(name, paused=paused)
    for node in parts.roster.read():
        if node.name == name:
            return node_model(node)
    raise BadInput(f"node {name} has just been taken out", "List the nodes again.")
