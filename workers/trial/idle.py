"""Waiting until the processes of a trial have nothing left to do: they would do it beside another's round."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, sleep

from ..host.tree import cpu_used

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import CpuTimes

#: Processes are quiet once they use less CPU than this from look to look.
_CPU_SECONDS = 0.001
_LOOK_SECONDS = 0.02
#: Those that never are show in the pauses of their trial.
_LIMIT_SECONDS = 2.0


def await_quiet(cpu_times: Callable[[], dict[int, CpuTimes] | None]) -> None:
    """Wait until a trial's processes use no CPU, or for 2 s.

    ``cpu_times`` gives what each has used so far, those that are new included; None: it cannot be read,
    and nothing is waited for beyond the limit.
    """
    deadline = perf_counter() + _LIMIT_SECONDS
    before: dict[int, CpuTimes] | None = None
    while perf_counter() < deadline:
        now = cpu_times()
        if before is not None and now is not None and cpu_used(before, now).total < _CPU_SECONDS * 1e9:
            return
        before = now
        sleep(_LOOK_SECONDS)
