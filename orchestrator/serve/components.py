"""Parts that routes work with: made once, when the server starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from parlab.orchestrator.lab.access.admission import RedisAdmission
from parlab.orchestrator.serve.metrics.exporter import Exporter
from parlab.orchestrator.serve.metrics.exposition import Exposition
from parlab.orchestrator.serve.nodes import Roster
from parlab.orchestrator.serve.problem import UnknownName, check_token
from parlab.orchestrator.serve.run_index import Catalogue
from parlab.orchestrator.serve.service import Service
from parlab.orchestrator.serve.settings import ServeSettings
from parlab.orchestrator.store.facade import Store
from parlab.workers.errors import BadInput


@dataclass(frozen=True)
class LabParts:
    """Everything that answers are made of."""

    settings: ServeSettings
    service: Service
    catalogue: Catalogue
    roster: Roster
    exporter: Exporter
    exposition: Exposition
    admission: RedisAdmission

    @contextmanager
    def stored(self, run: str) -> Iterator[tuple[Store, str]]:
        """Open the store and find a run by its id or the start of it.

        Raises:
            UnknownName: there is none, or several begin so.
        """
        with self.service.store() as store:
            try:
                name = store.run(run).id
            except BadInput as error:
                raise UnknownName(f"there is no run {run!r} in this lab", error.hint) from error
            yield store, name


def kept_by_the_application(name: str) -> Any:
    """Have a route be given what the application keeps in its state under a name."""

    def given(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(given)


#: A route's parameter of this type is the server's.
Parts = Annotated[LabParts, kept_by_the_application("parts")]


def _allowed(request: Request, parts: Parts) -> None:
    check_token(parts.settings.token, request.headers.get("authorization"))


#: Of routes that only requests with the lab's token pass; others raise NotAllowed.
ALLOWED = [Depends(_allowed)]
