"""The loop that makes a run: what the plan says, less what is stored, is put on the queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from parlab.orchestrator.analysis.findings.run import RunFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.control.failure_policy import FailurePolicy
from parlab.orchestrator.control.liveness import InFlight, Liveness
from parlab.orchestrator.control.progress import Progress
from parlab.orchestrator.control.schedule import (
    Calibrate,
    MeasureSitting,
    Schedule,
    Step,
    live_comparisons,
    sitting_id,
)
from parlab.orchestrator.control.slots import Slots
from parlab.orchestrator.lab.backend import Lab
from parlab.orchestrator.lab.queue import ResultEntry
from parlab.orchestrator.plan.blocks import calibrating, calibration_sitting, measuring_sitting
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.workers.clock import Clock
from parlab.workers.errors import ServerUnreachable
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import SittingResult
from parlab.workers.wire.spec import SittingSpec

#: How long one wait for results lasts; the sweep and the signals come between two waits.
WAIT_SECONDS = 1.0
#: How often the queues are compared with what should be there.
SWEEP_SECONDS = 2.0
#: A server that was there and is gone is waited for so long before the run is given up.
PATIENCE_SECONDS = 60.0


class Listener(Protocol):
    """Whoever wants to know of a run more than is shown of it."""

    def stored(self, result: SittingResult, waited_seconds: float | None) -> None:
        """Take note of a result that is stored.

        ``waited_seconds`` is the time from its sending until now, less the sitting's own; None: not known.
        """
        ...

    def looped(self, busy_seconds: float) -> None:
        """Take note of how long the controller was busy in one turn of its loop."""
        ...


Ending = Literal["done", "budget", "failed", "stopped", "suspended"]
#: stopped: for good, by whoever asked for it. suspended: this process ends, and another goes on.
StopRequest = Literal["stopped", "suspended"]


def never() -> StopRequest | None:
    """Say that nobody asks a run to stop."""
    return None


class Controller:
    """Runs one plan to its end. It starts from what is stored, so that a resume is a start."""

    def __init__(
        self,
        *,
        plan: Plan,
        store: Store,
        lab: Lab,
        clock: Clock,
        progress: Progress,
        budget_seconds: float,
        known: Sequence[NodeRegistration] = (),
        listener: Listener | None = None,
        stop: Callable[[], StopRequest | None] = never,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Take over a plan.

        Args:
            plan: of the run.
            store: what is measured goes there.
            lab: where it is measured.
            clock: times budget and patience.
            progress: shows what goes on.
            budget_seconds: what is left of the run's wall time, from when its hosts are free for it.
            known: what its nodes said of themselves before, oldest first.
            listener: is told of times.
            stop: asked often whether to stop.
            patience_seconds: how long a server that was there and is gone is waited for.
        """
        self._plan = plan
        self._run = plan.run
        self._store = store
        self._lab = lab
        self._clock = clock
        self._progress = progress
        self._listener = listener
        self._stop = stop
        self._patience_seconds = patience_seconds
        self._groups = {group.id: group for group in plan.groups}
        self._budget = Budget(budget_seconds, clock)
        self._in_flight: dict[str, InFlight] = {}
        #: When a sitting was last sent to a host: those of one machine take turns.
        self._sent: dict[str, float] = {}
        self._sitting_seconds: dict[str, list[float]] = {group: [] for group in self._groups}
        self._liveness = Liveness(lab, clock, plan, known)
        self._swept = self._now()
        self._slots = Slots(lab, self._run)
        self._observations: list[Observation] = []
        self._cursor = 0
        self._schedule = Schedule(
            plan,
            calibrations=store.calibrations(self._run),
            accepted=store.sittings.accepted(self._run),
            begun=store.sittings.blocks_begun(self._run),
            failed={name: failure.reason for name, failure in store.failed(self._run).items()},
            voided=((void.group, void.block) for void in store.sittings.voided_blocks(self._run)),
            members=store.sittings.block_members(self._run),
        )
        self._failure_policy = FailurePolicy(plan, store, self._schedule, self._tell)
        #: What is known now; anew after each stored result.
        self.finding: RunFinding = self._look()

    def run(self) -> Ending:
        """Measure until every comparison is done, nothing more can be, the budget is used up, or stopped.

        Raises:
            ServerUnreachable: the server stayed away longer than the patience.
            LabError: results cannot be stored (disk full); they stay on the node and the server.
        """
        taken_over = False
        away_since: float | None = None
        try:
            while True:
                request = self._stop()
                if request is not None:
                    return self._halt(request)
                try:
                    if not taken_over:
                        self._take_over()
                        taken_over = True
                    if not self._step():
                        return self._ending()
                    away_since = None
                except ServerUnreachable as away:
                    away_since = away_since or self._now()
                    if self._now() - away_since > self._patience_seconds:
                        raise
                    self._tell("server-away", away.message)
                    self._supervise()
                    self._clock.sleep(WAIT_SECONDS)
        finally:
            for problem in self._slots.release():
                self._tell("slot", problem)
            try:
                self._lab.queue.leave()
            except ServerUnreachable as away:
                self._tell("server-away", away.message)

    @property
    def running_seconds(self) -> float:
        """For how long the run has had its hosts so far; what it waited before is not in it."""
        return self._budget.used_seconds

    def _step(self) -> bool:
        """Send what can be sent and take in what has come; False where nothing is left to do."""
        began = self._now()
        self._notice_reboots()
        obstacle = self._claim() or self._dispatch()
        if not self._in_flight and (obstacle is None or self._budget.is_up):
            return False
        self._progress.waiting(None if self._in_flight else obstacle)
        busy = self._now() - began
        self._collect(WAIT_SECONDS)
        self._progress.tick()
        began = self._now()
        self._sweep()
        if self._listener is not None:
            self._listener.looped(busy + self._now() - began)
        return True

    def _halt(self, request: StopRequest) -> Ending:
        """Stop in order. Who goes on takes over what is on its way; otherwise nothing may run on."""
        if request == "stopped":
            for sitting in self._in_flight.values():
                self._give_up(sitting, "the run was stopped")
        return request

    def _ending(self) -> Ending:
        if self.finding.done:
            return "done"
        failed = self._store.failed(self._run)
        alive = any(live_comparisons(group, failed) or not group.comparisons for group in self._plan.groups)
        return "budget" if alive else "failed"

    # Dispatching

    def _claim(self) -> str | None:
        """Take the slots of the run's machines; say who is in the way while it cannot begin."""
        holder = self._slots.hold(self._liveness.machines())
        if holder is not None and not self._budget.begun:
            return f"{holder}, which measures on the same host"
        self._budget.begin()
        return None

    def _dispatch(self) -> str | None:
        """Keep every machine busy; say what is waited for where something could be sent but for that."""
        done = {group.group for group in self.finding.groups if group.done}
        needed = {group.group: group.needed for group in self.finding.groups if group.needed}
        busy = {self._liveness.machine(host) for host in self._in_flight}
        obstacle = None
        for host in sorted(self._plan.hosts, key=lambda host: self._sent.get(host.id, 0.0)):
            machine = self._liveness.machine(host.id)
            if machine in busy:
                continue
            time = self._time_for_a_block(host.id)
            step = self._schedule.next(host.id, done, new_blocks=time, needed=needed)
            if step is None:
                continue
            fence = self._slots.fence(machine)
            reason = self._liveness.obstacle(self._node_of(step))
            if fence is None or reason is not None:
                obstacle = reason or f"host {host.id}, where another run measures"
                continue
            self._send(host.id, step, fence)
            busy.add(machine)
        return obstacle

    def _node_of(self, step: Step) -> str:
        if isinstance(step, MeasureSitting):
            return step.sitting.node
        return calibrating(self._groups[step.group], self._store.failed(self._run)).node

    def _send(self, host: str, step: Step, fence: int) -> None:
        attempts = self._store.sittings.attempts(self._run, sitting_id(step))
        spec = self._spec(step, 1 + max((a.attempt for a in attempts), default=0), fence)
        block = step.block if isinstance(step, MeasureSitting) else None
        job_id = rediskeys.job_id(spec)
        # On disk before it is on the queue: a result must never meet a store that does not know it.
        self._store.sittings.dispatched(
            self._run,
            spec.sitting,
            spec.attempt,
            group=step.group,
            block=block,
            node=spec.node,
            job_id=job_id,
            unix_seconds=self._clock.unix_seconds(),
            members=step.members if isinstance(step, MeasureSitting) else None,
        )
        self._schedule.begin(step)
        self._sent[host] = self._now()
        self._in_flight[host] = self._liveness.began(step, spec, job_id)
        self._progress.now(self._groups[step.group].label, block)
        self._lab.queue.dispatch(spec)

    def _spec(self, step: Step, attempt: int, fence: int) -> SittingSpec:
        if isinstance(step, Calibrate):
            failed = self._store.failed(self._run)
            return calibration_sitting(self._plan, step.group, attempt=attempt, fence=fence, failed=failed)
        calibration = self._store.calibrations(self._run).get(step.group)
        return measuring_sitting(
            self._plan, step.group, step.block, step.sitting, calibration, attempt=attempt, fence=fence
        )

    def _time_for_a_block(self, host: str) -> bool:
        """Whether a block that is begun now would probably end within the budget."""
        left = self._budget.left_seconds
        seen = [s[-1] for g, s in self._sitting_seconds.items() if s and self._groups[g].host == host]
        return left > 0 and (not seen or left >= min(seen))

    # Collecting

    def _collect(self, wait_seconds: float) -> None:
        entries = self._lab.queue.collect(wait_seconds)
        # Stored, then looked at, then acknowledged: what is not acknowledged comes again.
        changed = [self._take(entry) for entry in entries]
        self._lab.queue.acknowledge(entries)
        if any(changed):
            self.finding = self._look()

    def _take(self, entry: ResultEntry) -> bool:
        if entry.refused is not None:
            self._tell("result-refused", entry.refused)
            return False
        if entry.result is not None:
            return self._take_result(entry.result)
        host = next((host for host, o in self._in_flight.items() if o.job_id == entry.job_id), None)
        if host is None:
            return False
        return self._lost(host, entry.lost or "its node gave no reason")

    def _take_result(self, result: SittingResult) -> bool:
        if result.run != self._run:
            # Sittings are numbered within their run; another command's are not ours to count.
            self._tell("result-refused", f"{result.sitting} is of run {result.run}, not of this one")
            return False
        receipt = self._store.sittings.record(result)
        host = next((h for h, o in self._in_flight.items() if o.spec.sitting == result.sitting), None)
        sitting = self._in_flight.pop(host) if host is not None else None
        if not receipt:
            return False
        if self._listener is not None:
            sent = None if sitting is None else sitting.sent_seconds
            self._listener.stored(result, None if sent is None else self._now() - sent - result.seconds)
        self._schedule.accepted(result.sitting)
        group = self._store.sittings.group_of(self._run, result.sitting)
        if receipt.voided_block is not None:
            self._void(group, receipt.voided_block)
        if result.calibration is not None:
            self._schedule.calibrated(group)
        elif sitting is not None and isinstance(sitting.step, MeasureSitting):
            self._sitting_seconds[group].append(result.seconds)
        for left in result.left_behind:
            self._tell("left-behind", left)
        for trial in result.trials:
            self._failure_policy.judge(
                trial, group if result.calibration is None and result.sitting.endswith("-cal") else None
            )
        return True

    # What goes missing

    def _take_over(self) -> None:
        """Bring in what an earlier command left on the way; what does not come is sent again."""
        self._supervise()
        self._collect(0.0)
        # A command that was killed between storing a result and judging it left that undone.
        for stored in self._store.sittings.trials(self._run):
            if stored.result.outcome in ("failed", "skipped"):
                self._failure_policy.judge(stored.result, stored.group if stored.block is None else None)
        for attempt in self._store.sittings.open(self._run):
            self._lab.queue.cancel(attempt.node, attempt.job_id)
            self._store.sittings.lost(
                self._run, attempt.sitting, attempt.attempt, "the command that sent it ended"
            )

    def _sweep(self) -> None:
        if self._now() - self._swept < SWEEP_SECONDS:
            return
        self._swept = self._now()
        self._supervise()
        self._slots.renew()
        for host, sitting in list(self._in_flight.items()):
            reason = self._liveness.missing(sitting)
            if reason is None and self._budget.is_up and not self._liveness.answers(sitting.spec.node):
                # It would wait in the queue of a node that may never come back.
                reason = f"node {sitting.spec.node} does not answer, and the budget is used up"
            if reason is not None and self._lost(host, reason):
                self.finding = self._look()

    def _lost(self, host: str, reason: str) -> bool:
        """Give a sitting up; it is sent again, or its configurations fail when that was the last try."""
        sitting = self._in_flight.pop(host)
        if not self._give_up(sitting, reason):
            return False
        members = {trial.configuration for trial in sitting.spec.trials}
        if isinstance(sitting.step, Calibrate):
            members = set(self._failure_policy.members(sitting.step.group))
        return self._failure_policy.sitting_lost(sitting.spec.sitting, members, reason)

    def _give_up(self, sitting: InFlight, reason: str) -> bool:
        """Take a sitting off its queue for good; False where its result is stored already."""
        spec = sitting.spec
        self._lab.queue.cancel(spec.node, sitting.job_id)
        return self._store.sittings.lost(self._run, spec.sitting, spec.attempt, reason)

    def _notice_reboots(self) -> None:
        """Void the open blocks of a host that was started anew: two boots are two sets of conditions."""
        for host in self._liveness.rebooted():
            self._tell("rebooted", f"host {host} was restarted; what it had not finished is measured again")
            sitting = self._in_flight.pop(host, None)
            if sitting is not None:
                self._give_up(sitting, "its host was restarted")
            for group in (group for group in self._plan.groups if group.host == host):
                block = self._schedule.open_block(group.id)
                if block is not None and self._store.sittings.void_block(
                    self._run, group.id, block, "reboot"
                ):
                    self._void(group.id, block)
            self._store.save_registrations(self._run, self._liveness.registrations())
            self.finding = self._look()

    def _void(self, group: str, block: int) -> None:
        self._schedule.void(group, block)
        self._observations = [o for o in self._observations if (o.group, o.block) != (group, block)]

    def _supervise(self) -> None:
        for what in self._lab.supervise():
            self._tell("restarted", what)

    # Looking

    def _look(self) -> RunFinding:
        new, self._cursor = self._store.sittings.observations_since(self._run, self._cursor)
        self._observations.extend(new)
        calibrations, failed = self._store.calibrations(self._run), self._store.failed(self._run)
        finding = summarize(Measurements(self._plan, self._observations, calibrations, failed))
        self._progress.look(finding, self._sitting_seconds, self._budget.left_seconds)
        return finding

    def _tell(self, kind: str, text: str) -> None:
        self._store.event(self._run, kind, text)
        self._progress.say(text)

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9


class Budget:
    """Counts from :meth:`begin` on; what is waited before that is not taken from it."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        """Have ``seconds`` to use."""
        self._seconds = seconds
        self._clock = clock
        self._began_ns: int | None = None

    def begin(self) -> None:
        """Count from now on; again changes nothing."""
        if self._began_ns is None:
            self._began_ns = self._clock.monotonic_ns()

    @property
    def begun(self) -> bool:
        """Whether it is counted."""
        return self._began_ns is not None

    @property
    def used_seconds(self) -> float:
        """What has been used of it."""
        return 0.0 if self._began_ns is None else (self._clock.monotonic_ns() - self._began_ns) / 1e9

    @property
    def left_seconds(self) -> float:
        """What is left; below 0 where more was used."""
        return self._seconds - self.used_seconds

    @property
    def is_up(self) -> bool:
        """Whether nothing is left."""
        return self.left_seconds <= 0
