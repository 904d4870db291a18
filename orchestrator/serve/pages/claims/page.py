"""``/claims``: the newest word on each claim on each build, and the claims that nobody has tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from parlab.orchestrator.experiment.file import load
from parlab.orchestrator.experiment.model import Claim
from parlab.orchestrator.serve.components import kept_by_the_application
from parlab.orchestrator.serve.pages.background import awaited
from parlab.orchestrator.serve.pages.claims.matrix import ClaimRow, claim_matrix, column_names
from parlab.orchestrator.serve.pages.claims.runs import MOST_RUNS, ClaimRun, ClaimRuns
from parlab.orchestrator.serve.pages.links import lab_command
from parlab.orchestrator.serve.pages.optional_charts import Charts, claim_charts
from parlab.orchestrator.serve.pages.site import Pages, Site
from parlab.orchestrator.serve.pages.static import served_image
from parlab.orchestrator.serve.problem import UnknownName

#: What each word says, as docs/claims.md has it.
WORDS = {
    "supported": "all tested conditions support it",
    "refuted": "all of them contradict it",
    "depends": "some support it and some contradict it",
    "unresolved": "not known yet",
    "skipped": "no part of it can be tried on this build",
}

#: So many runs that left claims open are named to be taken further.
_MOST_RESUMED = 3

router = APIRouter(include_in_schema=False)
Claims = Annotated[ClaimRuns, kept_by_the_application("claims")]


@router.get("/claims")
async def claims_page(request: Request, site: Pages, claims: Claims) -> HTMLResponse:
    """Show all claims on all builds."""
    runs = await awaited(claims.read())
    return await run_in_threadpool(_page, request, site, runs)


@router.get("/claims/matrix.svg")
async def matrix_picture(request: Request, claims: Claims) -> Response:
    """Give the matrix as a picture, to be passed on."""
    runs = await awaited(claims.read())
    charts = await run_in_threadpool(_charts, runs)
    if not charts.there:
        why = charts.notes[0] if charts.notes else "no claim was tried in this lab yet"
        raise UnknownName(why, "The page is at /claims.")
    return served_image(request, await awaited(claims.image(charts.there[0])))


@cache
def shipped() -> tuple[Claim, ...]:
    """Give the claims that ship, in their order."""
    return load("claims").claims


def _page(request: Request, site: Site, runs: Sequence[ClaimRun]) -> HTMLResponse:
    matrix = claim_matrix(runs, shipped())
    sayings = [saying for row in matrix.rows for saying in row.sayings if saying is not None]
    unsettled = dict.fromkeys(
        s.run.record.id for s in sayings if s.finding.word == "unresolved" and not s.run.active
    )
    return site.render(
        "claims/page.html",
        here="claims",
        runs=runs,
        most_runs=MOST_RUNS,
        matrix=matrix,
        names=column_names(matrix.columns),
        words=WORDS,
        counts=_counts([saying.finding.word for saying in sayings]),
        alphas=sorted({run.record.experiment.stop.alpha for run in runs}),
        try_all=lab_command(request, "run", "claims"),
        try_rest=_try(request, matrix.untried),
        go_on=[
            lab_command(request, "resume", run, "--budget", "10m") for run in list(unsettled)[:_MOST_RESUMED]
        ],
    )


def _charts(runs: Sequence[ClaimRun]) -> Charts:
    matrix = claim_matrix(runs, shipped())
    ids = [row.id for row in matrix.rows]
    findings = []
    for row in matrix.rows:
        # A chart's rows are told apart by their ids alone.
        name = row.id if ids.count(row.id) == 1 or row.source else f"{row.id} (own)"
        for column, saying in zip(column_names(matrix.columns), row.sayings, strict=True):
            if saying is not None:
                findings.append((column, replace(saying.finding, claim=name)))
    return claim_charts(findings)


def _counts(spoken: Sequence[str]) -> list[tuple[str, int]]:
    """Count the words of the matrix, in the order of :data:`WORDS`."""
    return [(word, spoken.count(word)) for word in WORDS if word in spoken]


def _try(request: Request, rows: Sequence[ClaimRow]) -> str:
    """Write the command that tries these claims alone."""
    ids = ", ".join(f'"{row.id}"' for row in rows)
    return lab_command(request, "run", "claims", "--set", f"experiment.claims=[{ids}]")
