"""The lab's pages, served by the real application, in this process: a test may break what it uses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from parlab.orchestrator.serve.api.application import make_application
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.server import make_parts
from parlab.orchestrator.serve.settings import ServeSettings
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from tests.support.laboratory import Laboratory, wait_until

#: Tags that part no words.
_WITHIN_WORDS = frozenset({"a", "b", "bdi", "code", "em", "small", "span", "strong", "time"})
_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class LabPages:
    """A served lab as a browser sees it."""

    client: httpx.Client
    parts: LabParts
    #: Where it is served: "http://127.0.0.1:40123".
    url: str

    def get(self, address: str, **query: Any) -> httpx.Response:
        """Ask as a browser does."""
        return self.client.get(address, params=query or None, headers=_BROWSER)

    def page(self, address: str, status: int = 200, **query: Any) -> Page:
        """Open a page, and see that it is one."""
        answer = self.get(address, **query)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        return Page(answer.text)


class Page(HTMLParser):
    """A page taken apart: its words as a reader has them, its links, and what must not be in it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self.feed(text)
        self.close()
        assert self.count("h1") == 1, "a page has one h1"
        assert not [a for tag, a in self.tags if "style" in a or any(n.startswith("on") for n in a)]
        assert not [tag for tag, a in self.tags if tag == "style" or (tag == "script" and "src" not in a)]
        ids = [a["id"] for _, a in self.tags if "id" in a]
        assert len(ids) == len(set(ids)), f"ids that are there twice: {sorted(map(str, ids))}"
        # What scrolls is reached by keyboard, and says what it is.
        for tag, attributes in self.tags:
            if attributes.get("tabindex") == "0":
                assert tag != "div" or attributes.get("class") == "scroll"
                assert attributes.get("aria-label") or attributes.get("aria-labelledby") in ids

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _WITHIN_WORDS:
            self._words.append(" ")

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def text(self) -> str:
        """All words, with single blanks."""
        return " ".join("".join(self._words).split())

    def count(self, name: str) -> int:
        """How many there are of a tag."""
        return sum(tag == name for tag, _ in self.tags)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """The attributes of all tags of a kind that have these."""
        found = [a for name, a in self.tags if name == tag]
        return [a for a in found if all(a.get(key) == value for key, value in wanted.items())]

    @property
    def links(self) -> list[str]:
        """Where its links go."""
        return [str(a["href"]) for tag, a in self.tags if tag == "a" and a.get("href")]


@contextmanager
def lab_pages(lab: Laboratory, home: Path, fill: Callable[[Store], None] | None = None) -> Iterator[LabPages]:
    """Serve a lab whose store was filled before."""
    key = home / "lab.key"
    key.write_text(lab.key.hex())
    key.chmod(0o600)
    settings = Settings(home=home, redis_url=lab.server.url, lab_key_path=key, version="1.0")
    if fill is not None:
        with Store.open(settings.store_path, SystemClock()) as store:
            fill(store)
    own = ServeSettings(
        settings, lab.server.url, token=None, host="127.0.0.1", port=0, grafana_url="http://grafana.test"
    )
    parts = make_parts(own)
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(make_application(parts), log_level="critical", lifespan="on", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()

        def end() -> None:
            server.should_exit = True
            thread.join(20)

        stack.callback(end)
        client = stack.enter_context(httpx.Client(base_url=url, timeout=60))
        wait_until(lambda: server.started and parts.exporter.server_up)
        yield LabPages(client, parts, url)
