"""A sitting, from its guardian's side: trials whose interpreters live together, rounds that alternate."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .. import catalog
from ..clock import Clock
from ..errors import LabError, SpecRefused
from ..function.place import FunctionPlace, place_of
from ..host.processes import Prctl
from ..host.scratch import scratch
from ..wire.codec import to_plain
from ..wire.registration import NodeRegistration
from ..wire.result import Calibration, Round, SittingResult
from ..wire.spec import SittingSpec, TrialSpec
from . import background_load, gates, untimed
from .interpreter import Interpreters
from .orphans import Orphans
from .session import TrialSession, calibration_from


def run_sitting(
    spec: SittingSpec,
    node: NodeRegistration,
    clock: Clock,
    *,
    prctl: Prctl | None = None,
    trialpath: Path | None = None,
    project: Sequence[str] = (),
    targets: Mapping[str, str] | None = None,
) -> SittingResult:
    """Run a sitting to its end, whatever its trials do.

    Called in a process of its own that has one thread and no other children (see
    :func:`parlab.workers.host.processes.guard`).

    Args:
        spec: what to do.
        node: whose Python builds are used.
        clock: stamps the result.
        prctl: made before the fork; None makes one.
        trialpath: folder of another ``_parlab_trial`` package, for tests.
        project: folders with the modules of users' own functions.
        targets: addresses of what workloads talk to, by name; a trial is told those of its workload.

    Raises:
        SpecRefused: a spec that contradicts itself.
    """
    own = None
    if spec.function is not None:
        own = place_of(spec.function, project, os.environ, f"node {spec.node}")
    sitting = _Sitting(spec, node, prctl or Prctl(), trialpath, own, targets or {})
    wall, monotonic = clock.unix_seconds(), clock.monotonic_ns()
    calibration = sitting.run()
    seconds = (clock.monotonic_ns() - monotonic) / 1e9
    step = _step(clock.unix_seconds() - wall - seconds, seconds)
    if step:
        gates.clock_stepped(sitting.sessions, step)
    return SittingResult(
        run=spec.run,
        sitting=spec.sitting,
        attempt=spec.attempt,
        node=spec.node,
        host=node.host.id,
        boot_id=node.host.boot_id,
        started_unix_seconds=wall,
        seconds=seconds,
        trials=tuple(session.result() for session in sitting.sessions),
        calibration=calibration,
        clock_step_seconds=step,
        left_behind=tuple(sitting.left_behind),
    )


def _step(drift_seconds: float, seconds: float) -> float:
    """Give the wall clock's step; what clocks drift apart by themselves is none."""
    return drift_seconds if abs(drift_seconds) > 0.1 + 0.01 * seconds else 0.0


class _Sitting:
    """The sitting while it goes on."""

    def __init__(
        self,
        spec: SittingSpec,
        node: NodeRegistration,
        prctl: Prctl,
        trialpath: Path | None,
        own: FunctionPlace | None,
        targets: Mapping[str, str],
    ) -> None:
        if spec.kind == "calibrate" and (spec.calibration is None or len(spec.trials) != 1):
            raise SpecRefused(f"sitting {spec.sitting}: a calibration has one trial and says how")
        self._spec = spec
        self._node = node
        self._builds = {build.id: build for build in node.builds}
        self._trialpath = trialpath
        self._own = own
        self._targets = targets
        self._interpreters = Interpreters(prctl)
        self._hash_seed = hash_seed(spec.seed)
        self.sessions = [TrialSession(trial, node.tolerates) for trial in spec.trials]
        self._orphans = Orphans()
        self._noisy: list[TrialSession] = []

    @property
    def left_behind(self) -> list[str]:
        """What trials left behind, for people."""
        return self._orphans.notes

    def run(self) -> Calibration | None:
        """Do all steps; afterwards every session has ended and neither process nor file is left."""
        with scratch() as folder:
            return self._run(folder)

    def _run(self, folder: str) -> Calibration | None:
        # While there are none of its own.
        others_trials = background_load.trials()
        try:
            self._start_trials(folder)
            if self._spec.calibration is not None:
                return self._calibrate(self.sessions[0])
            self._warm()
            self._rounds()
            self._untimed_rounds()
            for session in self._open():
                session.finish()
                if not session.spec.scenario:
                    untimed.say_not_installed(session, self._node.probes)
                self._end_orphans()
            # One of their own that kept working is no load from outside.
            for session in self._noisy:
                gates.disturbed(self.sessions, session)
            effective_cpus = self._node.host.effective_cpus
            gates.judge(self.sessions, effective_cpus)
            gates.judge_load(self.sessions, effective_cpus, partial(background_load.look, others_trials))
            return None
        finally:
            for session in self.sessions:
                session.end("failed", "internal", "the sitting was broken off")
            self._end_orphans()
            self._interpreters.close()

    def _open(self) -> list[TrialSession]:
        return [session for session in self.sessions if session.open]

    def _start_trials(self, folder: str) -> None:
        """Start all interpreters and have them load what they need, side by side: nothing is timed."""
        for session in self.sessions:
            build = self._builds.get(session.spec.python)
            if build is None:
                session.end(
                    "skipped",
                    "unavailable",
                    f"node {self._node.node} does not offer Python {session.spec.python} "
                    f"(it offers {', '.join(self._builds)})",
                )
                continue
            spec = session.spec
            session.start(
                partial(
                    self._interpreters.start,
                    *(spec.trial, build.executable, spec.gil, self._hash_seed),
                    *(folder, self._trialpath, self._own),
                )
            )
        for session in self._open():
            session.greet(self._preparation(session.spec))
        for session in self._open():
            session.await_prepared()

    def _preparation(self, trial: TrialSpec) -> dict[str, Any]:
        """What a trial is told besides its spec."""
        common: dict[str, Any] = {"probes": list(self._node.probes)} if self._node.probes else {}
        if self._own is not None:
            return {**common, "function": to_plain(self._spec.function), "paths": list(self._own.paths)}
        targets = self._targets_of(trial.workload)
        return {**common, "targets": targets} if targets else common

    def _targets_of(self, workload: str) -> dict[str, str]:
        """Addresses that a workload needs, as far as this node has them, and no others."""
        if not self._targets:
            return {}
        try:
            wanted = catalog.workload(workload).targets
        except (LabError, ImportError):
            # The trial says what is the matter with it.
            return {}
        return {name: self._targets[name] for name in wanted if name in self._targets}

    def _calibrate(self, session: TrialSession) -> Calibration | None:
        assert self._spec.calibration is not None
        answer = session.do("calibrate", "calibration", calibration=to_plain(self._spec.calibration))
        if answer is None:
            return None
        session.finish()
        return calibration_from(answer)

    def _warm(self) -> None:
        """Open and warm each pool while no other works: cold starts are timed, too."""
        for session in self._open():
            opened = self._do(session, "open", "cold start")
            # A scenario's bench is set up, which is nobody's cold start.
            if opened is not None and not session.spec.scenario:
                session.start_up_seconds = opened["seconds"]
            for _ in range(session.spec.warm_up_rounds):
                warmed = self._do(session, "warm_up", "warm-up")
                if warmed is not None:
                    session.warm_up_seconds = (session.warm_up_seconds or 0.0) + warmed["seconds"]

    def _do(self, session: TrialSession, do: str, step: str) -> dict[str, Any] | None:
        """Have a trial do a step. What one that ends leaves behind must not run beside the next's."""
        was_open = session.open
        answer = session.do(do, step)
        if was_open and not session.open:
            self._end_orphans()
        return answer

    def _rounds(self) -> None:
        for turn, order in enumerate(orders(self._spec.seed, len(self.sessions), self._spec.turns)):
            self._end_orphans()
            for position, index in enumerate(order):
                self._round(self.sessions[index], turn, position)

    def _round(self, session: TrialSession, turn: int, position: int) -> None:
        idle_since = session.left_at_seconds
        began = time.monotonic()
        answer = self._do(session, "round", f"round {turn + 1}")
        if answer is None:
            return
        session.idle_cpu_seconds += answer.get("idle_cpu_seconds") or 0.0
        session.idle_seconds += began - idle_since
        if gates.noisy(session):
            session.end(
                "failed",
                "not-idle",
                f"it used {session.idle_cpu_seconds:.3g} s of CPU in {session.idle_seconds:.3g} s of pauses: "
                "work that continues after its call has returned cannot be measured beside other work",
            )
            self._noisy.append(session)
            self._end_orphans()
            return
        session.rounds.append(Round(turn, position, answer["seconds"], answer.get("cpu_seconds")))

    def _untimed_rounds(self) -> None:
        for session in self._open():
            if session.spec.scenario:
                # It says itself what it measures; its rounds are no passes over tasks.
                continue
            if not self._spec.memory_pass:
                untimed.say_not_read(session, self._node.probes)
                continue
            untimed.look_from_outside(session, self._node.probes)
            untimed.note_tasks(session)

    def _end_orphans(self) -> None:
        self._orphans.end(
            live={s.interpreter.pid for s in self.sessions if s.interpreter is not None and s.open},
            failed={s.spec.trial for s in self.sessions if s.ended is not None and s.ended[0] != "measured"},
        )


def orders(seed: int, trials: int, turns: int) -> Iterator[list[int]]:
    """Yield, for each turn, the trials' indices in the order of their rounds."""
    draw = random.Random(seed)
    for _ in range(turns):
        order = list(range(trials))
        draw.shuffle(order)
        yield order


def hash_seed(seed: int) -> int:
    """Draw the PYTHONHASHSEED that all trials of a sitting share (0 would mean: not randomised)."""
    return random.Random(f"hash {seed}").randrange(1, 2**32)
