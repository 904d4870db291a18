"""The lab's token: who sends it may change what the lab does."""

from __future__ import annotations

import hmac

from parlab.workers.errors import LabError


class NotAllowed(LabError):
    """A request that changes something came without the lab's token, or with another."""

    exit_code = 2


def check(token: str | None, header: str | None) -> None:
    """Raise :class:`NotAllowed` unless an ``Authorization`` header carries the lab's token.

    The comparison takes as long for a wrong token as for the right one.
    """
    if token is None:
        raise NotAllowed(
            "this lab has no token: its runs can be looked at and not changed",
            "Start parlab serve with PARLAB_TOKEN or PARLAB_TOKEN_FILE.",
        )
    scheme, _, given = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise NotAllowed(
            "the request has no token", "Send it as Authorization: Bearer …; commands take PARLAB_TOKEN."
        )
    if not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise NotAllowed(
            "the token is not this lab's", "Put the lab's into PARLAB_TOKEN: docs/lab.md#the-token."
        )
