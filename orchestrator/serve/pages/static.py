"""The files that pages are shown with: style sheets, a script, an icon; addresses name their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

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
