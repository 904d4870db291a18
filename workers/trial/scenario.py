"""A scenario's trial in its own interpreter: the commands that it takes, and what it answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns

from .. import catalog
from ..errors import BadInput, LabError, NotReadable, TrialFault, named
from ..host.gil import gil_enabled
from ..host.tree import Tree, cpu_used
from ..parameter import settle
from ..scenarios.base import Bench, BuildFacts
from .idle import await_quiet
from .meters import Meters

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..host.tree import CpuTimes
    from ..scenarios.base import Scenario
    from ..wire.spec import Scalar


class ScenarioTrial:
    """A variant of a scenario between its commands; each method is the command of its name."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        #: Whether "close" was done.
        self.closed = False
        self._scenario: Scenario
        self._variant = ""
        self._parameters: Mapping[str, Scalar] = {}
        self._bench: Bench | None = None
        self._meters: Meters
        #: What each round gave, a value or a reason per measure.
        self._rounds: list[Sequence[float | str]] = []
        self._left_at: dict[int, CpuTimes] | None = None

    def do(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do one command and give what the answer holds besides "did"; raises :class:`TrialFault`."""
        steps = {"prepare": self.prepare, "open": self.open, "round": self.round, "close": self.close}
        step = steps.get(command["do"])
        if step is None:
            raise TrialFault("internal", f"a scenario does no {command['do']}")
        answer = step(command)
        self._left_at = self._cpu_times(root_last=True)
        return answer

    def prepare(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Find the scenario and settle its conditions."""
        spec = command["spec"]
        name, self._variant = spec["workload"], spec["strategy"]
        try:
            self._scenario = catalog.scenario(name)
            self._parameters = settle(self._scenario.parameters, spec["parameters"], f"scenario {name}")
        except BadInput as error:
            raise TrialFault("unavailable", error.message, error) from error
        if self._scenario.variant(self._variant) is None:
            raise TrialFault("unavailable", f"scenario {name} has no variant {self._variant}")
        lacks = ("_multiprocessing",) if _lacks("_multiprocessing") else ()
        facts = BuildFacts((sys.version_info[0], sys.version_info[1]), None, lacks)
        why = self._scenario.refusal(self._variant, self._parameters, facts)
        if why is not None:
            raise TrialFault("unavailable", why)
        self._meters = Meters(self._tree)
        return {}

    def open(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Set the bench up, so that rounds measure what the scenario is about and nothing else."""
        del command
        begin = perf_counter_ns()
        try:
            self._bench = self._scenario.open(self._variant, self._parameters)
        except NotImplementedError as error:
            raise TrialFault("unavailable", str(error) or named(error), error) from error
        except NotReadable as error:
            raise TrialFault("unavailable", error.message, error) from error
        except Exception as error:
            raise self._fault(error) from error
        seconds = (perf_counter_ns() - begin) / 1e9
        self._tree.refresh(self._bench.pids())
        if self._tree.below:
            # What multiprocessing starts beside what it was asked for is still coming up.
            await_quiet(self._cpu_times)
        self._meters.opened()
        return {"seconds": seconds, "worker_pids": []}

    def round(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do it once. The bench says what it measured; ``seconds`` is how long all of it took."""
        del command
        assert self._bench is not None
        idle_cpu_seconds = _seconds_between(self._left_at, self._cpu_times())
        self._meters.begin()
        before = self._cpu_times(root_last=True)
        begin = perf_counter_ns()
        try:
            values = self._bench.round()
        except Exception as error:
            raise self._fault(error) from error
        seconds = (perf_counter_ns() - begin) / 1e9
        after = self._cpu_times()
        self._meters.end(seconds)
        self._rounds.append(values)
        # A pool that was broken on purpose is another one now.
        self._tree.refresh(self._bench.pids())
        return {
            "seconds": seconds,
            "cpu_seconds": _seconds_between(before, after),
            "idle_cpu_seconds": idle_cpu_seconds,
        }

    def close(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """End the bench; give the measures over all rounds, and what is to be read beside them."""
        del command
        assert self._bench is not None
        readings = self._readings() + self._meters.readings()
        self.closed = True
        begin = perf_counter_ns()
        try:
            notes = self._bench.notes()
            self._bench.close()
        except Exception as error:
            raise self._fault(error) from error
        seconds = (perf_counter_ns() - begin) / 1e9
        _tidy()
        return {"seconds": seconds, "gil_enabled": gil_enabled(), "readings": readings, "notes": notes}

    def abandon(self) -> None:
        """End what the bench has started: after an error nobody asks it for more."""
        if self._bench is None or self.closed:
            return
        bench, self._bench = self._bench, None
        try:
            bench.close()
        except Exception as error:  # noqa: BLE001 - the error before it is the one to tell; the guardian kills the rest
            sys.stderr.write(f"closing {self._scenario.name}: {named(error)}\n")
        _tidy()

    def _readings(self) -> list[dict[str, Any]]:
        found = []
        for place, measure in enumerate(self._scenario.measures):
            given = [values[place] for values in self._rounds]
            values = [one for one in given if not isinstance(one, str)]
            reason = next((one for one in given if isinstance(one, str)), "no round was done")
            value = _OVER_ROUNDS[measure.over_rounds](values) if values else None
            reading: dict[str, Any] = {"probe": measure.name, "unit": measure.unit, "value": value}
            found.append({**reading, "reason": None if values else reason})
        return found

    def _fault(self, error: BaseException) -> TrialFault:
        return TrialFault("raised", f"{self._scenario.name} {self._variant} raised {named(error)}", error)

    def _cpu_times(self, *, root_last: bool = False) -> dict[int, CpuTimes] | None:
        try:
            return self._tree.cpu_times(root_last=root_last)
        except LabError:
            return None


def _tidy() -> None:
    # Only where it was used: it is not loaded for this.
    if "multiprocessing" in sys.modules:
        from ..strategies.processes import tidy_multiprocessing

        tidy_multiprocessing()


def _lacks(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is None


def _seconds_between(before: dict[int, CpuTimes] | None, after: dict[int, CpuTimes] | None) -> float | None:
    return None if before is None or after is None else cpu_used(before, after).total / 1e9


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_OVER_ROUNDS: dict[str, Callable[[Sequence[float]], float]] = {"median": _median, "mean": _mean, "max": max}
