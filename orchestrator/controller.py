"""The loop that makes a run: what the plan says, less what is stored, is put on the queues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from workers.clock import Clock
from workers.errors import ServerUnreachable
from workers.result import SittingResult, TrialResult
from workers.spec import SittingSpec

from .analysis.findings import RunFinding
from .analysis.observation import Observation
from .analysis.summary import summarize
from .blocks import calibration_sitting, measuring_sitting
from .lab import Lab
from .outstanding import Outstanding, Watch
from .plan import Plan
from .progress import Progress
from .queue import Delivery
from .schedule import Calibrate, Measure, Schedule, Step, live_comparisons, sitting_id
from .slots import Slots
from .store import Store

#: How long one wait for results lasts; the sweep and the signals come between two waits.
WAIT_SECONDS = 1.0
#: How often the queues are compared with what should be there.
SWEEP_SECONDS = 2.0
#: A sitting, or a configuration's trial, is tried so many times in all.
TRIES = 3
#: A server that was there and is gone is waited for so long before the run is given up.
PATIENCE_SECONDS = 60.0

Ending = Literal["done", "budget", "failed"]


class Controller:
    """Runs one plan to its end. It starts from what is stored, so that a resume is a start."""

    def __init__(
        self, *, plan: Plan, store: Store, lab: Lab, clock: Clock, progress: Progress, budget_seconds: float
    ) -> None:
        """Take over a plan; ``budget_seconds`` is what is left of the run's wall time."""
        self._plan = plan
        self._run = plan.run
        self._store = store
        self._lab = lab
        self._clock = clock
        self._progress = progress
        self._groups = {group.id: group for group in plan.groups}
        self._budget_ends = self._now() + budget_seconds
        self._outstanding: dict[str, Outstanding] = {}
        self._losses: Counter[str] = Counter()
        self._sitting_seconds: dict[str, list[float]] = {group: [] for group in self._groups}
        self._watch = Watch(lab, clock)
        self._swept = self._now()
        self._slots = Slots(lab, clock, self._run, self._tell)
        self._observations: list[Observation] = []
        self._cursor = 0
        self._schedule = Schedule(
            plan,
            calibrations=store.calibrations(self._run),
            accepted=store.accepted(self._run),
            begun=store.blocks_begun(self._run),
            failed={name: failure.reason for name, failure in store.failed(self._run).items()},
        )
        #: What is known now; anew after each stored result.
        self.finding: RunFinding = self._look()

    def run(self) -> Ending:
        """Measure until every comparison is done, nothing more can be, or the budget is used up.

        Raises:
            ServerUnreachable: the server stayed away longer than :data:`PATIENCE_SECONDS`.
            LabError: results cannot be stored (disk full); they stay on the node and the server.
        """
        taken_over = False
        away_since: float | None = None
        try:
            while True:
                try:
                    if not taken_over:
                        self._take_over()
                        taken_over = True
                    self._dispatch()
                    if not self._outstanding:
                        return self._ending()
                    self._collect(WAIT_SECONDS)
                    self._progress.tick()
                    self._sweep()
                    away_since = None
                except ServerUnreachable as away:
                    away_since = away_since or self._now()
                    if self._now() - away_since > PATIENCE_SECONDS:
                        raise
                    self._tell("server-away", away.message)
                    self._supervise()
                    self._clock.sleep(WAIT_SECONDS)
        finally:
            self._slots.release()

    def _ending(self) -> Ending:
        if self.finding.done:
            return "done"
        failed = self._store.failed(self._run)
        alive = any(live_comparisons(group, failed) or not group.comparisons for group in self._plan.groups)
        return "budget" if alive else "failed"

    # Dispatching

    def _dispatch(self) -> None:
        done = {group.group for group in self.finding.groups if group.done}
        for host in self._plan.hosts:
            if host.id in self._outstanding:
                continue
            step = self._schedule.next(host.id, done, new_blocks=self._time_for_a_block(host.id))
            if step is not None:
                self._send(host.id, step)

    def _send(self, host: str, step: Step) -> None:
        fence = self._slots.fence(host)
        attempts = self._store.attempts(self._run, sitting_id(step))
        spec = self._spec(step, 1 + max((a.attempt for a in attempts), default=0), fence)
        block = step.block if isinstance(step, Measure) else None
        job_id = self._lab.queue.job_id(spec)
        # On disk before it is on the queue: a result must never meet a store that does not know it.
        self._store.dispatched(
            self._run,
            spec.sitting,
            spec.attempt,
            group=step.group,
            block=block,
            node=spec.node,
            job_id=job_id,
            unix_seconds=self._clock.unix_seconds(),
        )
        self._schedule.begin(step)
        self._outstanding[host] = self._watch.began(step, spec, job_id)
        self._progress.now(self._groups[step.group].label, block)
        self._lab.queue.dispatch(spec)

    def _spec(self, step: Step, attempt: int, fence: int) -> SittingSpec:
        if isinstance(step, Calibrate):
            return calibration_sitting(self._plan, step.group, attempt=attempt, fence=fence)
        calibration = self._store.calibrations(self._run)[step.group]
        return measuring_sitting(
            self._plan, step.group, step.block, step.sitting, calibration, attempt=attempt, fence=fence
        )

    def _time_for_a_block(self, host: str) -> bool:
        """Whether a block that is begun now would probably end within the budget."""
        left = self._budget_ends - self._now()
        seen = [s[-1] for g, s in self._sitting_seconds.items() if s and self._groups[g].host == host]
        return left > 0 and (not seen or left >= min(seen))

    # Collecting

    def _collect(self, wait_seconds: float) -> None:
        deliveries = self._lab.queue.collect(wait_seconds)
        # Stored, then looked at, then acknowledged: what is not acknowledged comes again.
        changed = [self._take(delivery) for delivery in deliveries]
        self._lab.queue.acknowledge(deliveries)
        if any(changed):
            self.finding = self._look()

    def _take(self, delivery: Delivery) -> bool:
        if delivery.refused is not None:
            self._tell("result-refused", delivery.refused)
            return False
        if delivery.result is not None:
            return self._take_result(delivery.result)
        host = self._host_of(delivery.job_id)
        if host is None:
            return False
        return self._lost(host, delivery.lost or "its node gave no reason")

    def _take_result(self, result: SittingResult) -> bool:
        if result.run != self._run:
            # Sittings are numbered within their run; another command's are not ours to count.
            self._tell("result-refused", f"{result.sitting} is of run {result.run}, not of this one")
            return False
        receipt = self._store.record(result)
        host = next((h for h, o in self._outstanding.items() if o.spec.sitting == result.sitting), None)
        outstanding = self._outstanding.pop(host) if host is not None else None
        if not receipt:
            return False
        self._schedule.accepted(result.sitting)
        group = self._store.group_of(self._run, result.sitting)
        if result.calibration is not None:
            self._schedule.calibrated(group)
        elif outstanding is not None and isinstance(outstanding.step, Measure):
            self._sitting_seconds[group].append(result.seconds)
        for left in result.left_behind:
            self._tell("left-behind", left)
        for trial in result.trials:
            self._judge(
                trial, group if result.calibration is None and result.sitting.endswith("-cal") else None
            )
        return True

    def _judge(self, trial: TrialResult, calibrated_group: str | None) -> None:
        """Take out of the run what cannot be measured; one loss is bad luck, three are a fault."""
        reason = trial.reason or trial.outcome
        if trial.outcome == "lost":
            self._losses[trial.trial if calibrated_group else trial.configuration] += 1
            lost = self._losses[trial.trial if calibrated_group else trial.configuration]
            self._tell("trial-lost", f"{trial.trial} ({lost} of {TRIES}): {reason}")
            if lost < TRIES:
                return
            reason = f"lost {lost} times; the last time: {reason}"
        elif trial.outcome not in ("failed", "skipped") and trial.cause != "gil":
            return
        self._fail(
            self._members(calibrated_group) if calibrated_group else [trial.configuration], reason, trial
        )

    def _members(self, group: str) -> list[str]:
        return [configuration.id for configuration in self._groups[group].configurations]

    def _fail(self, configurations: Sequence[str], reason: str, trial: TrialResult | None = None) -> None:
        known = self._store.failed(self._run)
        configurations = [name for name in configurations if name not in known]
        if not configurations:
            return
        for configuration in configurations:
            self._store.fail_configuration(
                self._run, configuration, reason, trial.traceback if trial is not None else None
            )
            self._schedule.fail(configuration, reason)
        self._tell("configuration-failed", f"{', '.join(configurations)}: {reason}")

    # What goes missing

    def _take_over(self) -> None:
        """Bring in what an earlier command left on the way; what does not come is sent again."""
        self._supervise()
        self._collect(0.0)
        # A command that was killed between storing a result and judging it left that undone.
        for stored in self._store.trials(self._run):
            if stored.result.outcome in ("failed", "skipped"):
                self._judge(stored.result, stored.group if stored.block is None else None)
        for attempt in self._store.open_sittings(self._run):
            self._lab.queue.cancel(attempt.node, attempt.job_id)
            self._store.lost(self._run, attempt.sitting, attempt.attempt, "the command that sent it ended")

    def _sweep(self) -> None:
        if self._now() - self._swept < SWEEP_SECONDS:
            return
        self._swept = self._now()
        self._supervise()
        self._slots.renew()
        for host, outstanding in list(self._outstanding.items()):
            reason = self._watch.missing(outstanding)
            if reason is not None and self._lost(host, reason):
                self.finding = self._look()

    def _lost(self, host: str, reason: str) -> bool:
        """Give a sitting up; it is sent again, or its configurations fail when that was the last try."""
        outstanding = self._outstanding.pop(host)
        spec = outstanding.spec
        self._lab.queue.cancel(spec.node, outstanding.job_id)
        if not self._store.lost(self._run, spec.sitting, spec.attempt, reason):
            return False
        self._losses[spec.sitting] += 1
        self._tell("sitting-lost", f"{spec.sitting} ({self._losses[spec.sitting]} of {TRIES}): {reason}")
        if self._losses[spec.sitting] < TRIES:
            return False
        members = {trial.configuration for trial in spec.trials}
        if isinstance(outstanding.step, Calibrate):
            members = set(self._members(outstanding.step.group))
        self._fail(sorted(members), f"its sitting was lost {TRIES} times; the last time: {reason}")
        return True

    def _host_of(self, job_id: str) -> str | None:
        return next((host for host, o in self._outstanding.items() if o.job_id == job_id), None)

    def _supervise(self) -> None:
        for what in self._lab.supervise():
            self._tell("restarted", what)

    # Looking

    def _look(self) -> RunFinding:
        new, self._cursor = self._store.observations_since(self._run, self._cursor)
        self._observations.extend(new)
        finding = summarize(
            self._plan,
            self._observations,
            calibrations=self._store.calibrations(self._run),
            failed={name: failure.reason for name, failure in self._store.failed(self._run).items()},
        )
        self._progress.look(finding, self._sitting_seconds, self._budget_ends - self._now())
        return finding

    def _tell(self, kind: str, text: str) -> None:
        self._store.event(self._run, kind, text)
        self._progress.say(text)

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9
