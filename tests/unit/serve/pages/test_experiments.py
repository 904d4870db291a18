"""The experiments' pages: what can be measured, what it takes, its file, and the command that begins it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parlab.orchestrator.experiment.file import shipped
from parlab.orchestrator.experiment.toml import shipped_names
from parlab.orchestrator.serve.pages.experiments.card import cards
from parlab.workers import catalog
from tests.support.compared_runs import measured_run
from tests.support.lab_pages import LabPages, lab_pages
from tests.support.laboratory import laboratory
from tests.support.stored_runs import put_measured

if TYPE_CHECKING:
    from parlab.orchestrator.lab.embedded import EmbeddedServer
    from parlab.orchestrator.store.facade import Store

QUESTION = "<script>alert('x')</script> سؤال \"" + "q" * 200


def fill(store: Store) -> None:
    for number, name in enumerate(("ours", "smoke", "ours")):
        run = measured_run(f"a00{number}", blocks=2, seed=number)
        experiment = replace(run.experiment, name=name, question=QUESTION)
        put_measured(
            store, replace(run, started_unix_seconds=1_790_000_000.0 + number), experiment=experiment
        )


@pytest.fixture(scope="module")
def pages(shared_server: EmbeddedServer, build_id: str) -> Iterator[LabPages]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        lab = laboratory(shared_server, folder, build_id, stack)
        yield stack.enter_context(lab_pages(lab, folder, fill))


def test_everything_that_ships_is_listed_with_its_question_and_what_it_takes(pages: LabPages) -> None:
    page = pages.page("/experiments")
    for one in shipped():
        assert f"/experiments/{one.name}" in page.links
        assert f"{one.name} {one.question} at most" in page.text
    assert "claims Which of the article's claims hold here? at most 15 min for each build" in page.text
    assert "Does everything work here? at most 18 s · last: a001," in page.text
    assert f"parlab run NAME --lab {pages.url}" in page.text


def test_what_experiments_are_made_of_is_listed_with_its_defaults(pages: LabPages) -> None:
    page = pages.page("/experiments")
    for some in (catalog.workloads(), catalog.scenarios(), catalog.strategies()):
        for name, one in some.items():
            assert f"{name} " in page.text
            assert one.summary in page.text
    steps = catalog.workload("integer_sum").parameters["steps"]
    assert f"steps = {steps.default}: {steps.summary.rstrip('.')}" in page.text


@pytest.mark.parametrize("name", shipped_names())
def test_each_that_ships_has_a_page_with_its_file_and_command(pages: LabPages, name: str) -> None:
    page = pages.page(f"/experiments/{name}")
    card = cards()[name]
    text = (
        resources.files("parlab.orchestrator.experiment.shipped")
        .joinpath(f"{name}.toml")
        .read_text(encoding="utf-8")
    )
    assert " ".join(text.split()) in page.text
    assert f"parlab run {name} --lab {pages.url}" in page.text
    assert f"takes at most {card.budget}" in page.text
    assert card.works
    for work in card.works:
        assert work.ways
        assert f"{work.name} {'scenario' if work.scenario else 'workload'} {work.summary}" in page.text
    # These pages only read.
    assert not page.count("form") + page.count("button")


def test_what_an_experiment_measures_is_told_by_conditions_and_ways() -> None:
    loop = next(work for work in cards()["claims"].works if work.name == "integer_sum")
    assert loop.conditions == ("integer_sum(steps=10⁵)",)
    assert "serial" in loop.ways
    assert any(way.startswith("processes ×") for way in loop.ways)
    claims = cards()["claims"]
    assert claims.claims == tuple(f"C{number}" for number in range(1, 17))
    assert claims.stop == "when every claim is settled"
    assert cards()["self-test"].stop == "after 100000 blocks"


def test_an_experiment_of_ones_own_is_known_by_its_runs(pages: LabPages) -> None:
    listed = pages.page("/experiments")
    assert "ours" in listed.text.partition("Your own, in recent runs")[2]
    page = pages.page("/experiments/ours")
    assert "<script>alert" not in page.source
    assert QUESTION in page.text
    assert {"/runs/a002", "/runs/a000"} <= set(page.links)
    assert "/runs/a001" not in page.links
    assert "/compare?runs=a000,a002" in page.links
    assert "Its file" not in page.text


def test_what_there_is_none_of_is_not_found(pages: LabPages) -> None:
    page = pages.page("/experiments/nothing", 404)
    assert "there is no experiment 'nothing'" in page.text
    assert "These ship: article," in page.text
    for hostile in ("%2e%2e%2fclaims%2fc01", "%3Cb%3E" + "w" * 300, "claims.toml"):
        assert "<b>w" not in pages.page(f"/experiments/{hostile}", 404).source


def test_runs_that_are_removed_are_gone_from_the_pages(pages: LabPages) -> None:
    with pages.parts.service.store() as store:
        run = measured_run("b000", blocks=2)
        put_measured(store, run, experiment=replace(run.experiment, name="brief"))
    assert "/experiments/brief" in pages.page("/experiments").links
    with pages.parts.service.store() as store:
        store.space.remove_run("b000")
    assert "/experiments/brief" not in pages.page("/experiments").links
    pages.page("/experiments/brief", 404)
