"""Charts as files: what a name may hold, and light and dark."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from parlab.orchestrator.show.charts._kit import drawing, palette
from parlab.orchestrator.show.charts.base import Chart


def chart(name: str) -> Chart:
    spec: dict[str, Any] = {
        "data": {"values": [{"name": name, "ratio": 1.5}]},
        "mark": {"type": "bar", "color": palette.STRATEGY_COLOURS["threads"]},
        "encoding": {
            "x": {"field": "ratio", "type": "quantitative", "title": "speed-up (times)"},
            "y": {"field": "name", "type": "nominal", "title": None},
        },
    }
    return Chart("x", name, f"{name} is 1.5 times as fast", spec)


#: Right to left: a mark that turns the direction over, and a word.
_RIGHT_TO_LEFT = "\u202e\u05e2\u05d1\u05e8"


@pytest.mark.parametrize(
    ("name", "drawn"), [("tab\there", "tab?here"), ("half \ud800", "half ?"), ("del\x7f", "del?")]
)
def test_what_xml_has_no_sign_for_never_reaches_the_engine(name: str, drawn: str) -> None:
    spec = drawing.whole_spec(chart(name))
    assert spec["data"]["values"][0]["name"] == drawn
    assert spec["description"] == f"{drawn} is 1.5 times as fast"


@pytest.mark.parametrize("name", ["tab\there", "<b> & \"'", _RIGHT_TO_LEFT])
def test_whatever_a_name_holds_a_picture_is_drawn_and_is_xml(name: str) -> None:
    root = ET.fromstring(drawing.svg(chart(name)))
    assert "is 1.5 times as fast" in (root.findtext("{http://www.w3.org/2000/svg}title") or "")
    assert drawing.png(chart(name)).startswith(b"\x89PNG")


def test_dark_pictures_have_the_inks_of_dark_ground() -> None:
    light, dark = drawing.png(chart("a")), drawing.png(chart("a"), "dark")
    assert light != dark
    svg = drawing.svg(chart("a"))
    assert f'fill="{palette.PAPER.light}"' in svg
    assert f'[fill="{palette.PAPER.light}"]{{fill:{palette.PAPER.dark}}}' in svg


def test_a_specification_is_not_changed_by_drawing_it() -> None:
    one = chart("tab\there")
    drawing.svg(one)
    assert one.spec["data"]["values"][0]["name"] == "tab\there"
    assert "config" not in one.spec


def test_the_same_chart_is_the_same_file_whatever_was_drawn_before() -> None:
    one = chart("a")
    clipped = Chart("y", "a", "a", {**one.spec, "mark": {**one.spec["mark"], "clip": True}})
    assert drawing.svg(clipped) == drawing.svg(clipped)
    assert "clip1" in drawing.svg(clipped)
