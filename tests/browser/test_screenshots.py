"""Pictures of every page at three widths in light and in dark, looked over for gross faults.

Where PARLAB_SCREENSHOTS says where to keep them, they show the whole page: else only what a screen does.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from PIL import Image

from tests.support.browsing import WIDTHS, Tab, tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: Addresses of pages by the names of their pictures.
PAGES = {
    "home": "/",
    "run": "/runs/{run}",
    "run-empty": "/runs/{empty}",
    "run-hostile": "/runs/{hostile}",
    "run-hosts": "/runs/{hosts}",
    "compare": "/compare",
    "compare-hosts": "/compare?runs={hosts}",
    "nodes": "/nodes",
    "node": "/nodes/a",
    "claims": "/claims",
    "experiments": "/experiments",
    "experiment": "/experiments/article",
    "not-found": "/runs/ffffff",
}
#: A picture that is taller is cut there, or a long report would take most of the time.
_TALLEST = 3000


def take(one: Tab, width: int, height: int, keep: Path | None) -> bytes:
    """Take a picture of what a screen of this size shows, or of the whole page to be kept."""
    if keep is None:
        return one.page.screenshot()
    tall = min(int(one.page.evaluate("document.documentElement.scrollHeight")), _TALLEST)
    # As JPEG it is taken in half the time.
    return one.page.screenshot(
        path=keep, type="jpeg", quality=90, full_page=True,
        clip={"x": 0, "y": 0, "width": width, "height": max(tall, height)},
    )  # fmt: skip


def look_over(one: Tab, name: str, kept: Callable[[str], Path | None]) -> list[str]:
    """Take a page's pictures, and name what is grossly wrong with them."""
    faults = []
    for width, height in WIDTHS.items():
        one.page.set_viewport_size({"width": width, "height": height})
        faults += [f"{name} at {width}: {fault}" for fault in one.faults()]
        bright = {}
        for scheme in SCHEMES:
            one.page.emulate_media(color_scheme=scheme)
            taken = take(one, width, height, kept(f"{name}-{width}-{scheme}"))
            # A quarter of its size is enough to be judged by.
            picture = Image.open(io.BytesIO(taken)).convert("RGB").reduce(4)
            bright[scheme] = sorted(picture.convert("L").tobytes())[picture.width * picture.height // 2]
            # Text alone, smoothed, has some dozens. Where there are more than are counted, it is no list.
            colours = picture.getcolors(256)
            if colours is not None and len(colours) < 20:
                faults.append(f"{name} at {width} in {scheme}: only {len(colours)} colours, it is blank")
        if bright["dark"] > 90 or bright["light"] < 200:
            faults.append(f"{name} at {width}: as bright in dark as in light: {bright}")
    return faults


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_gross_fault_at_any_width_in_either_scheme(
    name: str, site: Any, browser: Browser, screenshots: Callable[[str], Path | None]
) -> None:
    with tab(browser) as one:
        one.open(site.url + PAGES[name].format_map(vars(site)))
        one.until_whole()
        assert not look_over(one, name, screenshots)


@pytest.mark.parametrize("name", ["report_file", "hostile_report"])
def test_a_report_has_no_gross_fault_at_any_width_in_either_scheme(
    name: str, browser: Browser, screenshots: Callable[[str], Path | None], request: pytest.FixtureRequest
) -> None:
    with tab(browser) as one:
        one.open(request.getfixturevalue(name).as_uri())
        assert not look_over(one, name.replace("_", "-"), screenshots)


@pytest.mark.usefixtures("charts_font")
@pytest.mark.parametrize("run", ["run", "hosts", "single", "hostile"])
def test_no_text_in_a_picture_is_cut_or_covered(run: str, site: Any, browser: Browser) -> None:
    with tab(browser) as one:
        one.open(f"{site.url}/runs/{getattr(site, run)}")
        one.until_whole()
        pictures = one.page.eval_on_selector_all("main img", "all => all.map(one => one.src)")
        faults: dict[str, list[str]] = {}
        for address in pictures:
            one.open(address)
            if found := one.faults("picture_faults.js"):
                faults[address.rpartition("/")[2]] = found
        assert pictures
        assert not faults
