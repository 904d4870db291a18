"""The files that pages are shown with: style sheets, a script, an icon; addresses name their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files

from fastapi import Request
from fastapi.responses import Response

from parlab.orchestrator.serve.pages.runs.drawn import digest

#: What is served, by name: where it lies (package and path in it) and what it is.
_SOURCES = {
    "parlab.css": ("parlab.orchestrator.show.report", "templates/parlab.css", "text/css"),
    "site.css": ("parlab.orchestrator.serve.pages", "static/site.css", "text/css"),
    "pages.css": ("parlab.orchestrator.serve.pages", "static/pages.css", "text/css"),
    "live.js": ("parlab.orchestrator.serve.pages", "static/live.js", "text/javascript"),
    "icon.svg": ("parlab.orchestrator.serve.pages", "static/icon.svg", "image/svg+xml"),
}


@dataclass(frozen=True)
class StaticFile:
    """One file, read once."""

    name: str
    content_type: str
    body: bytes
    #: Says which content it is: a browser may keep what it got under this address for ever.
    digest: str

    @property
    def address(self) -> str:
        """Where it is served."""
        return f"/static/{self.digest}/{self.name}"


def read_all() -> Mapping[str, StaticFile]:
    """Read all files of the installation, by name."""
    found = {}
    for name, (package, path, kind) in _SOURCES.items():
        body = files(package).joinpath(path).read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:12]
        found[name] = StaticFile(name, f"{kind}; charset=utf-8", body, digest)
    return found


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
