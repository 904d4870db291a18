"""Ratios as bars of characters: truthful at 1, on one scale, and honest about what lies beyond the edge."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlab.orchestrator.show.text.interval_bar import (
    ASCII,
    UNICODE,
    Bounded,
    Scale,
    bar,
    ruler,
    scale_of,
    signs_for,
)

#: One column is a factor of 2 ** (1 / 4); that of 1 is the one in the middle.
SCALE = Scale(2**-2.125, 2**2.125)
WIDTH = 17

RATIOS = st.floats(0.01, 100)


@st.composite
def bounded(draw: st.DrawFn) -> Bounded:
    low, ratio, high = sorted(draw(st.tuples(RATIOS, RATIOS, RATIOS)))
    return Bounded(ratio, draw(st.sampled_from([low, None])), draw(st.sampled_from([high, None])))


@pytest.mark.parametrize(
    ("shown", "drawn"),
    [
        (None, "        │        "),
        (Bounded(2, 1.5, 3), "        │ ├─●─┤  "),
        (Bounded(0.5, 0.35, 0.7), "  ├─●─┤ │        "),
        (Bounded(1.2, 0.7, 2), "      ├─┼●──┤    "),
        (Bounded(1, 0.5, 2), "    ├───●───┤    "),
        (Bounded(2, 2, 2), "        │   ●    "),
        (Bounded(2, 1.4, None), "        │ ├─●───→"),
        (Bounded(0.5, None, 0.7), "←───●─┤ │        "),
        (Bounded(1.2, None, None), "←───────┼●──────→"),
        (Bounded(2, 0.01, 90), "←───────┼───●───→"),
        (Bounded(9, 8, 11), "        │       →"),
        (Bounded(0.24, None, 0.24), "←●      │        "),
        (Bounded(4.2, 4.2, None), "        │      ●→"),
        (Bounded(0.01, 0.001, 0.02), "←       │        "),
        (Bounded(4.3, 4, None), "        │      ●→"),
    ],
)
def test_a_bar_shows_where_a_ratio_is_and_how_far_it_reaches(shown: Bounded | None, drawn: str) -> None:
    assert bar(shown, SCALE, WIDTH) == drawn


def test_in_ascii_a_bar_says_the_same() -> None:
    scale = Scale(SCALE.low, SCALE.high, margin=0.4)
    shown = [Bounded(2, 1.5, None), Bounded(1.2, 0.7, 2)]
    assert [bar(one, scale, WIDTH) for one in shown] == ["       ░│░├─●───→", "      ├─┼●──┤    "]
    assert [bar(one, scale, WIDTH, ASCII) for one in shown] == ["       .|.[-o--->", "      [-+o--]    "]


def test_an_encoding_without_lines_gets_the_signs_of_ascii() -> None:
    assert signs_for("utf-8") is UNICODE
    assert signs_for(None) is UNICODE
    assert signs_for("latin-1") is ASCII
    assert signs_for("no-such-encoding") is ASCII


def test_the_margin_is_drawn_where_it_fills_columns_of_its_own() -> None:
    tight = scale_of([Bounded(1.02, 0.98, 1.06)], 0.05)
    wide = scale_of([Bounded(40.0, 35.0, 45.0)], 0.05)
    assert tight is not None
    assert wide is not None
    assert "░" in bar(None, tight, 21)
    assert "░" not in bar(None, wide, 21)
    ground = bar(None, tight, 21)
    assert ground.count("░") == 2 * ground.partition("│")[0].count("░")


@given(bounded())
def test_what_is_above_1_is_right_of_the_mark_and_never_on_it(shown: Bounded) -> None:
    scale = scale_of([shown], 0.05)
    assert scale is not None
    drawn = bar(shown, scale, 21)
    one = bar(None, scale, 21).index("│")
    if shown.low is not None and shown.low > 1:
        assert drawn[one] == "│"
        assert not drawn[:one].strip("░ ")
    if shown.high is not None and shown.high < 1:
        assert drawn[one] == "│"
        assert not drawn[one + 1 :].strip("░ ")
    if shown.low is not None and shown.high is not None and shown.low < 1 < shown.high:
        assert drawn[one] in "┼●"


@given(
    st.lists(bounded(), min_size=1, max_size=6), st.integers(12, 60), st.sampled_from([None, 0.01, 0.05, 0.5])
)
def test_a_bar_is_as_wide_as_it_was_asked_and_shows_every_estimate(
    rows: list[Bounded], width: int, margin: float | None
) -> None:
    scale = scale_of(rows, margin)
    assert scale is not None
    assert scale.low < 1 < scale.high
    assert len(ruler(scale, width)) == width
    for shown in rows:
        drawn = bar(shown, scale, width)
        assert len(drawn) == width
        assert drawn.count("●") == 1
        # A bound that is not known is never drawn as one that is.
        assert ("├" in drawn) <= (shown.low is not None)
        assert ("┤" in drawn) <= (shown.high is not None)
        assert (shown.low is None) <= (drawn[0] == "←")
        assert (shown.high is None) <= (drawn[-1] == "→")


@given(bounded(), bounded())
def test_on_one_scale_the_greater_estimate_is_never_drawn_left_of_the_other(
    one: Bounded, other: Bounded
) -> None:
    scale = scale_of([one, other], 0.05)
    assert scale is not None
    less, more = sorted([one, other], key=lambda shown: shown.ratio)
    assert bar(less, scale, 33).index("●") <= bar(more, scale, 33).index("●") + 1  # beside an arrow


def test_one_bound_that_is_far_away_does_not_press_all_else_together() -> None:
    rows = [Bounded(0.9, 0.86, 0.95), Bounded(1.9, 0.001, 4000)]
    scale = scale_of(rows, 0.05)
    assert scale is not None
    assert scale.high < 6
    first, second = (bar(row, scale, 21) for row in rows)
    assert second[0] + second[-1] == "←→"
    assert second.index("●") - first.index("●") >= 4


def test_without_a_figure_there_is_no_scale() -> None:
    assert scale_of([], 0.05) is None
    assert scale_of([Bounded(math.nan, None, None), Bounded(0.0, None, None)]) is None


def test_what_is_no_figure_is_the_mark_alone() -> None:
    assert bar(Bounded(math.inf, 1.0, math.inf), SCALE, WIDTH) == bar(None, SCALE, WIDTH)


def test_a_ruler_says_what_the_edges_are_and_where_1_is() -> None:
    head = ruler(SCALE, WIDTH)
    assert head == "0.23    1     4.4"
    assert head.index("1") == bar(None, SCALE, WIDTH).index("│")
    # Where 1 has no room, it is not squeezed in.
    assert ruler(Scale(0.9, 40.0), 17) == "0.90           40"
