"""A run's page while it measures: what comes in appears by itself, and nothing that is read jumps away."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.support.browsing import Tab
from tests.support.laboratory import wait_until

#: Above this, Google's Core Web Vitals call a page's layout unstable; a half of it is asked for.
_MOST_SHIFT = 0.05
_LIMIT_MILLISECONDS = 60_000
#: The next word may take the place of one before somebody looks.
_NOTE_WHAT_IS_SAID = """() => {
  const said = document.getElementById("said");
  window.heard = [said.textContent];
  new MutationObserver(() => window.heard.push(said.textContent))
    .observe(said, {childList: true, characterData: true, subtree: true});
}"""


def test_a_verdict_arrives_without_reloading_and_nothing_jumps(site: Any, desk: Tab) -> None:
    run = site.served.begin(site.sure("watched"))
    desk.open(f"{site.url}/runs/{run}")
    page = desk.page
    row = page.locator("table.live tbody tr").filter(has_text="threads")
    expect(row.locator(".word")).not_to_have_text("faster", timeout=1)
    # It would be gone if the page were loaded again.
    page.evaluate("window.stillTheSamePage = true")
    page.evaluate(_NOTE_WHAT_IS_SAID)
    expect(page.locator("#line-state")).to_contain_text("Live")
    expect(row.locator(".word")).to_have_text("faster", timeout=_LIMIT_MILLISECONDS)
    shift, what = desk.shift()
    assert shift < _MOST_SHIFT, what
    # Somebody who does not see it is told.
    wait_until(lambda: re.search("threads ×4.*faster|ended", " ".join(page.evaluate("window.heard"))), 20)
    # The report follows in the same page, below what was there.
    expect(page.locator("#line-state")).to_contain_text("The run has ended", timeout=_LIMIT_MILLISECONDS)
    expect(page.locator("#report .headline")).to_contain_text("Use threads ×4", timeout=_LIMIT_MILLISECONDS)
    shift, what = desk.shift()
    assert shift < _MOST_SHIFT, what
    assert page.evaluate("window.stillTheSamePage")
    assert not desk.taken()
    assert not desk.violations()


def test_estimates_narrow_and_the_state_of_the_node_follows(site: Any, desk: Tab) -> None:
    run = site.begin_long("narrowing")
    try:
        desk.open(f"{site.url}/runs/{run}")
        blocks = desk.page.locator("#progress .tile").filter(has_text="Blocks measured").locator("b")
        expect(blocks).to_have_text(re.compile(r"^[3-9]|\d\d+$"), timeout=_LIMIT_MILLISECONDS)
        expect(desk.page.locator(".live-nodes")).to_contain_text("wait(seconds=0.002)")
        assert desk.shift()[0] < _MOST_SHIFT, desk.shift()
        assert not desk.violations()
        assert not desk.taken()
    finally:
        site.stop(run)
    expect(desk.page.locator("#state")).to_contain_text("interrupted", timeout=_LIMIT_MILLISECONDS)


def test_a_run_that_is_removed_while_it_is_watched_says_so(site: Any, desk: Tab) -> None:
    run = site.begin_long("removed")
    desk.open(f"{site.url}/runs/{run}")
    expect(desk.page.locator("#line-state")).to_contain_text("Live")
    wait_until(lambda: site.served.blocks(run) > 0, 60)
    with site.store() as store:
        store.space.remove_run(run)
    expect(desk.page.locator("#line-state")).to_contain_text("removed", timeout=_LIMIT_MILLISECONDS)
    # What was on the page stays to be read.
    assert "threads ×2" in desk.text("table.live")
    assert not desk.taken()
    assert not desk.violations()
    # Loading it again finds nothing, and says what to do.
    desk.page.reload()
    assert "Not found" in desk.text()
    assert not desk.violations()


def test_a_run_that_begins_is_offered_on_the_page_of_runs(site: Any, desk: Tab) -> None:
    desk.open(f"{site.url}/")
    desk.page.evaluate("window.stillTheSamePage = true")
    expect(desk.page.locator("#line-state")).to_contain_text("Live")
    run = site.begin_long("just-begun")
    try:
        expect(desk.page.get_by_text("Something is new")).to_be_visible(timeout=30_000)
        assert desk.shift()[0] < _MOST_SHIFT, desk.shift()
        assert desk.page.evaluate("window.stillTheSamePage")
        assert not desk.taken()
    finally:
        site.stop(run)
