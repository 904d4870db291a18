"""The marks of the picture of speed-ups: intervals, points, the margin's band, a frame around what to use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from parlab.orchestrator.figures import percent
from parlab.orchestrator.show.charts._kit.axes import Domain, linear_x, log_ticks, log_x
from parlab.orchestrator.show.charts._kit.palette import BAND, INK, PAPER, QUIET
from parlab.orchestrator.show.charts._kit.plot import Row, Spec, data, layered, pixels
from parlab.orchestrator.show.charts._kit.rowed import (
    CHARACTER_WIDTH,
    Layout,
    LegendNote,
    names_and_words,
    notes,
)
from parlab.orchestrator.show.text.tables import RECOMMENDED

#: The best set by shape, too: who sees no colours sees them. A ring is not filled.
Shape = Literal["diamond", "square", "ring", "circle"]

_MEANINGS: dict[Shape, str] = {
    "diamond": "fastest",
    "square": "tied with the fastest",
    "ring": "not distinguished from the fastest",
}
#: From the plot's lower edge to what stands below the axis and its title.
_BELOW_AXIS = 56


@dataclass(frozen=True)
class Point:
    """What is drawn of one configuration, in the axis's unit."""

    row: int
    configuration: str
    value: float
    #: None: not known yet.
    low: float | None
    high: float | None
    shape: Shape
    colour: str
    #: Whether the others are compared with it.
    reference: bool = False


@dataclass(frozen=True)
class SpeedUpPicture:
    """All that one picture is drawn of."""

    place: Layout
    points: tuple[Point, ...]
    #: What stands in the plot where there is no figure, by row.
    texts: tuple[tuple[int, str], ...]
    #: The row of what is recommended.
    frame: int | None
    domain: Domain
    #: Within ± so much of 1 things count as tied; None: these are no ratios, and the axis is linear.
    margin: float | None
    title: list[str]


def drawn(picture: SpeedUpPicture, title: Spec) -> Spec:
    """Draw it, under a title."""
    place = picture.place
    layers = [*_band(picture), *_frame(picture), *_intervals(picture), *_arrows(picture), *_points(picture)]
    layers += [*_texts(picture), *names_and_words(place), *notes(place, _legend(picture), _BELOW_AXIS)]
    return layered(layers, place.plot_width, place.height, title)


def _x(picture: SpeedUpPicture, field: str) -> alt.X:
    domain = picture.domain
    if picture.margin is not None:
        return log_x(domain, log_ticks(domain), picture.title, field)
    return linear_x(domain, picture.title, field)


def _band(picture: SpeedUpPicture) -> list[alt.Chart]:
    """Draw the margin behind everything, and the line at 1 in it."""
    if picture.margin is None:
        return []
    high = 1 + picture.margin
    height = pixels("y2", picture.place.height)
    # Symmetric in the logarithm, as it is decided.
    band: list[Row] = [{"from": 1 / high, "to": high}]
    return [
        alt.Chart(data(band))
        .mark_rect(clip=True, color=BAND.light)
        .encode(x=_x(picture, "from"), x2=alt.X2("to"), y=pixels("y", 0), y2=height),
        alt.Chart(data([{"one": 1}]))
        .mark_rule(color=QUIET.light, strokeDash=[4, 3])
        .encode(x=_x(picture, "one"), y=pixels("y", 0), y2=height),
    ]


def _frame(picture: SpeedUpPicture) -> list[alt.Chart]:
    """Frame the row of what is recommended, names and words too: it is seen before anything is read."""
    if picture.frame is None:
        return []
    place = picture.place
    top = picture.frame * place.row_height
    return [
        alt.Chart(data([{"recommended": picture.frame}]))
        .mark_rect(filled=False, stroke=INK.light, strokeWidth=1.5, cornerRadius=4)
        .encode(
            x=pixels("x", place.left - 4),
            x2=pixels("x2", place.right + 4),
            y=pixels("y", top + 1),
            y2=pixels("y2", top + place.row_height - 1),
        )
    ]


def _intervals(picture: SpeedUpPicture) -> list[alt.Chart]:
    """Draw what is known of the intervals: from bound to bound; from the point on where one is not known."""
    rows: list[Row] = [
        {
            "row": point.row,
            "low": point.value if point.low is None else point.low,
            "high": point.value if point.high is None else point.high,
            "colour": point.colour,
            "configuration": point.configuration,
        }
        for point in picture.points
        if point.low is not None or point.high is not None
    ]
    if not rows:
        return []
    colour = alt.Color("colour:N", scale=None)
    return [
        alt.Chart(data(rows))
        .mark_rule(clip=True, strokeWidth=3)
        .encode(x=_x(picture, "low"), x2=alt.X2("high"), y=picture.place.y(), color=colour)
    ]


def _arrows(picture: SpeedUpPicture) -> list[alt.Chart]:
    """Draw a dashed line with an arrow to the edge where a bound is not known, or lies beyond it."""
    drawn = []
    domain = picture.domain
    for angle, edge in ((270, domain.low), (90, domain.high)):
        rows: list[Row] = []
        for point in picture.points:
            bound = point.low if edge == domain.low else point.high
            if point.reference or (bound is not None and domain.holds(bound)):
                continue
            rows.append({"row": point.row, "value": point.value, "edge": edge, "colour": point.colour})
        if rows:
            base = alt.Chart(data(rows)).encode(y=picture.place.y())
            colour = alt.Color("colour:N", scale=None)
            drawn += [
                base.mark_rule(strokeWidth=1.5, strokeDash=[2, 3], clip=True).encode(
                    x=_x(picture, "value"), x2=alt.X2("edge"), color=colour
                ),
                base.mark_point(shape="triangle", angle=angle, size=45).encode(
                    x=_x(picture, "edge"), color=colour
                ),
            ]
    return drawn


def _points(picture: SpeedUpPicture) -> list[alt.Chart]:
    """Draw estimates over their intervals; what others are compared with as a bar across the line at 1."""
    drawn = []
    looks: dict[str, dict[str, Any]] = {
        "filled": {"size": 110},
        "ring": {"size": 90, "fill": PAPER.light, "strokeWidth": 2},
        "reference": {"size": 130, "shape": "stroke", "angle": 90, "strokeWidth": 3},
    }
    for look, options in looks.items():
        rows: list[Row] = [
            {
                "row": point.row,
                "value": point.value,
                "colour": point.colour,
                "shape": point.shape.replace("ring", "circle"),
                "best": point.shape,
                "configuration": point.configuration,
            }
            for point in picture.points
            if _look(point) == look
        ]
        if not rows:
            continue
        colour = alt.Color("colour:N", scale=None)
        encodings: dict[str, Any] = (
            {"color": colour} if look == "filled" else {"stroke": alt.Stroke("colour:N", scale=None)}
        )
        if look == "filled":
            encodings["shape"] = alt.Shape("shape:N", scale=None)
        drawn.append(
            alt.Chart(data(rows))
            .mark_point(**options)
            .encode(x=_x(picture, "value"), y=picture.place.y(), **encodings)
        )
    return drawn


def _look(point: Point) -> str:
    if point.shape == "ring":
        return "ring"
    return "reference" if point.reference and point.shape == "circle" else "filled"


def _texts(picture: SpeedUpPicture) -> list[alt.Chart]:
    """Say in the plot why a row has no figure."""
    if not picture.texts:
        return []
    place = picture.place
    # The figures' column of such a row is empty, too.
    # Short of what follows, also where a reader's font is wider.
    limit = round(0.88 * (place.plot_width + place.word_widths[0] - 6))
    rows: list[Row] = [
        {"row": row, "why": text[: round(2 * limit / CHARACTER_WIDTH)]} for row, text in picture.texts
    ]
    return [
        alt.Chart(data(rows))
        .mark_text(align="left", baseline="middle", fontStyle="italic", color=QUIET.light, limit=limit)
        .encode(x=pixels("x", 6), y=place.y(), text=alt.Text("why:N"))
    ]


def _legend(picture: SpeedUpPicture) -> list[list[LegendNote]]:
    """Say what shapes, frame, line and band mean, of those that are there."""
    shapes = {point.shape for point in picture.points}
    first = [LegendNote(text, shape=shape) for shape, text in _MEANINGS.items() if shape in shapes]
    if picture.frame is not None:
        first.append(LegendNote("recommended: the cheapest of the best", sign=RECOMMENDED))
    second = [LegendNote("lines: intervals, dotted where not known")]
    if picture.margin is not None:
        second.insert(0, LegendNote(f"shaded: within {percent(picture.margin)}, which counts as tied"))
    return [line for line in (first, second) if line]
