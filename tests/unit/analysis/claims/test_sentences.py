"""Sentences of claims: each gives effect, interval and blocks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.claims.sentences import claim_sentence, seen, value_text
from parlab.orchestrator.analysis.findings.claims import CellFinding, ClaimFinding, ClaimWord

THREADS = CellFinding(
    label="integer_sum(steps=100000): threads ×2 against serial",
    rule="ratio",
    groups=("g1",),
    side="towards",
    bound=1.1,
    supports="below",
    effect=0.974,
    low=0.951,
    high=1.013,
    level=0.99,
    blocks=12,
    e_towards=653.0,
    e_away=0.0,
    of="threads ×2",
    against="serial",
    conditions={"algorithm": "zlib", "size": 1000},
)
COST = replace(
    THREADS,
    label="creation: thread against process-fork, creation",
    effect=15.2,
    low=12.1,
    high=18.4,
    measure="creation",
    better="lower",
    of="thread",
    against="process-fork",
)
LOST = replace(
    THREADS,
    label="counter(form=call): thread, lost_updates",
    rule="value",
    effect=0.3125,
    low=0.28,
    high=0.4,
    measure="lost_updates",
    unit="ratio",
    of="thread",
    against="",
)
TREND = replace(
    THREADS,
    label="payload(bytes_in=10³→10⁶): threads ×2 against processes ×2",
    rule="trend",
    effect=3.4,
    low=2.5,
    high=4.25,
    of="threads ×2",
    against="processes ×2 forkserver",
)
OUT = replace(
    THREADS, side="out", effect=None, low=None, high=None, blocks=0, e_towards=0.0, reason="no zlib here"
)


def said(word: ClaimWord, *cells: CellFinding, depends_on: str | None = None) -> str:
    claim = ClaimFinding("C1", "", "", "h1", "local", "3.11.7", None, word, 1.0, cells, "", depends_on)
    return claim_sentence(claim).sentence


# A cell


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            THREADS,
            "integer_sum(steps=100000), threads ×2 is 0.97 times as fast as serial [0.95, 1.01] (12 blocks)",
        ),
        (replace(THREADS, low=None, blocks=1), "threads ×2 is 0.97 times as fast as serial (1 block)"),
        (COST, "creation, thread costs 1/15 of process-fork [1/18, 1/12] (12 blocks)"),
        (
            replace(COST, effect=0.8, low=0.625, high=1.25),
            "creation, thread costs 1.25 times as much as process-fork [0.80, 1.60] (12 blocks)",
        ),
        (
            replace(COST, better="higher", effect=0.8, low=0.5, high=0.9),
            "thread gives 0.80 times as much as process-fork [0.50, 0.90] (12 blocks)",
        ),
        (LOST, "counter(form=call), lost updates of thread is 31.2 % [28 %, 40 %] (12 blocks)"),
        (replace(LOST, effect=0.0, low=0.0, high=0.0), "lost updates of thread is 0 % (12 blocks)"),
        (
            TREND,
            (
                "what processes ×2 forkserver costs relative to threads ×2 grows 3.40-fold "
                "[2.50, 4.25] (12 blocks)"
            ),
        ),
        (OUT, "integer_sum(steps=100000): threads ×2 against serial: nothing has been measured for it yet"),
    ],
)
def test_a_cell_is_told_by_what_was_seen_with_its_interval_and_blocks(
    cell: CellFinding, expected: str
) -> None:
    assert seen(cell).endswith(expected)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0, "ratio", "0 %"),
        (0.00012345, "ratio", "0.0123 %"),
        (1.0, "count", "1"),
        (0.0421, "seconds", "0.0421 seconds"),
        (1e9, "bytes_per_second", "1e+09 bytes per second"),
    ],
)
def test_a_value_is_written_in_its_unit(value: float, unit: str, expected: str) -> None:
    assert value_text(value, unit) == expected


# A claim


def test_of_one_cell_nothing_else_is_said() -> None:
    cell = "integer_sum(steps=100000), threads ×2 is 0.97 times as fast as serial [0.95, 1.01] (12 blocks)."
    assert said("supported", THREADS) == f"True: {cell}"
    assert said("refuted", replace(THREADS, side="away")) == f"Not true: {cell}"
    assert said("unresolved", replace(THREADS, side="open")) == f"Not known yet: {cell}"


def test_of_several_that_agree_the_least_clear_is_told() -> None:
    least = replace(THREADS, label="prime_sieve: threads ×2 against serial", e_towards=90.0)
    assert said("supported", THREADS, least) == (
        "True in all 2 conditions, least clearly in: prime_sieve, threads ×2 is 0.97 times as fast as serial "
        "[0.95, 1.01] (12 blocks)."
    )
    away = replace(THREADS, side="away", e_towards=0.0, e_away=90.0)
    assert said("refuted", away, away).startswith(
        "Not true in all 2 conditions, least clearly in: integer_sum("
    )


def test_one_that_depends_tells_the_clearest_of_each_side_and_where_they_are() -> None:
    away = replace(
        THREADS, side="away", e_towards=0.0, e_away=90.0, conditions={"algorithm": "bz2"}, effect=2.0
    )
    clearer = replace(away, e_away=900.0, conditions={"algorithm": "lzma"}, effect=1.9)
    sentence = said("depends", THREADS, away, clearer, depends_on="algorithm")
    assert sentence == (
        "True where algorithm is zlib: integer_sum(steps=100000), threads ×2 is 0.97 times as fast as serial "
        "[0.95, 1.01] (12 blocks); not true where algorithm is bz2 and lzma: integer_sum(steps=100000), "
        "threads ×2 is 1.90 times as fast as serial [0.95, 1.01] (12 blocks)."
    )
    still = replace(THREADS, side="open", e_towards=3.0)
    assert said("depends", THREADS, away, still).startswith("True in 1 condition: ")
    assert said("depends", THREADS, away, still).endswith("; still open in 1 of 3 conditions.")


def test_what_parts_ways_and_work_is_said_as_such() -> None:
    towards = replace(THREADS, conditions={"of": "threads ×2"})
    away = replace(THREADS, side="away", e_away=90.0, conditions={"of": "processes ×2"})
    sentence = said("depends", towards, away, depends_on="of")
    assert sentence.startswith("True for threads ×2: ")
    assert "; not true for processes ×2: " in sentence


def test_many_values_on_a_side_are_not_all_named() -> None:
    cells = [replace(THREADS, conditions={"size": 10.0**n}) for n in range(8)]
    away = replace(THREADS, side="away", e_away=90.0, conditions={"size": 0.5})
    sentence = said("depends", *cells, away, depends_on="size")
    assert "True where size is 1, 10, 100, 1000, 10000, 100000 and others: " in sentence
    assert "; not true where size is 0.5: " in sentence


def test_an_open_claim_tells_how_many_conditions_are_certain_and_the_least() -> None:
    still = replace(THREADS, side="open", e_towards=1.5, effect=1.08, low=0.9, high=1.2)
    assert said("unresolved", THREADS, still) == (
        "Not known yet: 1 of 2 conditions is certain; the least certain: integer_sum(steps=100000), "
        "threads ×2 "
        "is 1.08 times as fast as serial [0.90, 1.20] (12 blocks)."
    )


def test_before_its_first_block_nothing_is_known() -> None:
    young = replace(THREADS, side="open", effect=None, low=None, high=None, blocks=0, e_towards=0.0)
    assert said("unresolved", young) == "Nothing has been measured for it yet."


def test_what_is_left_out_is_counted_with_a_reason() -> None:
    sentence = said("supported", THREADS, OUT, replace(OUT, reason="nor bz2"))
    assert sentence.endswith("(12 blocks) (2 of 3 conditions left out: no zlib here).")


def test_what_no_build_can_do_is_told_by_its_reasons_each_once() -> None:
    assert said("skipped", OUT, OUT, replace(OUT, reason="nor bz2")) == "No zlib here; nor bz2."
