"""A workload's trial: what it was given to do, and the commands that it takes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns

from .. import catalog
from ..errors import BadInput, TrialFault, named
from ..host import stacks
from ..host.gil import gil_enabled
from ..parameter import settle
from ..strategies.base import BuildFacts
from .base import Trial
from .check import Checker, SerialDigests, inputs_of
from .meters import Meters

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..strategies.base import Pool, Strategy
    from ..wire.spec import Scalar
    from ..workloads.base import Workload
    from .base import Answer, Command


class WorkloadTrial(Trial):
    """A configuration of a workload and a strategy."""

    commands = frozenset(
        {"prepare", "calibrate", "open", "warm_up", "round", "memory_pass", "tasks_pass", "close"}
    )

    def __init__(self, stacks_fd: int | None) -> None:
        super().__init__()
        #: Where this process writes its stacks to when it hangs; None: it does not.
        self._stacks_fd = stacks_fd
        #: What "prepare" found.
        self._given: Assignment
        self._items: Sequence[Any] = ()
        self._checker: Checker
        self._pool: Pool | None = None
        #: Probes that other distributions add, by name.
        self._further: Sequence[str] = ()

    def prepare(self, command: Command) -> Answer:
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
                workload, self._items, None if expected is None else SerialDigests.from_plain(expected)
            )
        return {}

    def calibrate(self, command: Command) -> Answer:
        """Find the number of tasks of a round, serially."""
        from .calibration import calibrate

        return calibrate(self._given.workload, self._given.parameters, command["calibration"])

    def open(self, command: Command) -> Answer:
        """Start the pool: from its making until each of its workers has answered."""
        del command
        self._given.check_crossing(self._items)
        setup, failures = None, None
        if self._given.workload.setup is not None:
            # Each module costs a trial's start: most have no set-up.
            from ..function.setup import initializer_of, setup_failure

            setup, failures = initializer_of(self._given.workload.setup), setup_failure
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
        if failures is not None and any(raised := self._pool.survey(failures)):
            first = next(filter(None, raised))
            raise TrialFault("raised", f"the set-up of {self._given.workload.name} raised {first}")
        self.renews_processes = self._pool.renews_processes
        self._refresh()
        self._meters.opened()
        return {"seconds": seconds, "worker_pids": self._pool.worker_pids()}

    def _start_fault(self, error: BaseException) -> TrialFault:
        refusal = None if self._pool is None else self._pool.refusal(error)
        if refusal is not None:
            return TrialFault("unavailable", refusal, error)
        why = None if self._pool is None else self._pool.breakage(error)
        return TrialFault("pool-broken", f"the pool did not start: {why or named(error)}", error)

    def warm_up(self, command: Command) -> Answer:
        """Do a round that does not count."""
        del command
        begin = perf_counter_ns()
        results = self._map()
        seconds = (perf_counter_ns() - begin) / 1e9
        self._checker.check(results)
        # The first tasks may have started processes that stay.
        self._refresh()
        return {"seconds": seconds}

    def round(self, command: Command) -> Answer:
        """Do a timed round."""
        del command
        results, answer = self._timed(self._opened().map, self._given.function, self._items)
        self._checker.check(results)
        return answer

    def memory_pass(self, command: Command) -> Answer:
        """Do a round that is not timed, while the guardian looks at the memory from outside."""
        del command
        self._checker.check(self._map())
        return {"worker_pids": self._opened().worker_pids()}

    def tasks_pass(self, command: Command) -> Answer:
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

    def close(self, command: Command) -> Answer:
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
        if self._pool is None:
            return
        for pid in self._pool.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._pool.tidy()

    def _pids(self) -> list[int]:
        return self._opened().pids()

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


class Assignment:
    """Workload and strategy with their settled parameters. Made of the command "prepare"."""

    __slots__ = ("function", "max_workers", "options", "own", "parameters", "strategy", "workload")

    def __init__(self, command: Command) -> None:
        """Find everything.

        Raises:
            TrialFault: this interpreter cannot run it, with the reason.
        """
        spec = command["spec"]
        for name, address in command.get("targets", {}).items():
            # Where target_address() looks; the processes of a pool inherit it.
            os.environ[f"PARLAB_TARGET_{name.upper()}"] = address
        own = command.get("function")
        #: Whether the workload is the user's own: what it returns may be anything.
        self.own = own is not None
        self.workload: Workload
        self.parameters: Mapping[str, Scalar] = {}
        if own is not None:
            self.workload = _own_workload(own, command.get("paths", ()))
        else:
            self.workload = _loaded(catalog.workload, "workloads", spec["workload"])
            self.parameters = _settled(self.workload, spec["parameters"])
        self.max_workers: int = spec["max_workers"]
        self.strategy: Strategy = _loaded(catalog.strategy, "strategies", spec["strategy"])
        self.options = _checked_options(self.strategy, self.max_workers, spec["options"])
        #: The form of the workload that the strategy runs.
        self.function: Callable[[Any], Any] = self.workload.function
        if self.strategy.form == "async":
            if self.workload.async_function is None:
                raise TrialFault("unavailable", f"{self.workload.name} has no async form")
            self.function = self.workload.async_function

    def check_crossing(self, items: Sequence[Any]) -> None:
        """Refuse what cannot reach the workers, before a pool breaks over it with an error of its own.

        Raises:
            TrialFault: "unavailable".
        """
        if self.strategy.isolation == "none" or not items:
            return
        from ..function.reference import unpicklable

        sent = (self.workload.name, self.function), ("its inputs", items[0])
        for what, value in sent[self.strategy.by_value :]:
            why = unpicklable(value)
            if why is not None:
                raise TrialFault(
                    "unavailable", f"{what} cannot be sent to {self.strategy.name}: not picklable: {why}"
                )

    def unsendable_result(self, items: Sequence[Any]) -> str | None:
        """Say that results cannot come back from the workers, by making one here; None where they can."""
        if self.strategy.isolation == "none" or not self.own:
            return None
        try:
            result = self.workload.function(items[0])
        except Exception:  # noqa: BLE001 - then it is the task's own error, which is told as that
            return None
        from ..function.reference import unpicklable

        why = unpicklable(result)
        if why is None:
            return None
        return f"its results cannot come back from {self.strategy.name}: not picklable: {why}"


def _own_workload(own: Mapping[str, Any], paths: Sequence[str]) -> Workload:
    # Behind our own package, before everything else: as a script's folder is.
    sys.path[1:1] = paths
    from ..function.workload import own_workload

    return own_workload(own)


def _settled(workload: Workload, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Settle a workload's parameters, and have the environment as it wants it."""
    _check_installed(workload.requires, "workload", workload.name)
    parameters = settle(workload.parameters, given, f"workload {workload.name}")
    reason = workload.unavailable(parameters) if workload.unavailable is not None else None
    if reason is not None:
        raise TrialFault("unavailable", f"workload {workload.name}: {reason}")
    if workload.environment is not None:
        os.environ.update(workload.environment(parameters))
    return parameters


def _checked_options(strategy: Strategy, max_workers: int, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    _check_installed(strategy.requires, "strategy", strategy.name)
    options = settle(strategy.options, given, f"strategy {strategy.name}")
    reason = strategy.impossible(max_workers, options)
    if reason is not None:
        raise TrialFault("internal", reason)
    reason = strategy.unavailable(BuildFacts(sys.version_info[:2]), options)
    if reason is not None:
        raise TrialFault("unavailable", reason)
    return options


def _loaded(load: Callable[[str], Any], folder: str, name: str) -> Any:
    if name not in catalog.names(folder):
        catalog.extend_path()
    try:
        return load(name)
    except BadInput:
        raise TrialFault(
            "unavailable",
            f"{name} (of {folder}) is not installed for this Python: "
            f"{sys.executable} -m pip install PACKAGE (the one that provides it)",
        ) from None
    except (ImportError, catalog.CatalogFault) as error:
        raise TrialFault(
            "unavailable", f"this Python build cannot load {name} (of {folder}): {error}", error
        ) from error


def _check_installed(requires: tuple[str, ...], kind: str, name: str) -> None:
    if not requires:
        return
    from ..host.requirements import missing

    if lacking := missing(requires):
        raise TrialFault(
            "unavailable",
            f"{kind} {name} needs {', '.join(lacking)}, not installed for this Python: "
            f"{sys.executable} -m pip install {' '.join(lacking)}",
        )
