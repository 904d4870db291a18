"""The first page, what all pages share, and the files they are shown with."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from parlab.orchestrator.serve.pages.home.overview import MOST_RUNS
from parlab.orchestrator.serve.pages.site import CONTENT_POLICY
from parlab.orchestrator.show.charts._kit.palette import STRATEGY_COLOURS
from parlab.orchestrator.store.records import RunRecord
from tests.support.compared_runs import measured_run
from tests.support.lab_pages import LabPages, lab_pages
from tests.support.laboratory import laboratory, wait_until
from tests.support.stored_runs import put_measured

if TYPE_CHECKING:
    from parlab.orchestrator.lab.embedded import EmbeddedServer
    from parlab.orchestrator.store.facade import Store

HOSTILE = "<img src=x onerror=alert(1)>\"'" + "w" * 200


def fill(store: Store) -> None:
    experiment = measured_run("e001").experiment
    for number in range(MOST_RUNS + 5):
        run = RunRecord(f"e{number:03x}", experiment, 1, 1_780_000_000.0 + number)
        store.create_run(run)
        store.set_state(run.id, "failed", "no comparison that can be made is left")
    put_measured(store, measured_run("a001"))
    odd = measured_run("c001")
    put_measured(
        store, odd, experiment=replace(odd.experiment, name=HOSTILE, question="<script>alert(1)</script>")
    )


@pytest.fixture(scope="module")
def pages(shared_server: EmbeddedServer, build_id: str) -> Iterator[LabPages]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        lab = laboratory(shared_server, folder, build_id, stack)
        yield stack.enter_context(lab_pages(lab, folder, fill))


@pytest.fixture
def empty(shared_server: EmbeddedServer, build_id: str, home: Path) -> Iterator[LabPages]:
    with ExitStack() as stack:
        lab = laboratory(shared_server, home, build_id, stack)
        yield stack.enter_context(lab_pages(lab, home))


def test_runs_are_listed_newest_first_with_what_they_found_in_words(pages: LabPages) -> None:
    # Answers are worked out beside the page, and are there with the next look.
    wait_until(lambda: pages.page("/").text.count("Use processes") == 2, 30)
    page = pages.page("/")
    runs = [link for link in page.links if link.startswith("/runs/")]
    assert len(runs) == MOST_RUNS
    assert set(runs[:2]) == {"/runs/a001", "/runs/c001"}
    assert runs[2] == f"/runs/e{MOST_RUNS + 4:03x}"
    assert "no comparison that can be made is left" in page.text


def test_older_runs_are_on_further_pages(pages: LabPages) -> None:
    assert "/?page=2" in pages.page("/").links
    second = pages.page("/", page="2")
    assert "/?page=1" in second.links
    assert "/runs/e000" in second.links
    # What is no number is the first page; beyond the last there is none, and that is said.
    assert "/runs/a001" in pages.page("/", page="<b>").links
    assert "no runs on this page" in pages.page("/", page="99").text


def test_names_from_outside_do_nothing_on_the_first_page(pages: LabPages) -> None:
    page = pages.page("/")
    assert page.all("img", src="x") == []
    assert "<script>alert(1)</script>" in page.text
    assert all(str(a["src"]).endswith("/live.js") for a in page.all("script"))


def test_an_empty_lab_says_what_begins_a_run_and_lets_a_node_in(empty: LabPages) -> None:
    page = empty.page("/")
    assert f"parlab run article --lab {empty.url}" in page.text
    assert "parlab nodes add" in page.text


def test_every_page_forbids_what_it_does_not_need(pages: LabPages) -> None:
    for address in ("/", "/runs/a001", "/nothing"):
        headers = pages.get(address).headers
        assert headers["content-security-policy"] == CONTENT_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert "unsafe" not in CONTENT_POLICY


def test_files_are_served_under_their_content_and_kept_for_ever(pages: LabPages) -> None:
    page = pages.page("/")
    found = [str(a.get("href") or a.get("src")) for tag, a in page.tags if "/static/" in str(a)]
    assert {address.rpartition("/")[2] for address in found} == {
        "parlab.css",
        "site.css",
        "live.js",
        "icon.svg",
    }
    for address in set(found):
        answer = pages.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        # A page from before an update gets today's file, and does not keep it.
        older = pages.get(f"/static/000000000000/{address.rpartition('/')[2]}")
        assert (older.content, older.headers["cache-control"]) == (answer.content, "no-cache")
    assert pages.get("/static/000000000000/other.js").status_code == 404
    assert pages.get("/static/000000000000/..%2f..%2fsettings.py").status_code == 404


def test_pages_fetch_nothing_from_elsewhere(pages: LabPages) -> None:
    for address in ("/", "/runs/a001"):
        for tag, attributes in pages.page(address).tags:
            source = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
            assert source is None or source.startswith("/"), (address, tag, source)


def test_a_strategy_has_its_colour_on_pages_too(pages: LabPages) -> None:
    style = pages.get("/static/x/parlab.css").text
    for strategy, colour in STRATEGY_COLOURS.items():
        assert re.search(rf"\.s-{strategy} {{ --mark: {colour}; }}", style), strategy


def test_links_to_grafana_have_their_variables(pages: LabPages) -> None:
    links = pages.page("/runs/a001").links
    back = quote(pages.url, safe="")
    assert f"http://grafana.test/d/parlab-strategies?var-run=a001&var-lab={back}" in links
    assert "http://grafana.test/dashboards" in links


def test_the_first_page_is_followed_as_others_are(pages: LabPages) -> None:
    with pages.client.stream("GET", "/live") as stream:
        text = ""
        for part in stream.iter_text():
            text += part
            if "event: parts" in text:
                break
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert "run-a001" in text


def test_the_api_and_its_page_are_as_they_were(pages: LabPages) -> None:
    assert pages.get("/docs").status_code == 200
    assert pages.get("/api/nothing").headers["content-type"] == "application/problem+json"
    assert "/runs/{run}" not in pages.get("/openapi.json").json()["paths"]
