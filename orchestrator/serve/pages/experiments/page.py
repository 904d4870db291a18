"""``/experiments`` and ``/experiments/{name}``: experiments, and the commands that begin them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from parlab.orchestrator.serve.components import Parts
from parlab.orchestrator.serve.pages.experiments.card import budget_words, cards
from parlab.orchestrator.serve.pages.home.overview import recent_runs
from parlab.orchestrator.serve.pages.links import lab_command, shortened
from parlab.orchestrator.serve.pages.site import Pages
from parlab.orchestrator.serve.problem import UnknownName
from parlab.orchestrator.store.records import RunRecord
from parlab.workers import catalog
from parlab.workers.parameter import Parameter

#: Of so many runs, the newest, it is told which experiments they are of.
_LOOKED_AT = 100
#: So many runs of an experiment are told.
_TOLD = 10

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Part:
    """Something that an experiment can be made of."""

    name: str
    #: "cpu", "io" or "mixed" of a workload; "" of others.
    kind: str
    summary: str
    #: What of it can be set, each with its default.
    parameters: tuple[str, ...]


@router.get("/experiments")
def experiments_page(request: Request, parts: Parts, site: Pages) -> HTMLResponse:
    """Show what ships, what was measured besides, and what experiments are made of."""
    with parts.service.store() as store:
        recent = recent_runs(store, _LOOKED_AT)
    known = cards()
    newest: dict[str, RunRecord] = {}
    for record in recent:
        newest.setdefault(record.experiment.name, record)
    return site.render(
        "experiments/list.html",
        here="experiments",
        cards=list(known.values()),
        newest=newest,
        others=[record for name, record in newest.items() if name not in known],
        made_of=made_of(),
        begin=lab_command(request, "run", "NAME"),
    )


@router.get("/experiments/{name}")
def experiment_page(name: str, request: Request, parts: Parts, site: Pages) -> HTMLResponse:
    """Show one experiment: one that ships with its file, another one by the runs of it."""
    with parts.service.store() as store:
        runs = [record for record in recent_runs(store, _LOOKED_AT) if record.experiment.name == name][:_TOLD]
    card = cards().get(name)
    if card is None and not runs:
        raise UnknownName(
            f"there is no experiment {shortened(name)!r}: none of that name ships, and no recent run has it",
            f"These ship: {', '.join(cards())}.",
        )
    return site.render(
        "experiments/experiment.html",
        here="experiments",
        name=name,
        card=card,
        question=card.question if card is not None else runs[0].experiment.question,
        budget=card.budget if card is not None else budget_words(runs[0].experiment),
        runs=runs,
        begin=lab_command(request, "run", name),
    )


@cache
def made_of() -> Mapping[str, tuple[Part, ...]]:
    """List this installation's workloads, scenarios and strategies, as ``parlab workloads`` does."""
    return {
        "Workloads": tuple(
            Part(name, entry.kind, entry.summary, _parameters(entry.parameters))
            for name, entry in catalog.workloads().items()
        ),
        "Scenarios": tuple(
            Part(name, "", entry.summary, _parameters(entry.parameters))
            for name, entry in catalog.scenarios().items()
        ),
        "Strategies": tuple(
            Part(name, "", entry.summary, _parameters(entry.options))
            for name, entry in catalog.strategies().items()
        ),
    }


def _parameters(parameters: Mapping[str, Parameter]) -> tuple[str, ...]:
    lines = []
    for name, parameter in parameters.items():
        default = "worked out" if parameter.default is None else str(parameter.default)
        choices = f", one of {', '.join(map(str, parameter.choices))}" if parameter.choices else ""
        lines.append(f"{name} = {default}{choices}: {parameter.summary.rstrip('.')}")
    return tuple(lines)
