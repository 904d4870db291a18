"""The HTTP application: routes, errors, metrics, health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from parlab.orchestrator.serve import problem
from parlab.orchestrator.serve.api import docs as api_page
from parlab.orchestrator.serve.api import nodes as node_routes
from parlab.orchestrator.serve.api import runs as run_routes
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages import routes

#: The text format of Prometheus.
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_application(parts: LabParts) -> FastAPI:
    """Make the application; its service and exporter start and end with it."""

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        parts.service.start()
        parts.exporter.start()
        try:
            yield
        finally:
            routes.close(app)
            parts.exporter.stop()
            parts.service.stop()

    app = FastAPI(
        title="parlab",
        version=parts.settings.settings.version,
        description="Begins, stops and shows a lab's runs. What changes something needs the lab's token.",
        docs_url=None,
        redoc_url=None,
        lifespan=living,
    )
    app.state.parts = parts
    problem.install(app, routes.error_page)
    app.include_router(run_routes.router)
    app.include_router(node_routes.router)
    routes.install(app, parts)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(
            api_page.page(app.openapi()), headers={"Content-Security-Policy": api_page.CONTENT_POLICY}
        )

    @app.get("/metrics", response_class=PlainTextResponse, tags=["lab"])
    def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(parts.exposition.body(), media_type=METRICS_TYPE)

    @app.get("/healthz", tags=["lab"])
    def healthz() -> dict[str, str]:
        """Say that the process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["lab"])
    def readyz() -> JSONResponse:
        """Say whether the lab works: this is its controller, the server answers, and a node is there."""
        standing = parts.service.standing
        up = sum(node.up and node.problem is None for node in parts.exporter.nodes)
        ready = standing == "leading" and parts.exporter.server_up and up > 0
        body = {"ready": ready, "orchestrator": standing, "server": parts.exporter.server_up, "nodes": up}
        return JSONResponse(body, status_code=200 if ready else 503)

    return app
