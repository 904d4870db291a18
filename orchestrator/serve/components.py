"""What the API's routes work with: made once, when the server starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from fastapi import Request

from parlab.orchestrator.serve.metrics.exporter import Exporter
from parlab.orchestrator.serve.nodes import Roster
from parlab.orchestrator.serve.problem import UnknownName, check_token
from parlab.orchestrator.serve.run_index import Catalogue
from parlab.orchestrator.serve.service import Service
from parlab.orchestrator.serve.settings import ServeSettings
from parlab.orchestrator.store.facade import Store
from parlab.workers.errors import BadInput


class Exposition(Protocol):
    """The text for Prometheus."""

    def body(self) -> bytes:
        """Give it, from the cache."""
        ...


class Admission(Protocol):
    """Lets nodes in, and out."""

    def grant(self, name: str, *, group: bool) -> str:
        """Make a user of the server for a node or a group; its join token is returned."""
        ...

    def revoke(self, name: str) -> None:
        """Take the user away."""
        ...


@dataclass(frozen=True)
class LabParts:
    """Everything that answers are made of."""

    settings: ServeSettings
    service: Service
    catalogue: Catalogue
    roster: Roster
    exporter: Exporter
    exposition: Exposition
    admission: Admission

    @contextmanager
    def stored(self, run: str) -> Iterator[tuple[Store, str]]:
        """Open the store and find a run by its id or the start of it.

        Raises:
            UnknownName: there is none, or several begin so.
        """
        with self.service.store() as store:
            try:
                found = store.run(run).id
            except BadInput as error:
                raise UnknownName(f"there is no run {run!r} in this lab", error.hint) from error
            yield store, found


def parts_of(request: Request) -> LabParts:
    """Give the server's parts to a route."""
    parts: LabParts = request.app.state.parts
    return parts


def allowed(request: Request) -> None:
    """Let a request pass that carries the lab's token; raises NotAllowed otherwise."""
    check_token(parts_of(request).settings.token, request.headers.get("authorization"))
