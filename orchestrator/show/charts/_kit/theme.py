"""Look of all charts: fonts, sizes, grid; in the colours of light ground, which drawing turns over."""

from __future__ import annotations

from typing import Any

from parlab.orchestrator.show.charts._kit.palette import BAND, GRID, INK, PAPER, QUIET

#: Widths of text are worked out with Liberation Sans, whose letters are as wide as Arial's: a wider font
#: would be cut at a picture's edge. One of the first four is installed nearly everywhere.
FONT = "Arial, 'Liberation Sans', Helvetica, Arimo, system-ui, sans-serif"
#: Width of a chart's plot, in CSS pixels: with its labels it fits a page of 760.
WIDTH = 480
#: Height of one row of a chart whose y axis has names.
ROW_HEIGHT = 26


def config() -> dict[str, Any]:
    """Return Vega-Lite's ``config`` for every chart."""
    axis = {
        "labelColor": QUIET.light,
        "titleColor": INK.light,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": GRID.light,
        "domainColor": GRID.light,
        "tickColor": GRID.light,
        "labelLimit": 240,
    }
    return {
        "font": FONT,
        "background": PAPER.light,
        "padding": 8,
        "view": {"stroke": None},
        "axis": axis,
        "axisY": {"labelColor": INK.light},
        "legend": {
            "labelColor": INK.light,
            "titleColor": INK.light,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelLimit": 260,
            "orient": "bottom",
        },
        "header": {
            "labelColor": INK.light,
            "titleColor": INK.light,
            "labelFontSize": 12,
            "titleFontSize": 12,
        },
        "title": {"color": INK.light, "fontSize": 14, "fontWeight": 600, "anchor": "start", "limit": 700},
        "text": {"color": INK.light, "fontSize": 12},
        "rule": {"color": QUIET.light},
        "rect": {"color": BAND.light},
        "point": {"filled": True, "size": 70, "opacity": 1},
        "line": {"strokeWidth": 2},
    }
