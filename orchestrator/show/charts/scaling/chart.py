"""Speed by max_workers: each strategy's points with intervals, the law that fits, its knee.

One picture for each kind of work, host and build, with the ideal line and a mark at the effective CPUs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from parlab.orchestrator.analysis.findings.scaling import ScalingFinding, ScalingPoint
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import interval, number, percent, printable
from parlab.orchestrator.show.charts._kit.plot import headed, specification, unchecked
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.orchestrator.show.charts.scaling.marks import Curves, drawn, drawn_law
from parlab.orchestrator.show.text.builds import build_names, host_text, place_key
from parlab.orchestrator.show.text.claims import claimed_groups
from parlab.orchestrator.show.text.scaling import scaling_sections


def make(run: RunView) -> list[Chart]:
    """Draw the curves of each kind of work on each host and build; none of what claims are about."""
    hidden = claimed_groups(run)
    together: dict[tuple[str, str], list[ScalingFinding]] = {}
    for curve in run.finding.scaling:
        if curve.group not in hidden and curve.points:
            key = (curve.group, place_key(curve.node, curve.python, curve.gil))
            together.setdefault(key, []).append(curve)
    builds = build_names(run)
    with unchecked():
        return [_chart(run, number, curves, builds) for number, curves in enumerate(together.values(), 1)]


def _chart(run: RunView, number: int, curves: Sequence[ScalingFinding], builds: Mapping[str, str]) -> Chart:
    first = curves[0]
    build = builds.get(place_key(first.node, first.python, first.gil), f"Python {first.python}")
    title = printable(f"Scaling · {first.work} · {build}{host_text(run, first.host)}")
    answer = " ".join(f"{curve.label}: {_knee(curve)}." for curve in curves)
    # Of different references each speed-up is against its own.
    against = dict.fromkeys(curve.reference for curve in curves)
    reference = next(iter(against)) if len(against) == 1 else "its smallest count"
    spec = drawn(Curves(tuple(curves), reference), headed(title, printable(answer)))
    return Chart(
        name=f"scaling-{number}",
        title=title,
        finding=_finding(title, curves, builds),
        spec=specification(spec),
        group=first.group,
    )


def _knee(curve: ScalingFinding) -> str:
    knee = curve.knee
    if knee.max_workers is None:
        return f"the knee is not known yet, {knee.best} looks best"
    if knee.relation == "tied":
        return f"the knee is {knee.max_workers}, tied with {knee.best}"
    if knee.relation == "not distinguished":
        return f"the knee is {knee.max_workers}, not distinguished from {knee.best}"
    return f"the knee is {knee.max_workers}, the best"


def _finding(title: str, curves: Sequence[ScalingFinding], builds: Mapping[str, str]) -> str:
    parts = [f"{title}."]
    for curve in curves:
        points = "; ".join(f"{point.max_workers}: {_figures(point)}" for point in curve.points)
        (section,) = scaling_sections([curve], builds)
        parts.append(printable(f"{curve.label}, speed-up against {curve.reference} by workers: {points}."))
        parts += [printable(sentence) for sentence in section.sentences[:1]]
    laws = list(_fits(curves))
    return " ".join([*parts, *laws, f"The host has {curves[0].cpus} effective CPUs."])


def _fits(curves: Iterable[ScalingFinding]) -> Iterator[str]:
    for curve in curves:
        if (law := drawn_law(curve)) is None:
            continue
        name = "Amdahl's law" if law.law == "Amdahl" else "the Universal Scalability Law"
        miss = "" if law.miss is None else f", off by {percent(round(abs(law.miss.error_ratio), 4))} at most"
        yield printable(f"The curve of {curve.label} is {name}{miss}.")


def _figures(point: ScalingPoint) -> str:
    seen = point.interval
    return number(point.speed_up) if seen is None else interval(seen.ratio, seen.low, seen.high)


CHART = ChartKind("scaling", "speed-up by number of workers, with the law that fits and the knee", make, 20)
