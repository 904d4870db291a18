"""``/compare``: runs, hosts, nodes, builds or workloads side by side; a form chooses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from parlab.orchestrator.analysis.across.sample import AXES
from parlab.orchestrator.analysis.findings.across import Axis
from parlab.orchestrator.serve.components import LabParts, Parts, kept_by_the_application
from parlab.orchestrator.serve.pages.background import awaited
from parlab.orchestrator.serve.pages.compare import wording as comparison_words
from parlab.orchestrator.serve.pages.compare.comparisons import (
    MOST_RUNS,
    Asked,
    ComparedRuns,
    Comparisons,
    PendingComparison,
)
from parlab.orchestrator.serve.pages.home.overview import recent_runs
from parlab.orchestrator.serve.pages.links import lab_command, shortened
from parlab.orchestrator.serve.pages.site import Pages, Site
from parlab.orchestrator.serve.pages.static import served_image
from parlab.orchestrator.serve.problem import UnknownName, status_of
from parlab.orchestrator.show.report.pictures import Picture, picture
from parlab.orchestrator.show.report.tables import section_table
from parlab.orchestrator.show.text.comparison import sections_of
from parlab.workers.errors import BadInput, LabError

#: Runs that can be ticked; any other is named by its id.
_OFFERED = 24
#: What an axis is called where one is chosen.
_AXES: dict[Axis, str] = {
    "run": "runs",
    "host": "hosts",
    "node": "nodes",
    "python": "Python builds",
    "workload": "workloads",
}
#: Sections that the page lays out itself: what is compared, and what else differs.
_OWN_SECTIONS = 2
#: A page waits so long for its pictures; then it comes without their sizes, and they follow.
_PICTURES_SECONDS = 0.4

router = APIRouter(include_in_schema=False)
Known = Annotated[Comparisons, kept_by_the_application("comparisons")]
#: As the form sends them: one ``runs`` for each tick, and ids separated by commas or blanks.
Runs = Annotated[list[str], Query(default_factory=list)]


@router.get("/compare")
async def compare_page(
    request: Request,
    parts: Parts,
    site: Pages,
    known: Known,
    runs: Runs,
    by: str = "",
    baseline: str = "",
) -> HTMLResponse:
    """Show a comparison and the form that chooses another."""
    names = _names(runs)
    compared, images, fault = None, None, None
    try:
        asked = _asked(names, by, baseline)
        if names:
            pending = await run_in_threadpool(known.find, asked)
            compared = await awaited(pending.compared)
            images = await _images(pending)
    except LabError as error:
        # A run's page leads here: half of the choice is made, which is no mistake.
        if len(names) != 1 or by or baseline or _status(error) != HTTPStatus.BAD_REQUEST:
            fault = error
    return await run_in_threadpool(
        _page, request, parts, site, Choosing(names, by, baseline), compared, images, fault
    )


@router.get("/compare/{name}.svg")
async def comparison_picture(
    name: str, request: Request, known: Known, runs: Runs, by: str = "", baseline: str = ""
) -> Response:
    """Give one of a comparison's pictures."""
    names = _names(runs)
    if not names:
        raise BadInput("no run is named to draw", f"Write /compare/{shortened(name)}.svg?runs=7f3a,81c0.")
    pending = await run_in_threadpool(known.find, _asked(names, by, baseline))
    await awaited(pending.compared)
    image = (await awaited(pending.images)).get(name)
    if image is None:
        raise UnknownName(
            f"this comparison has no picture {shortened(name)!r}", "Its tables are at /compare."
        )
    return served_image(request, image)


@dataclass(frozen=True)
class Choosing:
    """What the form was sent with."""

    names: tuple[str, ...]
    by: str
    baseline: str


def _names(runs: Sequence[str]) -> tuple[str, ...]:
    listed = [name for text in runs for name in text.replace(",", " ").split()]
    return tuple(dict.fromkeys(listed))


def _asked(names: tuple[str, ...], by: str, baseline: str) -> Asked:
    axis = next((axis for axis in AXES if axis == by), None)
    if by and axis is None:
        raise BadInput(
            f"by={shortened(by)}: this is not something to compare by", f"Name one of: {', '.join(AXES)}."
        )
    return Asked(names, axis, baseline.strip() or None)


def _status(fault: LabError | None) -> HTTPStatus:
    status = status_of(fault) if fault is not None else HTTPStatus.OK
    # What is wrong is in the address, not in a body.
    return HTTPStatus.BAD_REQUEST if status == HTTPStatus.UNPROCESSABLE_ENTITY else status


async def _images(pending: PendingComparison) -> Mapping[str, str] | LabError:
    """Give the pictures that are drawn by now: none where that takes longer, or why it failed."""
    try:
        return await awaited(pending.images, _PICTURES_SECONDS)
    except TimeoutError:
        return {}
    except LabError as error:
        return error


def _page(
    request: Request,
    parts: LabParts,
    site: Site,
    choosing: Choosing,
    compared: ComparedRuns | None,
    images: Mapping[str, str] | LabError | None,
    fault: LabError | None,
) -> HTMLResponse:
    with parts.service.store() as store:
        offered = recent_runs(store, _OFFERED)
    chosen = tuple(compared.experiments) if compared is not None else choosing.names
    ticked = {record.id for record in offered if record.id in chosen}
    return site.render(
        "compare/page.html",
        status=_status(fault),
        here="compare",
        fault=fault,
        offered=offered,
        ticked=ticked,
        alone=choosing.names[0] if compared is None and fault is None and choosing.names else "",
        others=", ".join(name for name in chosen if name not in ticked),
        axes=_AXES,
        by=choosing.by,
        baseline=choosing.baseline,
        most_runs=MOST_RUNS,
        begin=lab_command(request, "run", "article"),
        compared=compared,
        **(_shown(request, choosing, compared, images or {}) if compared is not None else {}),
    )


def _shown(
    request: Request, choosing: Choosing, compared: ComparedRuns, images: Mapping[str, str] | LabError
) -> dict[str, object]:
    finding = compared.finding
    declared = comparison_words.declared(finding)
    query = {"by": choosing.by, "baseline": choosing.baseline.strip()}
    options = [word for name, value in query.items() if value for word in (f"--{name}", value)]
    notes = list(compared.charts.notes)
    pictures: list[Picture] = []
    if isinstance(images, LabError):
        notes.append(f"There are no pictures: {images.message}.")
    else:
        asked = urlencode({"runs": ",".join(compared.experiments)} | {k: v for k, v in query.items() if v})
        for chart in compared.charts.there:
            address = f"/compare/{quote(chart.name, safe='')}.svg?{asked}"
            pictures.append(picture(chart, images.get(chart.name, ""), address))
    return {
        "finding": finding,
        "tallies": comparison_words.tallies(finding),
        "declared": declared,
        "not_told": comparison_words.not_told(finding, declared),
        "tables": [section_table(section) for section in islice(sections_of(finding), _OWN_SECTIONS, None)],
        "pictures": pictures,
        "sizes_known": bool(images),
        "picture_notes": notes,
        "command": lab_command(request, "compare", *compared.experiments, *options),
    }
