"""Digests of results: equal for equal structures, different for all others, the same in every interpreter."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import math
import subprocess
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlab.workers.host.bootstrap import TRIALPATH
from parlab.workers.wire.digest import NotDigestible, combine, digest


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Place:
    name: str
    at: Point


@dataclasses.dataclass
class Other:
    name: str
    at: Point


class Colour(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


#: No two of these are the same result.
DIFFERENT: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 0.0, -0.0, math.nan, math.inf, 5e-324, 1j, 1 + 0j, "", "1", b"", b"1",
    bytearray(b"1"), memoryview(b"1"), array.array("b", b"1"), [], (), set(), frozenset(), {}, [1], (1,), {1},
    frozenset({1}), {1: 1}, {1: 1.0}, {1: True}, [[]], [[], []], [1, 2], [2, 1], ["12"], ["1", "2"], (1, 2),
    Point(1, 2), Point(2, 1), Place("a", Point(1, 2)), Other("a", Point(1, 2)), Place("b", Point(1, 2)),
    Colour.RED, Number.ONE, decimal.Decimal(1), decimal.Decimal("1.0"), fractions.Fraction(1), range(1),
    collections.OrderedDict({1: 1}), collections.Counter({1: 1}), collections.defaultdict(int, {1: 1}),
    collections.deque([1]), dt.date(2024, 1, 1), dt.datetime(2024, 1, 1),  # noqa: DTZ001
    array.array("i", [1, 2]), array.array("d", [1, 2]), 10**5000, -(10**5000), "\ud800", ...,
]  # fmt: skip


def test_what_is_different_has_different_digests() -> None:
    digests = [digest(value) for value in DIFFERENT]
    assert len(set(digests)) == len(digests)


def test_a_digest_is_32_hex_digits_long() -> None:
    assert all(len(digest(value)) == 32 for value in DIFFERENT)


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)


@settings(max_examples=40)
@given(_PLAIN)
def test_the_digest_of_a_copy_is_the_same(value: Any) -> None:
    def copied(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: copied(value[key]) for key in reversed(value)}
        if isinstance(value, list | tuple):
            return type(value)(copied(item) for item in value)
        return value

    assert digest(copied(value)) == digest(value)


@settings(max_examples=40)
@given(st.lists(st.integers() | st.text()))
def test_the_order_of_sets_and_dicts_does_not_count(items: list[Any]) -> None:
    backwards = items[::-1]
    assert digest(set(items)) == digest(set(backwards))
    assert digest(dict.fromkeys(items, 0)) == digest(dict.fromkeys(backwards, 0))


def test_every_nan_is_the_same() -> None:
    assert digest(math.nan) == digest(-math.nan) == digest(float("nan"))


def test_a_shared_part_counts_as_if_it_were_copied() -> None:
    part = [1]
    assert digest([part, part]) == digest([[1], [1]])


@pytest.mark.parametrize("value", [object(), lambda: None, [object()], {"a": object()}, iter([]), int])
def test_what_has_no_structure_is_refused_with_the_cure(value: object) -> None:
    with pytest.raises(NotDigestible, match="has no digest") as refused:
        digest(value)
    assert "Give the workload a check" in refused.value.hint


def test_what_contains_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(NotDigestible, match="contains itself"):
        digest(circle)


def test_the_combined_digest_depends_on_the_order_of_tasks() -> None:
    first, second = digest(1), digest(2)
    assert combine([first, second]) != combine([second, first])


def test_digests_are_the_same_in_another_build_with_other_hashes(free_threaded: str) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from _parlab_trial.wire.digest import digest; "
        "print(digest({'a': {1.5, 'x', None}, 'b': [b'y', (1, 2)], 3: {'k': frozenset('qwertz')}}))"
    )
    value = {"a": {1.5, "x", None}, "b": [b"y", (1, 2)], 3: {"k": frozenset("qwertz")}}
    for seed in ("1", "2"):
        answer = subprocess.run(
            [free_threaded, "-s", "-P", "-S", "-c", program, TRIALPATH],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.strip() == digest(value)
