"""``/runs/{run}``: one run, live while it measures, its report afterwards, and its pictures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from parlab.orchestrator.serve.components import LabParts, Parts, kept_by_the_application
from parlab.orchestrator.serve.events import event_stream
from parlab.orchestrator.serve.pages.background import awaited
from parlab.orchestrator.serve.pages.feed import ended_event
from parlab.orchestrator.serve.pages.runs.live_run import LiveRun
from parlab.orchestrator.serve.pages.runs.reports import DrawnReport, PendingReport
from parlab.orchestrator.serve.pages.runs.shown import FoundRun, ShownRuns
from parlab.orchestrator.serve.pages.site import Pages, Site
from parlab.orchestrator.serve.pages.static import served_image
from parlab.orchestrator.serve.problem import UnknownName
from parlab.orchestrator.show.report.document import report
from parlab.orchestrator.show.report.writer import html
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput

router = APIRouter(include_in_schema=False)
Runs = Annotated[ShownRuns, kept_by_the_application("runs")]

#: A page waits so long for words that are being worked out; then it comes without, and they follow.
_WORDS_SECONDS = 0.12
#: A report with all its pictures may take so long, in a lab with much to do.
_WHOLE_SECONDS = 120.0
#: How often it is looked whether somebody works on a run again.
_LOOK_SECONDS = 1.0


@router.get("/runs/{run}")
async def run(run: str, site: Pages, runs: Runs) -> Response:
    """Show a run."""
    shown = await run_in_threadpool(runs.find, run)
    name = shown.record.id
    if name != run:
        return RedirectResponse(f"/runs/{name}")
    if shown.live is not None:
        return await run_in_threadpool(_live_page, site, shown.live)
    if shown.report is None:
        return site.render("runs/waiting.html", here="runs", record=shown.record)
    return await _finished_page(site, shown, shown.report)


def _live_page(site: Site, live: LiveRun) -> Response:
    look = live.look()
    return site.render("runs/live.html", here="runs", record=look.record, look=look)


async def _finished_page(site: Site, shown: FoundRun, pending: PendingReport) -> Response:
    whole: DrawnReport | None = None
    words, fault = None, None
    try:
        if pending.whole.done():
            whole = pending.whole.result()
        else:
            words = await awaited(pending.words, _WORDS_SECONDS)
    except TimeoutError:
        pass
    except BadInput as error:
        # Stopped before it was planned, for example: there is the run, and nothing to show of it.
        fault = error
    return await run_in_threadpool(
        site.render,
        "runs/report.html",
        here="runs",
        record=shown.record,
        report=whole.report if whole is not None else words,
        is_whole=whole is not None,
        fault=fault,
    )


@router.get("/runs/{run}/body")
async def body(run: str, site: Pages, runs: Runs) -> Response:
    """Give a report's body, for a page that is open: when it is whole."""
    pending = await _finished(run, runs)
    whole = await awaited(pending.whole, _WHOLE_SECONDS)
    return await run_in_threadpool(site.render, "runs/report_body.html", run=whole.report, level=2)


@router.get("/runs/{run}/report.html")
async def report_file(run: str, parts: Parts, runs: Runs) -> Response:
    """Give the report as one file that needs nothing else, to be kept or sent."""
    pending = await _finished(run, runs)
    whole = await awaited(pending.whole, _WHOLE_SECONDS)
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
    inlined = whole.inlined()
    now = SystemClock().unix_seconds()
    return html(report([inlined], None, parts.settings.settings.version, now))


@router.get("/runs/{run}/charts/{name}.svg")
async def chart(run: str, name: str, request: Request, runs: Runs) -> Response:
    """Give one of a run's pictures."""
    image = runs.pictures.of(run).images.get(name) or runs.reports.image(run, name)
    if image is None:
        # The server is another than the page came from, say, and has not made this report yet.
        shown = await run_in_threadpool(runs.find, run)
        if shown.report is not None:
            image = (await awaited(shown.report.whole, _WHOLE_SECONDS)).charts.images.get(name)
    if image is None:
        raise UnknownName(f"run {run} has no picture {name!r} (any more)", "Load its page again.")
    return served_image(request, image)


@router.get("/runs/{run}/live")
async def live(run: str, runs: Runs) -> StreamingResponse:
    """Follow a run's page: server-sent events with the parts that changed, until the run has ended."""
    shown = await run_in_threadpool(runs.find, run)
    return event_stream(_stream(shown.record.id, runs))


async def _stream(run: str, runs: ShownRuns) -> AsyncIterator[bytes]:
    while True:
        shown = runs.live(run)
        if shown is not None:
            # A page that was made while nobody worked on the run has no parts: it is loaded again.
            yield b"event: begun\ndata: {}\n\n"
            async for event in shown.feed.follow():
                yield event
        how = await run_in_threadpool(runs.ending, run)
        if how:
            yield ended_event(how)
            return
        yield b": nobody works on it now\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


async def _finished(run: str, runs: ShownRuns) -> PendingReport:
    shown = await run_in_threadpool(runs.find, run)
    if shown.report is None:
        raise BadInput(f"run {run} has not ended yet: there is no report", "Look at its page.")
    return shown.report
