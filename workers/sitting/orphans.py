"""Processes that no trial has any more: orphans come to the guardian, and are ended there."""

from __future__ import annotations

import time
from collections.abc import Collection

from ..host.processes import (
    children,
    describe,
    end_and_reap,
    is_ending,
    reap,
    serves_multiprocessing,
    tracks_semaphores,
    trial_of,
)

#: The servers of multiprocessing end by themselves once their trial has; not at once.
GRACE_SECONDS = 0.5
_LOOK_SECONDS = 0.005


class Orphans:
    """Ends what trials leave behind, and keeps what there was to be said of it."""

    def __init__(self) -> None:
        #: For people: "trial … left 'sleep 1000' (pid 123) behind; it was ended".
        self.notes: list[str] = []
        self._stuck: set[int] = set()

    def end(self, live: Collection[int], failed: Collection[str]) -> None:
        """End all children but the ``live`` ones.

        That a trial in ``failed`` leaves its pool's processes is no news; that one which went well
        does, is. The tracker of multiprocessing's semaphores is given the time to remove them: it
        ends when the last process that could use them has, so that all others are ended before.
        """
        limit = time.monotonic() + GRACE_SECONDS
        # Again and again: what was below one that has ended comes here then.
        while orphans := self._left(live):
            doomed = [pid for pid in orphans if not _may_linger(pid, failed)]
            if not doomed and time.monotonic() > limit:
                doomed = [pid for pid in orphans if not tracks_semaphores(pid)] or orphans
            if doomed:
                self._end(doomed, failed)
                limit = time.monotonic() + GRACE_SECONDS
            else:
                time.sleep(_LOOK_SECONDS)

    def _left(self, live: Collection[int]) -> list[int]:
        return [pid for pid in children() if pid not in live and pid not in self._stuck and not reap(pid)]

    def _end(self, orphans: Collection[int], failed: Collection[str]) -> None:
        for pid in orphans:
            owner = trial_of(pid)
            if owner not in failed and not is_ending(pid):
                self.notes.append(f"trial {owner or 'unknown'} left {describe(pid)} behind; it was ended")
        stuck = end_and_reap(orphans)
        self.notes += [f"{describe(pid)} could not be ended" for pid in stuck]
        self._stuck.update(stuck)


def _may_linger(pid: int, failed: Collection[str]) -> bool:
    """Whether a process ends by itself; what a failed trial's server has forked looks so, but waits."""
    return tracks_semaphores(pid) or (serves_multiprocessing(pid) and trial_of(pid) not in failed)
