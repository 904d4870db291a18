"""A picture as an answer: a browser that has it already is told so."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response

from parlab.orchestrator.serve.pages.runs.drawn import digest

#: A picture's own style is inside of it; it can fetch and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def served_image(request: Request, svg: str) -> Response:
    """Answer with an SVG that may be another one the next time."""
    mark = f'"{digest(svg)}"'
    headers = {
        "ETag": mark,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    if mark in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(svg, media_type="image/svg+xml", headers=headers)
