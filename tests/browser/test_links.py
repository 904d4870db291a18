"""Every link of the lab's pages, followed as a reader could: all of it is there, and as it should be."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlsplit

from tests.support.browsing import Tab, tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Of pages that differ in nothing but what they are about, so many are opened; the others are asked for.
_ALIKE = 2
#: They are asked for, and not opened: what programs read, and files that are loaded down.
_NO_PAGES = (".html", ".svg", "/docs", "/openapi.json", "/metrics")


def links_of(one: Tab, url: str) -> list[str]:
    """Where a page's links go within the site, without fragments."""
    found: list[str] = one.page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
    return [address for link in dict.fromkeys(found) if (address := urldefrag(link).url).startswith(url)]


def dangling(one: Tab) -> list[str]:
    """Which fragments a page's links name that are not on it."""
    found: list[str] = one.page.eval_on_selector_all(
        "a[href^='#']", "all => all.map(one => decodeURIComponent(one.hash.slice(1)))"
    )
    return [f"no #{name}" for name in found if not one.page.locator(f'[id="{name}"]').count()]


def kind_of(address: str) -> str:
    """What pages that are alike have in common: their path without names and ids."""
    parts = urlsplit(address)
    return "/".join(parts.path.split("/")[:2]) + ("?" if parts.query else "")


def test_every_link_leads_to_a_page_that_is_whole_accessible_and_quiet(site: Any, browser: Browser) -> None:
    first = [f"{site.url}/", *(f"{site.url}/runs/{run}" for run in site.runs)]
    ahead, seen, opened = deque(first), set(first), list[str]()
    alike: Counter[str] = Counter()
    faults: dict[str, list[str]] = {}
    with tab(browser) as one:
        while ahead:
            address = ahead.popleft()
            kind, path = kind_of(address), urlsplit(address).path
            enough = alike[kind] >= _ALIKE and address not in first
            if enough or path.startswith("/api/") or path.endswith(_NO_PAGES):
                answer = site.served.ask(address.removeprefix(site.url), token=None)
                if answer.status_code != 200:
                    faults[address] = [answer.text]
                continue
            alike[kind] += 1
            one.open(address)
            one.until_whole()
            if found := [*one.taken(), *one.violations(), *dangling(one)]:
                faults[address] = found
            opened.append(path)
            new = [link for link in links_of(one, site.url) if link not in seen]
            seen.update(new)
            ahead.extend(new)
    assert not faults
    pages = {"/", "/compare", "/claims", "/experiments", "/nodes", "/nodes/a", f"/runs/{site.run}"}
    assert pages <= set(opened)
    assert any(path.startswith("/experiments/") for path in opened)
