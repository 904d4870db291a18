"""The matrix of claims: its words are the findings', on colours on which they can be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.claims.judging import claims_of
from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts import claims
from parlab.orchestrator.show.charts._kit import drawing
from parlab.orchestrator.show.charts._kit.matrix import ink_on
from parlab.orchestrator.show.charts._kit.palette import STRATEGY_COLOURS, WORD_COLOURS
from parlab.orchestrator.show.charts.hosts import COLOURS
from tests.support.claim_cases import FOUR, ONE, faster, node, plan_of, trials_of
from tests.support.spec_rows import rows_with


@pytest.fixture
def claimed(article: RunView) -> RunView:
    """Two claims on two builds, the second of which could not do one of them."""
    plan = plan_of(FOUR + ONE, node(versions=("3.11.7", "3.13.5t")))
    found = claims_of(Measurements(plan, trials_of(plan, 14, faster(zlib=2.0, bz2=1.0, integer_sum=1.0))))
    out = [replace(c, word="skipped") if c.claim == "one" and c.python == "3.13.5t" else c for c in found]
    return replace(
        article, plan=plan, registrations=(), trials=(), finding=replace(article.finding, claims=tuple(out))
    )


def test_each_word_is_in_the_cell_of_its_claim_and_build(claimed: RunView) -> None:
    (chart,) = claims.make(claimed)
    cells = rows_with(chart.spec, "row", "column", "ink")
    labels = {row["row"]: row["label"] for row in rows_with(chart.spec, "row", "label")}
    heads = {
        row["column"]: row["label"].replace("\n", " ") for row in rows_with(chart.spec, "column", "label")
    }
    shown = {(labels[c["row"]], heads[c["column"]]): c["text"] for c in cells}
    said = {(f"{c.claim} {c.title}".strip(), f"Python {c.python}"): c.word for c in claimed.finding.claims}
    assert shown == said
    assert "depends" in shown.values()
    assert "skipped" in shown.values()


def test_a_word_has_its_colour_and_can_be_read_on_it(claimed: RunView) -> None:
    (chart,) = claims.make(claimed)
    for cell in rows_with(chart.spec, "row", "column", "fill", "ink"):
        assert cell["fill"] == WORD_COLOURS[cell["text"]]
        assert _contrast(cell["fill"], cell["ink"]) >= 4.5


def test_black_or_white_can_be_read_on_every_colour_that_has_text() -> None:
    for colour in {*WORD_COLOURS.values(), *STRATEGY_COLOURS.values(), *COLOURS}:
        assert _contrast(colour, ink_on(colour)) >= 4.5, colour


def test_the_finding_counts_the_words_and_says_them(claimed: RunView) -> None:
    (chart,) = claims.make(claimed)
    words = [c.word for c in claimed.finding.claims]
    assert "2 claims on 2 builds" in chart.finding
    assert f"{words.count('depends')} depends" in chart.finding
    assert "1 skipped" in chart.finding
    assert "skipped on Python 3.13.5t" in chart.finding


def test_claims_of_several_runs_stand_side_by_side_and_what_was_not_looked_at_is_empty(
    claimed: RunView,
) -> None:
    first, *others = claimed.finding.claims
    chart = claims.chart(
        [("run a", first), ("run b", others[-1]), ("run b", replace(others[-1], word="refuted"))]
    )
    assert chart is not None
    cells = {(c["row"], c["column"]): c for c in rows_with(chart.spec, "row", "column", "ink")}
    assert len(cells) == 4
    # Of two in the same cell the last one given counts.
    assert cells[1, 1]["text"] == "refuted"
    assert cells[0, 1]["text"] == cells[1, 0]["text"] == "–"
    assert "fill" not in cells[0, 1]


def test_a_run_without_claims_has_no_such_picture(article: RunView) -> None:
    assert claims.make(article) == []
    assert claims.chart([]) is None


def test_what_there_is_no_room_for_is_told(claimed: RunView) -> None:
    first = claimed.finding.claims[0]
    chart = claims.chart([(f"build {n}", first) for n in range(15)])
    assert chart is not None
    assert "3 more builds are not shown" in [row["text"] for row in rows_with(chart.spec, "text")]
    assert "on 12 builds" in chart.finding


@pytest.mark.parametrize("name", ["x" * 200, "<b>&\"'</b>", "שלום עולם", "\x1b[31mred\nline", "datum.x + 1"])
def test_any_name_can_be_drawn(claimed: RunView, name: str) -> None:
    first: ClaimFinding = replace(claimed.finding.claims[0], title=name)
    chart = claims.chart([(name, first)])
    assert chart is not None
    picture = drawing.svg(chart)
    assert "<b>" not in picture
    assert "\x1b" not in picture


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
