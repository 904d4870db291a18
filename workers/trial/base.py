"""The base of a trial in its own interpreter: commands, the clock around a round, CPU time, rest."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter, perf_counter_ns, sleep

from ..errors import LabError, TrialFault
from ..host.tree import Tree, cpu_used

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..host.tree import CpuTimes
    from .meters import Meters

    Command = Mapping[str, Any]
    Answer = dict[str, Any]

#: Processes rest once they use less CPU than this from look to look.
_CPU_SECONDS = 0.001
_LOOK_SECONDS = 0.02
#: Those that never do show in the pauses of their trial.
_LIMIT_SECONDS = 2.0


class Trial(ABC):
    """A trial between its commands. After "close" there is nothing left to do."""

    #: Names of commands; each is done by the method of its name.
    commands: frozenset[str]
    #: Whether its processes are replaced while it works, so that they are looked for each time.
    renews_processes = False

    def __init__(self) -> None:
        #: Whether "close" was done.
        self.closed = False
        self._tree = Tree(os.getpid())
        self._meters: Meters
        #: CPU times at the end of the last command; None where they cannot be read.
        self._left_at: dict[int, CpuTimes] | None = None

    def do(self, command: Command) -> Answer:
        """Do one command and give what the answer holds besides "did"; raises :class:`TrialFault`."""
        if command["do"] not in self.commands:
            raise TrialFault("internal", f"a {type(self).__name__} does no {command['do']}")
        answer: Answer = getattr(self, command["do"])(command)
        if self.renews_processes and not self.closed:
            # Processes that replace others would start beside another's round.
            await_rest(self._refreshed_times)
        # What this costs is no work of an idle pool.
        self._left_at = self._cpu_times(root_last=True)
        return answer

    @abstractmethod
    def abandon(self) -> None:
        """End what it has started: after an error nobody asks it for more."""

    @abstractmethod
    def _pids(self) -> list[int]:
        """Give its processes, besides its own."""

    @abstractmethod
    def _fault_of(self, error: BaseException) -> TrialFault:
        """Say what the error of a round is to the trial."""

    def _timed(self, work: Callable[..., Any], *arguments: Any) -> tuple[Any, Answer]:
        """Do a timed round: the clock runs while ``work`` does, and at no other time.

        Gives what it returned, and the answer; raises :class:`TrialFault`.
        """
        if self.renews_processes:
            self._refresh()
        idle_cpu_seconds = _seconds_between(self._left_at, self._cpu_times())
        self._meters.begin()
        before = self._cpu_times(root_last=True)
        begin = perf_counter_ns()
        try:
            results = work(*arguments)
        except BaseException as error:
            raise self._fault_of(error) from error
        seconds = (perf_counter_ns() - begin) / 1e9
        if self.renews_processes:
            self._refresh()
        after = self._cpu_times()
        self._meters.end(seconds)
        return results, {
            "seconds": seconds,
            "cpu_seconds": _seconds_between(before, after),
            "idle_cpu_seconds": idle_cpu_seconds,
        }

    def _refresh(self) -> None:
        self._tree.refresh(self._pids())

    def _refreshed_times(self) -> dict[int, CpuTimes] | None:
        self._refresh()
        return self._cpu_times()

    def _cpu_times(self, *, root_last: bool = False) -> dict[int, CpuTimes] | None:
        try:
            return self._tree.cpu_times(root_last=root_last)
        except LabError:
            return None


def await_rest(cpu_times: Callable[[], dict[int, CpuTimes] | None]) -> None:
    """Wait until a trial's processes use no CPU, or for 2 s: they would use it beside another's round.

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


def _seconds_between(before: dict[int, CpuTimes] | None, after: dict[int, CpuTimes] | None) -> float | None:
    return None if before is None or after is None else cpu_used(before, after).total / 1e9


def median(values: Sequence[float]) -> float:
    """Give the median; not the statistics module's, which costs 20 ms to import."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
