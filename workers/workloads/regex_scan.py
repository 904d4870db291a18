"""A log searched with a regular expression: the standard library's ``re``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from .base import Parameter, Workload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What failed, who asked, from where; as people write it.
_LINE = re.compile(
    r"(?P<host>\d+\.\d+\.\d+\.\d+) - (?P<user>[\w.]+@[\w.]+) .*? (?P<status>5\d\d) (?P<bytes>\d+)$",
    re.MULTILINE,
)


def run(item: tuple[int, int]) -> tuple[int, int]:
    """Scan a log of about ``size`` bytes from character ``start`` on; ``item`` is (start, size).

    Gives the number of lines that match and the sum of the bytes that they speak of.
    """
    start, size = item
    count = total = 0
    for match in _LINE.finditer(_log(size), start):
        count += 1
        total += int(match["bytes"])
    return count, total


@lru_cache(maxsize=1)
def _log(size: int) -> str:
    """Make the log: once per worker, instead of being sent with each task."""
    lines: list[str] = []
    length = 0
    while length < size:
        line = _line(len(lines))
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)


def _line(number: int) -> str:
    # The same on every build: nothing is drawn.
    host = f"10.{number % 7}.{number * 31 % 251}.{number * 17 % 253}"
    user = f"user{number * 13 % 97}.name@host{number % 11}.example" if number % 4 else "-"
    status = 500 + number % 4 if number % 3 == 0 else 200 + number % 5
    request = f"GET /shop/{number * 7919 % 10_007} HTTP/1.1"
    return f'{host} - {user} [{number:08}] "{request}" {status} {number * 101 % 9973}'


def inputs(parameters: Mapping[str, Any], count: int) -> list[tuple[int, int]]:
    """Give (start, size), each of which begins a little later: no two tasks do the same."""
    size = parameters["size"]
    return [(number * 101 % size, size) for number in range(count)]


WORKLOAD = Workload(
    name="regex_scan",
    summary="Searches a log with a regular expression, with the standard library's re.",
    kind="cpu",
    parameters={
        "size": Parameter(
            int, 500_000, minimum=1, maximum=64 << 20, unit="bytes", summary="Approximate length of the log."
        ),
    },
    function=run,
    inputs=inputs,
)
