"""RQ's worker with guardians for horses: forked, waited for, stopped, and nothing left of them."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from rq.utils import now
from rq.worker import WorkerStatus

from ..host.processes import Prctl, children, describe, end_and_reap, guard, handle_of, signal_name
from ..host.scratch import remove_abandoned
from .steady_worker import SteadyWorker

if TYPE_CHECKING:
    from types import FrameType

    from rq import Queue
    from rq.job import Job

#: Exit code of a guardian whose result could neither be spooled nor sent.
NOT_KEPT = 74
#: How long a worker that is stopped at once tries to say goodbye.
_FAREWELL_SECONDS = 3.0
#: Where the system has no handle to wait for a process's end, it is looked at so often.
_POLL_SECONDS = 0.05
#: Processes that start others while they are ended are gone after a few looks.
_LOOKS = 5


class GuardedWorker(SteadyWorker):
    """A worker that knows its guardian's processes as a whole, and ends them as a whole."""

    def __init__(self, *args: Any, prctl: Prctl, cold: bool, **options: Any) -> None:
        """Prepare a worker as RQ does.

        Args:
            args: RQ's.
            prctl: made before any fork.
            cold: stop at once on the first signal, as an embedded node does.
            options: RQ's, and those of :class:`SteadyWorker`.
        """
        super().__init__(*args, **options)
        self._prctl = prctl
        self._cold = cold

    @property
    def asked_to_end(self) -> bool:
        """Whether the node ends because somebody wanted it to."""
        return self._stop_requested or self._shutdown_requested_date is not None

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork the guardian, in a group of its own before either side goes on."""
        super().fork_work_horse(job, queue)
        with suppress(OSError):
            os.setpgid(self.horse_pid, self.horse_pid)
        if self._stopped_job_id == job.id:
            # The command to stop came before there was anything to stop.
            self.kill_horse()

    def setup_work_horse_signals(self) -> None:
        """Have the guardian take all of its group along, also when its node dies."""
        assert self.pid is not None
        guard(self._prctl, self.pid)

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        """Wait for the guardian, kill its group, reap it, and end whatever escaped."""
        pid = self.horse_pid
        if pid <= 0:
            return None, None, None
        while not wait_for_end(pid, self.job_monitoring_interval):
            continue
        # Before it is reaped: its number can be another's afterwards, and a stop command would hit that.
        self._horse_pid = 0
        status = take_end(pid)
        end_descendants()
        if status != 0:
            remove_abandoned()
        return pid, status, None

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Kill the guardian with its group; never the node's own."""
        pid = self.horse_pid
        if pid <= 0:
            return
        with suppress(ProcessLookupError):
            if os.getpgid(pid) == os.getpgrp():
                # It has no group yet, and so no trials.
                os.kill(pid, sig)
            else:
                os.killpg(pid, sig)

    def _install_signal_handlers(self) -> None:
        if self._cold:
            signal.signal(signal.SIGINT, self._stop_now)
            signal.signal(signal.SIGTERM, self._stop_now)
        else:
            super()._install_signal_handlers()

    def handle_warm_shutdown_request(self) -> None:
        """Say what the first Ctrl-C does."""
        if self.get_state() == WorkerStatus.BUSY:
            self._say("will stop after the current sitting; press Ctrl-C again to stop now")

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Say what the second Ctrl-C does, and do it."""
        asked = self._shutdown_requested_date
        # RQ takes a second signal within a second for the first one, sent by somebody else, too.
        if asked is None or (now() - asked).total_seconds() >= 1.0:
            self._say("stopping now; a sitting in progress is lost and will be sent again")
        super().request_force_stop(signum, frame)

    def _stop_now(self, signum: int, frame: FrameType | None) -> NoReturn:
        del signum, frame
        for ignored in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ignored, signal.SIG_IGN)
        # The server may have ended with our parent, or hang: saying goodbye must not keep us.
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, _FAREWELL_SECONDS)
        self._stop_requested = True
        self.kill_horse()
        self.wait_for_horse()
        raise SystemExit(0)


def why_it_ended(status: int | None, *, stopped: bool) -> str:
    """Say in a sentence how a guardian ended, by its wait status."""
    if stopped:
        return "it was stopped on request"
    if status is None:
        return "its guardian is gone"
    if os.WIFSIGNALED(status):
        return f"its guardian was killed by {signal_name(os.WTERMSIG(status))}"
    if os.WEXITSTATUS(status) == NOT_KEPT:
        return "its node's spool disk is full or failing, and the server could not be reached when it ended"
    return f"its guardian ended with exit code {os.WEXITSTATUS(status)}; the node's log may say why"


def wait_for_end(pid: int, seconds: float) -> bool:
    """Wait up to ``seconds`` for a child's end, which is not taken: its pid and group stay its own."""
    if _has_ended(pid):
        return True
    descriptor = handle_of(pid)
    if descriptor is not None:
        try:
            select.select([descriptor], [], [], seconds)
        finally:
            os.close(descriptor)
        return _has_ended(pid)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(min(_POLL_SECONDS, seconds))
        if _has_ended(pid):
            return True
    return False


def take_end(pid: int) -> int | None:
    """Kill what is left of the group of a child that has ended, and take its wait status.

    None where its status was taken by another. The order matters: once it is reaped, its group's
    number can be another's.
    """
    if pid > 0 and pid != os.getpgrp():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return None


def end_descendants() -> list[str]:
    """End every process below this one; those that stay are named (the kernel itself holds them).

    Called where this process should have none. Orphans that left their group come here, too, since
    the node adopts them.
    """
    for _ in range(_LOOKS):
        left = children()
        if not left:
            return []
        end_and_reap(left)
    return [describe(pid) for pid in children()]


def _has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    except ChildProcessError:
        return True
