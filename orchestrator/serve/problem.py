"""Errors as ``application/problem+json`` (RFC 9457): the same sentences as on the command line."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from parlab.workers.errors import BadInput, EnvironmentFault, LabError, StorageFull

log = logging.getLogger("parlab.api")

CONTENT_TYPE = "application/problem+json"


class NotAllowed(LabError):
    """A request that changes something came without the lab's token, or with another."""

    exit_code = 2


class UnknownName(BadInput):
    """There is no run or node of that name."""


class RequestTooLarge(BadInput):
    """A request's body is larger than an experiment can be."""


class WrongKind(BadInput):
    """A request's body is of a kind that is not taken."""


#: The first that fits, most particular first.
_STATUS: tuple[tuple[type[LabError], HTTPStatus], ...] = (
    (NotAllowed, HTTPStatus.UNAUTHORIZED),
    (UnknownName, HTTPStatus.NOT_FOUND),
    (RequestTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (WrongKind, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StorageFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (EnvironmentFault, HTTPStatus.SERVICE_UNAVAILABLE),
    (LabError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


def status_of(error: LabError) -> HTTPStatus:
    """Give the status that an error is answered with."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def problem(status: HTTPStatus, detail: str, hint: str = "") -> JSONResponse:
    """Make an answer that says what went wrong, where, and the cure."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "hint": hint,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(body, status_code=int(status), media_type=CONTENT_TYPE, headers=headers)


#: Gives an error as a page (request, status, detail, hint); None where a program asked.
ErrorPage = Callable[[Request, HTTPStatus, str, str], Response | None]


def install(app: FastAPI, page: ErrorPage) -> None:
    """Have every error of an application answered so, or as a ``page`` where a browser asks for one."""

    def answer(request: Request, status: HTTPStatus, detail: str, hint: str) -> Response:
        return page(request, status, detail, hint) or problem(status, detail, hint)

    @app.exception_handler(LabError)
    async def answered(request: Request, error: LabError) -> Response:
        return answer(request, status_of(error), error.message, error.hint)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, faults, "See /docs for what is accepted.")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        hint = "See /docs for what there is." if status == HTTPStatus.NOT_FOUND else ""
        return answer(request, status, f"{request.method} {request.url.path}: {error.detail}", hint)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        # Starlette raises it again after this answer: the server's log has its traceback.
        return answer(
            request,
            HTTPStatus.INTERNAL_SERVER_ERROR,
            f"{request.method} {request.url.path}: an error in parlab itself: {type(error).__name__}",
            "The orchestrator's log has the traceback; please report it.",
        )


def check_token(token: str | None, header: str | None) -> None:
    """Raise :class:`NotAllowed` unless an ``Authorization`` header carries the lab's token.

    The comparison takes as long for a wrong token as for the right one.
    """
    if token is None:
        raise NotAllowed(
            "this lab has no token: its runs can be looked at, but not changed",
            "Start parlab serve with PARLAB_TOKEN or PARLAB_TOKEN_FILE.",
        )
    scheme, _, given = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise NotAllowed(
            "the request has no token", "Send it as Authorization: Bearer …; commands take PARLAB_TOKEN."
        )
    if not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise NotAllowed(
            "this is not the lab's token", "Put the lab's token into PARLAB_TOKEN: docs/lab.md#the-token."
        )
