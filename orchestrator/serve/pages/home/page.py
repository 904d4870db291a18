"""``/``: the lab's runs and nodes at a glance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from parlab.orchestrator.serve.pages.home.overview import MOST_RUNS, Glance, page_of, pages
from parlab.orchestrator.serve.pages.links import lab_command
from parlab.orchestrator.serve.pages.site import Site, site_of


def glance_of(request: Request) -> Glance:
    """Give the server's to a route."""
    glance: Glance = request.app.state.glance
    return glance


router = APIRouter(include_in_schema=False)
Pages = Annotated[Site, Depends(site_of)]
Glanced = Annotated[Glance, Depends(glance_of)]


@router.get("/")
def home(request: Request, site: Pages, glance: Glanced, page: str = "1") -> HTMLResponse:
    """Show the newest runs, and all nodes."""
    number = page_of(page)
    look = glance.look((number - 1) * MOST_RUNS)
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
async def live(glance: Glanced) -> StreamingResponse:
    """Follow the first page: server-sent events with the parts that changed."""
    return StreamingResponse(
        glance.feed.follow(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
