"""A browser's pages, and all that went wrong on them: what a reader with the console open would see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, Response

#: A phone, a tablet, a desk; wide enough for each to be laid out in its own way.
WIDTHS = {360: 740, 768: 1024, 1440: 900}
#: The scripts that find gross faults, in the page itself.
_FAULTS = CHECKOUT / "tests" / "browser"
#: Told by the browser where a policy stops something; console messages say it too, but not for workers.
_POLICY_WATCH = """
window.policyViolations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.policyViolations.push(`${event.violatedDirective}: ${event.blockedURI}`));
window.layoutShift = 0;
window.shifted = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    window.layoutShift += entry.value;
    for (const source of entry.sources ?? [])
      window.shifted.push([entry.value, source.currentRect.top - source.previousRect.top,
        source.node?.nodeName, source.node?.id, source.node?.textContent?.trim().slice(0, 60)].join(" "));
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Tab:
    """One page of a browser, with what it complained of."""

    page: Page
    #: In the console, as errors or warnings; exceptions that no script caught, and dialogs.
    complaints: list[str] = field(default_factory=list)
    #: Requests without an answer, and answers that are errors.
    failures: list[str] = field(default_factory=list)
    #: All that was asked for.
    requests: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note from now on what happens."""
        self.page.on("console", lambda message: self._console(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self._asked)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def _asked(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _failed(self, request: Request) -> None:
        # A page that is left, or a download, ends what it still asked for: that is no failure.
        if request.failure != "net::ERR_ABORTED":
            self.failures.append(f"{request.failure}: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.failures.append(f"{response.status}: {response.url}")

    def open(self, address: str) -> None:
        """Go to an address; an answer that is an error is among the failures."""
        self.page.goto(address)

    def until_whole(self) -> None:
        """Wait until a report that is still being put together has come."""
        expect(self.page.locator("[data-body] .making")).to_have_count(0, timeout=30_000)

    def taken(self) -> list[str]:
        """Take what failed, complained or broke a policy since the last time; nothing of it is all right."""
        found = [*self.failures, *self.complaints, *self.page.evaluate("window.policyViolations.splice(0)")]
        self.failures.clear()
        self.complaints.clear()
        return found

    def violations(self) -> list[str]:
        """Say what axe-core objects to."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:160]}"
            for one in found
            for node in one["nodes"][:3]
        ]

    def faults(self, finder: str = "faults.js") -> list[str]:
        """Name the gross faults of the page as it is laid out now: what is cut, what covers something."""
        faults: list[str] = self.page.evaluate((_FAULTS / finder).read_text())
        return faults

    def text(self, selector: str = "body") -> str:
        """What can be read there, with single blanks."""
        return " ".join(self.page.locator(selector).first.inner_text().split())

    def shift(self) -> tuple[float, Any]:
        """How far the page has jumped so far (cumulative layout shift), and what of it."""
        return self.page.evaluate("window.layoutShift"), self.page.evaluate("window.shifted")


@contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[Tab]:
    """Open a tab in a context of its own, which nothing of an earlier one is left in."""
    options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
    context = browser.new_context(**options)
    try:
        yield tab_of(context)
    finally:
        context.close()


def tab_of(context: BrowserContext) -> Tab:
    """Open a further tab in a context."""
    context.add_init_script(_POLICY_WATCH)
    context.set_default_timeout(20_000)
    opened = Tab(context.new_page())
    opened.listen()
    return opened
