"""A run's claims as people see them: a table on one build, a matrix over several, the same words in both."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len

from parlab.orchestrator.analysis.findings.claims import CellFinding, ClaimFinding, ClaimWord
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.plan.model import Group
from parlab.orchestrator.show.formats.base import output
from parlab.orchestrator.show.formats.terminal import write
from parlab.orchestrator.show.text.claims import claim_sections, claimed_groups
from parlab.workers.wire.spec import Gil

GROUP = "h1-integer_sum-9f2c41"
SENTENCE = (
    "True: integer_sum(steps=100000), threads ×2 is 0.97 times as fast as serial [0.95, 1.01] (12 blocks)."
)
CELL = CellFinding(
    label="integer_sum(steps=100000): threads ×2 against serial",
    rule="ratio",
    groups=(GROUP,),
    side="towards",
    bound=1.1,
    supports="below",
    effect=0.97,
    low=0.95,
    high=1.01,
    level=0.99,
    blocks=12,
    e_towards=653.0,
    e_away=0.0,
)
Claimed = Callable[..., RunView]


def claim(
    name: str, word: ClaimWord, sentence: str = SENTENCE, python: str = "3.11.7", gil: Gil | None = None
) -> ClaimFinding:
    return ClaimFinding(
        claim=name,
        title=f"Title of {name}",
        text=f"What {name} says, in full.",
        host="h1",
        node="laptop-py311",
        python=python,
        gil=gil,
        word=word,
        e_value=653.0,
        cells=(CELL,),
        sentence=sentence,
    )


@pytest.fixture
def claimed(article: RunView) -> Claimed:
    """Give the article's run these claims, over all that it measured."""

    def make(*claims: ClaimFinding, **changes: object) -> RunView:
        return replace(article, finding=replace(article.finding, claims=claims), **changes)  # type: ignore[arg-type]  # fields of whatever kind

    return make


def shown(run: RunView, width: int = 100) -> str:
    stream = io.StringIO()
    write(run, stream, width)
    return stream.getvalue()


def markdown(run: RunView) -> str:
    stream = io.StringIO()
    output("markdown").write(run, stream)
    return stream.getvalue()


def two_builds(claimed: Claimed, article: RunView) -> RunView:
    """Give a run on two builds of one node; the second has no configuration of its own in the plan."""
    first = article.plan.groups[0]
    free = tuple(replace(c, id=f"f{c.id}", python="3.13.5t") for c in first.configurations)
    group: Group = replace(first, configurations=(*first.configurations, *free))
    return claimed(
        claim("C1", "supported"),
        claim("C1", "refuted", "Not true: it is 1.90 times as fast.", "3.13.5t"),
        claim("C2", "depends"),
        claim("C2", "skipped", "No processes here.", "3.13.5t"),
        plan=replace(article.plan, groups=(group,)),
    )


def test_a_run_without_claims_has_no_section(article: RunView) -> None:
    assert claim_sections(article) == []
    assert claimed_groups(article) == set()
    assert "Claims" not in shown(article)


def test_on_one_build_each_claim_is_a_line_with_its_word_and_what_was_seen(claimed: Claimed) -> None:
    (section,) = claim_sections(
        claimed(claim("C1", "supported"), claim("C2", "unresolved", "Not known yet."))
    )
    assert section.headers == ("", "word", "what was seen")
    assert [(row.cells, row.word) for row in section.rows] == [
        (("C1 Title of C1", "supported", SENTENCE), "supported"),
        (("C2 Title of C2", "unresolved", "Not known yet."), "unresolved"),
    ]


def test_on_several_there_is_a_matrix_of_words_and_then_each_claim_in_full(
    claimed: Claimed, article: RunView
) -> None:
    matrix, *others = claim_sections(two_builds(claimed, article))
    assert matrix.headers == ("", "CPython 3.11.7, GIL on", "Python 3.13.5t")
    assert [row.cells for row in matrix.rows] == [
        ("C1 Title of C1", "supported", "refuted"),
        ("C2 Title of C2", "depends", "skipped"),
    ]
    assert [section.title for section in others] == ["C1 What C1 says, in full.", "C2 What C2 says, in full."]
    assert [row.cells for row in others[0].rows] == [
        ("CPython 3.11.7, GIL on", "supported", SENTENCE),
        ("Python 3.13.5t", "refuted", "Not true: it is 1.90 times as fast."),
    ]


def test_the_states_of_the_gil_are_columns(claimed: Claimed, article: RunView) -> None:
    first = article.plan.groups[0]
    both: list[Gil] = ["on", "off"]
    states = [replace(c, id=f"{gil}{c.id}", gil=gil) for gil in both for c in first.configurations]
    plan = replace(article.plan, groups=(replace(first, configurations=tuple(states), skipped=()),))
    run = claimed(claim("C1", "supported", gil="on"), claim("C1", "refuted", gil="off"), plan=plan)
    matrix, *_ = claim_sections(run)
    # No trial of theirs is there that would tell otherwise.
    assert matrix.headers == ("", "CPython 3.11.7, GIL on", "CPython 3.11.7, GIL off")


def test_the_rate_of_wrong_words_is_the_runs_own(claimed: Claimed, article: RunView) -> None:
    stop = replace(article.experiment.stop, alpha=0.01)
    experiment = replace(article.experiment, stop=stop)
    (section,) = claim_sections(claimed(claim("C1", "supported"), experiment=experiment))
    assert section.notes[0].endswith("On average, at most 1 % of these words are wrong.")


# On a terminal


def test_a_terminal_shows_the_claims_and_not_the_tables_behind_them(claimed: Claimed) -> None:
    run = claimed(claim("C1", "supported"), reason="every claim is settled")
    text = shown(run)
    assert re.search(r"^  C1 Title of C1  supported  True: integer_sum", text, re.MULTILINE)
    assert "processes ×4 forkserver" not in text
    assert "Settled in 71 s" in text
    assert "The measurements behind the claims: parlab export 7f3a --format markdown" in text


def test_a_group_that_no_claim_is_about_has_its_table(claimed: Claimed) -> None:
    other = replace(claim("C1", "supported"), cells=(replace(CELL, groups=("h1-other",)),))
    assert "processes ×4 forkserver" in shown(claimed(other))


def test_what_is_open_is_told_at_the_end(claimed: Claimed) -> None:
    claims = claim("C1", "supported"), claim("C2", "unresolved")
    assert "All blocks done in 71 s, 1 of 2 claims unresolved" in shown(claimed(*claims))
    assert (
        "Stopped at its budget after 71 s, 1 of 2 claims unresolved · continue: parlab resume 7f3a"
        in shown(claimed(*claims, state="budget"))
    )


@pytest.mark.parametrize("width", [60, 80, 100, 160, 400])
def test_no_line_is_wider_than_the_terminal_nor_ends_in_blanks(
    claimed: Claimed, article: RunView, width: int
) -> None:
    for run in (claimed(claim("C1", "supported")), two_builds(claimed, article)):
        for line in shown(run, width).splitlines():
            assert cell_len(line) <= width
            assert line == line.rstrip()


@pytest.mark.parametrize("width", [60, 100])
def test_all_of_a_sentence_is_there_at_any_width(claimed: Claimed, width: int) -> None:
    words = shown(claimed(claim("C1", "supported")), width).split()
    for word in SENTENCE.split():
        assert word in words


def test_what_comes_from_a_file_is_shown_as_text(claimed: Claimed) -> None:
    evil = replace(claim("C1", "supported", "Not \x1b[2J so."), title="[bold]x\x1b[31m")
    text = shown(claimed(evil))
    assert "\x1b" not in text
    assert "[bold]x" in text


# In Markdown


def test_markdown_has_the_claims_first_and_all_that_is_behind_them(
    claimed: Claimed, article: RunView
) -> None:
    text = markdown(two_builds(claimed, article))
    matrix = text.index("## Claims")
    full = text.index("## C1 What C1 says, in full.")
    behind = text.index("## integer\\_sum(10⁷) × 4")
    assert matrix < full < behind
    assert "| C1 Title of C1 | supported | refuted |" in text
    table = text[matrix:full].splitlines()
    rows = [line for line in table if line.startswith("|")]
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1


def test_a_claims_words_cannot_break_out_of_markdown(claimed: Claimed) -> None:
    evil = replace(claim("C1", "supported", "<b>so</b> | not"), title="a|b")
    text = markdown(claimed(evil))
    assert "| C1 a\\|b | supported | &lt;b&gt;so&lt;/b&gt; \\| not |" in text
