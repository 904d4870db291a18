"""Durations, shares, sizes and numbers of workers as people write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlab.orchestrator.experiment import quantities


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("30d", 2_592_000),
        (5, 5),
        ("5", 5),
        (0.5, 0.5),
    ],
)
def test_a_duration_is_read(text: str | float, seconds: float) -> None:
    assert quantities.seconds(text) == seconds


@pytest.mark.parametrize(("text", "ratio"), [("5%", 0.05), ("2.5%", 0.025), (0.05, 0.05), ("0.05", 0.05)])
def test_a_share_is_read(text: str | float, ratio: float) -> None:
    assert quantities.ratio(text) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("text", "size"), [("500MB", 500_000_000), ("2GiB", 2 << 30), ("1.5k", 1500), ("7", 7), ("7B", 7)]
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert quantities.size_bytes(text) == size


@pytest.mark.parametrize(
    ("expression", "cpus", "expected"),
    [
        (4, 2, 4),
        ("4", 2, 4),
        ("cpus", 2, 2),
        ("2*cpus", 3, 6),
        ("cpus*2", 3, 6),
        ("cpus + 1", 2, 3),
        ("cpus-1", 8, 7),
        ("cpus-1", 1, 1),
        ("cpus/2", 5, 2),
        ("cpus/2", 1, 1),
        ("2*cpus+1", 2, 5),
    ],
)
def test_a_number_of_workers_is_worked_out_and_never_below_one(
    expression: int | str, cpus: int, expected: int
) -> None:
    quantities.check_workers(expression)
    assert quantities.workers(expression, cpus) == expected


@given(
    st.text() | st.from_regex(r"[0-9*cpus+/ -]{0,12}", fullmatch=True) | st.integers(), st.integers(1, 512)
)
def test_an_expression_is_refused_or_gives_a_number_within_the_limits(
    expression: int | str, cpus: int
) -> None:
    try:
        quantities.check_workers(expression)
        found = quantities.workers(expression, cpus)
    except ValueError:
        return
    assert 1 <= found <= quantities.MOST_WORKERS


@given(st.text() | st.floats() | st.from_regex(r"[0-9.]{0,9}[dhms%]?", fullmatch=True))
def test_a_quantity_is_refused_or_within_its_limits(text: str | float) -> None:
    for read, most in ((quantities.seconds, quantities.MOST_SECONDS), (quantities.ratio, 1.0)):
        with contextlib.suppress(ValueError):
            assert 0 < read(text) <= most
