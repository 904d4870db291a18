"""One controller per lab: a lease in Redis, named after the home whose runs it goes on with."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import redis

from parlab.workers.errors import EnvironmentFault
from parlab.workers.wire.connection import reaching
from parlab.workers.wire.keys import CONTROLLER

if TYPE_CHECKING:
    from redis.client import Pipeline

#: A lease outlives its holder by so much …
TTL_SECONDS = 15
#: … and is renewed so often.
RENEW_SECONDS = 4.0


class Lease:
    """Says which orchestrator controls the runs of a lab. The same home always gets its lease back."""

    def __init__(self, server: redis.Redis, where: str, owner: str) -> None:
        """Take the lease at ``server`` (``where``, for messages) in the name of ``owner``."""
        self._server = server
        self._where = where
        self._owner = owner

    def hold(self) -> str | None:
        """Take the lease or prolong it; None where it is ours now, else who has it.

        Raises:
            ServerUnreachable: the server does not answer.
        """

        def take(pipeline: Pipeline) -> Any:
            held = pipeline.get(CONTROLLER)
            holder = held.decode("utf-8", "replace") if isinstance(held, bytes) else None
            if holder is not None and holder != self._owner:
                return holder
            pipeline.multi()
            pipeline.set(CONTROLLER, self._owner, ex=TTL_SECONDS)
            return None

        with reaching(self._where):
            return cast("str | None", self._server.transaction(take, CONTROLLER, value_from_callable=True))

    def release(self) -> None:
        """Give the lease back if it is ours; what cannot be given back expires."""

        def give_back(pipeline: Pipeline) -> None:
            if pipeline.get(CONTROLLER) == self._owner.encode():
                pipeline.multi()
                pipeline.delete(CONTROLLER)

        with suppress(redis.RedisError):
            self._server.transaction(give_back, CONTROLLER)


def owner_of(home: Path, hostname: str) -> str:
    """Return the name under which a home holds the lease: made once, kept in the home.

    Raises:
        EnvironmentFault: the home cannot be written.
    """
    path = home / "orchestrator.id"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(f"{hostname[:40]}-{secrets.token_hex(4)}\n", encoding="utf-8")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise EnvironmentFault(
            f"cannot use {path}: {error.strerror}", "Set PARLAB_HOME to a folder that you can write to."
        ) from error
