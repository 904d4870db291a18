"""The first line of a report: what to use, and how sure that is; never more than is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from parlab.orchestrator.analysis.findings.claims import ClaimFinding, ClaimWord
from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, Verdict
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.plan.model import Skip
from parlab.orchestrator.show.report.answers import answers
from tests.support.derived_cases import advised


def with_rows(
    run: RunView, rows: Sequence[ConfigurationFinding], *, sentences: tuple[str, ...] = ()
) -> RunView:
    group = replace(run.finding.groups[0], configurations=tuple(rows), sentences=sentences)
    return replace(run, finding=replace(run.finding, groups=(group,)))


def rows_of(run: RunView) -> list[ConfigurationFinding]:
    return list(run.finding.groups[0].configurations)


def judged(row: ConfigurationFinding, verdict: Verdict) -> ConfigurationFinding:
    assert row.comparison is not None
    return replace(row, comparison=replace(row.comparison, verdict=verdict))


def test_what_is_recommended_is_said_with_its_gain_its_bounds_and_its_costs(article: RunView) -> None:
    (answer,) = answers(article)
    assert answer.headline == "Use hybrid 2×2: 1.89 times as fast as serial"
    assert answer.line == "Use hybrid 2×2: 1.89 times as fast as serial (95 %: 1.80–1.97, 9 blocks)"
    assert answer.certainty == "settled"
    assert answer.sure.startswith("Nothing else here is more than 5 % faster; at most 5 %")
    assert answer.costs == "39.0 ms to start its pool, 17 MB more memory than serial"
    assert answer.strategy == "hybrid"
    assert answer.about == "integer_sum(10⁷) × 4"
    assert answer.sentences == article.finding.groups[0].sentences


def test_what_the_headline_says_is_not_said_again(article: RunView) -> None:
    rows = rows_of(article)
    rows[2], rows[3] = replace(rows[2], recommended=True), replace(rows[3], recommended=False)
    said = article.finding.groups[0].sentences
    (answer,) = answers(with_rows(article, rows, sentences=said[:1]))
    # The sentence calls it by another name than its row does: it stays.
    assert answer.headline.startswith("Use processes ×4 forkserver: 1.91 times as fast as serial")
    assert answer.sentences == said[:1]
    own = ("Processes ×4 forkserver does this work 1.91 times as fast as serial.", "Threads do not help.")
    (answer,) = answers(with_rows(article, rows, sentences=own))
    assert answer.sentences == own[1:]


def test_what_may_be_as_fast_keeps_the_answer_from_being_settled(article: RunView) -> None:
    rows = rows_of(article)
    rows[2] = replace(rows[2], best="not distinguished")
    (answer,) = answers(with_rows(article, rows))
    assert answer.certainty == "likely"
    assert "whether processes ×4 forkserver is as fast is not known" in answer.sure


def test_a_baseline_that_nothing_beats_is_stayed_with(article: RunView) -> None:
    rows = [replace(row, best=None, recommended=False) for row in rows_of(article)]
    rows = [replace(rows[0], best="fastest", recommended=True), *(judged(row, "slower") for row in rows[1:])]
    (answer,) = answers(with_rows(article, rows))
    assert answer.line == "Stay with serial: nothing here is shown to be faster"
    assert (answer.certainty, answer.costs) == ("settled", "")


def test_without_a_verdict_nothing_is_recommended(article: RunView) -> None:
    rows = [replace(row, best=None, recommended=False) for row in rows_of(article)]
    rows[1:] = [judged(row, "unresolved") for row in rows[1:]]
    (answer,) = answers(with_rows(article, rows))
    assert answer.certainty == "open"
    assert answer.headline == "Nothing here is shown to be the fastest yet"
    assert answer.sure == "No verdict yet: 9 blocks so far"


def test_what_looks_fastest_and_is_not_declared_is_not_called_fastest(article: RunView) -> None:
    rows = rows_of(article)
    rows[3] = judged(rows[3], "unresolved")
    (answer,) = answers(with_rows(article, rows))
    assert answer.line == "Hybrid 2×2 looks fastest, which is not certain yet"
    assert answer.certainty == "open"


def test_a_single_configuration_is_compared_with_nothing(article: RunView) -> None:
    (answer,) = answers(with_rows(article, rows_of(article)[:1]))
    assert answer.headline == "Serial takes 2.08 s a round"
    assert answer.certainty == "none"
    assert "9 trials" in answer.sure


def test_a_run_without_a_measured_trial_says_why(article: RunView) -> None:
    rows = [
        replace(row, seconds=None, level=None, best=None, recommended=False, problem="it raised ValueError")
        for row in rows_of(article)
    ]
    plan = replace(article.plan, groups=(replace(article.plan.groups[0], skipped=()),))
    (answer,) = answers(replace(with_rows(article, rows), plan=plan))
    assert answer.headline == "Nothing was measured: it raised ValueError"
    assert (answer.certainty, answer.strategy) == ("none", "")


def test_a_group_of_which_all_is_skipped_says_what_it_lacks(article: RunView) -> None:
    group = article.plan.groups[0]
    skips = tuple(Skip(configuration, "needs joblib") for configuration in group.configurations)
    plan = replace(article.plan, groups=(replace(group, configurations=(), skipped=skips),))
    (answer,) = answers(replace(with_rows(article, ()), plan=plan))
    assert answer.headline == "Nothing was measured: needs joblib"


def test_a_run_that_has_just_begun_says_so(article: RunView) -> None:
    rows = [replace(row, seconds=None, level=None, best=None, recommended=False) for row in rows_of(article)]
    (answer,) = answers(replace(with_rows(article, rows), state="running", reason=None))
    assert answer.headline == "Nothing was measured: no trial has come in yet"


def test_of_claims_their_words_are_counted(article: RunView) -> None:
    words: tuple[ClaimWord, ...] = ("supported", "supported", "refuted", "unresolved")
    claims = tuple(
        ClaimFinding(f"c{n}", "T", "Text.", "h1", "n", "3.11.7", None, word, 1.0, (), "Seen.")
        for n, word in enumerate(words)
    )
    (answer,) = answers(replace(article, finding=replace(article.finding, claims=claims)))
    assert answer.headline == "4 claims: 2 supported, 1 refuted, 1 unresolved"
    assert (answer.certainty, answer.sure) == ("likely", "1 of 4 is not known yet")


def test_advice_bears_its_code(article: RunView) -> None:
    advice = advised()
    (answer,) = answers(replace(article, finding=replace(article.finding, advice=(advice,))))
    assert answer.line == "Use threads ×4: 1.91 times as fast as one by one (95 %: 1.83–1.99, 14 blocks)"
    assert advice.recipe is not None
    assert answer.code == advice.recipe.lines
    assert answer.certainty == "likely"


def test_hosts_are_named_where_there_are_several(article: RunView) -> None:
    other = replace(article.plan.hosts[0], id="h2")
    (answer,) = answers(replace(article, plan=replace(article.plan, hosts=(*article.plan.hosts, other))))
    assert answer.about == "integer_sum(10⁷) × 4 · host laptop"
