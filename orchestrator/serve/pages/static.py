"""Files that pages are shown with: style sheets, a script, an icon, pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files

from fastapi import Request
from fastapi.responses import Response

#: What is served, by name: where it lies (package and path in it) and what it is.
_SOURCES = {
    "parlab.css": ("parlab.orchestrator.show.report", "templates/parlab.css", "text/css"),
    "site.css": ("parlab.orchestrator.serve.pages", "static/site.css", "text/css"),
    "pages.css": ("parlab.orchestrator.serve.pages", "static/pages.css", "text/css"),
    "live.js": ("parlab.orchestrator.serve.pages", "static/live.js", "text/javascript"),
    "icon.svg": ("parlab.orchestrator.serve.pages", "static/icon.svg", "image/svg+xml"),
}
#: Seconds that a browser keeps what is named by its content.
A_YEAR = 31_536_000


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
    read = {}
    for name, (package, path, kind) in _SOURCES.items():
        body = files(package).joinpath(path).read_bytes()
        read[name] = StaticFile(name, f"{kind}; charset=utf-8", body, digest(body))
    return read


def digest(content: bytes) -> str:
    """Mark a content, for addresses."""
    return hashlib.sha256(content).hexdigest()[:12]


#: A picture's own style is inside of it; it can fetch and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def served_image(request: Request, svg: str) -> Response:
    """Answer with an SVG, which may be another one the next time unless its mark is in the address."""
    mark = digest(svg.encode())
    kept = request.query_params.get("v") == mark
    headers = {
        "ETag": f'"{mark}"',
        "Cache-Control": f"private, max-age={A_YEAR}, immutable" if kept else "no-cache",
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    if f'"{mark}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(svg, media_type="image/svg+xml", headers=headers)
