"""Results that came when nobody waited for them any more: of runs that have ended, or that nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, cast

from parlab.orchestrator.lab.queue import ResultEntry, as_text, read_entry
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import Clock
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.connection import reaching
from parlab.workers.wire.job import TTL_SECONDS

if TYPE_CHECKING:
    import redis

#: Entries looked at in one sweep of one stream.
_BATCH = 200


class Leftovers:
    """Stores results of ended runs and takes them off the streams; a controller takes those of its run.

    Entries of runs that this store does not know belong to a command with a store of its own, and
    stay for it as long as its jobs do. What claims to be of a known run and is not signed by its node
    is noted there and dropped.
    """

    def __init__(
        self, server: redis.Redis, lab_key: bytes, where: str, clock: Clock, log: Callable[[str], None]
    ) -> None:
        """Read at ``server``, which ``where`` names in messages; ``log`` takes lines for people."""
        self._server = server
        self._key = lab_key
        self._where = where
        self._clock = clock
        self._log = log

    def sweep(self, store: Store, active: Collection[str]) -> int:
        """Look through all streams once; how many entries were taken off is returned.

        ``active`` are the runs that have a controller, which collects by itself.

        Raises:
            ServerUnreachable: the server does not answer.
            LabError: a result cannot be stored; it stays on its stream.
        """
        ended = {r.id for r in store.runs() if r.state not in ("planned", "running")} - set(active)
        with reaching(self._where):
            names = sorted(as_text(n) for n in cast("set[bytes]", self._server.smembers(rediskeys.NODES)))
        return sum(self._sweep(store, rediskeys.result_stream(name), ended, active) for name in names)

    def _sweep(self, store: Store, stream: str, ended: Collection[str], active: Collection[str]) -> int:
        taken, place = 0, "-"
        with reaching(self._where):
            while True:
                entries = cast(
                    "list[tuple[bytes, dict[bytes, bytes]]]",
                    self._server.xrange(stream, min=place, count=_BATCH),
                )
                for identity, fields in entries:
                    if self._settle(store, read_entry(self._key, stream, identity, fields), ended, active):
                        # Stored first: a process that ends in between finds a duplicate, not a gap.
                        self._server.xdel(stream, identity)
                        taken += 1
                if len(entries) < _BATCH:
                    return taken
                place = f"({as_text(entries[-1][0])}"

    def _settle(
        self, store: Store, entry: ResultEntry, ended: Collection[str], active: Collection[str]
    ) -> bool:
        """Store what an entry says, if it is for us to do; whether it may go is returned."""
        if any(entry.is_of(run) for run in active):
            return False
        run = next((run for run in ended if entry.is_of(run)), None)
        if run is None:
            age_seconds = self._clock.unix_seconds() - int(entry.id.partition("-")[0]) / 1000
            if age_seconds > TTL_SECONDS:
                self._log(f"dropped {entry.job_id[:80]!r} of node {entry.node}: no run of this lab's")
                return True
            return False
        if entry.result is not None:
            store.sittings.record(entry.result)
        elif entry.refused is not None:
            store.event(run, "result-refused", entry.refused)
        # That a sitting was lost says nothing to a run that has given it up.
        return True
