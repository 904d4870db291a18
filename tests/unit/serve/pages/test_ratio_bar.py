"""Places of a ratio and its interval on a bar."""

from __future__ import annotations

from parlab.orchestrator.serve.pages.ratio_bar import BarScale, bar
from parlab.orchestrator.show.text.interval_bar import Bounded


def test_marks_lie_in_the_order_of_their_ratios_and_1_between_the_ends() -> None:
    scale = BarScale(0.5, 8.0, margin=0.05)
    assert scale.place(0.5) == 0
    assert scale.place(8.0) == 100
    assert 0 < scale.one < scale.place(2.0) < 100
    left, width = scale.band
    assert left < scale.one < left + width


def test_what_lies_beyond_an_end_is_cut_there() -> None:
    drawn = bar(Bounded(4.0, 0.1, 100.0), BarScale(0.5, 8.0))
    assert drawn is not None
    assert (drawn.low, drawn.high, drawn.cut_low, drawn.cut_high) == (0, 100, True, True)


def test_an_estimate_without_an_interval_is_a_mark_alone() -> None:
    drawn = bar(Bounded(1.5, None, None), BarScale())
    assert drawn is not None
    assert not drawn.has_interval
    half = bar(Bounded(1.5, 1.2, None), BarScale())
    assert half is not None
    assert (half.has_interval, half.cut_low, half.cut_high) == (True, False, True)


def test_nothing_is_drawn_of_what_is_no_ratio() -> None:
    assert bar(None, BarScale()) is None
    assert bar(Bounded(float("inf"), None, None), BarScale()) is None
    assert bar(Bounded(0.0, None, None), BarScale()) is None


def test_a_scale_grows_for_an_estimate_and_never_shrinks() -> None:
    wide = BarScale().including([Bounded(6.0, None, None), Bounded(0.3, None, None)])
    assert wide.low < 0.3
    assert wide.high > 6.0
    assert wide.including([Bounded(1.0, None, None)]) == wide
    # A bound that is far away is cut, not followed: all else would be in one place.
    assert BarScale().including([Bounded(1.5, 0.001, 500.0)]) == BarScale()


def test_a_scale_stays_within_what_can_be_shown() -> None:
    assert BarScale().including([Bounded(1e9, None, None), Bounded(1e-9, None, None)]).place(1e9) == 100
