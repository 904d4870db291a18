"""A report from runs to HTML: what the command writes, and what a run leaves behind at its end."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from parlab.orchestrator.analysis.across.compare import compare
from parlab.orchestrator.analysis.across.measured_run import run_of
from parlab.orchestrator.analysis.findings.across import CompareFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.report.document import ReportDocument, report, run_report
from parlab.orchestrator.show.report.pictures import pictures_of
from parlab.workers.errors import BadInput


def make_html(
    runs: Sequence[RunView],
    parlab_version: str,
    made_unix_seconds: float,
    kinds: Sequence[str] | None = None,
) -> str:
    """Make a report of one or several runs.

    Args:
        runs: with their trials.
        parlab_version: of what makes it.
        made_unix_seconds: when it is made.
        kinds: names of the kinds of charts that are wanted; None: all.
    """
    drawn = [run_report(run, pictures_of(run, kinds=kinds)) for run in runs]
    return html(report(drawn, compared(runs), parlab_version, made_unix_seconds))


def compared(runs: Sequence[RunView]) -> CompareFinding | str | None:
    """Compare several runs; a text says why they cannot be, and one run is not."""
    if len(runs) < 2:
        return None
    try:
        return compare([run_of(run) for run in runs])
    except BadInput as refusal:
        return refusal.message


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
