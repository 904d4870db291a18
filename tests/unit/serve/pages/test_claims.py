"""The page of claims: what is known of each on each build, which run says so, and what nobody has tried."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parlab.orchestrator.analysis.findings.claims import CellFinding, ClaimFinding, ClaimWord
from parlab.orchestrator.experiment.file import load
from parlab.orchestrator.experiment.model import Claim
from parlab.orchestrator.plan.planner import make_plan
from parlab.orchestrator.serve.pages.claims.article_systems import SOURCES, SYSTEMS, source_of
from parlab.orchestrator.serve.pages.claims.matrix import ClaimMatrix, claim_matrix, column_names
from parlab.orchestrator.serve.pages.claims.page import shipped
from parlab.orchestrator.serve.pages.claims.runs import ClaimRun
from parlab.orchestrator.store.records import RunRecord
from tests.support.claim_cases import by_strategy, experiment_of, node, plan_of, trials_of
from tests.support.lab_pages import LabPages, lab_pages
from tests.support.laboratory import laboratory
from tests.support.stored_runs import put

if TYPE_CHECKING:
    from parlab.orchestrator.lab.embedded import EmbeddedServer
    from parlab.orchestrator.store.facade import Store

#: Has the id of one that ships, and says something else.
OWN = """
[[claim]]
id = "C1"
title = "<b>Ours</b>"
text = "Threads help us. \\u200fلا"
[[claim.workload]]
name = "integer_sum"
[[claim.contrast]]
of = "threads"
against = "serial"
bound = 1.1
supports = "above"
"""


def fill(store: Store) -> None:
    experiment = load("claims", ['experiment.claims=["C1","C2"]'])
    nodes = (node("local", ("3.11.7", "3.13.5t")),)
    plan = make_plan("c1a1", experiment, nodes, 1)
    level = by_strategy(serial=1.0, threads=1.01, processes=0.55)
    put(store, plan, trials_of(plan, 14, level), nodes, created=1_790_000_000.0)
    # A later one that was stopped before its first block.
    put(store, replace(plan, run="c2a2"), [], nodes, created=1_790_000_100.0, state="interrupted")
    own = replace(plan_of(OWN, *nodes), run="c3a3")
    put(store, own, trials_of(own, 3, by_strategy(serial=1.0, threads=0.5)), nodes, created=1_790_000_200.0)


@pytest.fixture(scope="module")
def pages(shared_server: EmbeddedServer, build_id: str) -> Iterator[LabPages]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        lab = laboratory(shared_server, folder, build_id, stack)
        yield stack.enter_context(lab_pages(lab, folder, fill))


def test_the_matrix_has_each_claims_word_on_each_build(pages: LabPages) -> None:
    page = pages.page("/claims")
    assert "claim Python 3.11.7 Python 3.13.5t" in page.text
    assert "C1 Threads do not speed computation up supported supported" in page.text
    assert "C3 Threads are far cheaper to create not tried not tried" in page.text


def test_each_claim_has_its_sentence_its_source_and_the_run_that_says_so(pages: LabPages) -> None:
    text = pages.page("/claims").text.partition("Each claim")[2]
    own = text[text.index("C1 Threads do not") : text.index("C2 Processes compute")]
    assert "Threads bring no speed-up to pure Python that computes, because of the GIL." in own
    assert "In the article: S3 the GIL, S14 computing." in own
    assert "supported Python 3.11.7 node local · run c1a1, 2026-09-21" in own
    assert "threads ×2 is 0.99 times as fast as serial" in own
    # What a run that saw nothing says is not what is told, and is not hidden.
    assert own.index("run c1a1") < own.index("older or different words for it") < own.index("run c2a2")


def test_what_was_never_tried_is_named_with_the_command_that_tries_it(pages: LabPages) -> None:
    page = pages.page("/claims")
    ids = ", ".join(f'"C{number}"' for number in range(3, 17))
    assert f"parlab run claims --set 'experiment.claims=[{ids}]' --lab {pages.url}" in page.text


def test_a_claim_of_ones_own_that_has_anothers_id_is_a_row_of_its_own(pages: LabPages) -> None:
    page = pages.page("/claims")
    assert "C1 <b>Ours</b>" in page.text
    assert "<b>Ours" not in page.source
    assert "A claim of an experiment's own." in page.text
    assert f"parlab resume c3a3 --budget 10m --lab {pages.url}" in page.text


def test_links_within_the_page_lead_somewhere(pages: LabPages) -> None:
    page = pages.page("/claims")
    ids = {attributes.get("id") for _, attributes in page.tags}
    assert any(link.startswith("http://grafana.test/d/parlab-claims?var-run=c3a3") for link in page.links)
    inner = {link[1:] for link in page.links if link.startswith("#claim")}
    assert len(inner) == 17
    assert inner <= ids


def test_the_matrix_is_a_picture_too(pages: LabPages) -> None:
    assert pages.page("/claims").all("img", src="/claims/matrix.svg")
    answer = pages.get("/claims/matrix.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "C1 Threads do not speed computation up" in answer.text
    assert "C1 (own)" in answer.text
    again = pages.client.get("/claims/matrix.svg", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_run_that_is_pruned_is_gone_from_the_page(pages: LabPages) -> None:
    experiment = load("claims", ['experiment.claims=["C3"]'])
    plan = make_plan("c4a4", experiment, (node(),), 1)
    with pages.parts.service.store() as store:
        put(store, plan, [], (node(),), created=1_790_000_300.0, state="interrupted")
    assert "/runs/c4a4" in pages.page("/claims").links
    with pages.parts.service.store() as store:
        store.space.remove_run("c4a4")
    page = pages.page("/claims")
    assert "/runs/c4a4" not in page.links
    assert "C3 Threads are far cheaper to create not tried" in page.text


def test_a_lab_that_tried_none_says_how_and_shows_all(
    shared_server: EmbeddedServer, build_id: str, home: Path
) -> None:
    with ExitStack() as stack:
        lab = laboratory(shared_server, home, build_id, stack)
        empty = stack.enter_context(lab_pages(lab, home))
        page = empty.page("/claims")
        assert "No claim has been tried in this lab yet." in page.text
        assert f"parlab run claims --lab {empty.url}" in page.text
        assert page.text.count("Never tried here.") == 16
        assert "no claim was tried" in empty.page("/claims/matrix.svg", 404).text


def test_every_claim_that_ships_says_where_in_the_article_it_comes_from(root: Path) -> None:
    assert list(SOURCES) == [claim.id for claim in shipped()]
    told = (root / "docs" / "article.md").read_text(encoding="utf-8")
    for number in SYSTEMS:
        assert f"| {number} |" in told
    assert source_of("C9") == "S5 a counter that threads share, without a lock"
    assert source_of("ours") == ""


# The matrix


def saying(run: str, word: ClaimWord, blocks: int = 5, python: str = "3.11.7", host: str = "h1") -> ClaimRun:
    cell = CellFinding("x", "ratio", ("g",), "open", 1.1, "above", 1.0, None, None, 0.95, blocks, 0.0, 0.0)
    found = ClaimFinding("C1", "t", "text", host, "n", python, None, word, 1.0, (cell,), f"as {run} saw it")
    experiment = experiment_of(OWN)
    return ClaimRun(RunRecord(run, experiment, 1, 1.0), active=False, claims=(found,))


def matrix(*runs: ClaimRun) -> ClaimMatrix:
    return claim_matrix(runs, [Claim("C1", "text", "t")])


def speaking(*runs: ClaimRun) -> str:
    (one,) = matrix(*runs).rows[0].sayings
    assert one is not None
    return one.run.record.id


def test_the_newest_run_that_settles_a_claim_speaks_for_it() -> None:
    assert (
        speaking(saying("new", "unresolved"), saying("mid", "refuted"), saying("old", "supported")) == "mid"
    )


def test_where_nothing_is_settled_the_newest_that_saw_anything_speaks() -> None:
    assert speaking(saying("new", "unresolved", 0), saying("old", "unresolved")) == "old"
    assert speaking(saying("new", "skipped", 0)) == "new"


def test_what_others_say_stays_among_the_older_ones() -> None:
    row = matrix(saying("new", "refuted"), saying("old", "supported")).rows[0]
    assert [one.run.record.id for one in row.older] == ["old"]


def test_a_claim_is_not_tried_on_a_build_where_no_run_looked_at_it() -> None:
    seen = matrix(saying("new", "refuted"), saying("old", "supported", python="3.13.5t"))
    assert [one is not None and one.run.record.id for one in seen.rows[0].sayings] == ["new", "old"]
    own = replace(saying("other", "refuted").claims[0], claim="own", text="other")
    other = ClaimRun(saying("other", "refuted").record, active=False, claims=(own,))
    last = matrix(saying("new", "refuted", python="3.13.5t"), other).rows[-1]
    assert [one is None for one in last.sayings] == [False, True]


def test_columns_are_named_by_what_tells_them_apart() -> None:
    same = matrix(saying("new", "refuted"), saying("old", "supported", host="h2")).columns
    assert column_names(same) == ["Python 3.11.7 · host h1", "Python 3.11.7 · host h2"]
    assert column_names(same[:1]) == ["Python 3.11.7"]
