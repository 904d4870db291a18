"""The page that compares: a form without script, differences first, one piece of work at a time."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.control.sources import load_runs
from parlab.orchestrator.serve.pages.compare.comparisons import MOST_RUNS
from parlab.orchestrator.serve.pages.drawing import DrawingProcess, NotDrawn
from parlab.workers.errors import EnvironmentFault
from tests.support.compared_runs import host, measured_run
from tests.support.lab_pages import LabPages, lab_pages
from tests.support.laboratory import laboratory, wait_until
from tests.support.stored_runs import put_measured

if TYPE_CHECKING:
    from parlab.orchestrator.lab.embedded import EmbeddedServer
    from parlab.orchestrator.settings import Settings
    from parlab.orchestrator.show.charts.base import Chart
    from parlab.orchestrator.store.facade import Store

HOSTILE = "<img src=x onerror=alert(1)>\"'" + "w" * 200
SLOWER = {"serial": 0.010, "threads": 0.010, "processes": 0.0072}
#: Takes runs from the store to be compared.
LOADED = "parlab.orchestrator.serve.pages.compare.comparisons.load_runs"


def fill(store: Store) -> None:
    two = (host(), host("h2", "server", kernel="6.12"))
    works = ("integer_sum", "prime_sieve")
    put_measured(store, measured_run("a001", workloads=works))
    put_measured(store, measured_run("a002", workloads=works, seconds=SLOWER, parlab="1.1"))
    put_measured(store, measured_run("b001", hosts=two))
    odd = measured_run("c001", hosts=(host(hostname=HOSTILE), host("h2", "مضيف\u202egniht")))
    question = replace(odd.experiment, question="<script>alert('x')</script>" + "q" * 200)
    put_measured(store, odd, experiment=question)
    put_measured(store, measured_run("d001", blocks=2))


@pytest.fixture(scope="module")
def pages(shared_server: EmbeddedServer, build_id: str) -> Iterator[LabPages]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        lab = laboratory(shared_server, folder, build_id, stack)
        yield stack.enter_context(lab_pages(lab, folder, fill))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What was read to be compared, in order."""
    found: list[tuple[str, ...]] = []

    def noted(settings: Settings, names: Sequence[str], lab_url: str | None) -> list[MeasuredRun]:
        found.append(tuple(names))
        return load_runs(settings, names, lab_url)

    monkeypatch.setattr(LOADED, noted)
    return found


def test_a_form_offers_the_newest_runs_and_the_axes_and_needs_no_script(pages: LabPages) -> None:
    page = pages.page("/compare")
    (form,) = page.all("form")
    assert (form["action"], form["method"]) == ("/compare", "get")
    ticks = page.all("input", type="checkbox", name="runs")
    assert [tick["value"] for tick in ticks] == ["d001", "c001", "b001", "a002", "a001"]
    assert not [tick for tick in ticks if "checked" in tick]
    assert [one["value"] for one in page.all("option")] == ["", "run", "host", "node", "python", "workload"]
    assert f"At most {MOST_RUNS}" in page.text
    labels = {one.get("for") for one in page.all("label")}
    assert {one["id"] for tag, one in page.tags if tag in ("input", "select") and "id" in one} <= labels


def test_two_runs_are_compared_what_differs_first(pages: LabPages) -> None:
    page = pages.page("/compare?runs=a001&runs=a002")
    for sooner, later in (
        ("comparisons are declared", "What else differs"),
        ("What else differs", "parlab of the node"),
        ("parlab of the node", "Speed-ups over their own baselines"),
        ("Speed-ups over their own baselines", "Geometric means over workloads"),
    ):
        assert 0 <= page.text.index(sooner) < page.text.index(later)
    assert "a002 against a001: gains less 2" in page.text
    assert {"/runs/a001", "/runs/a002"} <= set(page.links)
    assert f"parlab compare a001 a002 --lab {pages.url}" in page.text
    ticked = [tick["value"] for tick in page.all("input", type="checkbox") if "checked" in tick]
    assert ticked == ["a002", "a001"]


def test_the_same_runs_are_compared_once_however_they_are_named(
    pages: LabPages, loads: list[tuple[str, ...]]
) -> None:
    first = pages.page("/compare?runs=a002,b001&by=run")
    assert pages.page("/compare?runs=a002&runs=b0&by=run").text == first.text
    assert pages.page("/compare?runs=a002+b001,a002&by=run").text == first.text
    for image in first.all("img"):
        assert pages.get(str(image["src"])).status_code == 200
    assert loads == [("a002", "b001")]


def test_a_run_that_was_taken_further_is_compared_again(
    pages: LabPages, loads: list[tuple[str, ...]]
) -> None:
    with pages.parts.service.store() as store:
        put_measured(store, measured_run("e001", seed=5))
        put_measured(store, measured_run("e002", seed=6))
    pages.page("/compare?runs=e001,e002")
    with pages.parts.service.store() as store:
        store.add_running_seconds("e002", 30.0)
    pages.page("/compare?runs=e001,e002")
    pages.page("/compare?runs=e001,e002")
    assert loads == [("e001", "e002")] * 2


def test_hosts_of_one_run_are_compared_and_either_may_be_the_reference(pages: LabPages) -> None:
    page = pages.page("/compare?runs=b001")
    assert "Hosts compared" in page.text
    assert "kernel 6.8 6.12" in page.text
    assert [one["value"] for one in page.all("option")][-2:] == ["h1", "h2"]
    turned = pages.page("/compare?runs=b001&by=host&baseline=h2")
    assert "h1 against h2:" in turned.text
    assert "--by host --baseline h2" in turned.text


def test_the_picture_is_an_image_of_its_own_that_a_browser_keeps(pages: LabPages) -> None:
    page = pages.page("/compare?runs=a001,a002")
    (image,) = [one for one in page.all("img") if str(one["src"]).startswith("/compare/")]
    assert "a001" in str(image["alt"])
    answer = pages.get(str(image["src"]))
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    again = pages.client.get(str(image["src"]), headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert pages.get("/compare/nothing.svg", runs="a001,a002").status_code == 404


def test_pictures_that_cannot_be_drawn_cost_the_page_nothing_else_and_are_tried_again(
    pages: LabPages, monkeypatch: pytest.MonkeyPatch, loads: list[tuple[str, ...]]
) -> None:
    def broken(self: DrawingProcess, chart: Chart) -> str:
        raise NotDrawn(f"chart {chart.name}: the drawing process died", "See the server's log.")

    with monkeypatch.context() as within:
        within.setattr(DrawingProcess, "svg", broken)
        # A page waits a moment for its pictures: on a busy machine they are pending at first.
        why = "There are no pictures: chart hosts-speed-up: the drawing process died."
        wait_until(lambda: why in pages.page("/compare?runs=a001,d001&by=run").text, 60)
        assert "Speed-ups over their own baselines" in pages.page("/compare?runs=a001,d001&by=run").text
    wait_until(lambda: pages.get("/compare/hosts-speed-up.svg?runs=a001,d001&by=run").status_code == 200, 60)
    assert loads == [("a001", "d001")], "only what failed is done again"


def test_an_installation_that_cannot_draw_says_what_it_lacks(
    pages: LabPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = EnvironmentFault("a report needs altair, which is not installed", "Install what is missing.")
    monkeypatch.setattr("parlab.orchestrator.serve.pages.optional_charts.missing_for_report", lambda: lacking)
    page = pages.page("/compare?runs=a002,d001&by=run")
    assert "There are no pictures: a report needs altair, which is not installed." in page.text
    assert "Speed-ups over their own baselines" in page.text


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/compare?runs=ffff", 404, "there is no run 'ffff' in this lab The newest are:"),
        ("/compare?runs=a00", 404, "could be any of the runs a001, a002"),
        (
            "/compare?runs=a001,a002&by=colour",
            400,
            "by=colour: this is not something to compare by Name one of: run,",
        ),
        ("/compare?runs=d001&by=host", 400, "there is only one host"),
        ("/compare?runs=a001,a002&baseline=zzzz", 400, "there is no such run Name one of: a001, a002."),
        ("/compare?runs=1,2,3,4,5,6,7,8,9", 400, "9 runs are too many to compare at once"),
    ],
)
def test_what_cannot_be_compared_is_said_with_its_cure_above_the_form(
    pages: LabPages, address: str, status: int, said: str
) -> None:
    page = pages.page(address, status)
    assert said in page.text
    assert page.all("div", role="alert")
    assert page.count("form") == 1


def test_what_somebody_typed_is_escaped_and_cut(pages: LabPages) -> None:
    page = pages.page("/compare", 404, runs="<script>" + "w" * 5000)
    assert "<script>" not in page.source
    assert "there is no run '<script>" in page.text
    assert "w" * 60 not in page.text.partition("in this lab")[0]


def test_names_that_hold_html_or_run_the_other_way_are_text(pages: LabPages) -> None:
    page = pages.page("/compare?runs=c001&by=host")
    assert "<img src=x" not in page.source
    assert "onerror" not in {name for _, attributes in page.tags for name in attributes}
    assert HOSTILE in page.text
    assert "\u202e" not in page.source


def test_a_run_that_is_removed_while_it_is_looked_at_is_a_page_that_says_so(
    pages: LabPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pages.parts.service.store() as store:
        put_measured(store, measured_run("f001", seed=9))

    def pruned(settings: Settings, names: Sequence[str], lab_url: str | None) -> list[MeasuredRun]:
        with pages.parts.service.store() as store:
            store.space.remove_run("f001")
        return load_runs(settings, names, lab_url)

    monkeypatch.setattr(LOADED, pruned)
    page = pages.page("/compare?runs=a001,f001", 404)
    assert "run f001 has just been removed" in page.text
    assert str(pages.parts.settings.settings.store_path) not in page.text
    assert "there is no run 'f001'" in pages.page("/compare?runs=a001,f001", 404).text


def test_others_are_answered_while_a_comparison_is_worked_out(
    pages: LabPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(settings: Settings, names: Sequence[str], lab_url: str | None) -> list[MeasuredRun]:
        begun.set()
        assert go_on.wait(30)
        return load_runs(settings, names, lab_url)

    monkeypatch.setattr(LOADED, slow)
    asked = [
        threading.Thread(target=pages.get, args=(f"/compare?runs=a001,d001&baseline={name}",), daemon=True)
        # More than there are threads for requests: a page that waits keeps none.
        for name in ["a001", "d001", *[f"{i:02}" for i in range(20)]] * 2
    ]
    for one in asked:
        one.start()
    assert begun.wait(30)
    assert pages.get("/healthz").json() == {"status": "ok"}
    assert pages.page("/experiments/article").count("pre")
    go_on.set()
    for one in asked:
        one.join(60)
        assert not one.is_alive()
    assert "Runs compared" in pages.page("/compare?runs=a001,d001&baseline=d001").text


def test_a_lab_without_a_run_says_how_to_begin_one(
    shared_server: EmbeddedServer, build_id: str, home: Path
) -> None:
    with ExitStack() as stack:
        lab = laboratory(shared_server, home, build_id, stack)
        empty = stack.enter_context(lab_pages(lab, home))
        page = empty.page("/compare")
        assert "No run is in the store yet" in page.text
        assert f"parlab run article --lab {empty.url}" in page.text
