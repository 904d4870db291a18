"""A run's page: its report when it has ended, its estimates while it measures, and what cannot be shown."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.analysis.view import finding_of
from parlab.orchestrator.serve.events import RunEvents
from parlab.orchestrator.serve.metrics.durations import Durations
from parlab.orchestrator.serve.pages.runs import pictures as drawn_pictures
from parlab.orchestrator.serve.pages.runs.live_run import LiveRun
from parlab.orchestrator.serve.progress import RunProgress
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.clock import SystemClock
from parlab.workers.errors import EnvironmentFault
from tests.support.compared_runs import host, measured_run
from tests.support.lab_pages import LabPages, Page, lab_pages
from tests.support.laboratory import laboratory, wait_until
from tests.support.served import events
from tests.support.stored_runs import put_measured

if TYPE_CHECKING:
    from parlab.orchestrator.lab.embedded import EmbeddedServer
    from parlab.orchestrator.store.facade import Store

HOSTILE = "<img src=x onerror=alert(1)>\"'" + "w" * 160
RIGHT_TO_LEFT = "كم \u202e<b>"


def hostile_run() -> MeasuredRun:
    return measured_run("c001", hosts=(host(hostname=HOSTILE), host("h2", RIGHT_TO_LEFT)))


def fill(store: Store) -> None:
    put_measured(store, measured_run("a001"))
    odd = hostile_run()
    put_measured(
        store, odd, experiment=replace(odd.experiment, name=HOSTILE, question="<script>alert(1)</script>")
    )
    put_measured(store, measured_run("d001", blocks=8))
    # Before the orchestrator starts: it takes up a run that it sees half made.
    for name in ("b001", "f001", "f002"):
        put_measured(store, measured_run(name, blocks=8))
    experiment = measured_run("e001").experiment
    store.create_run(RunRecord("e001", experiment, 1, 1_790_000_000.0))
    store.set_state("e001", "failed", "it was stopped before it was planned")


@pytest.fixture(scope="module")
def pages(shared_server: EmbeddedServer, build_id: str) -> Iterator[LabPages]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        lab = laboratory(shared_server, folder, build_id, stack)
        yield stack.enter_context(lab_pages(lab, folder, fill))


@contextmanager
def measuring(pages: LabPages, run: MeasuredRun) -> Iterator[Any]:
    """Have a stored run look as if a controller worked on it: what its thread would tell is told here."""
    channel = RunEvents()
    progress = RunProgress(channel, lambda _: None, Durations(), SystemClock())
    progress.begin(run.plan, run.registrations)
    active: Any = SimpleNamespace(run=run.run, alive=True, channel=channel, progress=progress)
    active.stop, active.join = (lambda _: None), (lambda _: True)
    with pages.parts.service.store() as store:
        store.set_state(run.run, "running")
        pages.parts.service.active[run.run] = active
    try:
        yield active
    finally:
        # The state first: what is "running" and has no controller is taken up by the service.
        with pages.parts.service.store() as store:
            if run.run in store.run_ids():
                store.set_state(run.run, "done", "as a test has it")
        active.alive = False
        channel.close()
        pages.parts.service.active.pop(run.run, None)


def look(pages: LabPages, active: Any, run: MeasuredRun) -> None:
    """Tell what the stored trials mean, as a controller does after a sitting."""
    with pages.parts.service.store() as store:
        active.progress.look(finding_of(store, run.plan), {}, 100.0)


def whole(pages: LabPages, run: str) -> Page:
    """A run's page when its report has been made."""
    assert pages.get(f"/runs/{run}/body").status_code == 200
    return pages.page(f"/runs/{run}")


def test_a_run_that_has_ended_shows_its_answer_and_its_pictures_at_addresses_of_their_own(
    pages: LabPages,
) -> None:
    page = whole(pages, "a001")
    assert "Use processes" in page.text
    assert "live.js" not in page.source  # nothing changes here
    pictures = page.all("img")[1:]
    assert len(pictures) >= 2
    for picture in pictures:
        assert picture["alt"]
        assert picture["width"]
        assert picture["height"]
        answer = pages.get(str(picture["src"]))
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "immutable" in answer.headers["cache-control"]
        assert ET.fromstring(answer.text).tag.endswith("svg")


def test_a_picture_is_sent_again_only_when_it_changed(pages: LabPages) -> None:
    address = str(whole(pages, "a001").all("img")[1]["src"])
    plain = address.partition("?")[0]
    first = pages.get(plain)
    assert first.headers["cache-control"] == "no-cache"
    again = pages.client.get(plain, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert pages.get("/runs/a001/charts/no-such.svg").status_code == 404


def test_the_report_can_be_had_as_one_file(pages: LabPages) -> None:
    answer = pages.get("/runs/a001/report.html")
    assert answer.headers["content-disposition"] == 'attachment; filename="parlab-a001.html"'
    assert "data:image/svg+xml;base64," in answer.text
    assert "/runs/a001/charts" not in answer.text


def test_names_from_outside_do_nothing_on_a_page(pages: LabPages) -> None:
    page = whole(pages, "c001")
    assert page.all("script") == []
    assert page.all("img", src="x") == []
    assert "<script>alert(1)</script>" in page.text


def test_a_run_is_found_by_the_start_of_its_id_at_one_address(pages: LabPages) -> None:
    answer = pages.get("/runs/a0")
    assert (answer.status_code, answer.headers["location"]) == (307, "/runs/a001")


def test_an_unknown_run_is_a_page_for_browsers_and_a_problem_for_programs(pages: LabPages) -> None:
    page = pages.page("/runs/ffff", 404)
    assert "there is no run 'ffff'" in page.text
    answer = pages.client.get("/runs/ffff", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    of_api = pages.get("/api/runs/ffff")
    assert of_api.headers["content-type"] == "application/problem+json"
    assert pages.page("/nothing", 404).count("nav") == 1


def test_a_run_that_was_never_planned_has_a_page_that_says_so(pages: LabPages) -> None:
    page = pages.page("/runs/e001")
    assert "stopped before it was planned" in page.text
    assert "/runs/e001/report.html" not in page.links


def test_a_run_that_was_removed_has_no_page_any_more(pages: LabPages) -> None:
    whole(pages, "f001")
    with pages.parts.service.store() as store:
        store.space.remove_run("f001")
    pages.page("/runs/f001", 404)
    assert pages.get("/runs/f001/body").status_code == 404


def test_without_the_extra_that_draws_a_report_says_how_to_get_pictures(
    pages: LabPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = EnvironmentFault("a report needs altair, which is not installed", "Install it so.")
    monkeypatch.setattr(drawn_pictures, "missing_for_report", lambda: missing)
    page = whole(pages, "b001")
    assert "Use processes" in page.text
    assert "altair, which is not installed. Install it so." in page.text


def test_while_a_run_measures_its_page_has_a_row_for_each_way_from_the_beginning(pages: LabPages) -> None:
    run = measured_run("d001", blocks=8)
    with measuring(pages, run) as active:
        page = pages.page("/runs/d001")
        rows = [a["id"] for a in page.all("tr") if str(a.get("id", "")).startswith("row-")]
        assert len(rows) == len(run.plan.groups[0].configurations)
        assert "not started" in page.text
        look(pages, active, run)
        after = pages.page("/runs/d001")
        assert [a["id"] for a in after.all("tr") if str(a.get("id", "")).startswith("row-")] == rows
        assert "faster" in after.text
        assert "8 blocks" in after.text


def test_who_follows_is_told_each_verdict_once_and_how_it_ended(pages: LabPages) -> None:
    run = measured_run("d001", blocks=8)
    told: list[tuple[str, Any]] = []
    ended = threading.Event()

    def follow() -> None:
        with pages.client.stream("GET", "/runs/d001/live") as stream:
            buffer.extend(stream.iter_text())
        told.extend(events("".join(buffer)))
        ended.set()

    buffer: list[str] = []
    with measuring(pages, run) as active:
        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        wait_until(lambda: "not started" in "".join(buffer))
        look(pages, active, run)
        wait_until(lambda: "faster" in "".join(buffer))
        with pages.parts.service.store() as store:
            store.set_state("d001", "done", "every comparison is settled")
        active.alive = False
        active.channel.close()
        assert ended.wait(20)
    news = [about for kind, about in told if kind == "parts"]
    assert [one["ended"] for one in news][-1] == "done"
    said = [one["said"] for one in news if "processes" in one["said"]]
    assert len(said) == 1
    assert ": faster, 1." in said[0]
    # What did not change is not sent again.
    first, second = news[0]["parts"], news[1]["parts"]
    assert second.keys() < first.keys()


def test_a_run_is_rendered_once_for_all_who_follow(pages: LabPages, monkeypatch: pytest.MonkeyPatch) -> None:
    run = measured_run("d001", blocks=8)
    with measuring(pages, run) as active:
        rendered = 0
        real = LiveRun._looked

        def counted(live: LiveRun, *, last: bool) -> Any:
            nonlocal rendered
            rendered += 1
            return real(live, last=last)

        monkeypatch.setattr(LiveRun, "_looked", counted)
        buffers: list[list[str]] = [[] for _ in range(20)]
        threads = [threading.Thread(target=_read, args=(pages, b), daemon=True) for b in buffers]
        for thread in threads:
            thread.start()
        wait_until(lambda: all("not started" in "".join(b) for b in buffers), 30)
        before = rendered
        look(pages, active, run)
        wait_until(lambda: all("faster" in "".join(b) for b in buffers), 30)
        # The nodes are read anew now and then, which is another look.
        assert rendered - before <= 3
    for thread in threads:
        thread.join(20)


def test_a_browser_that_leaves_is_not_written_to_any_more(
    pages: LabPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[LiveRun] = []
    real = LiveRun._looked

    def noted(live: LiveRun, *, last: bool) -> Any:
        seen.append(live)
        return real(live, last=last)

    monkeypatch.setattr(LiveRun, "_looked", noted)
    with measuring(pages, measured_run("d001", blocks=8)):
        with pages.client.stream("GET", "/runs/d001/live") as stream:
            parts = stream.iter_text()
            while "not started" not in next(parts):
                pass
            assert seen[-1].feed.followers == 1
        wait_until(lambda: seen[-1].feed.followers == 0)


def test_a_run_that_is_removed_while_it_is_watched_is_told_and_the_line_ends(pages: LabPages) -> None:
    run = measured_run("f002", blocks=8)
    buffer: list[str] = []
    with measuring(pages, run) as active:
        thread = threading.Thread(target=_read, args=(pages, buffer, "f002"), daemon=True)
        thread.start()
        wait_until(lambda: "not started" in "".join(buffer))
        with pages.parts.service.store() as store:
            store.space.remove_run("f002")
        active.channel.touch()
        wait_until(lambda: '"ended": "removed"' in "".join(buffer))
        active.alive = False
        thread.join(20)
        assert not thread.is_alive()
    pages.page("/runs/f002", 404)


def test_news_are_at_a_follower_within_two_seconds_of_the_store(pages: LabPages) -> None:
    run = measured_run("d001", blocks=8)
    buffer: list[str] = []
    with measuring(pages, run) as active:
        thread = threading.Thread(target=_read, args=(pages, buffer), daemon=True)
        thread.start()
        wait_until(lambda: "not started" in "".join(buffer))
        began = time.monotonic()
        look(pages, active, run)
        wait_until(lambda: "faster" in "".join(buffer))
        # The machine may be busy with other tests; the benchmark has the figure of a quiet one.
        assert time.monotonic() - began < 10
    thread.join(20)
    assert not thread.is_alive()


def _read(pages: LabPages, buffer: list[str], run: str = "d001") -> None:
    with pages.client.stream("GET", f"/runs/{run}/live") as stream:
        buffer.extend(stream.iter_text())
