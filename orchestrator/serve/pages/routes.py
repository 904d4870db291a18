"""Routes of all pages, and the files and errors that belong to them."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.claims import page as claims_page
from parlab.orchestrator.serve.pages.claims.runs import ClaimRuns
from parlab.orchestrator.serve.pages.compare import page as compare_page
from parlab.orchestrator.serve.pages.compare.comparisons import Comparisons
from parlab.orchestrator.serve.pages.drawing import DrawingProcess
from parlab.orchestrator.serve.pages.experiments import page as experiments_page
from parlab.orchestrator.serve.pages.home import page as home_page
from parlab.orchestrator.serve.pages.home.overview import Overview
from parlab.orchestrator.serve.pages.nodes import page as nodes_page
from parlab.orchestrator.serve.pages.runs import page as run_page
from parlab.orchestrator.serve.pages.runs.shown import ShownRuns
from parlab.orchestrator.serve.pages.site import Site, site_of
from parlab.orchestrator.serve.pages.static import A_YEAR
from parlab.orchestrator.serve.problem import UnknownName

#: One router per page; a page's file has its own.
ROUTERS = (
    home_page.router,
    run_page.router,
    compare_page.router,
    nodes_page.router,
    claims_page.router,
    experiments_page.router,
)
#: Programs ask there: they get errors as JSON, whatever they say they accept.
_FOR_PROGRAMS = ("/api/", "/metrics", "/healthz", "/readyz", "/openapi.json")

router = APIRouter(include_in_schema=False)


def install(app: FastAPI, parts: LabParts) -> None:
    """Add the pages to an application."""
    app.state.site = site = Site(parts.settings)
    app.state.drawing = drawing = DrawingProcess()
    app.state.runs = ShownRuns(parts, site, drawing)
    app.state.overview = Overview(parts, site)
    app.state.comparisons = Comparisons(parts, drawing)
    app.state.claims = ClaimRuns(parts, drawing)
    app.include_router(router)
    for pages in ROUTERS:
        app.include_router(pages)


def close(app: FastAPI) -> None:
    """Stop what pages have running beside them."""
    for name in ("comparisons", "claims", "runs", "overview", "drawing"):
        getattr(app.state, name).close()


@router.get("/static/{digest}/{name}")
async def static(digest: str, name: str, request: Request) -> Response:
    """Give a file of the pages; one that is named by its content is kept by browsers for ever."""
    file = site_of(request).static.get(name)
    if file is None:
        raise UnknownName(f"there is no file {name!r}", "")
    # A page from before an update asks for the older content: it gets today's, and does not keep it.
    kept = f"public, max-age={A_YEAR}, immutable" if digest == file.digest else "no-cache"
    headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
    return Response(file.body, media_type=file.content_type, headers=headers)


def error_page(request: Request, status: HTTPStatus, detail: str, hint: str) -> Response | None:
    """Answer a browser with an error it can show; None: a program asked."""
    path = request.url.path
    if path.startswith(_FOR_PROGRAMS) or "text/html" not in request.headers.get("accept", ""):
        return None
    title = "Not found" if status == HTTPStatus.NOT_FOUND else status.phrase
    return site_of(request).render(
        "problem.html", status=int(status), here="", title=title, detail=detail, hint=hint
    )
