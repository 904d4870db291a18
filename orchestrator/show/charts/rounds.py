"""The rounds of each trial, block by block: a drift is a slope, a disturbance a point far off.

A trial is a line from its shortest round to its longest, a bar over the middle half of them, and a mark at
the median. Each configuration has a plot and a scale of its own: what is looked for lies within it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import altair as alt

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import counted, duration, listing, time_unit
from parlab.orchestrator.show.charts._kit.groups import Member, ShownGroup, shown_groups
from parlab.orchestrator.show.charts._kit.palette import strategy_colour
from parlab.orchestrator.show.charts._kit.plot import (
    Row,
    Spec,
    beside,
    data,
    headed,
    layered,
    specification,
    unchecked,
)
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.records import StoredTrial

_WIDTH, _HEIGHT = 620, 48
#: Bytes of one picture, and of all of a run's, about: with more trials some blocks share a mark.
_MOST_BYTES, _MOST_BYTES_OF_RUN = 100_000, 500_000
#: What a plot takes by itself, and what a mark does.
_PLOT_BYTES, _MARK_BYTES = 1_200, 105
#: So many marks a configuration has in any case.
_LEAST_MARKS = 8
#: What is longer does not fit above a plot.
_NAME_CHARACTERS = 100
_MOST_TOLD = 10


@dataclass(frozen=True)
class Strip:
    """One configuration's measured trials: their blocks, and the seconds of their rounds."""

    member: Member
    #: By block, ascending.
    trials: tuple[tuple[int, tuple[float, ...]], ...]


def make(run: RunView) -> list[Chart]:
    """Draw each group of tasks that has measured trials of blocks; a scenario's rounds are its own affair."""
    by_group: dict[str, list[StoredTrial]] = defaultdict(list)
    for trial in run.trials:
        by_group[trial.group].append(trial)
    void = {(voided.group, voided.block) for voided in run.voided_blocks}
    strips = [
        (shown, strips_of(shown, by_group[shown.finding.group], void))
        for shown in shown_groups(run)
        if not shown.group.workload.scenario
    ]
    drawn = [(shown, there) for shown, there in strips if there]
    most = min(_MOST_BYTES, _MOST_BYTES_OF_RUN // max(len(drawn), 1))
    with unchecked():
        return [_chart(shown, there, most) for shown, there in drawn]


def strips_of(
    shown: ShownGroup, trials: Sequence[StoredTrial], void: Collection[tuple[str, int]]
) -> list[Strip]:
    """Give the trials of a group's configurations that count: measured ones of blocks that are not void."""
    by_configuration: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        if trial.block is None or (trial.group, trial.block) in void:
            continue
        if trial.result.outcome == "measured" and trial.result.rounds:
            rounds = by_configuration[trial.result.configuration][trial.block]
            rounds += [each.seconds for each in trial.result.rounds]
    return [
        Strip(member, tuple((block, tuple(rounds)) for block, rounds in sorted(seen.items())))
        for member in shown.members
        if (seen := by_configuration.get(member.configuration.id))
    ]


def _chart(shown: ShownGroup, strips: Sequence[Strip], most_bytes: int) -> Chart:
    blocks = sorted({block for strip in strips for block, _ in strip.trials})
    taken = sum(_PLOT_BYTES + len(json.dumps(_name(strip))) for strip in strips)
    marks = max((most_bytes - taken) // _MARK_BYTES // len(strips), _LEAST_MARKS)
    together = -(-len(blocks) // marks)
    place = {block: index // together for index, block in enumerate(blocks)}
    medians = [inference.median([s for _, rounds in strip.trials for s in rounds]) for strip in strips]
    size, sign = time_unit(max(medians))
    rows = [_rows(strip, place, blocks, together, size) for strip in strips]
    title = f"Rounds of each trial · {shown.title}"
    about = "Each mark is a trial: its shortest to its longest round, the middle half of them, their median."
    if together > 1:
        about = f"Each mark is {together} blocks together. {about}"
    spec = specification(_drawn(rows, strips, sign, together, headed(title, about)))
    return Chart(
        name=f"rounds-{shown.number}",
        title=title,
        finding=_finding(title, strips, medians),
        spec=spec,
        group=shown.finding.group,
    )


def _rows(
    strip: Strip, place: dict[int, int], blocks: Sequence[int], together: int, size: float
) -> list[Row]:
    """Describe what shares a mark: all of its rounds, so that none that is far off is lost."""
    shared: dict[int, list[float]] = defaultdict(list)
    for block, rounds in strip.trials:
        shared[place[block]] += rounds
    return [
        {
            "block": blocks[mark * together],
            "least": _figure(min(rounds), size),
            "low": _figure(inference.quantile(rounds, 0.25), size),
            "median": _figure(inference.median(rounds), size),
            "high": _figure(inference.quantile(rounds, 0.75), size),
            "most": _figure(max(rounds), size),
        }
        for mark, rounds in sorted(shared.items())
    ]


def _figure(seconds: float, size: float) -> float:
    # Six digits are more than can be seen, and half of what a number takes otherwise.
    return float(f"{seconds / size:.6g}")


def _name(strip: Strip) -> str:
    name = strip.member.name
    return name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"


def _drawn(
    rows: Sequence[Sequence[Row]], strips: Sequence[Strip], sign: str, together: int, title: Spec
) -> Spec:
    last = max(float(row["block"] or 0) for own in rows for row in own)
    name = "block (count from 0)" if together == 1 else f"first of {together} blocks (count from 0)"
    # Many blocks stand close together.
    wide = max(2.0, min(9.0, 0.5 * _WIDTH / (last / together + 1)))
    axis = alt.Axis(title=f"round ({sign})", tickCount=3, format=".4~g")
    scale = alt.Scale(zero=False, nice=False, padding=4)
    plots = []
    for own, strip in zip(rows, strips, strict=True):
        colour = strategy_colour(strip.member.configuration.strategy)
        base = alt.Chart(data(own))
        layers = [
            base.mark_rule(color=colour, strokeWidth=1).encode(
                y=alt.Y("least:Q", scale=scale, axis=axis), y2=alt.Y2("most")
            ),
            base.mark_rule(color=colour, strokeWidth=wide, opacity=0.45).encode(
                y=alt.Y("low:Q", scale=scale, axis=axis), y2=alt.Y2("high")
            ),
            base.mark_point(shape="stroke", stroke=colour, size=(wide + 3) ** 2, strokeWidth=2).encode(
                y=alt.Y("median:Q", scale=scale, axis=axis)
            ),
        ]
        x = alt.X(
            "block:Q",
            scale=alt.Scale(domain=[-0.5 * together, last + 0.5 * together], nice=False),
            axis=alt.Axis(title=name, tickMinStep=1, grid=False, format="d") if strip is strips[-1] else None,
        )
        head: Spec = {"text": _name(strip), "fontSize": 12, "fontWeight": "normal", "frame": "group"}
        plot = layered(layers, _WIDTH, _HEIGHT, {**head, "offset": 3, "limit": _WIDTH})
        # Of all three marks, written once: with many configurations that is half of the picture.
        plots.append({**plot, "encoding": {"x": x.to_dict()}})
    return beside("vconcat", plots, spacing=8, title=title)


def _finding(title: str, strips: Sequence[Strip], medians: Sequence[float]) -> str:
    sentences = []
    for strip, median in zip(strips, medians, strict=True):
        rounds = [seconds for _, own in strip.trials for seconds in own]
        measured = f"{counted(len(rounds), 'round')} in {counted(len(strip.trials), 'block')}"
        sentences.append(
            f"{strip.member.name}: {measured}, "
            f"median {duration(median)}, from {duration(min(rounds))} to {duration(max(rounds))}"
        )
    return f"{title}. {listing(sentences, _MOST_TOLD)}."


CHART = ChartKind("rounds", "the rounds of each trial, block by block: drift and disturbances", make, 80)
