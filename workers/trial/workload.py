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

from .. import catalog
from ..errors import LabError, TrialFault, named
from ..function.setup import initializer_of, setup_failure
from ..host import stacks
from ..host.gil import gil_enabled
from ..host.tree import Tree, cpu_used
from .assignment import Assignment
from .channel import Channel
from .check import Checker, Expected, inputs_of
from .idle import await_quiet
from .meters import Meters

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from ..host.tree import CpuTimes
    from ..strategies.base import Pool
    from .scenario import ScenarioTrial


def main(command_fd: int, answer_fd: int) -> NoReturn:
    """Say hello, then answer commands until "close", an error, or the guardian's end.

    Ends without the interpreter's own end, which would wait for threads and processes that a
    workload has left running; the guardian ends those and reports them.
    """
    channel = Channel(command_fd, answer_fd)
    trial = Trial(stacks.register())
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

    def __init__(self, stacks_fd: int | None = None) -> None:
        #: Where this process writes its stacks to when it hangs; None: it does not.
        self._stacks_fd = stacks_fd
        #: What "prepare" found.
        self._given: Assignment
        #: Whether "close" was done, after which there is nothing left to do.
        self.closed = False
        #: What does the commands where the trial is a scenario's.
        self._scenario: ScenarioTrial | None = None
        self._items: Sequence[Any] = ()
        self._checker: Checker
        self._pool: Pool | None = None
        self._tree = Tree(os.getpid())
        self._meters: Meters
        #: Probes that other distributions add, by name.
        self._further: Sequence[str] = ()
        #: CPU times at the end of the last command; None where they cannot be read.
        self._left_at: dict[int, CpuTimes] | None = None

    def do(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do one command and give what the answer holds besides "did"; raises :class:`TrialFault`."""
        if command["do"] == "prepare" and command["spec"].get("scenario"):
            from .scenario import ScenarioTrial

            self._scenario = ScenarioTrial(self._tree)
        if self._scenario is not None:
            answer = self._scenario.do(command)
            self.closed = self._scenario.closed
            return answer
        steps = {
            "prepare": self.prepare,
            "calibrate": self.calibrate,
            "open": self.open,
            "warm_up": self.warm_up,
            "round": self.round,
            "pass": self.memory_pass,
            "tasks": self.tasks_pass,
            "close": self.close,
        }
        answer = steps[command["do"]](command)
        if self._pool is not None and self._pool.renews_processes and not self.closed:
            # Processes that replace others would start beside another's round.
            await_quiet(self._refreshed_times)
        # What this costs is no work of an idle pool.
        self._left_at = self._cpu_times(root_last=True)
        return answer

    def _refreshed_times(self) -> dict[int, CpuTimes] | None:
        self._tree.refresh(self._opened().pids())
        return self._cpu_times()

    def prepare(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Find workload and strategy, make the inputs, open the probes."""
        spec = command["spec"]
        self._given = Assignment(command)
        workload = self._given.workload
        self._further = tuple(command.get("probes", ()))
        if self._further:
            catalog.extend_path()
        self._meters = Meters(self._tree, self._further)
        if spec["tasks"]:
            self._items = inputs_of(workload, self._given.parameters, spec["tasks"])
            expected = spec.get("expected")
            if expected is None and workload.check is None:
                raise TrialFault("internal", f"there is nothing to check the results of {workload.name} with")
            self._checker = Checker(
                workload, self._items, None if expected is None else Expected.from_plain(expected)
            )
        return {}

    def calibrate(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Find the number of tasks of a round, serially."""
        from .calibration import calibrate

        return calibrate(self._given.workload, self._given.parameters, command["calibration"])

    def open(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Start the pool: from its making until each of its workers has answered."""
        del command
        self._given.check_crossing(self._items)
        setup = initializer_of(self._given.workload.setup)
        initializer = setup
        if self._given.strategy.isolation == "process":
            initializer = stacks.joining(self._stacks_fd, setup)
        begin = perf_counter_ns()
        try:
            self._pool = self._given.strategy.open(self._given.max_workers, self._given.options, initializer)
            self._pool.ping()
        except (ImportError, NotImplementedError) as error:
            why = str(error) if isinstance(error, NotImplementedError) and str(error) else named(error)
            raise TrialFault("unavailable", f"{self._given.strategy.name}: {why}", error) from error
        except BaseException as error:
            raise self._start_fault(error) from error
        seconds = (perf_counter_ns() - begin) / 1e9
        if setup is not None and any(failures := self._pool.survey(setup_failure)):
            first = next(filter(None, failures))
            raise TrialFault("raised", f"the set-up of {self._given.workload.name} raised {first}")
        self._tree.refresh(self._pool.pids())
        self._meters.opened()
        return {"seconds": seconds, "worker_pids": self._pool.worker_pids()}

    def _start_fault(self, error: BaseException) -> TrialFault:
        refusal = None if self._pool is None else self._pool.refusal(error)
        if refusal is not None:
            return TrialFault("unavailable", refusal, error)
        why = None if self._pool is None else self._pool.breakage(error)
        return TrialFault("pool-broken", f"the pool did not start: {why or named(error)}", error)

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
        pool, function, items = self._opened(), self._given.function, self._items
        if pool.renews_processes:
            self._tree.refresh(pool.pids())
        found = self._cpu_times()
        idle_cpu_seconds = _seconds_between(self._left_at, found)
        self._meters.begin()
        before = self._cpu_times(root_last=True)
        begin = perf_counter_ns()
        try:
            results = pool.map(function, items)
        except BaseException as error:
            raise self._fault_of(error) from error
        end = perf_counter_ns()
        if pool.renews_processes:
            self._tree.refresh(pool.pids())
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
        return {"worker_pids": self._opened().worker_pids()}

    def tasks_pass(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do a round that is not timed, in which each task notes when and where it ran."""
        from ..probes.base import TaskPass
        from .tasks_pass import noting, readings

        pool, function = self._opened(), noting(self._given.function, self._given.strategy)
        started_ns = perf_counter_ns()
        try:
            notes = pool.map(function, self._items)
        except BaseException as error:
            raise self._fault_of(error) from error
        done = TaskPass(
            self._given.strategy,
            self._given.max_workers,
            pool,
            self._given.function,
            self._items,
            notes,
            started_ns,
            command["limit_seconds"],
        )
        self._checker.check(done.results)
        return {"readings": readings(done, self._further)}

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
            if self._given.workload.teardown is not None:
                self._pool.survey(self._given.workload.teardown)
            self._pool.close()
            seconds = (perf_counter_ns() - begin) / 1e9
        except BaseException as error:
            raise self._fault_of(error) from error
        self._pool.tidy()
        return {"seconds": seconds, "gil_enabled": gil, "readings": readings}

    def abandon(self) -> None:
        """Kill the pool's processes: after an error nobody waits for their tasks."""
        if self._scenario is not None:
            self._scenario.abandon()
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
            return pool.map(self._given.function, self._items)
        except BaseException as error:
            raise self._fault_of(error) from error

    def _fault_of(self, error: BaseException) -> TrialFault:
        pool = self._opened()
        why = pool.refusal(error) or self._given.unsendable_result(self._items)
        if why is not None:
            return TrialFault("unavailable", why, error)
        why = pool.breakage(error)
        if why is not None:
            return TrialFault("pool-broken", why, error)
        return TrialFault("raised", f"{self._given.workload.name} raised {named(error)}", error)

    def _cpu_times(self, *, root_last: bool = False) -> dict[int, CpuTimes] | None:
        try:
            return self._tree.cpu_times(root_last=root_last)
        except LabError:
            return None


def _seconds_between(before: dict[int, CpuTimes] | None, after: dict[int, CpuTimes] | None) -> float | None:
    return None if before is None or after is None else cpu_used(before, after).total / 1e9
