"""A JSON document read and written again, as services do all day: the standard library's ``json``."""

from __future__ import annotations

import json
from functools import lru_cache

from .base import Parameter, Workload, numbered


def run(item: tuple[int, int]) -> tuple[int, int]:
    """Parse a document of about ``size`` bytes, change it, write it; ``item`` is (number, size).

    Gives the sum of one field over the document, changed by the number, and the length written.
    """
    number, size = item
    records = json.loads(_document(size))
    for record in records:
        record["stock"] += number
    text = json.dumps(records)
    return sum(record["stock"] for record in records), len(text)


@lru_cache(maxsize=1)
def _document(size: int) -> str:
    """Make the document: once per worker, instead of being sent with each task."""
    records: list[str] = []
    length = 0
    while length < size:
        record = json.dumps(_record(len(records)))
        records.append(record)
        length += len(record) + 2
    return f"[{', '.join(records)}]"


def _record(number: int) -> dict[str, object]:
    # Of all kinds that JSON has, and the same on every build: nothing is drawn.
    return {
        "id": number,
        "name": f"article {number}",
        "price": (number * 7919 % 100_000) / 100,
        "stock": number * 31 % 1000,
        "tags": ["new" if number % 3 else "used", f"shelf-{number % 17}"],
        "size": {"width": number % 90 + 10, "depth": None, "fits": number % 2 == 0},
        "note": 'Größe prüfen – "bald"\n' if number % 5 == 0 else "",
    }


WORKLOAD = Workload(
    name="json_parse",
    summary="Parses a JSON document and writes it again, with the standard library's json.",
    kind="cpu",
    parameters={
        "size": Parameter(
            int, 400_000, minimum=1, maximum=64 << 20, unit="bytes", summary="Approximate length of it."
        ),
    },
    function=run,
    inputs=numbered("size"),
)
