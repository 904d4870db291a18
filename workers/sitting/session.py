"""A trial's session with its guardian: what it was asked, what it gave, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..errors import SpecRefused
from ..host import stacks
from ..wire.codec import from_plain, to_plain
from ..wire.result import Calibration, Outcome, Reading, Round, TrialResult
from ..wire.spec import TrialSpec
from .interpreter import Interpreter, TrialEnded, TrialHung

#: What an error's cause makes of a trial (and the cause that is counted under).
_OUTCOMES: dict[str, tuple[Outcome, str]] = {
    "raised": ("failed", "raised"),
    "wrong-result": ("failed", "wrong-result"),
    "unavailable": ("skipped", "unavailable"),
    "pool-broken": ("lost", "died"),
    "internal": ("failed", "internal"),
}
#: Steps whose answers say how long they took.
_TIMED = frozenset({"open", "warm_up", "round"})
#: How long an interpreter may take to come up, besides the steps' own limits.
START_SECONDS = 30.0
#: How long a trial that has said its last answer may take to end by itself.
_END_SECONDS = 2.0


class TrialSession:
    """A trial and its interpreter. It ends once, with a result; the other sessions go on."""

    def __init__(self, spec: TrialSpec, tolerated: Collection[str] = ()) -> None:
        """Take a trial; ``tolerated`` are causes that reject nothing on this node."""
        self.spec = spec
        self._tolerated = tolerated
        self.interpreter: Interpreter | None = None
        self.rounds: list[Round] = []
        self.readings: list[Reading] = []
        self.start_up_seconds: float | None = None
        self.warm_up_seconds: float | None = None
        self.tear_down_seconds: float | None = None
        self.interpreter_seconds: float | None = None
        self.python_version: str | None = None
        self.gil_enabled: bool | None = None
        #: The same before it had loaded anything of its work's.
        self.gil_at_start: bool | None = None
        #: What a scenario has to show besides its figures.
        self.notes: str | None = None
        #: Processes of its pool that are a worker each, as it last said; empty where workers are none.
        self.worker_pids: tuple[int, ...] = ()
        #: When its last step ended.
        self.left_at_seconds = 0.0
        #: CPU time that it used between its steps, and how long those pauses were, all together.
        self.idle_cpu_seconds = 0.0
        self.idle_seconds = 0.0
        self.ended: tuple[Outcome, str | None, str | None, str | None] | None = None

    @property
    def open(self) -> bool:
        """Whether it still takes part."""
        return self.ended is None

    def start(self, start: Callable[[], Interpreter]) -> None:
        """Start the interpreter."""
        try:
            self.interpreter = start()
        except OSError as error:
            self.end(
                "failed",
                "interpreter",
                f"the interpreter of Python {self.spec.python} cannot be started: {error.strerror}: "
                "install it again or name another with --python",
            )

    def greet(self, preparation: Mapping[str, Any]) -> None:
        """Wait until the interpreter is up, and give it its spec and what else it needs to prepare."""
        assert self.interpreter is not None
        hello = self._await("start", min(START_SECONDS, max(self.spec.timeout_seconds, 5.0)))
        if hello is None:
            return
        self.interpreter_seconds = time.monotonic() - self.interpreter.started_seconds
        self.python_version = str(hello.get("python_version"))
        self.gil_at_start = hello.get("gil_enabled")
        self.interpreter.tell("prepare", {"spec": to_plain(self.spec), **preparation})

    def await_prepared(self) -> None:
        """Wait until the trial has loaded what it needs."""
        self._await("preparation", max(self.spec.timeout_seconds, 5.0))
        self.left_at_seconds = time.monotonic()

    def do(
        self,
        do: str,
        step: str,
        tick: tuple[float, Callable[[], None]] | None = None,
        **details: Any,
    ) -> dict[str, Any] | None:
        """Tell the trial to do something and wait for its answer; None where that ended it.

        ``step`` names it for people: "round 3". ``tick`` is called while waiting (see
        :meth:`Interpreter.answer`).
        """
        if self.interpreter is None or not self.open:
            return None
        self.interpreter.tell(do, details)
        answer = self._await(step, self.spec.timeout_seconds, tick)
        self.left_at_seconds = time.monotonic()
        if answer is not None and do in _TIMED and not isinstance(answer.get("seconds"), float):
            self.end("failed", "internal", f"{step}: its answer has no seconds")
            return None
        if answer is not None and isinstance(pids := answer.get("worker_pids"), list):
            self.worker_pids = tuple(pid for pid in pids if isinstance(pid, int))
        return answer

    def _await(
        self, step: str, limit_seconds: float, tick: tuple[float, Callable[[], None]] | None = None
    ) -> dict[str, Any] | None:
        assert self.interpreter is not None
        try:
            answer = self.interpreter.answer(limit_seconds, tick)
        except TrialHung:
            self.end(
                "failed",
                "timeout",
                f"it did not finish {step} within {limit_seconds:g} s; if it only needs more time, "
                "raise experiment.timeout",
                # Before its end, which takes them away: where it hung is all that can be said of it.
                stacks.collected(self.interpreter.pid),
            )
            return None
        except TrialEnded as end:
            # SIGKILL comes from outside (short memory, somebody's hand): it says nothing of the build.
            if self.interpreter_seconds is None and not end.how.startswith("killed by SIGKILL"):
                self.end(
                    "failed",
                    "interpreter",
                    f"the interpreter of Python {self.spec.python} did not start ({end.how}): "
                    "see parlab doctor, or name another with --python",
                )
            else:
                self.end("lost", "died", f"its interpreter died during {step}: {end.how}")
            return None
        error = answer.get("error")
        if error is None:
            return answer
        outcome, cause = _OUTCOMES.get(str(error.get("cause")), ("failed", "internal"))
        self.end(outcome, cause, f"{step}: {error.get('message')}", error.get("traceback"))
        return None

    def finish(self) -> None:
        """Take the readings of a trial that is done, and let its interpreter end."""
        answer = self.do("close", "tear-down")
        if answer is None or self.interpreter is None:
            return
        try:
            self.tear_down_seconds = from_plain(float | None, answer.get("seconds"), "tear-down")
            self.gil_enabled = from_plain(bool | None, answer.get("gil_enabled"), "GIL")
            self.readings[:0] = from_plain(tuple[Reading, ...], answer.get("readings"), "readings")
            self.notes = from_plain(str | None, answer.get("notes"), "notes")
        except SpecRefused as refusal:
            self.end("failed", "internal", f"its last answer cannot be read: {refusal.message}")
            return
        self.interpreter.finish(_END_SECONDS)
        self.ended = ("measured", None, None, None)

    def end(self, outcome: Outcome, cause: str, reason: str, traceback: str | None = None) -> None:
        """End the trial with an outcome; its processes are killed. The first end counts."""
        if self.ended is None:
            self.ended = (outcome, cause, reason, traceback)
        if self.interpreter is not None:
            self.interpreter.end()

    def judge(self, outcome: Outcome, cause: str, reason: str) -> None:
        """Say of a trial that was measured that it does not count, and why."""
        if outcome == "rejected" and cause in self._tolerated:
            return
        if self.ended is not None and self.ended[0] == "measured":
            self.ended = (outcome, cause, reason, None)

    def reading(self, probe: str) -> float | None:
        """Value of a reading, or None where there is none."""
        return next((r.value for r in self.readings if r.probe == probe), None)

    def result(self) -> TrialResult:
        """Put the trial's result together."""
        assert self.ended is not None
        outcome, cause, reason, traceback = self.ended
        return TrialResult(
            trial=self.spec.trial,
            configuration=self.spec.configuration,
            outcome=outcome,
            cause=cause,
            reason=reason,
            traceback=traceback,
            rounds=tuple(self.rounds),
            interpreter_seconds=self.interpreter_seconds,
            start_up_seconds=self.start_up_seconds,
            warm_up_seconds=self.warm_up_seconds,
            tear_down_seconds=self.tear_down_seconds,
            readings=tuple(self.readings),
            python_version=self.python_version,
            gil_enabled=self.gil_enabled,
            notes=self.notes,
            output_tail=self.interpreter.tail if self.interpreter is not None else "",
        )


def calibration_from(answer: dict[str, Any]) -> Calibration:
    """Read a calibration from a trial's answer.

    Raises:
        SpecRefused: the answer is not one.
    """
    plain = {key: answer.get(key) for key in ("tasks", "task_seconds", "expected")}
    calibration: Calibration = from_plain(Calibration, plain, "calibration")
    if calibration.tasks < 1 or not calibration.task_seconds >= 0:
        raise SpecRefused(
            f"calibration: {calibration.tasks} tasks of {calibration.task_seconds} s make no round"
        )
    return calibration
