"""Processes that no trial has any more: orphans come to the guardian, and are ended there."""

from __future__ import annotations

import time
from collections.abc import Collection

from .isolation import children, describe, end_and_reap, is_zombie, reap, serves_multiprocessing, trial_of

#: The servers of multiprocessing end by themselves once their trial has; not at once.
GRACE_SECONDS = 0.5
_LOOK_SECONDS = 0.005


class Strays:
    """Ends what trials leave behind, and keeps what there was to be said of it."""

    def __init__(self) -> None:
        #: For people: "trial … left 'sleep 1000' (pid 123) behind; it was ended".
        self.told: list[str] = []

    def end(self, live: Collection[int], failed: Collection[str]) -> None:
        """End all children but the ``live`` ones.

        That a trial in ``failed`` leaves its pool's processes is no news; that one which went well
        does, is. The tracker of multiprocessing's semaphores is given the time to remove them: it
        ends when the last process that could use them has.
        """
        strays = [pid for pid in children() if pid not in live and not (is_zombie(pid) and reap(pid))]
        if not strays:
            return
        servers = [pid for pid in strays if serves_multiprocessing(pid)]
        self._end([pid for pid in strays if pid not in servers], failed)
        limit = time.monotonic() + GRACE_SECONDS
        while servers and time.monotonic() < limit:
            servers = [pid for pid in servers if not (is_zombie(pid) and reap(pid))]
            if servers:
                time.sleep(_LOOK_SECONDS)
        self._end(servers, failed)

    def _end(self, strays: Collection[int], failed: Collection[str]) -> None:
        for pid in strays:
            owner = trial_of(pid)
            if owner not in failed and not is_zombie(pid):
                self.told.append(f"trial {owner or 'unknown'} left {describe(pid)} behind; it was ended")
        stuck = end_and_reap(strays)
        self.told += [f"{describe(pid)} could not be ended" for pid in stuck]
