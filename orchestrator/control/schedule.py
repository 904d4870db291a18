"""Schedule of a run: the next step on each host, by the plan less what is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from parlab.orchestrator.plan.blocks import block, groups_in_order
from parlab.orchestrator.plan.model import Block, Group, Plan, PlannedSitting
from parlab.workers.wire.result import Calibration


@dataclass(frozen=True)
class Calibrate:
    """Find what a round of a group is, before its first block."""

    group: str


@dataclass(frozen=True)
class MeasureSitting:
    """One sitting of one block."""

    group: str
    block: int
    sitting: PlannedSitting
    #: The configurations that the block holds; None: all of its group.
    members: tuple[str, ...] | None = None


Step = Calibrate | MeasureSitting


def sitting_id(step: Step) -> str:
    """Id of the sitting that carries a step; unique within the run."""
    return f"{step.group}-cal" if isinstance(step, Calibrate) else step.sitting.id


class Schedule:
    """Compares what the plan says with what is there and names what is missing.

    It holds no copy of the truth that could go stale: it is rebuilt from the store at every start,
    and told of each change that the controller has committed.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        calibrations: Mapping[str, Calibration],
        accepted: Iterable[str],
        begun: Mapping[str, int],
        failed: Mapping[str, str],
        voided: Iterable[tuple[str, int]] = (),
        members: Mapping[tuple[str, int], tuple[str, ...]] | None = None,
    ) -> None:
        """Take over what the store knows.

        ``begun`` is the number of blocks begun, by group; ``members`` what those of (group, block) hold that
        do not hold all of their group.
        """
        self._plan = plan
        # A scenario finds out by itself how much makes a round.
        self._calibrated = set(calibrations) | {g.id for g in plan.groups if g.workload.scenario}
        self._accepted = set(accepted)
        self._begun = {group.id: begun.get(group.id, 0) for group in plan.groups}
        self._failed = dict(failed)
        self._voided = set(voided)
        self._members = dict(members or {})

    def calibrated(self, group: str) -> None:
        """Note that a group's calibration is stored."""
        self._calibrated.add(group)

    def accepted(self, sitting: str) -> None:
        """Note that a sitting's result is stored."""
        self._accepted.add(sitting)

    def fail(self, configuration: str, reason: str) -> None:
        """Note that a configuration takes no further part."""
        self._failed[configuration] = reason

    def open_block(self, group: str) -> int | None:
        """Index of the block of a group that was begun and is not finished, or None."""
        planned = next(g for g in self._plan.groups if g.id == group)
        return self._begun[group] - 1 if self._rest_of_block(planned) is not None else None

    def void(self, group: str, block: int) -> None:
        """Note that a block counts for nothing: it is not finished, and another takes its place."""
        self._voided.add((group, block))

    def begin(self, step: Step) -> None:
        """Note that a step has been dispatched."""
        if isinstance(step, MeasureSitting):
            self._begun[step.group] = max(self._begun[step.group], step.block + 1)
            if step.members is not None:
                self._members[step.group, step.block] = step.members

    def next(
        self,
        host: str,
        done: Collection[str],
        *,
        new_blocks: bool,
        needed: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Step | None:
        """Name the next step on a host, or None.

        Args:
            host: the host's id.
            done: groups that need no more blocks; a block that was begun is finished all the same.
            new_blocks: False where nothing new may be begun (the budget is used up).
            needed: what a new block of a group holds, where that is not all of it; one that was begun
                keeps what it began with.
        """
        groups = [g for g in self._plan.groups if g.host == host and self._alive(g)]
        for group in groups:
            if group.id in self._calibrated:
                step = self._rest_of_block(group)
                if step is not None:
                    return step
        open_groups = {g.id for g in groups if g.id not in done}
        if not new_blocks or not open_groups:
            return None
        index = min(self._begun[group] for group in open_groups)
        for name in groups_in_order(self._plan, host, index):
            if name in open_groups and self._begun[name] == index:
                if name not in self._calibrated:
                    return Calibrate(name)
                return self._first_of_block(name, index, (needed or {}).get(name))
        return None

    def _rest_of_block(self, group: Group) -> Step | None:
        begun = self._begun[group.id]
        if begun == 0 or (group.id, begun - 1) in self._voided:
            return None
        members = self._members.get((group.id, begun - 1))
        for sitting in self._block(group.id, begun - 1, members).sittings:
            if sitting.id not in self._accepted:
                return MeasureSitting(group.id, begun - 1, sitting, members)
        return None

    def _first_of_block(self, group: str, index: int, members: tuple[str, ...] | None) -> Step | None:
        sittings = self._block(group, index, members).sittings
        return MeasureSitting(group, index, sittings[0], members) if sittings else None

    def _block(self, group: str, index: int, members: tuple[str, ...] | None) -> Block:
        """Lay out a block without the configurations that failed; the others keep their places."""
        whole = block(self._plan, group, index, members)
        sittings = [
            replace(sitting, configurations=tuple(c for c in sitting.configurations if c not in self._failed))
            for sitting in whole.sittings
        ]
        for sitting in list(sittings):
            # Baselines alone are worth a sitting only where no other one of the block has them, too.
            elsewhere = {c for other in sittings if other is not sitting for c in other.configurations}
            if elsewhere.issuperset(sitting.configurations):
                sittings.remove(sitting)
        return replace(whole, sittings=tuple(sittings))

    def _alive(self, group: Group) -> bool:
        return any(c.id not in self._failed for c in group.configurations) and (
            not group.comparisons or bool(live_comparisons(group, self._failed))
        )


def live_comparisons(group: Group, failed: Collection[str]) -> list[str]:
    """Configurations whose comparison can still be made: neither they nor their baseline failed."""
    return [
        c.configuration
        for c in group.comparisons
        if c.configuration not in failed and c.baseline not in failed
    ]
