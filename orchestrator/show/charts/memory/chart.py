"""Memory against speed-up: what is faster costs memory, and the frontier is what nothing beats in both.

One picture for each baseline: speed-ups against different ones are not in one scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import listing, printable
from parlab.orchestrator.show.charts._kit.groups import Member, ShownGroup, shown_groups
from parlab.orchestrator.show.charts._kit.plot import headed, specification, unchecked
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.orchestrator.show.charts.memory.marks import MB, MemoryPoint, drawn

_STANDINGS = {
    "fastest": "fastest",
    "tied": "tied with the fastest",
    "not distinguished": "not distinguished from the fastest",
}
_MOST_TOLD = 10


def make(run: RunView) -> list[Chart]:
    """Draw each group, and each baseline in it, in which the memory of two or more is known."""
    with unchecked():
        return [drawn for shown in shown_groups(run) for drawn in _charts(shown)]


def _charts(shown: ShownGroup) -> Iterator[Chart]:
    measure = shown.finding.measure
    # A ratio of bytes is no speed.
    if not measure.compared or measure.unit != "seconds":
        return
    by_baseline: dict[str, list[Member]] = {}
    for member in shown.members:
        comparison = member.row.comparison if member.row is not None else None
        by_baseline.setdefault(
            member.configuration.id if comparison is None else comparison.baseline, []
        ).append(member)
    baselines = {m.configuration.id: m for m in shown.members}
    several = len([members for members in by_baseline.values() if len(members) > 1]) > 1
    number = 0
    for name, members in by_baseline.items():
        others = [member for member in members if member.configuration.id != name]
        here = [baselines[name], *others]
        alike = len({member.label for member in here}) < len(here)
        points = [p for member in here if (p := _point(member, name, by_name=alike)) is not None]
        if len(points) < 2:
            continue
        number += 1
        build = f" · Python {printable(baselines[name].configuration.python)}" if several else ""
        yield _chart(shown, points, baselines[name].label, f"memory-{shown.number}-{number}", build)


def _point(member: Member, baseline: str, *, by_name: bool) -> MemoryPoint | None:
    row = member.row
    if row is None or row.memory_bytes is None or member.problem is not None:
        return None
    standing = _STANDINGS.get(row.best or "", "behind, or open")
    memory_mb, name = row.memory_bytes / MB, member.name if by_name else member.label
    reference = member.configuration.id == baseline
    seen = row.comparison.speed_up if row.comparison is not None else None
    if seen is None and not reference:
        return None
    shown = (1.0, None, None) if reference or seen is None else (seen.ratio, seen.low, seen.high)
    strategy = member.configuration.strategy
    return MemoryPoint(member.configuration.id, strategy, name, *shown, memory_mb, standing, reference)


def _frontier(points: Sequence[MemoryPoint]) -> list[MemoryPoint]:
    """Give those that no other one is as fast as with as little memory, the leanest first."""
    frontier: list[MemoryPoint] = []
    for point in sorted(points, key=lambda p: (p.memory_mb, -p.speed_up)):
        if not frontier or point.speed_up > frontier[-1].speed_up:
            frontier.append(point)
    return frontier


def _chart(shown: ShownGroup, points: Sequence[MemoryPoint], against: str, name: str, build: str) -> Chart:
    frontier = _frontier(points)
    title = f"Memory against speed-up · {shown.title}{build}"
    answer = _answer(points, frontier)
    picture = drawn(points, frontier, against, headed(title, answer))
    return Chart(
        name=name,
        title=title,
        finding=f"{title}. {answer} {_told(points)}",
        spec=specification(picture),
        group=shown.finding.group,
    )


def _answer(points: Sequence[MemoryPoint], frontier: Sequence[MemoryPoint]) -> str:
    steps = [f"{p.name} ({p.speed_text})" for p in frontier]
    rest = len(points) - len(frontier)
    head = "Nothing is as fast with as little memory as" if rest else "Each of these trades memory for speed:"
    return f"{head} {', '.join(steps)}."


def _told(points: Sequence[MemoryPoint]) -> str:
    return f"{listing([f'{p.name}: {p.speed_text}, {p.standing}' for p in points], _MOST_TOLD)}."


CHART = ChartKind("memory", "memory against speed-up, and the frontier", make, 60)
