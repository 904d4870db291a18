"""A lab's API, as parlab's own commands use it."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from parlab.orchestrator.analysis.view import RunView
from parlab.workers.errors import BadInput, EnvironmentFault, LabError, SpecRefused
from parlab.workers.wire.codec import decode

_CONNECT_SECONDS = 5.0
#: A large run takes the lab some seconds to put together.
_ANSWER_SECONDS = 60.0
#: The lab says something at least every 15 s to whom follows a run.
_SILENCE_SECONDS = 45.0


@dataclass(frozen=True)
class Heard:
    """One event of a run that is followed."""

    #: "progress", "message", "end".
    kind: str
    #: JSON.
    data: str
    number: int


class LabClient(AbstractContextManager["LabClient"]):
    """Speaks to one lab. Every method raises ``LabError`` with the lab's own words and cure.

    Raises:
        BadInput: the lab refuses what is asked, or the address is none.
        EnvironmentFault: the lab does not answer, or cannot do it now.
    """

    def __init__(self, url: str, token: str | None, version: str) -> None:
        """Speak to the lab at ``url``; ``token`` is sent where one is known; ``version`` is our own."""
        if not url.startswith(("http://", "https://")):
            raise BadInput(f"--lab {url}: this is not an address", "Write --lab http://127.0.0.1:8000.")
        #: Address of the lab.
        self.url = url.rstrip("/")
        self._version = version
        try:
            self._http = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            )
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise BadInput(
                f"--lab {url}: {error}", "Write --lab http://127.0.0.1:8000; a token is plain ASCII."
            ) from error

    def __exit__(self, *error: object) -> None:
        """Close its connections."""
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def begin(self, document: dict[str, Any]) -> str:
        """Begin a run of an experiment's tables; its id is returned."""
        return str(self._ask("POST", "/api/runs", json=document)["run"])

    def runs(self) -> list[dict[str, Any]]:
        """List the runs, newest first."""
        return list(self._ask("GET", "/api/runs"))

    def record(self, run: str, *, trials: bool) -> RunView:
        """Give a run as an output takes it."""
        with self._reaching():
            answer = self._http.get(f"/api/runs/{_name(run)}/record", params={"trials": trials})
        self._check(answer)
        theirs = answer.headers.get("Parlab-Version", "?")
        try:
            return decode(RunView, answer.text)
        except SpecRefused as error:
            raise EnvironmentFault(
                f"parlab {self._version} cannot read what the lab {self.url} sends (it has {theirs})",
                "Install the lab's version here.",
            ) from error

    def resume(self, run: str, wanted: dict[str, Any]) -> str:
        """Go on with a run; its whole id is returned."""
        return str(self._ask("POST", f"/api/runs/{_name(run)}/resume", json=wanted)["run"])

    def stop(self, run: str) -> dict[str, Any]:
        """Stop a run; what it is now is returned."""
        return dict(self._ask("DELETE", f"/api/runs/{_name(run)}"))

    def pin(self, run: str, *, pinned: bool) -> None:
        """Pin a run, or undo it."""
        self._ask("PUT" if pinned else "DELETE", f"/api/runs/{_name(run)}/pin")

    def nodes(self) -> list[dict[str, Any]]:
        """List the nodes."""
        return list(self._ask("GET", "/api/nodes"))

    def add_node(self, name: str, *, group: bool) -> dict[str, Any]:
        """Let a node in; its join token is returned, with where it reaches the server."""
        return dict(self._ask("POST", "/api/nodes", json={"name": name, "group": group}))

    def remove_node(self, name: str) -> None:
        """Take a node out."""
        self._ask("DELETE", f"/api/nodes/{_name(name)}")

    def pause(self, name: str, *, paused: bool) -> dict[str, Any]:
        """Pause a node, or have it go on."""
        return dict(self._ask("POST", f"/api/nodes/{_name(name)}/{'pause' if paused else 'resume'}"))

    def follow(self, run: str, after: int = 0) -> Generator[Heard]:
        """Give what happens in a run after event number ``after``, until it ends or the line is cut."""
        timeout = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        headers = {"Last-Event-ID": str(after)}
        with (
            self._reaching(),
            self._http.stream(
                "GET", f"/api/runs/{_name(run)}/events", headers=headers, timeout=timeout
            ) as answer,
        ):
            if answer.is_error:
                answer.read()
            self._check(answer)
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "event" in fields:
                    yield Heard(fields["event"], fields.get("data", ""), int(fields.get("id", "0")))
                    fields = {}

    def _ask(self, method: str, path: str, json: object = None) -> Any:
        with self._reaching():
            answer = self._http.request(method, path, json=json)
        self._check(answer)
        return answer.json() if answer.content else None

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise EnvironmentFault(
                f"the lab {self.url} does not answer: {str(error) or type(error).__name__}",
                "Start it (docker compose up, or parlab serve), or give its address: --lab URL.",
            ) from error

    def _check(self, answer: httpx.Response) -> None:
        if not answer.is_error:
            return
        kind: type[LabError] = EnvironmentFault if answer.status_code >= 500 else BadInput
        try:
            problem = answer.json()
            raise kind(str(problem["detail"]), str(problem.get("hint", "")))
        except (json.JSONDecodeError, KeyError, TypeError):
            raise kind(
                f"{self.url} answers with {answer.status_code}, not as a lab would",
                "Give the address of parlab serve: --lab http://127.0.0.1:8000.",
            ) from None


def _name(text: str) -> str:
    """Refuse what would be another path; the lab itself judges the rest."""
    if not text or not text.replace("-", "").replace("_", "").isalnum() or not text.isascii():
        raise BadInput(f"{text!r} is not the name of a run or node", "parlab list --lab URL lists the runs.")
    return text
