"""Each task by itself: how long it took, how long it waited for its turn, and who did how many."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .base import Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import TaskPass


def evaluate(done: TaskPass) -> list[float | str]:
    """Give latencies, waits, and how the tasks were divided."""
    if not done.notes:
        return ["there was no task"] * len(PROBE.quantities)
    latencies = sorted((note[1] - note[0]) / 1e9 for note in done.notes)
    waits = sorted((note[0] - done.started_ns) / 1e9 for note in done.notes)
    tasks_of: dict[tuple[int, int], int] = {}
    for note in done.notes:
        worker = note[2], note[3]
        tasks_of[worker] = tasks_of.get(worker, 0) + 1
    values: list[float | str] = [at(share, latencies) for share in (0.5, 0.9, 0.99)]
    if waits[0] < 0:
        # Not so on Linux and macOS, whose processes have one monotonic clock.
        reason = "the clocks of this system's processes cannot be compared"
        values += [reason, reason]
    else:
        values += [at(share, waits) for share in (0.5, 0.99)]
    return [*values, max(tasks_of.values()) / len(done.notes), float(len(tasks_of))]


def at(share: float, ordered: Sequence[float]) -> float:
    """Give the least value that at least this share of all does not exceed: one that has been seen."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


PROBE = Probe(
    name="tasks",
    summary="When and where each task ran, in an untimed round.",
    quantities=(
        Quantity("task_p50", "seconds", "Time that half of the tasks did not exceed (median)."),
        Quantity("task_p90", "seconds", "Time that 90 % of the tasks did not exceed."),
        Quantity("task_p99", "seconds", "Time that 99 % of the tasks did not exceed; of few, the longest."),
        Quantity("task_wait_p50", "seconds", "Time from handing over the tasks until half had begun."),
        Quantity("task_wait_p99", "seconds", "Time from handing over the tasks until 99 % had begun."),
        Quantity("task_share_max", "ratio", "Greatest share of the tasks that one thread did."),
        Quantity("task_workers", "count", "Threads of all processes that did any task.", better="neither"),
    ),
    evaluate=evaluate,
)
