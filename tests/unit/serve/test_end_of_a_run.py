"""Who follows a run is told of its end only when the end is stored: what is fetched then says it, too."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from parlab.orchestrator.control import remote
from parlab.orchestrator.control.client import LabClient
from parlab.orchestrator.serve import active_run
from parlab.orchestrator.serve.active_run import ActiveRun, RunParts
from parlab.orchestrator.serve.events import RunEvents
from parlab.orchestrator.serve.progress import RunProgress
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from parlab.workers.errors import StorageFull
from tests.support.compared_runs import measured_run
from tests.support.lab_pages import LabPages, lab_pages
from tests.support.laboratory import laboratory, wait_until
from tests.support.served import events
from tests.support.stored_runs import put_measured

if TYPE_CHECKING:
    from parlab.orchestrator.lab.embedded import EmbeddedServer
    from parlab.orchestrator.store.records import RunState

OPEN: tuple[RunState, ...] = ("planned", "running")


@pytest.fixture(scope="module")
def pages(shared_server: EmbeddedServer, build_id: str) -> Iterator[LabPages]:
    """A lab in which nobody takes up a run: as between two orchestrators."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        lab = laboratory(shared_server, folder, build_id, stack)
        served = stack.enter_context(
            lab_pages(lab, folder, lambda store: put_measured(store, measured_run("a001")))
        )
        wait_until(lambda: served.parts.service.standing == "leading")
        served.parts.service.stop()
        yield served


def store_state(pages: LabPages, state: RunState) -> None:
    with pages.parts.service.store() as store:
        store.set_state("a001", state, "as a test has it")


@pytest.mark.parametrize("state", OPEN)
def test_a_run_that_nobody_works_on_yet_has_not_ended(pages: LabPages, state: RunState) -> None:
    store_state(pages, state)
    assert events(pages.client.get("/api/runs/a001/events").text) == []
    store_state(pages, "budget")
    (told,) = events(pages.client.get("/api/runs/a001/events").text)
    assert told == ("end", {"state": "budget", "reason": "as a test has it"})


@pytest.mark.parametrize("state", OPEN)
def test_a_command_that_comes_between_two_orchestrators_waits_for_the_end(
    pages: LabPages, state: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_state(pages, state)
    asked: list[int] = []
    follow = LabClient.follow

    def asked_again(lab: LabClient, run: str, after: int = 0) -> Any:
        asked.append(after)
        if len(asked) == 3:
            store_state(pages, "done")
        return follow(lab, run, after)

    monkeypatch.setattr(LabClient, "follow", asked_again)
    monkeypatch.setattr(remote, "_AGAIN_SECONDS", 0.0)
    with remote.LabSource(pages.parts.settings.settings, pages.url, quiet=True) as lab:
        found = lab._followed("a001")
    assert asked == [0, 0, 0]
    assert found.state == "done"


class Unwritable:
    """A store whose disk is full for so many writes of how a run ended."""

    def __init__(self, times: int) -> None:
        self.left = times

    def measured(self, place: Any, _lab: object, run: str, _budget: float) -> str:
        """What serve_run does at a run's end."""
        if self.left:
            self.left -= 1
            place.progress.say("the disk is full")
        else:
            place.store.set_state(run, "done", "every comparison is settled")
        return "done"


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ActiveRun:
    """A stored run, and who works on it."""
    settings = Settings(home=tmp_path, redis_url=None, lab_key_path=tmp_path / "lab.key", version="1.0")
    with Store.open(settings.store_path, SystemClock()) as store:
        put_measured(store, replace(measured_run("a001"), state="running"))
    monkeypatch.setattr(active_run, "AGAIN_SECONDS", 0.0)
    channel = RunEvents()
    no_watch: Any = None
    progress = RunProgress(channel, lambda _: None, no_watch, SystemClock())
    lab: Any = lambda _run: None  # noqa: E731
    return ActiveRun("a001", RunParts(settings, SystemClock(), lab), channel, progress)


def told_by(run: ActiveRun) -> list[tuple[str, Any]]:
    run._work()
    return [(event.kind, json.loads(event.data)) for event in run.channel._events]


def test_an_end_that_cannot_be_stored_is_not_told_before_it_is(
    working: ActiveRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Unwritable(2)
    monkeypatch.setattr(active_run, "serve_run", disk.measured)
    told = told_by(working)
    assert told.count(("message", "the disk is full")) == 2
    assert [about["state"] for kind, about in told if kind == "end"] == ["done"]
    assert told[-1][0] == "end"


def test_a_fault_of_parlabs_own_that_cannot_be_stored_is_no_end(
    working: ActiveRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> str:
        # From here on the store cannot be opened any more.
        monkeypatch.setattr(active_run, "Store", SimpleNamespace(open=full))
        raise ZeroDivisionError

    def full(*_: object) -> None:
        raise StorageFull("the disk is full", "Make room.")

    monkeypatch.setattr(active_run, "serve_run", fault)
    assert told_by(working) == []
