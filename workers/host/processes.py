"""Groups of processes, adopted orphans, ends of whole trees: trials leave nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from types import FrameType

from .tree import GONE, below, read_file, stat_fields

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
#: A killed process is gone within this, unless the kernel itself holds it (a hung disk).
_REAP_SECONDS = 5.0
#: A guardian that is told to end gives the trackers of semaphores so long to remove them.
_TRACKERS_SECONDS = 0.5


class Prctl:
    """Linux's prctl(2); elsewhere each call says that it did nothing.

    Made before a fork and called after it: the library is loaded by then, and nothing else happens
    between the fork and the call.
    """

    def __init__(self) -> None:
        self._call: Callable[..., int] | None = None
        if sys.platform == "linux":
            import ctypes

            self._call = ctypes.CDLL(None, use_errno=True).prctl

    def die_with_parent(self, sig: int, parent: int) -> bool:
        """Have the kernel send ``sig`` to this process when its parent (thread) ends.

        ``parent`` is who the parent should be: if it has gone before the call, the signal is sent
        at once. False where the system cannot do it.
        """
        if self._call is None:
            return False
        self._call(_PR_SET_PDEATHSIG, sig, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), sig)
        return True

    def adopt_orphans(self) -> bool:
        """Become the parent of descendants whose parents end; without it they go to process 1."""
        return self._call is not None and self._call(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def guard(prctl: Prctl, parent: int) -> None:
    """Make this process a guardian: it leads its own group, and takes all of it along when it ends.

    Called once, in the forked process. SIGTERM, which also comes when the node dies, ends all below
    it and the group; orphans of trials come here, so that they can be found and ended.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, _take_all_along)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl.adopt_orphans()
    prctl.die_with_parent(signal.SIGTERM, parent)


def _take_all_along(signum: int, frame: FrameType | None) -> None:
    del frame
    signal.signal(signum, signal.SIG_IGN)
    # What has left the group for a session of its own is not reached by killing the group.
    _end_children()
    # Only as the group's leader: in another's group this would kill who called us.
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(128 + signum)


def _end_children() -> None:
    limit = time.monotonic() + _TRACKERS_SECONDS
    while (left := [pid for pid in children() if not reap(pid)]) and time.monotonic() < limit:
        for pid in left:
            # Its holders are killed first, and then it ends by itself.
            if not tracks_semaphores(pid):
                end_tree(pid)
        time.sleep(0.002)


def end_tree(root: int) -> None:
    """Kill a process and all below it.

    They are stopped first, root before children: a process that runs could start another behind
    the back of the one who counts. Spared is the tracker of multiprocessing's semaphores, which
    removes them and then ends by itself; killed, it would leave them in /dev/shm for ever.
    """
    seen: set[int] = set()
    while unseen := {pid for pid in (root, *below(root)) if pid not in seen}:
        for pid in unseen:
            if pid == root or not tracks_semaphores(pid):
                _signal(pid, signal.SIGSTOP)
        seen |= unseen
    for pid in seen:
        if pid == root or not tracks_semaphores(pid):
            _signal(pid, signal.SIGKILL)


def handle_of(pid: int) -> int | None:
    """Open what becomes readable when a process has ended; None where the system has no such thing."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        # A kernel older than 5.3, or a sandbox without it.
        return None


def signal_name(number: int) -> str:
    """Name a signal for people; not all real-time signals have a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def serves_multiprocessing(pid: int) -> bool:
    """Whether a process is one of multiprocessing's own servers, which end when nobody needs them."""
    return b"from multiprocessing." in _command_line(pid) and b"spawn_main" not in _command_line(pid)


def tracks_semaphores(pid: int) -> bool:
    """Whether a process is the one that removes multiprocessing's semaphores when all others have ended."""
    return b"from multiprocessing.resource_tracker " in _command_line(pid)


def _command_line(pid: int) -> bytes:
    try:
        return read_file(f"/proc/{pid}/cmdline")
    except GONE:
        return b""


def children() -> list[int]:
    """List this process's own children, adopted ones and zombies too; empty without a /proc."""
    me = os.getpid()
    own = []
    for pid in below(me):
        try:
            if int(stat_fields(pid)[1]) == me:
                own.append(pid)
        except GONE:
            continue
    return own


def is_ending(pid: int) -> bool:
    """Whether a process has ended or is about to: it is a zombie, or gone, or has lost its memory."""
    try:
        # While it gives its memory back it is no zombie yet, but its command line is gone.
        return stat_fields(pid)[0] in (b"Z", b"X") or not _command_line(pid)
    except GONE:
        return True


def describe(pid: int) -> str:
    """Name a process for people: "'sleep 1000' (pid 123)"."""
    try:
        line = read_file(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
    except GONE:
        line = ""
    return f"{line[:80]!r} (pid {pid})" if line else f"a process (pid {pid})"


def trial_of(pid: int) -> str | None:
    """Tell which trial a process belongs to, by the environment it was started with."""
    try:
        environment = read_file(f"/proc/{pid}/environ")
    except (*GONE, OSError):
        return None
    for entry in environment.split(b"\0"):
        if entry.startswith(b"PARLAB_TRIAL="):
            return entry.partition(b"=")[2].decode(errors="replace")
    return None


def end_and_reap(pids: Collection[int]) -> list[int]:
    """Kill children of this process with all below them and reap them; those that stay are returned."""
    for pid in pids:
        end_tree(pid)
    left = [pid for pid in pids if not reap(pid)]
    limit = time.monotonic() + _REAP_SECONDS
    while left and time.monotonic() < limit:
        time.sleep(0.002)
        left = [pid for pid in left if not reap(pid)]
    return left


def reap(pid: int) -> bool:
    """Take a child's exit status if it has ended; False while it runs. It must not be a Popen's."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        # Not ours (any more): whoever has it reaps it.
        return True


def _signal(pid: int, sig: signal.Signals) -> None:
    try:
        os.kill(pid, sig)
    except (ProcessLookupError, PermissionError):
        return
