"""A real browser, and a real lab with runs that it looks at; both once for all of this folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.lab.embedded import EmbeddedServer
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from tests.support.browsing import Tab, tab
from tests.support.checkout import SOURCE
from tests.support.compared_runs import host, measured_run
from tests.support.laboratory import build_id, laboratory, wait_until
from tests.support.served import Served, experiment, serving
from tests.support.stored_runs import put_measured

__all__ = ["build_id"]

#: Names as somebody could have chosen them to do harm, or only because they are at home elsewhere.
HTML = '<script>alert("1")</script><img src=x onerror=alert(2)>&amp;'
RIGHT_TO_LEFT = "מדידה של \u202eקבצים"
LONG = "averylongnamewithoutasingleblankinit" * 6
MARK = "a-mark-in-a-hostile-question"


@dataclass(frozen=True)
class Site:
    """A lab that is served, and what its pages are about."""

    served: Served
    #: Measured here just now, with a verdict.
    run: str
    #: Put into the store: without a measured trial; of one configuration; with hostile names; on two hosts.
    empty: str
    single: str
    hostile: str
    hosts: str

    @property
    def runs(self) -> tuple[str, ...]:
        """All of them."""
        return self.run, self.empty, self.single, self.hostile, self.hosts

    @property
    def url(self) -> str:
        """Where it is."""
        return self.served.url

    def store(self) -> Store:
        """Open what it stores in, beside it, as a command does."""
        return Store.open(self.served.home / "parlab.db", SystemClock())

    @staticmethod
    def sure(name: str) -> dict[str, Any]:
        """Give an experiment whose verdict no noise of a machine changes: four wait at a time, or one."""
        found = experiment(name, blocks=8, seconds=0.02)
        found["experiment"]["question"] = "Does it help to wait for four things at a time?"
        found["strategy"][1]["max_workers"] = 4
        return found

    def stop(self, run: str) -> None:
        """Stop a run for good."""
        assert self.served.ask(f"/api/runs/{run}", "DELETE").status_code == 200

    def begin_long(self, name: str, blocks: int = 300) -> str:
        """Begin a run that does not end by itself while a test looks at it."""
        return self.served.begin(experiment(name, blocks=blocks))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; its absence is a skip on a desk and a failure in CI."""
    found = os.environ.get("PARLAB_CHROMIUM") or shutil.which("chromium")
    if found is None or not Path(found).exists():
        why = "no Chromium here: install the distribution's, or set PARLAB_CHROMIUM to one"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest.fixture(scope="session")
def charts_font() -> None:
    """A font that charts are laid out for: in another, words may be cut, which is then no fault of theirs."""
    asked = subprocess.run(["fc-match", "Arial"], capture_output=True, text=True, check=False).stdout
    if not any(name in asked for name in ("Arial", "Liberation Sans", "Arimo", "Helvetica")):
        why = f"no font as wide as Arial here: install fonts-liberation ({asked.strip()})"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


@dataclass
class BrowsersLoop:
    """The event loop that Playwright runs while it is called, and claims to run between two calls, too.

    Whatever else runs in this process must not see it: ``asyncio.run`` would refuse to start.
    """

    loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let it be seen, by Playwright itself."""
        asyncio._set_running_loop(self.loop)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def browsers_loop() -> BrowsersLoop:
    """The only one; there is none before there is a browser."""
    return BrowsersLoop()


@pytest.fixture(autouse=True)
def only_here(browsers_loop: BrowsersLoop) -> Iterator[None]:
    """Hide the browser's loop from the tests of other folders, which may come between."""
    with browsers_loop.shown():
        yield


@pytest.fixture(scope="session")
def browser(chromium: str, browsers_loop: BrowsersLoop) -> Iterator[Browser]:
    """A browser that starts with an empty profile and asks for nothing on its own."""
    arguments = ["--no-sandbox", "--disable-background-networking", "--force-color-profile=srgb"]
    playwright = sync_playwright().start()
    browsers_loop.loop = asyncio.get_running_loop()
    launched = playwright.chromium.launch(executable_path=chromium, args=arguments)
    yield launched
    with browsers_loop.shown():
        launched.close()
        playwright.stop()


@pytest.fixture
def desk(browser: Browser) -> Iterator[Tab]:
    """A tab on a desk's screen."""
    with tab(browser) as opened:
        yield opened


@pytest.fixture(scope="session")
def site(chromium: str, build_id: str) -> Iterator[Site]:
    """An orchestrator with a node, a run that it measured, and runs from elsewhere in its store."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        server = EmbeddedServer(folder / "server")
        server.start()
        stack.callback(server.stop)
        lab = laboratory(server, folder, build_id, stack)
        home = folder / "orchestrator"
        home.mkdir()
        with Store.open(home / "parlab.db", SystemClock()) as store:
            for stored in _stored():
                put_measured(store, stored)
        served = stack.enter_context(serving(lab, home, PARLAB_GRAFANA_URL="http://grafana.invalid"))
        # Other tests beside these are load on this machine, and no reason to reject a trial here.
        lab.node("a", PARLAB_TOLERATE="load other-measurement").start()
        wait_until(lambda: served.ask("/readyz").status_code == 200)
        run = served.begin(Site.sure("seen"))
        served.until(run, "done")
        yield Site(served, run, *(stored.run for stored in _stored()))


def _stored() -> tuple[MeasuredRun, ...]:
    """Make the runs that the store has: none of their figures is of this machine."""
    empty = replace(measured_run("e0e0", blocks=0), state="interrupted")
    single = measured_run("51e0", seconds={"serial": 0.01})
    names = measured_run("bad0", workloads=(HTML, LONG, RIGHT_TO_LEFT), hosts=(host("h1", f"{HTML}{LONG}"),))
    hostile = replace(names.experiment, name="hostile", question=f"{MARK} {HTML} {RIGHT_TO_LEFT} {LONG}")
    names = replace(names, experiment=hostile, plan=replace(names.plan, experiment=hostile))
    two = measured_run("2057", hosts=(host("h1", "laptop"), host("h2", "desk", boot="b00t0001")))
    return empty, single, names, two


def _report(site: Site, target: Path, *runs: str) -> Path:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PARLAB_")}
    made = subprocess.run(
        [sys.executable, "-P", "-m", "parlab", "report", *runs, "-o", target],
        env={**own, "PARLAB_HOME": str(site.served.home), "PYTHONPATH": SOURCE},
        capture_output=True, text=True, check=False, cwd=target.parent,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return target


@pytest.fixture(scope="session")
def report_file(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the measured run, as the command makes it."""
    return _report(site, tmp_path_factory.mktemp("report") / "report.html", site.run)


@pytest.fixture(scope="session")
def hostile_report(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of three runs in one file: with hostile names, without a trial, of one configuration."""
    target = tmp_path_factory.mktemp("hostile") / "report.html"
    return _report(site, target, site.hostile, site.empty, site.single)


@pytest.fixture(scope="session")
def screenshots() -> Callable[[str], Path | None]:
    """Says where a picture of a page is kept: in the folder PARLAB_SCREENSHOTS, or nowhere."""
    kept = os.environ.get("PARLAB_SCREENSHOTS")
    if not kept:
        return lambda _: None
    folder = Path(kept)
    folder.mkdir(parents=True, exist_ok=True)
    return lambda name: folder / f"{name}.jpg"
