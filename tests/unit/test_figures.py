"""Figures as they are written for people."""

from __future__ import annotations

import math

import pytest

from parlab.orchestrator import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.9149, "1.91"),
        (0.03124, "0.0312"),
        (9.996, "10.0"),
        (123.4, "123"),
        (41234.4, "41234"),
        (0, "0"),
        (0.0000123, "1.23e-5"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_three_digits_count_and_nothing_is_a_dash(value: float | None, text: str) -> None:
    assert figures.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.08, "2.08 s"),
        (0.9996, "1.00 s"),
        (0.0412, "41.2 ms"),
        (0.000312, "312 µs"),
        (4.2e-8, "42.0 ns"),
        (0.0, "0 s"),
        (None, "–"),
    ],
)
def test_a_time_is_in_the_unit_that_suits_it(seconds: float | None, text: str) -> None:
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (71.2, "71 s"),
        (119.4, "119 s"),
        (600, "10 min"),
        (605, "10 min 5 s"),
        (7500, "2 h 5 min"),
        (-1, "0 s"),
    ],
)
def test_a_wait_is_in_the_words_of_a_clock(seconds: float, text: str) -> None:
    assert figures.waiting(seconds) == text


@pytest.mark.parametrize(
    ("count", "signed", "text"),
    [
        (9e6, False, "9.0 MB"),
        (31e6, True, "+31 MB"),
        (-200_000, True, "−0.2 MB"),
        (999.6e6, False, "1.0 GB"),
        (950e6, False, "950 MB"),
        (9.96e6, False, "10 MB"),
        (4_000, False, "4.0 kB"),
        (512, False, "512 B"),
        (0, True, "+0 MB"),
        (None, True, "–"),
    ],
)
def test_a_size_is_in_megabytes_where_it_can_be(count: float | None, signed: bool, text: str) -> None:
    assert figures.size(count, signed=signed) == text


@pytest.mark.parametrize(
    ("ratio", "low", "high", "text"),
    [
        (1.914, 1.834, 1.991, "1.91 [1.83, 1.99]"),
        (0.9, 0.86, 0.95, "0.90 [0.86, 0.95]"),
        (12.34, 11.9, 12.9, "12.3 [11.9, 12.9]"),
        (0.0123, 0.0119, 0.0130, "0.0123 [0.0119, 0.0130]"),
        (1.5, None, None, "1.50 [none yet]"),
        (1.5, 1.2, None, "1.50 [1.20, –]"),
    ],
)
def test_an_interval_has_its_ratios_digits(
    ratio: float, low: float | None, high: float | None, text: str
) -> None:
    assert figures.interval(ratio, low, high) == text


def test_quartiles_have_their_medians_digits() -> None:
    assert figures.span(0.031234, 0.03, 0.0329, 1e-3) == "31.2 (30.0–32.9)"


def test_signs_beyond_ascii_have_others_in_their_place() -> None:
    assert figures.ascii_only("10⁷ × 4 · 1.5 µs – 10⁻³ ◀ 愛") == "10^7 x 4 | 1.5 us - 10^-3 << ?"


def test_what_would_move_the_cursor_is_taken_out() -> None:
    assert figures.printable("a\x1b[2Jb\r\nc\td\x07") == "a?[2Jb c d?"
