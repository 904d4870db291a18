"""``/api/runs``: begin, look at, follow, stop and continue runs."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from parlab.orchestrator.analysis.view import view
from parlab.orchestrator.experiment.file import parse
from parlab.orchestrator.serve.active_run import ActiveRun
from parlab.orchestrator.serve.api.schemas import (
    BegunModel,
    ResumeModel,
    RunDetailModel,
    RunModel,
    run_detail,
    run_model,
)
from parlab.orchestrator.serve.components import ALLOWED, Parts
from parlab.orchestrator.serve.events import event_stream
from parlab.orchestrator.serve.problem import RequestTooLarge, WrongKind
from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import encode

#: Of a few functions' inputs, which are 1 MiB each at most, and more than an experiment without any has.
MOST_REQUEST_BYTES = 4 << 20

router = APIRouter(prefix="/api/runs", tags=["runs"])

#: So many of a run's latest events are told.
_EVENTS = 20
#: What parlab's own commands read; its form is that of the version in the header.
RECORD_TYPE = "application/vnd.parlab.record+json"


@router.post(
    "",
    status_code=201,
    dependencies=ALLOWED,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/toml": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "object"}},
            },
        }
    },
)
async def begin(request: Request, parts: Parts) -> BegunModel:
    """Begin a run of an experiment: its file as TOML, or its tables as JSON; at most 4 MiB."""
    document = _document(request.headers.get("content-type", ""), await _body(request))
    experiment = parse("the experiment", document)
    run = await run_in_threadpool(parts.service.submit, experiment, ("POST /api/runs",))
    return BegunModel(run=run)


@router.get("")
def runs(parts: Parts) -> list[RunModel]:
    """List all runs, newest first."""
    with parts.service.store() as store:
        pinned = store.pinned()
        snapshots = [parts.catalogue.overview(store, record) for record in reversed(store.runs())]
        return [run_model(snapshot, pinned=snapshot.record.id in pinned) for snapshot in snapshots]


@router.get("/{run}")
def run(run: str, parts: Parts) -> RunDetailModel:
    """Say how far a run is and what it has found."""
    with parts.stored(run) as (store, name):
        events = [event.text for event in store.events(name)[-_EVENTS:]]
        return run_detail(parts.catalogue.snapshot(store, name), events, pinned=name in store.pinned())


@router.get("/{run}/record", response_class=Response)
def record(run: str, parts: Parts, trials: bool = True) -> Response:  # noqa: FBT001, FBT002 - a query's flag
    """Give all that is stored of a run, in the form that parlab's own commands of this version read."""
    with parts.stored(run) as (store, name):
        body = encode(view(store, name, trials=trials))
    return Response(body, media_type=RECORD_TYPE, headers={"Parlab-Version": parts.settings.settings.version})


@router.delete("/{run}", dependencies=ALLOWED)
def stop(run: str, parts: Parts) -> RunDetailModel:
    """Stop a run; what was measured stays. One that has ended already is left as it is."""
    parts.service.require_lead()
    with parts.stored(run) as (store, name):
        parts.service.stop_run(name)
        return run_detail(parts.catalogue.snapshot(store, name), [], pinned=name in store.pinned())


@router.post("/{run}/resume", status_code=202, dependencies=ALLOWED)
def resume(run: str, wanted: ResumeModel, parts: Parts) -> BegunModel:
    """Go on with a run that has ended, or to more precision."""
    with parts.stored(run) as (_, name):
        pass
    parts.service.resume(name, budget=wanted.budget, blocks=wanted.blocks, precision=wanted.precision)
    return BegunModel(run=name)


@router.put("/{run}/pin", status_code=204, dependencies=ALLOWED)
def pin(run: str, parts: Parts) -> None:
    """Export a run's figures beside the current one's; at most three runs can be pinned."""
    with parts.stored(run) as (_, name):
        pass
    parts.service.pin(name)


@router.delete("/{run}/pin", status_code=204, dependencies=ALLOWED)
def unpin(run: str, parts: Parts) -> None:
    """Stop exporting a run's figures to Prometheus, unless it is the current one."""
    with parts.stored(run) as (store, name):
        store.unpin(name)


@router.get("/{run}/events", response_class=StreamingResponse)
def events(run: str, request: Request, parts: Parts) -> StreamingResponse:
    """Follow a run: server-sent events ``progress``, ``message`` and, last, ``end``.

    A stream without an ``end`` was cut: the run goes on, here or in the next orchestrator. Ask again.
    """
    with parts.stored(run) as (store, name):
        snapshot = parts.catalogue.snapshot(store, name)
    active = parts.service.active.get(name)
    last = request.headers.get("last-event-id", "0")
    after = int(last) if last.isdecimal() else 0
    if snapshot.active and active is not None:
        stream = _follow(active, after)
    elif snapshot.record.ended:
        stream = _ended(snapshot.record.state, snapshot.record.reason)
    else:
        # Between two orchestrators, or two tries of this one, nobody works on it.
        stream = _nothing_yet()
    return event_stream(stream)


async def _follow(active: ActiveRun, after: int) -> AsyncIterator[str]:
    async for event in active.channel.follow(after):
        # A comment keeps the line open through proxies, and shows a client that is gone.
        yield ": still there\n\n" if event is None else _sse(event.kind, event.data, event.number)


async def _nothing_yet() -> AsyncIterator[str]:
    yield ": nobody works on it at the moment\n\n"


async def _ended(state: str, reason: str | None) -> AsyncIterator[str]:
    yield _sse("end", encode({"state": state, "reason": reason}), 0)


def _sse(kind: str, data: str, number: int) -> str:
    # Canonical JSON has no line breaks: one data line is all.
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n"


async def _body(request: Request) -> bytes:
    taken = bytearray()
    async for part in request.stream():
        taken += part
        if len(taken) > MOST_REQUEST_BYTES:
            raise RequestTooLarge(
                "the experiment is larger than 4 MiB", "An experiment is a short file; send that."
            )
    return bytes(taken)


def _document(content_type: str, body: bytes) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("application/toml", "application/json"):
        raise WrongKind(
            f"the experiment was sent as {kind or 'an unknown type'}",
            "Send it with Content-Type: application/toml or application/json.",
        )
    try:
        text = body.decode("utf-8")
        document = (
            tomllib.loads(text) if kind == "application/toml" else json.loads(text, parse_constant=_refuse)
        )
        _check_numbers(document)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadInput(
            f"the experiment is not valid {kind}: {why}", "See docs/experiment-files.md."
        ) from error
    if not isinstance(document, dict):
        raise BadInput("the experiment is not an object with tables", "See docs/experiment-files.md.")
    return document


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_numbers(value: Any) -> None:
    """Refuse integers beyond 64 bits, which the store cannot hold."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_numbers(item)
    elif isinstance(value, int) and not -(2**63) < value < 2**63:
        raise ValueError("an integer does not fit into 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is not finite")
