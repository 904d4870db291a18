"""The pages without a mouse: all that can be used is reached, in order, and is seen to be reached."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.browsing import Tab

#: What has the focus: what it is, whether it is seen to have it, and whether it is on the screen.
_FOCUSED = """async () => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  // It is scrolled to with the next frame.
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  window.reached ??= [];
  const again = window.reached.includes(e);
  window.reached.push(e);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  return {
    again,
    where: e.getAttribute("href") ?? "",
    what: e.outerHTML.slice(0, 120),
    marked: e.matches(":focus-visible") && (outlined || style.boxShadow !== "none"),
    inSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""
#: What can be used with a mouse, or scrolled, and was not reached.
_MISSED = """() =>
  [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((e) => e.checkVisibility({visibilityProperty: true}) && !window.reached.includes(e))
  .map((e) => e.outerHTML.slice(0, 120))"""
_PAGES = (
    *("/", "/runs/{run}", "/compare", "/compare?runs={hosts}"),
    *("/nodes/a", "/claims", "/experiments/article"),
)
_MOST = 400


def tabbed(one: Tab) -> list[dict[str, Any]]:
    """Press Tab from the top of a page until its end; what had the focus, one after another."""
    found: list[dict[str, Any]] = []
    for _ in range(_MOST):
        one.page.keyboard.press("Tab")
        focused = one.page.evaluate(_FOCUSED)
        if focused is None or focused["again"]:
            return found
        found.append(focused)
    pytest.fail(f"the focus did not come to an end in {_MOST} steps")


@pytest.mark.parametrize("address", _PAGES)
def test_all_that_can_be_used_is_reached_and_seen_to_be(address: str, site: Any, desk: Tab) -> None:
    desk.open(site.url + address.format_map(vars(site)))
    desk.until_whole()
    reached = tabbed(desk)
    first = ["#main", "/", "/", "/compare", "/claims", "/experiments", "/nodes"]
    assert [one["where"] for one in reached[: len(first)]] == first
    assert [one["what"] for one in reached if not one["marked"]] == []
    assert [one["what"] for one in reached if not one["inSight"]] == []
    assert desk.page.evaluate(_MISSED) == []


def test_the_skip_link_shows_itself_and_leads_past_the_navigation(site: Any, desk: Tab) -> None:
    desk.open(f"{site.url}/experiments")
    skip = desk.page.locator("a.skip")
    desk.page.keyboard.press("Tab")
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] >= 0
    desk.page.keyboard.press("Enter")
    desk.page.keyboard.press("Tab")
    assert desk.page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_a_comparison_is_chosen_by_keyboard_alone(site: Any, desk: Tab) -> None:
    desk.open(f"{site.url}/compare")
    desk.page.locator(f"input[value='{site.hosts}']").focus()
    desk.page.keyboard.press("Space")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(f"**/compare?*{site.hosts}*")
    assert "Hosts compared" in desk.text("h1")
    assert not desk.taken()
