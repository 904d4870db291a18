"""Runs as outputs see them, and claims; metrics show the same, for this folder."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.findings.claims import CellFinding, ClaimFinding
from tests.support.views import article, troubled

__all__ = ["article", "troubled"]

THREADS = CellFinding(
    label="integer_sum(steps=100000): threads ×2 against serial",
    rule="ratio",
    groups=("h1-integer_sum-9f2c41",),
    side="towards",
    bound=1.1,
    supports="below",
    effect=0.98,
    low=0.95,
    high=1.01,
    level=0.99,
    blocks=24,
    e_towards=420.0,
    e_away=0.0,
)
#: Without an interval yet, and with none at one end.
YOUNG = replace(
    THREADS,
    label="compress(zlib): processes ×2 against threads ×2",
    side="open",
    effect=1.3,
    low=None,
    high=2.5,
    blocks=3,
    e_towards=1.5,
)
LOST = replace(
    THREADS,
    label="counter: thread, lost_updates",
    rule="value",
    bound=1e-9,
    supports="above",
    effect=0.31,
    low=0.28,
    high=0.4,
    e_towards=math.inf,
    measure="lost_updates",
    unit="share",
)
GROWING = replace(
    THREADS, label="payload(bytes_in=1000→1000000): threads ×2 against processes ×2", rule="trend", effect=2.4
)
OUT = replace(
    THREADS,
    label="image_resize: processes ×2 against threads ×2",
    side="out",
    effect=None,
    low=None,
    high=None,
    blocks=0,
    e_towards=0.0,
    reason="Pillow is not installed for this Python",
)


def claim(
    name: str, word: str, *cells: CellFinding, node: str = "laptop-py311", **changed: object
) -> ClaimFinding:
    found = ClaimFinding(
        claim=name,
        title=f"Title of {name}",
        text=f"What {name} says.",
        host="h1",
        node=node,
        python="3.11.7",
        gil=None,
        word=word,  # type: ignore[arg-type]  # the tests name them
        e_value=210.0,
        cells=cells,
        sentence="",
    )
    return replace(found, **changed)  # type: ignore[arg-type]  # fields of whatever kind


@pytest.fixture
def claims() -> tuple[ClaimFinding, ...]:
    """Five claims, one for each word, on a build with a GIL; the first on another host and build, too."""
    free = {"host": "h2", "python": "3.13.5t", "gil": "off"}
    return (
        claim("C1", "supported", THREADS, GROWING),
        claim("C1", "refuted", replace(THREADS, side="away"), GROWING, node="free", **free),
        claim("C8", "depends", THREADS, YOUNG, depends_on="algorithm"),
        claim("C9", "supported", LOST),
        claim("C10", "unresolved", YOUNG, e_value=1.5),
        claim("mine", "skipped", OUT, e_value=0.0),
    )
