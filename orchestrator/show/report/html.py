"""The report as one HTML file: no script, nothing to fetch, its style and its pictures inside."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from parlab.orchestrator.show.report.document import ReportDocument

#: What programs know a report of parlab's by, within its first bytes.
GENERATOR = '<meta name="generator" content="parlab'


def html(document: ReportDocument) -> str:
    """Write a report."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # Names come from experiment files, of anybody's: were one ever not escaped, it could do nothing.
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    template = _environment().get_template("report.html")
    return template.render(report=document, style=Markup(style), policy=policy)  # noqa: S704 - our own file


@cache
def _style() -> str:
    return files(__package__).joinpath("templates/parlab.css").read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
