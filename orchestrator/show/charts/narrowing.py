"""Estimates narrowing block by block: a small picture for each comparison, the open ones among the first.

Also for a run under way: :func:`chart` takes any finding whose ``narrowing`` is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, Narrowing, RunFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import counted, interval, percent, printable
from parlab.orchestrator.plan.model import Plan, places
from parlab.orchestrator.show.charts._kit.axes import Domain, log_ticks, log_y, ratio_domain
from parlab.orchestrator.show.charts._kit.palette import BAND, INK, QUIET, strategy_colour
from parlab.orchestrator.show.charts._kit.plot import (
    Row,
    Spec,
    beside,
    data,
    headed,
    layered,
    pixels,
    specification,
    unchecked,
)
from parlab.orchestrator.show.charts.base import Chart, ChartKind

#: So many comparisons are drawn at most.
MOST_PANELS = 12
_COLUMNS, _WIDTH, _HEIGHT = 3, 176, 116
_MOST_TICKS = 5
#: Farther from 1 than this, 1 is not on the axis: an interval that is narrow in itself would be a line.
_FAR_RATIO = 3.0
_TITLE = "Estimates block by block"


@dataclass(frozen=True)
class _Panel:
    """One comparison."""

    narrowing: Narrowing
    label: str
    #: What it is about, where the run has several groups; else empty.
    work: str
    colour: str
    row: ConfigurationFinding | None

    @property
    def name(self) -> str:
        """Return its name among all of the run's."""
        return f"{self.work} {self.label}".strip()

    @property
    def rank(self) -> int:
        """Return its place: what to use, what is open, the others of the best, the rest."""
        if self.row is not None and self.row.recommended:
            return 0
        if self.narrowing.looks[-1].verdict == "unresolved":
            return 1
        return 2 if self.row is not None and self.row.best is not None else 3

    @property
    def standing_text(self) -> str:
        """Say what became of it: "faster by block 9"."""
        word, at = self.narrowing.looks[-1].verdict, self.narrowing.verdict_blocks
        return word if at is None else f"{word} by block {at}"


def make(run: RunView) -> list[Chart]:
    """Draw the comparisons of a run that have a block; nothing where none has."""
    drawn = chart(run.plan, run.finding)
    return [] if drawn is None else [drawn]


def chart(plan: Plan, finding: RunFinding, most_panels: int = MOST_PANELS) -> Chart | None:
    """Draw what ``finding.narrowing`` has, ``most_panels`` comparisons at most; None where it has nothing.

    Of a run under way the finding is ``summarize``'s, with ``analysis.narrowing.narrowing_of`` filled in.
    """
    panels = sorted(_panels(plan, finding), key=lambda panel: panel.rank)
    if not panels:
        return None
    shown, left_out = panels[:most_panels], max(len(panels) - most_panels, 0)
    margin = plan.experiment.stop.margin
    blocks = max(panel.narrowing.looks[-1].speed_up.blocks for panel in shown)
    answer = _answer(panels, left_out, margin)
    with unchecked():
        drawn = [_drawn(panel, blocks, margin) for panel in shown]
    picture = beside("concat", drawn, spacing=16, columns=_COLUMNS, title=headed(_TITLE, answer))
    panels_text = "; ".join(f"{panel.name}: {_figures(panel)}, {panel.standing_text}" for panel in shown)
    groups = {panel.narrowing.group for panel in panels}
    return Chart(
        name="narrowing",
        title=_TITLE,
        finding=f"{_TITLE}. {answer} {panels_text}.",
        spec=specification(picture),
        group=groups.pop() if len(groups) == 1 else "",
    )


def _panels(plan: Plan, finding: RunFinding) -> list[_Panel]:
    rows = {(g.group, row.configuration): row for g in finding.groups for row in g.configurations}
    several = len({narrowing.group for narrowing in finding.narrowing}) > 1
    looks: dict[tuple[str, str], tuple[str, str, str]] = {}
    for group in plan.groups:
        where = places([*group.configurations, *(skip.configuration for skip in group.skipped)])
        for configuration in group.configurations:
            key = group.id, configuration.id
            name = configuration.label + where[configuration.id]
            work = printable(group.label) if several else ""
            looks[key] = printable(name), work, strategy_colour(configuration.strategy)
    return [
        _Panel(narrowing, *looks[key], rows.get(key))
        for narrowing in finding.narrowing
        if (key := (narrowing.group, narrowing.configuration)) in looks
    ]


def _figures(panel: _Panel) -> str:
    seen = panel.narrowing.looks[-1].speed_up
    return f"{interval(seen.ratio, seen.low, seen.high)} after {counted(seen.blocks, 'block')}"


def _answer(panels: list[_Panel], left_out: int, margin: float) -> str:
    settled = sum(panel.narrowing.verdict_blocks is not None for panel in panels)
    parts = [f"{settled} of {len(panels)} comparisons have a verdict (diamond: the block by which it came)"]
    if left_out:
        parts.append(f"{len(panels) - left_out} are shown, those to use and those still open first")
    parts.append(f"shaded: the interval, and within {percent(margin)} of 1 (dashed), which counts as tied")
    return f"{'; '.join(parts)}."


def _drawn(panel: _Panel, blocks: int, margin: float) -> Spec:
    looks = panel.narrowing.looks
    bounds = [
        bound for look in looks for bound in (look.speed_up.low, look.speed_up.high) if bound is not None
    ]
    ratios = [look.speed_up.ratio for look in looks]
    if 1 / _FAR_RATIO < ratios[-1] < _FAR_RATIO:
        ratios += [1 / (1 + margin), 1 + margin]
    domain = ratio_domain(ratios, bounds)
    x = _x(blocks)
    layers = [*_margin(domain, margin), *_band(panel, domain, x)]
    line: list[Row] = [{"blocks": look.speed_up.blocks, "ratio": look.speed_up.ratio} for look in looks]
    y = _y(domain, "ratio")
    layers.append(alt.Chart(data(line)).mark_line(color=panel.colour, clip=True).encode(x=x, y=y))
    if len(line) == 1:
        layers.append(alt.Chart(data(line)).mark_point(color=panel.colour).encode(x=x, y=y))
    at = panel.narrowing.verdict_blocks
    if at is not None:
        came: list[Row] = [{**row, "verdict": looks[-1].verdict} for row in line if row["blocks"] == at]
        mark = alt.Chart(data(came)).mark_point(shape="diamond", size=120, color=INK.light)
        layers.append(mark.encode(x=x, y=y))
    title: Spec = {
        "text": panel.label,
        "subtitle": [*([panel.work] if panel.work else []), _figures(panel), panel.standing_text],
        "fontSize": 12,
        # The next panel begins beyond; its own axis takes about 30.
        "limit": _WIDTH + 20,
        "subtitleColor": QUIET.light,
        "subtitleFontSize": 11,
    }
    return layered(layers, _WIDTH, _HEIGHT, title)


def _x(blocks: int) -> alt.X:
    # Vega's own ticks would be halves of a block where there are few.
    axis = alt.Axis(title="blocks", format="d", tickCount=min(blocks, 5), tickMinStep=1, grid=False)
    return alt.X("blocks:Q", scale=alt.Scale(domain=[0, max(blocks, 1)], nice=False), axis=axis)


def _y(domain: Domain, field: str) -> alt.Y:
    ticks = log_ticks(domain)
    # A small picture has room for half of them; 1 stays.
    step = 2 if len(ticks) > _MOST_TICKS else 1
    start = ticks.index(1.0) % step if 1.0 in ticks else 0
    return log_y(domain, ticks[start::step], "speed-up (times)", field)


def _margin(domain: Domain, margin: float) -> list[alt.Chart]:
    """Draw the band in which things count as tied, and the line at 1, where they are on the axis."""
    if not domain.holds(1.0):
        return []
    band: list[Row] = [{"from": 1 / (1 + margin), "to": 1 + margin}]
    across = {"x": pixels("x", 0), "x2": pixels("x2", _WIDTH)}
    return [
        alt.Chart(data(band))
        .mark_rect(clip=True, color=BAND.light)
        .encode(y=_y(domain, "from"), y2=alt.Y2("to"), **across),
        alt.Chart(data([{"one": 1}]))
        .mark_rule(color=QUIET.light, strokeDash=[4, 3])
        .encode(y=_y(domain, "one"), **across),
    ]


def _band(panel: _Panel, domain: Domain, x: alt.X) -> list[alt.Chart]:
    """Draw the interval from the look on at which it has bounds; the last one as a line of its own."""
    rows: list[Row] = [
        {"blocks": look.speed_up.blocks, "low": look.speed_up.low, "high": look.speed_up.high}
        for look in panel.narrowing.looks
        if look.speed_up.low is not None and look.speed_up.high is not None
    ]
    if not rows:
        return []
    y = _y(domain, "low")
    area = alt.Chart(data(rows)).mark_area(
        color=panel.colour, opacity=0.25, interpolate="step-after", clip=True, line=False
    )
    last = alt.Chart(data(rows[-1:])).mark_rule(color=panel.colour, strokeWidth=3, clip=True)
    return [area.encode(x=x, y=y, y2=alt.Y2("high")), last.encode(x=x, y=y, y2=alt.Y2("high"))]


CHART = ChartKind("narrowing", "each comparison's estimate and interval, block by block", make, 70)
