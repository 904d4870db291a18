"""A report that was mailed: opened from the disk of somebody who has no network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browsing import Tab, tab_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Whether all of an element can be seen without scrolling.
_ABOVE_THE_FOLD = "e => { const b = e.getBoundingClientRect(); return b.top >= 0 && b.bottom <= innerHeight }"


@contextmanager
def cut_off(browser: Browser, width: int, height: int) -> Iterator[Tab]:
    """A tab without a network, in which every request for anything but the file itself is noted."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_offline(True)
    context.route(re.compile("^(?!file:)"), lambda route: route.abort())
    try:
        yield tab_of(context)
    finally:
        context.close()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (360, 740)])
def test_the_answer_is_seen_at_once_and_nothing_is_asked_for(
    report_file: Path, browser: Browser, width: int, height: int
) -> None:
    with cut_off(browser, width, height) as one:
        one.open(report_file.as_uri())
        answer = one.page.locator(".headline").first
        expect(answer).to_have_text(re.compile(r"^Use threads ×4: \d\.\d\d times as fast as serial"))
        assert answer.evaluate(_ABOVE_THE_FOLD)
        pictures = one.page.locator("img")
        assert pictures.count() >= 3
        for picture in pictures.all():
            picture.scroll_into_view_if_needed()
            assert picture.evaluate("async e => { await e.decode(); return e.naturalWidth }") > 0
            assert len(picture.get_attribute("alt") or "") > 20
        assert {address.partition(":")[0] for address in one.requests} <= {"file", "data"}
        assert [address for address in one.requests if address.startswith("file")] == [report_file.as_uri()]
        assert not one.taken()


@pytest.mark.parametrize("name", ["report_file", "hostile_report"])
def test_a_report_is_accessible(name: str, browser: Browser, request: pytest.FixtureRequest) -> None:
    with cut_off(browser, 1440, 900) as one:
        one.open(request.getfixturevalue(name).as_uri())
        assert not one.violations()


def test_a_report_runs_nothing_that_stands_in_a_name(hostile_report: Path, browser: Browser) -> None:
    with cut_off(browser, 1440, 900) as one:
        one.open(hostile_report.as_uri())
        # What was written is there to be read, and is nothing else.
        assert '<script>alert("1")</script>' in one.text()
        assert one.page.locator("script, img[onerror]").count() == 0
        assert {address.partition(":")[0] for address in one.requests} <= {"file", "data"}
        assert not one.taken()
