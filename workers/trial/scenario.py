"""A scenario's trial: the commands that it takes, and what it answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns

from .. import catalog
from ..errors import BadInput, NotReadable, TrialFault, named
from ..host.gil import gil_enabled
from ..parameter import settle
from ..scenarios.base import Bench, BuildFacts
from .base import Trial, await_rest, median
from .meters import Meters

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..scenarios.base import Scenario
    from ..wire.spec import Scalar
    from .base import Answer, Command


class ScenarioTrial(Trial):
    """A variant of a scenario."""

    commands = frozenset({"prepare", "open", "round", "close"})

    def __init__(self) -> None:
        super().__init__()
        self._scenario: Scenario
        self._variant = ""
        self._parameters: Mapping[str, Scalar] = {}
        self._bench: Bench | None = None
        #: What each round gave, a value or a reason per measure.
        self._rounds: list[Sequence[float | str]] = []

    def prepare(self, command: Command) -> Answer:
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

    def open(self, command: Command) -> Answer:
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
            raise self._fault_of(error) from error
        seconds = (perf_counter_ns() - begin) / 1e9
        self._refresh()
        if self._tree.below:
            # What multiprocessing starts beside what it was asked for is still coming up.
            await_rest(self._cpu_times)
        self._meters.opened()
        return {"seconds": seconds, "worker_pids": []}

    def round(self, command: Command) -> Answer:
        """Do it once. The bench says what it measured; ``seconds`` is how long all of it took."""
        del command
        assert self._bench is not None
        values, answer = self._timed(self._bench.round)
        self._rounds.append(values)
        # A pool that was broken on purpose is another one now.
        self._refresh()
        return answer

    def close(self, command: Command) -> Answer:
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
            raise self._fault_of(error) from error
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
        readings = []
        for place, measure in enumerate(self._scenario.measures):
            given = [values[place] for values in self._rounds]
            values = [value for value in given if not isinstance(value, str)]
            reason = next((value for value in given if isinstance(value, str)), "no round was done")
            value = _OVER_ROUNDS[measure.over_rounds](values) if values else None
            reading: dict[str, Any] = {"probe": measure.name, "unit": measure.unit, "value": value}
            readings.append({**reading, "reason": None if values else reason})
        return readings

    def _pids(self) -> list[int]:
        return [] if self._bench is None else self._bench.pids()

    def _fault_of(self, error: BaseException) -> TrialFault:
        return TrialFault("raised", f"{self._scenario.name} {self._variant} raised {named(error)}", error)


def _tidy() -> None:
    # Only where it was used: it is not loaded for this.
    if "multiprocessing" in sys.modules:
        from ..strategies.processes import tidy_multiprocessing

        tidy_multiprocessing()


def _lacks(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_OVER_ROUNDS: dict[str, Callable[[Sequence[float]], float]] = {"median": median, "mean": _mean, "max": max}
