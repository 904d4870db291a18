"""Scaling of a run's strategies as text: a table by number of workers, the knee, laws that fit, causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parlab.orchestrator.analysis.findings.scaling import Knee, LawFit, ScalingFinding, ScalingPoint
from parlab.orchestrator.figures import NONE, counted, interval, number, percent
from parlab.orchestrator.show.text.builds import place_key
from parlab.orchestrator.show.text.sections import Section, SectionRow
from parlab.orchestrator.statistics.interval import Estimate, Interval

#: Laws by the names that are read.
_NAMES = {"Amdahl": "Amdahl's law", "USL": "Universal Scalability Law"}


def scaling_sections(findings: Sequence[ScalingFinding], builds: Mapping[str, str]) -> list[Section]:
    """Lay curves out, one section each.

    Args:
        findings: as found.
        builds: how each :func:`.builds.place_key` is shown.
    """
    hosts = {finding.host for finding in findings}
    return [_section(finding, builds, several=len(hosts) > 1) for finding in findings]


def _section(finding: ScalingFinding, builds: Mapping[str, str], *, several: bool) -> Section:
    build = builds.get(place_key(finding.node, finding.python, finding.gil), f"Python {finding.python}")
    where = f" · host {finding.host}" if several else ""
    return Section(
        title=f"Scaling of {finding.label} · {finding.work} · {build}{where}",
        headers=("workers", f"speed-up against {finding.reference}", "efficiency", "CPUs busy"),
        rows=tuple(_row(point) for point in finding.points),
        sentences=tuple(filter(None, (f"{_knee(finding.knee)}{_causes(finding)}", _laws(finding.laws)))),
        notes=(*_notes(finding), *finding.left_out),
    )


def _row(point: ScalingPoint) -> SectionRow:
    seen = point.interval
    speed_up = number(point.speed_up) if seen is None else interval(seen.ratio, seen.low, seen.high)
    busy = NONE if point.cpus_used is None else f"{point.cpus_used:.2f}"
    cells = (str(point.max_workers), speed_up, f"{point.efficiency:.2f}", busy)
    return SectionRow(cells, point.verdict or "")


def _knee(knee: Knee) -> str:
    if knee.max_workers is None:
        return f"The knee is not known yet: {knee.reason}. {knee.best} looks best."
    sentence = f"The knee is {counted(knee.max_workers, 'worker')}"
    if knee.ratio is None:
        sentence += ", the best: no smaller count is as fast"
    else:
        relation = "tied with" if knee.relation == "tied" else "not distinguished from"
        sentence += f", {relation} {knee.best}, the best ({_speed(knee.ratio)})"
    if knee.relation == "not distinguished" and knee.tied != knee.best:
        sentence += f"; the smallest that ties is {knee.tied}"
    if knee.relation != "not distinguished" and knee.close:
        verb = "is" if len(knee.close) == 1 else "are"
        sentence += f"; {_listed(knee.close)} {verb} not distinguished from the best"
    return f"{sentence}."


def _speed(ratio: Interval) -> str:
    level = f"{ratio.level * 100:.1f}".removesuffix(".0")
    bounds = interval(ratio.ratio, ratio.low, ratio.high)
    return f"{bounds} of its speed, {level} %, {counted(ratio.blocks, 'block')}"


def _laws(laws: Sequence[LawFit]) -> str:
    return " ".join(f"{_NAMES[law.law]}{_over(law)}: {_law(law)}." for law in laws if law.refused is None)


def _law(law: LawFit) -> str:
    if law.parallel_share is not None:
        return f"the parallel share of the work is {_estimate(law.parallel_share)}"
    sentence = f"contention σ {_estimate(law.sigma)}, coherency κ {_estimate(law.kappa)}"
    return sentence + (f", a peak at {_estimate(law.peak)} workers" if law.peak is not None else "")


def _estimate(estimate: Estimate | None) -> str:
    """Write a fitted figure with its bounds, to as many decimals."""
    if estimate is None or estimate.value is None:
        return NONE
    bounds = ", ".join(NONE if bound is None else number(bound) for bound in (estimate.low, estimate.high))
    return f"{number(estimate.value)} [{bounds}]"


def _over(law: LawFit) -> str:
    beyond = ", also beyond the CPUs" if law.beyond_cpus else ""
    return f" (fitted to {_listed(law.counts)}{beyond})"


def _causes(finding: ScalingFinding) -> str:
    diagnosis = finding.diagnosis
    if diagnosis is None:
        return ""
    fold = diagnosis.largest / (1 if finding.against_serial else finding.points[0].max_workers)
    share = percent(round(diagnosis.share_ratio, 2))
    reach = "reaches" if diagnosis.largest == 1 else "reach"
    flat = f" {counted(diagnosis.largest, 'worker')} {reach} {share} of the ideal {fold:.3g}-fold speed-up"
    if not diagnosis.causes:
        return f"{flat}, and none of the known causes is visible ({', '.join(diagnosis.looked_for)})."
    why = "; ".join(f"at {cause.max_workers}, {cause.sentence}" for cause in diagnosis.causes)
    return f"{flat}. Visible causes: {why}."


def _notes(finding: ScalingFinding) -> list[str]:
    notes = [f"no {_NAMES[law.law]}: {law.refused}" for law in finding.laws if law.refused is not None]
    if finding.diagnosis is not None and finding.diagnosis.not_looked_for:
        notes.append(f"could not be checked: {'; '.join(finding.diagnosis.not_looked_for)}")
    return notes


def _listed(counts: Sequence[int]) -> str:
    words = [str(count) for count in counts]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
