"""Failure policy of a run: what becomes of configurations whose trials or sittings go wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from parlab.orchestrator.control.schedule import Schedule
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.facade import Store
from parlab.workers.wire.result import TrialResult

#: A sitting, or a configuration's trial, is tried so many times in all.
TRIES = 3


class FailurePolicy:
    """Takes out of a run what cannot be measured; one loss is bad luck, three are a fault."""

    def __init__(
        self, plan: Plan, store: Store, schedule: Schedule, tell: Callable[[str, str], None]
    ) -> None:
        """Judge for a run: ``tell`` is given the kind and the text of what was decided."""
        self._run = plan.run
        self._groups = {group.id: group for group in plan.groups}
        self._store = store
        self._schedule = schedule
        self._tell = tell
        self._losses: Counter[str] = Counter()

    def judge(self, trial: TrialResult, calibrated_group: str | None) -> None:
        """Look at a trial that is stored; ``calibrated_group``: it was that group's failed calibration."""
        reason = trial.reason or trial.outcome
        if trial.outcome == "lost":
            name = trial.trial if calibrated_group else trial.configuration
            self._losses[name] += 1
            self._tell("trial-lost", f"{trial.trial} ({self._losses[name]} of {TRIES}): {reason}")
            if self._losses[name] < TRIES:
                return
            reason = f"lost {self._losses[name]} times; most recently: {reason}"
        elif trial.outcome not in ("failed", "skipped") and trial.cause != "gil":
            return
        failing = [trial.configuration]
        skipped = trial.outcome == "skipped"
        if calibrated_group:
            # What one build lacks says nothing of the others: the next one calibrates then.
            failing = self._of_build(trial.configuration) if skipped else self.members(calibrated_group)
        self._fail(failing, reason, trial, skipped=skipped)

    def sitting_lost(self, sitting: str, configurations: Iterable[str], reason: str) -> bool:
        """Count a sitting that was given up; True where that was the last try: they take no further part."""
        self._losses[sitting] += 1
        self._tell("sitting-lost", f"{sitting} ({self._losses[sitting]} of {TRIES}): {reason}")
        if self._losses[sitting] < TRIES:
            return False
        self._fail(sorted(configurations), f"its sitting was lost {TRIES} times; most recently: {reason}")
        return True

    def _of_build(self, configuration: str) -> list[str]:
        """Give the ids of all configurations of one's group that have its build, on its node."""
        for group in self._groups.values():
            for member in group.configurations:
                if member.id == configuration:
                    build = (member.node, member.python, member.gil)
                    return [c.id for c in group.configurations if (c.node, c.python, c.gil) == build]
        return [configuration]

    def members(self, group: str) -> list[str]:
        """Give the ids of a group's configurations."""
        return [configuration.id for configuration in self._groups[group].configurations]

    def _fail(
        self,
        configurations: Iterable[str],
        reason: str,
        trial: TrialResult | None = None,
        *,
        skipped: bool = False,
    ) -> None:
        known = self._store.failed(self._run)
        failing = [name for name in configurations if name not in known]
        if not failing:
            return
        traceback = trial.traceback if trial is not None else None
        for configuration in failing:
            self._store.fail_configuration(self._run, configuration, reason, traceback, skipped=skipped)
            self._schedule.fail(configuration, reason)
        self._tell("configuration-failed", f"{', '.join(failing)}: {reason}")
