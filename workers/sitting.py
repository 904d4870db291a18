"""A sitting, from its guardian's side: trials whose interpreters live together, rounds that alternate."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import catalog, gates, turns
from .clock import Clock
from .errors import NotReadable, SpecRefused
from .interpreter import Interpreter, Interpreters
from .isolation import Prctl
from .registration import NodeRegistration, PythonBuild
from .result import Calibration, Reading, Round, SittingResult
from .scratch import scratch
from .seat import Seat, calibration_from
from .spec import SittingSpec, TrialSpec
from .strays import Strays
from .tree import processes_below

#: How often memory is looked at during a memory pass.
MEMORY_PERIOD_SECONDS = 0.02


def run_sitting(
    spec: SittingSpec,
    node: NodeRegistration,
    clock: Clock,
    *,
    prctl: Prctl | None = None,
    trialpath: Path | None = None,
) -> SittingResult:
    """Run a sitting to its end, whatever its trials do.

    Called in a process of its own that has one thread and no other children (see
    :func:`workers.isolation.guard`).

    Args:
        spec: what to do.
        node: whose Python builds are used.
        clock: stamps the result.
        prctl: made before the fork; None makes one.
        trialpath: folder of another ``_parlab_trial`` package, for tests.

    Raises:
        SpecRefused: a spec that contradicts itself.
    """
    sitting = _Sitting(spec, node, prctl or Prctl(), trialpath)
    wall, monotonic = clock.unix_seconds(), clock.monotonic_ns()
    calibration = sitting.run()
    seconds = (clock.monotonic_ns() - monotonic) / 1e9
    return SittingResult(
        run=spec.run,
        sitting=spec.sitting,
        attempt=spec.attempt,
        node=spec.node,
        host=node.host.id,
        boot_id=node.host.boot_id,
        started_unix_seconds=wall,
        seconds=seconds,
        trials=tuple(seat.result() for seat in sitting.seats),
        calibration=calibration,
        clock_step_seconds=_step(clock.unix_seconds() - wall - seconds, seconds),
        left_behind=tuple(sitting.left_behind),
    )


def _step(drift_seconds: float, seconds: float) -> float:
    """Give the wall clock's step; what clocks drift apart by themselves is none."""
    return drift_seconds if abs(drift_seconds) > 0.1 + 0.01 * seconds else 0.0


class _Sitting:
    """The sitting while it goes on."""

    def __init__(
        self, spec: SittingSpec, node: NodeRegistration, prctl: Prctl, trialpath: Path | None
    ) -> None:
        if spec.kind == "calibrate" and (spec.calibration is None or len(spec.trials) != 1):
            raise SpecRefused(f"sitting {spec.sitting}: a calibration has one trial and says how")
        self._spec = spec
        self._node = node
        self._builds = {build.id: build for build in node.builds}
        self._trialpath = trialpath
        self._interpreters = Interpreters(prctl)
        self._hash_seed = turns.hash_seed(spec.seed)
        self.seats = [Seat(trial) for trial in spec.trials]
        self._strays = Strays()
        self._noisy: list[Seat] = []

    @property
    def left_behind(self) -> list[str]:
        """What trials left behind, for people."""
        return self._strays.told

    def run(self) -> Calibration | None:
        """Do all steps; afterwards every seat has ended and neither process nor file is left."""
        with scratch() as folder:
            return self._run(folder)

    def _run(self, folder: str) -> Calibration | None:
        try:
            self._sit_down(folder)
            if self._spec.calibration is not None:
                return self._calibrate(self.seats[0])
            self._warm()
            self._rounds()
            self._memory()
            for seat in self._open():
                seat.finish()
                self._end_strays()
            gates.judge(self.seats, self._node.host.effective_cpus)
            for seat in self._noisy:
                gates.disturbed(self.seats, seat)
            return None
        finally:
            for seat in self.seats:
                seat.end("failed", "internal", "the sitting was broken off")
            self._end_strays()
            self._interpreters.close()

    def _open(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.open]

    def _sit_down(self, folder: str) -> None:
        """Start all interpreters and have them load what they need, side by side: nothing is timed."""
        for seat in self.seats:
            build = self._builds.get(seat.spec.python)
            if build is None:
                seat.end(
                    "skipped",
                    "unavailable",
                    f"node {self._node.node} does not offer Python {seat.spec.python} "
                    f"(it offers {', '.join(self._builds)})",
                )
                continue
            seat.start(self._starter(seat.spec, build, folder))
        for seat in self._open():
            seat.greet()
        for seat in self._open():
            seat.await_prepared()

    def _starter(self, spec: TrialSpec, build: PythonBuild, folder: str) -> Callable[[], Interpreter]:
        return lambda: self._interpreters.start(
            spec.trial, build.executable, spec.gil, self._hash_seed, folder, self._trialpath
        )

    def _calibrate(self, seat: Seat) -> Calibration | None:
        assert self._spec.calibration is not None
        wanted = self._spec.calibration
        answer = seat.do(
            "calibrate",
            "calibration",
            calibration={
                "round_seconds": wanted.round_seconds,
                "tasks": wanted.tasks,
                "multiple_of": wanted.multiple_of,
                "max_tasks": wanted.max_tasks,
            },
        )
        if answer is None:
            return None
        seat.finish()
        return calibration_from(answer)

    def _warm(self) -> None:
        """Open and warm each pool while no other works: cold starts are timed, too."""
        for seat in self._open():
            opened = self._do(seat, "open", "cold start")
            if opened is not None:
                seat.start_up_seconds = opened["seconds"]
            for _ in range(seat.spec.warm_up_rounds):
                warmed = self._do(seat, "warm_up", "warm-up")
                if warmed is not None:
                    seat.warm_up_seconds = (seat.warm_up_seconds or 0.0) + warmed["seconds"]

    def _do(self, seat: Seat, do: str, step: str) -> dict[str, Any] | None:
        """Have a trial do a step. What one that ends leaves behind must not run beside the next's."""
        was_open = seat.open
        answer = seat.do(do, step)
        if was_open and not seat.open:
            self._end_strays()
        return answer

    def _rounds(self) -> None:
        for turn, order in enumerate(turns.orders(self._spec.seed, len(self.seats), self._spec.turns)):
            self._end_strays()
            for position, index in enumerate(order):
                self._round(self.seats[index], turn, position)

    def _round(self, seat: Seat, turn: int, position: int) -> None:
        idle_since = seat.left_at_seconds
        began = time.monotonic()
        answer = self._do(seat, "round", f"round {turn + 1}")
        if answer is None:
            return
        seat.idle_cpu_seconds += answer.get("idle_cpu_seconds") or 0.0
        seat.idle_seconds += began - idle_since
        if gates.noisy(seat):
            seat.end(
                "failed",
                "not-idle",
                f"it used {seat.idle_cpu_seconds:.3g} s of CPU in {seat.idle_seconds:.3g} s of pauses: "
                "work that goes on after its call has returned cannot be measured beside other work",
            )
            self._noisy.append(seat)
            self._end_strays()
            return
        seat.rounds.append(Round(turn, position, answer["seconds"], answer.get("cpu_seconds")))

    def _memory(self) -> None:
        """Read memory from outside during an untimed round: at 50 Hz it would slow a timed one."""
        for probe in catalog.probes().values():
            if probe.sample is None:
                continue
            quantity = probe.quantities[0]
            for seat in self._open():
                value, reason = None, "not read in this sitting"
                if self._spec.memory_pass:
                    value, reason = self._greatest(seat, probe.sample)
                known = None if value is not None else reason
                seat.readings.append(Reading(quantity.name, quantity.unit, value, known))

    def _greatest(self, seat: Seat, sample: Callable[[list[int]], float]) -> tuple[float | None, str]:
        greatest: float | None = None
        reason = "the untimed round was too short to look at it"
        assert seat.interpreter is not None
        root = seat.interpreter.pid

        def look() -> None:
            nonlocal greatest, reason
            try:
                value = sample([root, *processes_below(root)])
            except NotReadable as why:
                reason = why.message
                return
            greatest = value if greatest is None else max(greatest, value)

        look()
        seat.do("pass", "the memory pass", tick=(MEMORY_PERIOD_SECONDS, look))
        return greatest, reason

    def _end_strays(self) -> None:
        self._strays.end(
            live={s.interpreter.pid for s in self.seats if s.interpreter is not None and s.open},
            failed={s.spec.trial for s in self.seats if s.ended is not None and s.ended[0] != "measured"},
        )
