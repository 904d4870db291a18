"""The error rate that words of claims promise, by simulation with fixed seeds: a look after every block.

Effects are normal, with deviation 1 and a median so far from their bound. What is counted is the share of
wrong words among the words that stand, on average over runs (the false discovery rate), where whoever
watches stops at the worst moment that he can tell: when the first wrong word is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from parlab.orchestrator.analysis.claims.evidence import Evidence, directed
from parlab.orchestrator.analysis.claims.judging import claims_of, needed_groups, words_of
from parlab.orchestrator.analysis.findings.claims import ClaimFinding, ClaimWord
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.store.observation import Observation
from tests.support.claim_cases import plan_of, trials_of

ALPHA = 0.05
FIRST, LAST = 3, 30
#: Of so many effects, so many on a side: what they are evidence for.
DIRECTED = [[directed(count, blocks) for count in range(blocks + 1)] for blocks in range(LAST + 1)]

#: Medians of a claim's cells, in standard deviations beyond the bound; below 0: on the other side.
Truth = Sequence[float]


def above(rate: float, runs: int) -> float:
    """Rate plus three standard errors of the simulation: what chance alone explains."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / runs)


def is_right(word: ClaimWord, truth: Truth) -> bool:
    return {
        "supported": all(median > 0 for median in truth),
        "refuted": all(median < 0 for median in truth),
        "depends": any(median > 0 for median in truth) and any(median < 0 for median in truth),
        "unresolved": True,
        "skipped": False,
    }[word]


def draw_truth(draw: np.random.Generator, kind: str, distances: Sequence[float]) -> Truth:
    """Make up a claim of 1 to 8 cells."""
    size = int(draw.integers(1, 9))
    far = [float(draw.choice(distances)) for _ in range(size)]
    if kind == "half":
        return [*far[1:], 0.0]
    if kind == "mixed":
        return [*far, -far[0]]
    return [{"towards": 1.0, "away": -1.0, "at the bound": 0.0}[kind] * distance for distance in far]


def looks(draw: np.random.Generator, truths: Sequence[Truth]) -> Iterator[tuple[int, Sequence[ClaimWord]]]:
    """Measure all cells, and give the words after every block."""
    medians = [median for truth in truths for median in truth]
    beyond = np.cumsum(draw.normal(size=(LAST, len(medians))) + medians > 0, axis=0)
    for blocks in range(FIRST, LAST + 1):
        counts = iter(beyond[blocks - 1].tolist())
        row = DIRECTED[blocks]
        claims = [
            [
                Evidence((), 0.0, row[count], row[blocks - count])
                for _, count in zip(truth, counts, strict=False)
            ]
            for truth in truths
        ]
        yield blocks, words_of(claims, ALPHA).words


@dataclass
class Rates:
    """Averages over runs."""

    #: Share of wrong words when the first one is there, else 0.
    at_worst: float = 0.0
    at_the_end: float = 0.0


def false_share(words: Sequence[ClaimWord], truths: Sequence[Truth]) -> float:
    wrong = [is_right(word, truth) for word, truth in zip(words, truths, strict=True)].count(False)
    return wrong / max(len(words) - words.count("unresolved"), 1)


def simulate(draw: np.random.Generator, runs: int, truths: Iterator[Sequence[Truth]]) -> Rates:
    rates = Rates()
    for _ in range(runs):
        these = next(truths)
        shares = [false_share(words, these) for _, words in looks(draw, these)]
        rates.at_worst += next((share for share in shares if share), 0.0) / runs
        rates.at_the_end += shares[-1] / runs
    return rates


KINDS = ("towards", "away", "mixed", "half", "at the bound")


@pytest.mark.parametrize("kind", [*KINDS, "all of these"])
def test_wrong_words_among_sixteen_claims_stay_within_the_rate_however_one_stops(kind: str) -> None:
    runs, draw = 80, np.random.default_rng(41)

    def truths() -> Iterator[Sequence[Truth]]:
        while True:
            kinds = [kind if kind in KINDS else KINDS[i % len(KINDS)] for i in range(16)]
            yield [draw_truth(draw, one, (0.2, 0.6, 3.0)) for one in kinds]

    rates = simulate(draw, runs, truths())
    assert rates.at_worst <= above(ALPHA, runs)
    assert rates.at_the_end <= above(ALPHA, runs)


@pytest.mark.parametrize("cells", [1, 2, 8])
def test_a_claim_that_is_at_its_bound_rarely_ever_gets_a_word(cells: int) -> None:
    # Each of its three words is wrong, and whoever waits for one would see it.
    runs, draw = 1500, np.random.default_rng(42)
    truth: Truth = [0.0] * cells
    rates = simulate(draw, runs, iter([[truth]] * runs))
    assert rates.at_worst <= above(ALPHA, runs)


def test_one_hypothesis_for_each_cell_would_err_far_more_often_which_shows_that_this_can_fail() -> None:
    runs, draw = 200, np.random.default_rng(43)
    wrong = 0
    for _ in range(runs):
        counts = np.cumsum(draw.normal(size=(LAST, 16)) > 0, axis=0)
        wrong += any(
            max(DIRECTED[n][count], DIRECTED[n][n - count]) >= 1 / ALPHA
            for n in range(FIRST, LAST + 1)
            for count in counts[n - 1].tolist()
        )
    assert wrong / runs > 4 * ALPHA


def settled_after(draw: np.random.Generator, truths: Sequence[Truth]) -> list[int]:
    """Give the number of blocks after which each claim first had its right word; one more than all: never."""
    first = [LAST + 1] * len(truths)
    for blocks, words in looks(draw, truths):
        for i, (word, truth) in enumerate(zip(words, truths, strict=True)):
            if word != "unresolved" and is_right(word, truth):
                first[i] = min(first[i], blocks)
    return first


@pytest.mark.parametrize("claims", [16, 48])
def test_clear_effects_get_their_words_within_a_dozen_blocks(claims: int) -> None:
    draw = np.random.default_rng(44)
    blocks = [
        count
        for _ in range(10)
        for count in settled_after(draw, [draw_truth(draw, KINDS[i % 3], (3.0,)) for i in range(claims)])
    ]
    assert np.quantile(blocks, 0.5) <= 9
    assert np.quantile(blocks, 0.9) <= 12
    assert max(blocks) <= LAST


@pytest.mark.parametrize(("claims", "most"), [(16, 12), (48, 14)])
def test_a_clear_effect_among_claims_that_nobody_can_settle_gets_its_word(claims: int, most: int) -> None:
    draw = np.random.default_rng(45)
    others = [[0.0]] * (claims - 1)
    blocks = [settled_after(draw, [[3.0, 3.0], *others])[0] for _ in range(60)]
    assert np.quantile(blocks, 0.8) <= most


# As the lab does it: groups are measured as long as they are needed


CLAIM = """
[[claim]]
id = "c{i}"
text = "So it is."
[[claim.scenario]]
name = "counter"
updates = {updates}
[[claim.contrast]]
of = "thread"
rule = "value"
measure = "lost_updates"
bound = 0.0
supports = "above"
"""
#: Fewer than in the other simulations: each look is the lab's own, from trials to findings.
CLAIMS, RUNS, MOST = 8, 4, 60


def test_what_is_unresolved_always_has_a_group_that_is_needed_and_what_is_settled_has_none() -> None:
    draw = np.random.default_rng(46)
    unresolved = 0
    for run in range(RUNS):
        truths = [draw_truth(draw, KINDS[i % 3], (0.7, 3.0))[-4:] for i in range(CLAIMS)]
        claims = run_to_its_end(truths, seed=run)
        unresolved += sum(claim.word == "unresolved" for claim in claims)
    # What was still open was so for want of blocks.
    assert unresolved < CLAIMS * RUNS / 2


def run_to_its_end(truths: Sequence[Truth], seed: int) -> Sequence[ClaimFinding]:
    """Measure what is needed, block by block, and check after each that what is needed is right."""
    plan = plan_of(
        "".join(
            CLAIM.format(i=i, updates=[100 * i + j + 1 for j in range(len(truth))])
            for i, truth in enumerate(truths)
        )
    )
    median = {100 * i + j + 1: value for i, truth in enumerate(truths) for j, value in enumerate(truth)}

    def level(group: object, configuration: object, index: int, source: object) -> float:
        del group, index, source
        updates = configuration.parameters["updates"]  # type: ignore[attr-defined]  # a Configuration
        return float(noise.normal() + median[int(updates)])

    noise = np.random.default_rng(1000 + seed)
    observations: list[Observation] = []
    claims = claims_of(Measurements(plan, observations))
    for block in range(MOST):
        needed = needed_groups(claims)
        check_needed(claims, needed)
        if not any(needed.values()):
            assert all(claim.word != "unresolved" for claim in claims)
            break
        new = trials_of(plan, 1, level, first=block)
        observations += [o for o in new if needed[o.group]]
        claims = claims_of(Measurements(plan, observations))
    return claims


def check_needed(claims: Sequence[ClaimFinding], needed: dict[str, bool]) -> None:
    for claim in claims:
        groups = [needed[group] for cell in claim.cells for group in cell.groups]
        assert any(groups) == (claim.word == "unresolved"), "groups are one claim's here"
