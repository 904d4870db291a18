"""Progress of a run with claims while it measures: how long it may take, and what is settled."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.findings.claims import CellFinding, ClaimFinding, ClaimWord
from parlab.orchestrator.analysis.findings.run import RunFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.control.progress import announcement, make_progress, state_of
from parlab.orchestrator.control.progress_state import summary
from tests.support.claim_cases import FOUR, LOST, ONE, failures, faster, node, plan_of, trials_of
from tests.support.views import article

__all__ = ["article"]

CELL = CellFinding(
    label="integer_sum: threads ×2 against serial",
    rule="ratio",
    groups=("g1",),
    side="open",
    bound=1.1,
    supports="below",
    effect=0.97,
    low=0.9,
    high=1.2,
    level=0.99,
    blocks=5,
    e_towards=20.0,
    e_away=0.0,
)
WEAKER = replace(CELL, effect=1.08, low=None, high=None, e_towards=1.5)
OUT = replace(CELL, e_towards=0.0, reason="no zlib here")


def claim(name: str, word: ClaimWord, *cells: CellFinding, python: str = "3.11.7") -> ClaimFinding:
    return ClaimFinding(
        claim=name,
        title=f"Title of {name}",
        text="",
        host="h1",
        node="local",
        python=python,
        gil=None,
        word=word,
        e_value=1.0,
        cells=cells,
        sentence="",
    )


def found(run: RunView, *claims: ClaimFinding) -> RunFinding:
    return replace(run.finding, claims=claims)


def test_claims_on_builds_are_counted_in_place_of_comparisons(article: RunView) -> None:
    claims = claim("C1", "supported", CELL), claim("C2", "unresolved", CELL), claim("C3", "depends", CELL)
    assert summary(state_of(article.plan, found(article, *claims))) == "9 blocks · 2 of 3 claims settled"


def test_what_cannot_be_tried_is_none_of_them(article: RunView) -> None:
    claims = claim("C1", "supported", CELL), claim("C2", "skipped", OUT)
    assert summary(state_of(article.plan, found(article, *claims))) == "9 blocks · 1 of 1 claims settled"
    # Where none can be tried, there is still what was compared.
    state = state_of(article.plan, found(article, claim("C2", "skipped", OUT)))
    assert summary(state) == "9 blocks · 3 of 3 comparisons settled"


def test_an_open_claim_is_shown_by_its_least_certain_cell(article: RunView) -> None:
    claims = claim("C1", "supported", CELL), claim("C2", "unresolved", CELL, WEAKER, OUT)
    (estimate,) = state_of(article.plan, found(article, *claims)).estimates
    assert (estimate.label, estimate.verdict) == ("C2 Title of C2", "unresolved")
    assert (estimate.ratio, estimate.low, estimate.high) == (1.08, None, None)


def test_on_several_builds_it_is_told_with_its_build(article: RunView) -> None:
    claims = claim("C1", "unresolved", CELL), claim("C1", "unresolved", CELL, python="3.13.5t")
    labels = [estimate.label for estimate in state_of(article.plan, found(article, *claims)).estimates]
    assert labels == ["C1 Title of C1 on 3.11.7", "C1 Title of C1 on 3.13.5t"]


def test_a_value_has_no_ratio_to_show(article: RunView) -> None:
    share = replace(CELL, rule="value", effect=0.3, low=0.2, high=0.4)
    (estimate,) = state_of(article.plan, found(article, claim("C9", "unresolved", share))).estimates
    assert (estimate.ratio, estimate.low, estimate.high) == (None, None, None)


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic_ns(self) -> int:
        return int(self.seconds * 1e9)

    def unix_seconds(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_while_it_measures_what_is_left_of_the_budget_is_told() -> None:
    plan, stream, clock = plan_of(ONE + LOST), io.StringIO(), HandClock()
    progress = make_progress(stream, clock=clock)
    progress.begin(plan, [])
    progress.now("counter", 0)
    clock.seconds += 11
    # Of each group six blocks, 2 s each: one more would do, but for how many that holds nobody knows.
    observations = trials_of(plan, 6, faster(integer_sum=1.0, counter=1.0))
    finding = summarize(Measurements(plan, observations))
    progress.look(finding, {group.id: [2.0] * 6 for group in plan.groups}, 500.0)
    progress.now("counter", 6)
    assert stream.getvalue().splitlines() == [
        "parlab: run ab12 · claimed · 1 comparison",
        "parlab: run ab12 · 18 blocks · 0 of 2 claims settled · at most 8 min 20 s left",
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (FOUR + ONE, "2 claims on 3 builds: at most 10 min, less where all is settled before"),
        (
            ONE + '[stop]\nbudget = "15m"\nbudget_per = "build"\n',
            "1 claim on 3 builds: at most 45 min, less where all is settled before",
        ),
        (
            '[[workload]]\nname = "wait"\n[[strategy]]\nname = "serial"\n[stop]\nbudget = "90s"\n',
            "3 builds: at most 90 s, less where all is settled before",
        ),
    ],
)
def test_a_run_is_announced_with_what_it_is_to_settle_and_how_long_it_may_take(
    lines: str, expected: str
) -> None:
    assert announcement(plan_of(lines, node(versions=("3.11.7", "3.13.5t", "3.14.0")))) == expected


def test_of_one_build_and_one_claim_there_is_one() -> None:
    assert announcement(plan_of(ONE)).startswith("1 claim on 1 build: ")


def test_what_has_failed_is_none_of_those_that_can_be_tried() -> None:
    plan = plan_of(ONE + LOST)
    finding = summarize(Measurements(plan, [], failed=failures(plan, "threads")))
    assert state_of(plan, finding).claims == 1
