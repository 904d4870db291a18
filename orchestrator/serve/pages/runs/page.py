"""``/runs/{run}``: one run, live while it measures, its report afterwards, and its pictures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from parlab.orchestrator.serve.components import LabParts, parts_of
from parlab.orchestrator.serve.pages.feed import ended_event
from parlab.orchestrator.serve.pages.runs.drawn import digest
from parlab.orchestrator.serve.pages.runs.finished import DrawnReport, FinishedRun
from parlab.orchestrator.serve.pages.runs.live_run import LiveRun
from parlab.orchestrator.serve.pages.runs.watched import FoundRun, WatchedRuns, watched_of
from parlab.orchestrator.serve.pages.site import Site, site_of
from parlab.orchestrator.serve.problem import UnknownName
from parlab.orchestrator.show.report.document import report
from parlab.orchestrator.show.report.writer import html
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput, LabError

router = APIRouter(include_in_schema=False)
Parts = Annotated[LabParts, Depends(parts_of)]
Pages = Annotated[Site, Depends(site_of)]
Watched = Annotated[WatchedRuns, Depends(watched_of)]
T = TypeVar("T")

#: A page waits so long for words that are being worked out; then it comes without, and they follow.
_WORDS_SECONDS = 0.12
#: A report with all its pictures may take so long, in a lab with much to do.
_WHOLE_SECONDS = 120.0
#: How often it is looked whether somebody works on a run again.
_LOOK_SECONDS = 1.0
_A_YEAR = 31_536_000
#: A picture's own style is inside of it; it can fetch and run nothing.
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@router.get("/runs/{run}")
async def run(run: str, site: Pages, watched: Watched) -> Response:
    """Show a run."""
    found = await run_in_threadpool(watched.find, run)
    name = found.record.id
    if name != run:
        return RedirectResponse(f"/runs/{name}")
    if found.live is not None:
        return await run_in_threadpool(_live_page, site, found.live)
    if found.finished is None:
        return site.render("runs/waiting.html", here="runs", record=found.record)
    return await _finished_page(site, found, found.finished)


def _live_page(site: Site, live: LiveRun) -> Response:
    look = live.look()
    return site.render("runs/live.html", here="runs", record=look.record, look=look)


async def _finished_page(site: Site, found: FoundRun, finished: FinishedRun) -> Response:
    whole: DrawnReport | None = None
    words, fault = None, None
    try:
        if finished.whole.done():
            whole = finished.whole.result()
        else:
            words = await _within(finished.words, _WORDS_SECONDS)
    except TimeoutError:
        pass
    except BadInput as error:
        # Stopped before it was planned, for example: there is the run, and nothing to show of it.
        fault = error
    return await run_in_threadpool(
        site.render,
        "runs/report.html",
        here="runs",
        record=found.record,
        report=whole.report if whole is not None else words,
        is_whole=whole is not None,
        fault=fault,
    )


@router.get("/runs/{run}/body")
async def body(run: str, site: Pages, watched: Watched) -> Response:
    """Give a report's body, for a page that is open: when it is whole."""
    finished = await _finished(run, watched)
    whole = await _within(finished.whole, _WHOLE_SECONDS)
    return await run_in_threadpool(site.render, "runs/report_body.html", run=whole.report, level=2)


@router.get("/runs/{run}/report.html")
async def report_file(run: str, parts: Parts, watched: Watched) -> Response:
    """Give the report as one file that needs nothing else, to be kept or sent."""
    finished = await _finished(run, watched)
    whole = await _within(finished.whole, _WHOLE_SECONDS)
    text = await run_in_threadpool(_file, whole, parts)
    return Response(
        text,
        media_type="text/html; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="parlab-{whole.report.run}.html"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache",
        },
    )


def _file(whole: DrawnReport, parts: LabParts) -> str:
    one = whole.inlined()
    now = SystemClock().unix_seconds()
    return html(report([one], None, parts.settings.settings.version, now))


@router.get("/runs/{run}/charts/{name}.svg")
async def chart(run: str, name: str, request: Request, watched: Watched) -> Response:
    """Give one of a run's pictures."""
    image = watched.pictures.of(run).images.get(name) or watched.finished.image(run, name)
    if image is None:
        # The server is another than the page came from, say, and has not made this report yet.
        found = await run_in_threadpool(watched.find, run)
        if found.finished is not None:
            image = (await _within(found.finished.whole, _WHOLE_SECONDS)).charts.images.get(name)
    if image is None:
        raise UnknownName(f"run {run} has no picture {name!r} (any more)", "Load its page again.")
    mark = digest(image)
    kept = request.query_params.get("v") == mark
    headers = {
        "ETag": f'"{mark}"',
        "Cache-Control": f"private, max-age={_A_YEAR}, immutable" if kept else "no-cache",
        "Content-Security-Policy": _PICTURE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    if f'"{mark}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(image, media_type="image/svg+xml", headers=headers)


@router.get("/runs/{run}/live")
async def live(run: str, watched: Watched) -> StreamingResponse:
    """Follow a run's page: server-sent events with the parts that changed, until the run has ended."""
    found = await run_in_threadpool(watched.find, run)
    return StreamingResponse(
        _stream(found.record.id, watched),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(run: str, watched: WatchedRuns) -> AsyncIterator[bytes]:
    while True:
        shown = watched.live(run)
        if shown is not None:
            # A page that was made while nobody worked on the run has no parts: it is loaded again.
            yield b"event: begun\ndata: {}\n\n"
            async for event in shown.feed.follow():
                yield event
        how = await run_in_threadpool(watched.ending, run)
        if how:
            yield ended_event(how)
            return
        yield b": nobody works on it now\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


async def _finished(run: str, watched: WatchedRuns) -> FinishedRun:
    found = await run_in_threadpool(watched.find, run)
    if found.finished is None:
        raise BadInput(f"run {run} is not at its end: it has no report yet", "Look at its page.")
    return found.finished


async def _within(future: Future[T], seconds: float) -> T:
    """Wait for what a workshop makes; raises TimeoutError where it takes longer, and is made all the same."""
    try:
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), seconds)
    except asyncio.CancelledError:
        if future.cancelled():
            raise LabError("the orchestrator is ending", "Ask again when it is back.") from None
        raise
