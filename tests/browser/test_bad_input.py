"""Runs with little in them, and names with too much: their pages say so, and do nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.browsing import Tab

HTML = '<script>alert("1")</script><img src=x onerror=alert(2)>&amp;'


def test_a_run_without_a_measured_trial_says_so_and_shows_no_figure(site: Any, desk: Tab) -> None:
    desk.open(f"{site.url}/runs/{site.empty}")
    desk.until_whole()
    assert "Nothing was measured" in desk.text()
    assert desk.page.locator("main img").count() == 0
    assert "NaN" not in desk.text()
    assert "None" not in desk.text()
    assert not desk.taken()


def test_a_run_of_a_single_configuration_has_a_page_without_a_verdict(site: Any, desk: Tab) -> None:
    desk.open(f"{site.url}/runs/{site.single}")
    desk.until_whole()
    headline = desk.text(".headline")
    assert "53.5 ms" in headline
    assert "times as fast" not in desk.text()
    assert "faster" not in headline
    assert not desk.taken()


@pytest.mark.parametrize(
    "address", ["/", "/runs/{hostile}", "/compare?runs={hostile}", "/experiments/hostile"]
)
def test_names_are_shown_as_they_are_and_do_nothing(address: str, site: Any, desk: Tab) -> None:
    desk.open(site.url + address.format_map(vars(site)))
    desk.until_whole()
    assert not desk.taken()
    assert HTML in desk.text()
    assert desk.page.locator("img[onerror]").count() == 0
    # The only scripts are the pages' own.
    assert set(
        desk.page.eval_on_selector_all("script", "all => all.map(s => s.getAttribute('src')?.slice(0, 8))")
    ) <= {"/static/"}


def test_a_name_from_right_to_left_turns_nothing_around_it(site: Any, desk: Tab) -> None:
    desk.open(f"{site.url}/")
    row = desk.page.get_by_role("row").filter(has_text="hostile").first
    # The words beside it stand where they do in every other row.
    other = desk.page.get_by_role("row").filter(has_text=site.hosts).first
    for column in range(row.locator("th, td").count()):
        one, two = (r.locator("th, td").nth(column).bounding_box() for r in (row, other))
        assert one is not None
        assert two is not None
        assert one["x"] == two["x"]
    assert desk.page.evaluate("document.dir || getComputedStyle(document.body).direction") == "ltr"


@pytest.mark.parametrize(
    "address",
    [
        "/runs/ffff",
        "/runs/..%2f..%2fetc",
        "/nodes/nobody",
        "/experiments/none",
        "/compare?runs=ffff",
        "/nowhere",
        f"/runs/{HTML}",
    ],
)
def test_what_is_not_there_is_answered_with_a_page_that_helps(address: str, site: Any, desk: Tab) -> None:
    answer = desk.page.goto(site.url + address)
    assert answer is not None
    assert answer.status in (400, 404)
    assert desk.page.locator("h1").count() == 1
    assert desk.page.get_by_role("navigation", name="Pages").is_visible()
    # They are laid out alike; one with names that are odd, and one without.
    if address in ("/runs/ffff", f"/runs/{HTML}"):
        assert not desk.violations()
    # The status is all that the console has to say.
    assert [told for told in desk.taken() if "status of 40" not in told and not told.startswith("40")] == []
