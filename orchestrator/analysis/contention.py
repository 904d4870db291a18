"""Members of a group's next blocks: what is not known yet, and what that is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.plan.model import Group


def needed_rows(
    rows: Sequence[ConfigurationFinding], group: Group, stop: Stop
) -> tuple[tuple[str, ...], bool]:
    """Say which configurations still have to be measured, in the plan's order, and whether none has.

    A comparison that is done takes no further part, and neither does what has no chance left to be the
    best: each block's effects are as they would be with it, so that no error rate is changed. What failed
    is never among them.

    Args:
        rows: with their comparisons, and the best ones marked.
        group: theirs.
        stop: the run's rule; "best" (``until``) needs no comparison but the best one's.
    """
    by_id = {row.configuration: row for row in rows if row.problem is None}
    wanted = _for_the_best(by_id, stop) if stop.until == "best" else _for_verdicts(by_id)
    return tuple(c.id for c in group.configurations if c.id in wanted), not wanted


def is_over(row: ConfigurationFinding, stop: Stop) -> bool:
    """Tell whether a configuration takes more memory than may be taken, as far as that was read."""
    limit = stop.memory_limit_bytes
    return limit is not None and row.memory_bytes is not None and row.memory_bytes > limit


def _for_verdicts(by_id: dict[str, ConfigurationFinding]) -> set[str]:
    wanted = {name for name, row in by_id.items() if row.comparison is not None and not row.comparison.done}
    if wanted:
        # While the group is measured at all, which of the best is the best becomes known beside it.
        wanted |= _contenders(by_id)
    return _with_baselines(wanted, by_id)


def _for_the_best(by_id: dict[str, ConfigurationFinding], stop: Stop) -> set[str]:
    marked = any(row.best is not None for row in by_id.values())
    if not marked:
        # Not blocks enough to tell anything yet.
        return {name for name, row in by_id.items() if not is_over(row, stop) or row.comparison is None}
    wanted = (
        _lean_contenders(by_id, stop) if stop.goal == "memory" else _contenders(by_id, 1 + stop.precision)
    )
    wanted |= {name for name, row in by_id.items() if row.level is None}
    # How much the chosen one gains is part of the answer.
    gains = {
        name
        for name, row in by_id.items()
        if row.recommended and row.comparison is not None and not row.comparison.done
    }
    return wanted | _with_baselines(gains, by_id)


def _contenders(by_id: dict[str, ConfigurationFinding], least: float = 0.0) -> set[str]:
    """Give the fastest and what is not distinguished from it; none where nothing is open.

    What is at most ``least`` times as fast, as is known, is as good a choice: telling it apart would take
    many blocks and change nothing that matters.
    """
    close = {n for n, r in by_id.items() if r.best == "not distinguished" and _may_gain(r, least)}
    return close | {name for name, row in by_id.items() if row.best == "fastest"} if close else set()


def _may_gain(row: ConfigurationFinding, least: float) -> bool:
    lead = row.against_fastest
    return lead is None or lead.high is None or lead.high > least


def _lean_contenders(by_id: dict[str, ConfigurationFinding], stop: Stop) -> set[str]:
    """Give what takes less memory than the chosen one, and might yet turn out to be faster than serial."""
    chosen = next((row for row in by_id.values() if row.recommended), None)
    most = chosen.memory_bytes if chosen is not None and chosen.comparison is not None else None
    close = {
        name
        for name, row in by_id.items()
        if row.comparison is not None
        and row.comparison.verdict == "unresolved"
        and not row.comparison.done
        and not is_over(row, stop)
        and (most is None or row.memory_bytes is None or row.memory_bytes < most)
    }
    return _with_baselines(close, by_id)


def _with_baselines(wanted: set[str], by_id: dict[str, ConfigurationFinding]) -> set[str]:
    against = {row.comparison.baseline for name in wanted if (row := by_id[name]).comparison is not None}
    return wanted | {name for name in against if name in by_id}
