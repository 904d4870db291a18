"""One trial in its own interpreter: does what its guardian tells it, one command at a time.

Commands and answers are JSON lines (see :class:`Trial` for each). After an error the trial ends its
pool and itself: nothing that it could still measure would count.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from time import perf_counter_ns

from . import catalog
from .channel import Channel
from .checking import Checker, Expected, inputs_of
from .errors import LabError
from .fault import TrialFault, named
from .gil import gil_enabled
from .meters import Meters
from .parameter import settle
from .strategies.base import BuildFacts
from .tree import Tree, cpu_used

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from .spec import Scalar
    from .strategies.base import Pool, Strategy
    from .tree import CpuTimes
    from .workloads.base import Workload


def main(command_fd: int, answer_fd: int) -> NoReturn:
    """Say hello, then answer commands until "close", an error, or the guardian's end.

    Ends without the interpreter's own end, which would wait for threads and processes that a
    workload has left running; the guardian ends those and reports them.
    """
    channel = Channel(command_fd, answer_fd)
    trial = Trial()
    status = 1
    try:
        channel.send({"did": "hello", "python_version": sys.version, "gil_enabled": gil_enabled()})
        error = _serve(channel, trial)
        if error is not None:
            # Before it is told: who hears of an error kills what is left, which would leave behind
            # what multiprocessing keeps in files.
            trial.abandon()
            channel.send(error.answer())
        status = int(not trial.closed)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _serve(channel: Channel, trial: Trial) -> TrialFault | None:
    """Answer commands until "close" or the guardian's end (None), or until one cannot be done."""
    try:
        while not trial.closed and (command := channel.receive()) is not None:
            channel.send({"did": command["do"], **trial.do(command)})
    except TrialFault as fault:
        return fault
    except LabError as error:
        return TrialFault("internal", str(error))
    except BaseException as error:  # noqa: BLE001 - a bug of ours must reach the guardian as one
        return TrialFault("internal", f"parlab's own code raised {named(error)}", error)
    if not trial.closed:
        trial.abandon()
    return None


class Trial:
    """A trial between its commands; each method is the command of its name."""

    def __init__(self) -> None:
        self._workload: Workload
        self._parameters: Mapping[str, Scalar]
        self._strategy: Strategy
        self._options: Mapping[str, Scalar]
        self._max_workers = 1
        #: Whether "close" was done, after which there is nothing left to do.
        self.closed = False
        self._items: Sequence[Any] = ()
        self._checker: Checker
        self._pool: Pool | None = None
        self._tree = Tree(os.getpid())
        self._meters: Meters
        #: CPU times at the end of the last command; None where they cannot be read.
        self._left_at: dict[int, CpuTimes] | None = None

    def do(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do one command and give what the answer holds besides "did"; raises :class:`TrialFault`."""
        steps = {
            "prepare": self.prepare,
            "calibrate": self.calibrate,
            "open": self.open,
            "warm_up": self.warm_up,
            "round": self.round,
            "pass": self.memory_pass,
            "close": self.close,
        }
        answer = steps[command["do"]](command)
        self._left_at = self._cpu_times()
        return answer

    def prepare(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Find workload and strategy, make the inputs, open the probes."""
        spec = command["spec"]
        self._find_workload(spec)
        self._find_strategy(spec)
        self._meters = Meters(self._tree)
        if spec["tasks"]:
            self._items = inputs_of(self._workload, self._parameters, spec["tasks"])
            expected = spec.get("expected")
            if expected is None and self._workload.check is None:
                raise TrialFault(
                    "internal", f"there is nothing to check the results of {self._workload.name} with"
                )
            self._checker = Checker(
                self._workload, self._items, None if expected is None else Expected.from_plain(expected)
            )
        return {}

    def _find_workload(self, spec: Mapping[str, Any]) -> None:
        name = spec["workload"]
        try:
            self._workload = catalog.workload(name)
        except ImportError as error:
            raise TrialFault(
                "unavailable", f"this Python build cannot load workload {name}: {error}", error
            ) from error
        if self._workload.requires:
            from .requirements import missing  # noqa: PLC0415 - most workloads need nothing

            if lacking := missing(self._workload.requires):
                raise TrialFault(
                    "unavailable", f"workload {name} needs {', '.join(lacking)}, not installed here"
                )
        self._parameters = settle(self._workload.parameters, spec["parameters"], f"workload {name}")

    def _find_strategy(self, spec: Mapping[str, Any]) -> None:
        name, self._max_workers = spec["strategy"], spec["max_workers"]
        try:
            self._strategy = catalog.strategy(name)
        except ImportError as error:
            raise TrialFault(
                "unavailable", f"this Python build cannot load strategy {name}: {error}"
            ) from error
        self._options = settle(self._strategy.options, spec["options"], f"strategy {name}")
        reason = self._strategy.impossible(self._max_workers, self._options)
        if reason is not None:
            raise TrialFault("internal", reason)
        reason = self._strategy.unavailable(BuildFacts(sys.version_info[:2]), self._options)
        if reason is not None:
            raise TrialFault("unavailable", reason)

    def calibrate(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Find the number of tasks of a round, serially."""
        from .calibration import calibrate  # noqa: PLC0415 - one trial in a thousand does it

        return calibrate(self._workload, self._parameters, command["calibration"])

    def open(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Start the pool: from its making until each of its workers has answered."""
        del command
        begin = perf_counter_ns()
        try:
            self._pool = self._strategy.open(self._max_workers, self._options)
            self._pool.ping()
        except (ImportError, NotImplementedError) as error:
            raise TrialFault("unavailable", f"{self._strategy.name}: {named(error)}", error) from error
        except BaseException as error:
            why = None if self._pool is None else self._pool.breakage(error)
            raise TrialFault(
                "pool-broken", f"the pool did not start: {why or named(error)}", error
            ) from error
        seconds = (perf_counter_ns() - begin) / 1e9
        self._tree.refresh(self._pool.pids())
        return {"seconds": seconds}

    def warm_up(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do a round that does not count."""
        del command
        begin = perf_counter_ns()
        results = self._map()
        seconds = (perf_counter_ns() - begin) / 1e9
        self._checker.check(results)
        # The first tasks may have started processes that stay.
        self._tree.refresh(self._opened().pids())
        return {"seconds": seconds}

    def round(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do a timed round: the clock runs while the pool maps, and at no other time."""
        del command
        pool, function, items = self._opened(), self._workload.function, self._items
        found = self._cpu_times()
        idle_cpu_seconds = _seconds_between(self._left_at, found)
        self._meters.begin()
        before = self._cpu_times()
        begin = perf_counter_ns()
        try:
            results = pool.map(function, items)
        except BaseException as error:
            raise self._fault_of(error) from error
        end = perf_counter_ns()
        after = self._cpu_times()
        seconds = (end - begin) / 1e9
        self._meters.end(seconds)
        self._checker.check(results)
        return {
            "seconds": seconds,
            "cpu_seconds": _seconds_between(before, after),
            "idle_cpu_seconds": idle_cpu_seconds,
        }

    def memory_pass(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do a round that is not timed, while the guardian looks at the memory from outside."""
        del command
        self._checker.check(self._map())
        return {}

    def close(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the workers for their GIL, end the pool, give the readings."""
        del command
        readings = self._meters.readings()
        self.closed = True
        if self._pool is None:
            return {"seconds": None, "gil_enabled": gil_enabled(), "readings": readings}
        try:
            gil = any(self._pool.survey(gil_enabled))
            begin = perf_counter_ns()
            self._pool.close()
            seconds = (perf_counter_ns() - begin) / 1e9
        except BaseException as error:
            raise self._fault_of(error) from error
        self._pool.tidy()
        return {"seconds": seconds, "gil_enabled": gil, "readings": readings}

    def abandon(self) -> None:
        """Kill the pool's processes: after an error nobody waits for their tasks."""
        if self._pool is None:
            return
        for pid in self._pool.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._pool.tidy()

    def _opened(self) -> Pool:
        if self._pool is None:
            raise TrialFault("internal", "a round was asked for before the pool was opened")
        return self._pool

    def _map(self) -> list[Any]:
        pool = self._opened()
        try:
            return pool.map(self._workload.function, self._items)
        except BaseException as error:
            raise self._fault_of(error) from error

    def _fault_of(self, error: BaseException) -> TrialFault:
        why = self._opened().breakage(error)
        if why is not None:
            return TrialFault("pool-broken", why, error)
        return TrialFault("raised", f"{self._workload.name} raised {named(error)}", error)

    def _cpu_times(self) -> dict[int, CpuTimes] | None:
        try:
            return self._tree.cpu_times()
        except LabError:
            return None


def _seconds_between(before: dict[int, CpuTimes] | None, after: dict[int, CpuTimes] | None) -> float | None:
    return None if before is None or after is None else cpu_used(before, after).total / 1e9
