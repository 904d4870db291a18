"""The site that all pages share: templates, what they may use, and what a browser is told not to do."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Annotated, Any

import jinja2
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from parlab.orchestrator import figures
from parlab.orchestrator.serve.pages.links import GrafanaLinks
from parlab.orchestrator.serve.pages.static import StaticFile, read_all
from parlab.orchestrator.serve.settings import ServeSettings
from parlab.orchestrator.show.charts.base import slug

#: Everything comes from here, nothing is inline, nothing is sent anywhere.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # What a page shows is of now; a browser that goes back asks again.
    "Cache-Control": "no-cache",
}
#: Figures as templates write them: ``{{ seconds|duration }}``.
_FILTERS = ("number", "percent", "duration", "quantity", "waiting", "size", "implementation", "printable")


class Site:
    """Renders pages. Made once for a server; rendering may happen in any thread."""

    def __init__(self, settings: ServeSettings) -> None:
        """Load what pages are made with."""
        self.static: Mapping[str, StaticFile] = read_all()
        self._grafana_url = settings.grafana_url
        self._given: dict[str, object] = {}
        self._environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader(
                [
                    jinja2.PackageLoader(__package__, ""),
                    jinja2.PackageLoader("parlab.orchestrator.show.report", "templates"),
                ]
            ),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            # An installation's templates do not change under a process.
            auto_reload=False,
        )
        self._environment.filters |= {name: getattr(figures, name) for name in _FILTERS}
        self._environment.filters |= {"when": when, "clock": clock, "slug": slug}
        self._environment.globals |= {
            "version": settings.settings.version,
            "static": lambda name: self.static[name].address,
            # Where dashboards are to lead back to is known with a request: see ``at``.
            "grafana": GrafanaLinks(settings.grafana_url),
            "NONE": figures.NONE,
        }

    def at(self, address: str) -> Site:
        """Give the same for a browser that reaches it at ``address``: dashboards lead back there."""
        site = copy(self)
        site._given = {"grafana": GrafanaLinks(self._grafana_url, address)}  # noqa: SLF001 - its own
        return site

    def text(self, template: str, **context: object) -> str:
        """Render a template, a page's or the report's, such as ``"runs/live.html"``."""
        return self._environment.get_template(template).render(self._given | context)

    def render(self, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
        """Answer with a page.

        Args:
            template: such as ``"runs/live.html"``; it extends ``base.html``.
            status: of the answer.
            context: what the template shows. ``here`` is the entry of the navigation that the page belongs
                to ("runs", "compare", "claims", "experiments", "nodes"; "" is none), and has to be there.
        """
        return HTMLResponse(self.text(template, **context), status_code=status, headers=dict(HEADERS))

    def macros(self, template: str) -> Any:
        """Give the macros of a template: ``site.macros("runs/parts.html").row(…)`` is their text."""
        return self._environment.get_template(template).module


def site_of(request: Request) -> Site:
    """Give the server's site, for the address that a request came to."""
    site: Site = request.app.state.site
    return site.at(str(request.base_url))


#: A route's parameter of this type is the server's site.
Pages = Annotated[Site, Depends(site_of)]


def when(unix_seconds: float) -> Markup:
    """Write a moment for people and programs: a ``<time>`` in UTC, to the minute."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        moment.isoformat(timespec="seconds").replace("+00:00", "Z"), moment.strftime("%Y-%m-%d %H:%M UTC")
    )


def clock(unix_seconds: float) -> Markup:
    """Write a moment of today, or nearly: a ``<time>`` in UTC, to the second, without its day."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        moment.isoformat(timespec="seconds").replace("+00:00", "Z"), moment.strftime("%H:%M:%S")
    )
