"""A hybrid's division of its width into processes and threads, and of its items among processes."""

from __future__ import annotations

import pytest

from parlab.workers.strategies.hybrid import STRATEGY, _parts, split


def options(**given: int) -> dict[str, int | None]:
    return {"processes": None, "threads": None, **given}


@pytest.mark.parametrize(
    ("max_workers", "processes", "threads"),
    [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 5, 1), (6, 3, 2), (8, 4, 2), (16, 4, 4), (12, 4, 3)],
)
def test_a_width_alone_is_divided_as_near_to_a_square_as_can_be(
    max_workers: int, processes: int, threads: int
) -> None:
    assert split(max_workers, options()) == (processes, threads)


def test_what_is_not_given_is_worked_out() -> None:
    assert split(8, options(processes=2)) == (2, 4)
    assert split(8, options(threads=8)) == (1, 8)
    assert split(8, options(processes=8, threads=1)) == (8, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"processes": 3}, "hybrid: 3 processes do not multiply to max_workers 8"),
        ({"threads": 16}, "hybrid: 16 threads do not multiply to max_workers 8"),
        ({"processes": 4, "threads": 4}, "hybrid: 4 processes × 4 threads do not multiply to max_workers 8"),
    ],
)
def test_numbers_that_do_not_multiply_are_impossible(given: dict[str, int], said: str) -> None:
    assert STRATEGY.impossible(8, options(**given)) == said


@pytest.mark.parametrize(
    ("count", "processes", "size", "lengths"),
    [
        (8, 2, None, [4, 4]),
        (5, 4, None, [1, 1, 1, 2]),
        (2, 4, None, [1, 1]),
        (0, 4, None, []),
        (5, 2, 2, [2, 2, 1]),
        (3, 2, 9, [3]),
    ],
)
def test_items_are_divided_into_parts_in_order(
    count: int, processes: int, size: int | None, lengths: list[int]
) -> None:
    parts = _parts(range(count), processes, size)
    assert [len(part) for part in parts] == lengths
    assert [item for part in parts for item in part] == list(range(count))
