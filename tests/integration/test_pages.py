"""The pages of a real orchestrator with a real run: followed while it measures, read when it has ended."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx

from tests.support.laboratory import wait_until
from tests.support.served import Served, events, experiment

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def page(served: Served, path: str, status: int = 200) -> str:
    answer = served.ask(path, token=None, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


class Followed:
    """An event stream of a page, read by a thread."""

    def __init__(self, served: Served, path: str) -> None:
        self.parts: list[str] = []
        self._url = f"{served.url}{path}"
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        with httpx.stream("GET", self._url, timeout=60) as stream:
            self.parts.extend(stream.iter_text())

    @property
    def told(self) -> list[dict[str, Any]]:
        """What came so far; of the last event, only what is whole."""
        text = "".join(self.parts)
        return [about for kind, about in events(text[: text.rfind("\n\n") + 2]) if kind == "parts"]


def test_a_run_is_followed_on_its_page_from_the_first_block_to_its_report(served: Served) -> None:
    # 12 blocks: enough for a verdict under a fixed rule.
    run = served.begin(experiment("followed", blocks=12))
    shown = page(served, f"/runs/{run}")
    assert "followed" in shown
    followed = Followed(served, f"/runs/{run}/live")
    served.until(run, "done")
    wait_until(lambda: followed.told and followed.told[-1]["ended"] == "done", 20)
    followed.thread.join(20)
    assert not followed.thread.is_alive()
    # One page had all: what came later changed it in place, and the verdict was told once.
    news = followed.told
    blocks = [one["parts"]["g1-progress"] for one in news if "g1-progress" in one["parts"]]
    assert blocks[-1] == "12 blocks, settled"
    assert len(blocks) >= 2
    assert len([one for one in news if "threads ×2: faster" in one["said"]]) == 1
    body = page(served, f"/runs/{run}/body")
    assert "Use threads ×2" in body
    assert f"/runs/{run}/charts/speed-up" in body
    assert "Use threads ×2" in page(served, f"/runs/{run}")
    wait_until(lambda: "Use threads ×2" in page(served, "/"), 20)


def test_what_runs_on_a_node_is_on_both_pages_while_it_runs(served: Served) -> None:
    run = served.begin(experiment("seen", blocks=200))
    try:
        wait_until(lambda: served.blocks(run) >= 1, 30)
        wait_until(lambda: "block " in page(served, f"/runs/{run}").partition("node-0")[2][:400], 20)
        wait_until(lambda: f"run <code>{run}</code>" in page(served, "/").partition("node-a")[2][:400], 20)
    finally:
        served.ask(f"/api/runs/{run}", "DELETE")
    assert "interrupted" in page(served, f"/runs/{run}")


def test_pages_need_no_token_and_change_nothing(served: Served) -> None:
    for path in ("/", "/runs/ffff", "/static/x/site.css"):
        assert served.ask(path, "POST", token=None).status_code == 405
    page(served, "/runs/ffff", 404)
    assert json.loads(served.ask("/runs/ffff", token=None).text)["status"] == 404


def test_an_answer_is_sent_at_once_on_a_line_that_is_kept(served: Served) -> None:
    with httpx.Client(base_url=served.url, timeout=30) as client:
        # By the quickest: a busy machine slows some down, and what waits for acknowledgements slows all.
        quickest = min(client.get("/healthz").elapsed.total_seconds() for _ in range(15))
    assert quickest < 0.035
