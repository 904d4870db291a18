"""Colours: seen on light and on dark ground, and told apart by people who see fewer of them."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from parlab.orchestrator.show.charts._kit.palette import (
    BAND,
    GRID,
    INK,
    OTHER,
    PAPER,
    QUIET,
    STRATEGY_COLOURS,
    WORD_COLOURS,
    strategy_colour,
)
from parlab.workers import catalog

Colour = tuple[float, float, float]

#: How colours are seen without one kind of cone, in linear RGB: Machado, Oliveira and Fernandes, "A
#: Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.
SIGHTS: dict[str, tuple[Colour, Colour, Colour]] = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
#: Linear RGB to CIE XYZ, and the white of it (sRGB, IEC 61966-2-1; D65).
TO_XYZ: tuple[Colour, Colour, Colour] = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
WHITE: Colour = (0.95047, 1.0, 1.08883)
LEAST_CONTRAST, LEAST_DISTANCE = 3.0, 12.0


def linear(colour: str) -> Colour:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return r, g, b


def times(matrix: tuple[Colour, Colour, Colour], colour: Colour) -> Colour:
    x, y, z = (sum(m * c for m, c in zip(row, colour, strict=True)) for row in matrix)
    return x, y, z


def lab(colour: Colour) -> Colour:
    xyz = times(TO_XYZ, colour)
    ratios = [part / white for part, white in zip(xyz, WHITE, strict=True)]
    x, y, z = (r ** (1 / 3) if r > 216 / 24389 else (24389 / 27 * r + 16) / 116 for r in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(colour: str, sight: str) -> Colour:
    r, g, b = (min(max(part, 0.0), 1.0) for part in times(SIGHTS[sight], linear(colour)))
    return lab((r, g, b))


def distance(one: str, other: str, sight: str) -> float:
    """CIE76: how far apart two colours are; 2.3 can just be told."""
    return math.dist(seen(one, sight), seen(other, sight))


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""
    darker, lighter = sorted(times(TO_XYZ, linear(colour))[1] for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measures_are_those_of_the_standards() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21, abs=0.01)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert seen("#ff0000", "usual") == pytest.approx((53.24, 80.09, 67.20), abs=0.05)


@pytest.mark.parametrize("paper", [PAPER.light, PAPER.dark])
def test_every_colour_of_a_mark_is_seen_on_light_and_on_dark_ground(paper: str) -> None:
    for colour in {*STRATEGY_COLOURS.values(), *WORD_COLOURS.values(), OTHER}:
        assert contrast(colour, paper) >= LEAST_CONTRAST, colour


def test_text_is_read_on_its_ground_and_over_areas() -> None:
    for ink in (INK, QUIET):
        for ground in (PAPER, BAND):
            assert contrast(ink.light, ground.light) >= 4.5
            assert contrast(ink.dark, ground.dark) >= 4.5


def test_the_grid_and_areas_are_seen_but_stay_behind() -> None:
    for ink in (GRID, BAND):
        for own, paper in ((ink.light, PAPER.light), (ink.dark, PAPER.dark)):
            assert 1.05 < contrast(own, paper) < 2


@pytest.mark.parametrize("sight", sorted(SIGHTS))
def test_any_two_strategies_are_told_apart(sight: str) -> None:
    for (one, a), (other, b) in itertools.combinations(STRATEGY_COLOURS.items(), 2):
        assert distance(a, b, sight) >= LEAST_DISTANCE, f"{one} and {other}"


def test_every_strategy_that_ships_has_a_colour_and_others_have_the_neutral_one() -> None:
    own = set(STRATEGY_COLOURS)
    assert own <= set(catalog.names("strategies"))
    # joblib is run for comparison with what others do, and is told by its name.
    assert set(catalog.names("strategies")) - own == {"joblib"}
    assert strategy_colour("joblib") == strategy_colour("dask") == OTHER
    assert all(re.fullmatch("#[0-9a-fA-F]{6}", colour) for colour in STRATEGY_COLOURS.values())
