"""``/``: the lab's runs and nodes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from parlab.orchestrator.serve.components import kept_by_the_application
from parlab.orchestrator.serve.events import event_stream
from parlab.orchestrator.serve.pages.home.overview import MOST_RUNS, Overview, page_of, pages
from parlab.orchestrator.serve.pages.links import lab_command
from parlab.orchestrator.serve.pages.site import Pages

router = APIRouter(include_in_schema=False)
Lab = Annotated[Overview, kept_by_the_application("overview")]


@router.get("/")
def home(request: Request, site: Pages, lab: Lab, page: str = "1") -> HTMLResponse:
    """Show the newest runs, and all nodes."""
    number = page_of(page)
    look = lab.look((number - 1) * MOST_RUNS)
    return site.render(
        "home/page.html",
        here="runs",
        look=look,
        page=number,
        pages=pages(look.count, number),
        begin=lab_command(request, "run", "article"),
        join=lab_command(request, "nodes", "add", "NAME"),
    )


@router.get("/live")
async def live(lab: Lab) -> StreamingResponse:
    """Follow the first page: server-sent events with the parts that changed."""
    return event_stream(lab.feed.follow())
