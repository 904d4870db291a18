"""Claims as Prometheus reads them: their words, their cells with units, nothing where nothing is known."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.control.progress import state_of
from parlab.orchestrator.serve.metrics import claims as claim_families
from parlab.orchestrator.serve.metrics.durations import Durations
from parlab.orchestrator.serve.metrics.exposition import Exposition
from parlab.orchestrator.serve.snapshot import LabHealth, LabSnapshot, RunSnapshot
from parlab.orchestrator.store.records import RunRecord

if TYPE_CHECKING:
    from prometheus_client import Metric

HEALTH = LabHealth(
    leading=True, loop_seconds=None, store_bytes=0, server_up=True, active_runs=0, waiting_runs=0
)
Exposed = Callable[[Sequence[ClaimFinding]], "dict[str, Metric]"]


@pytest.fixture
def exposed(article: RunView) -> Exposed:
    def expose(claims: Sequence[ClaimFinding]) -> dict[str, Metric]:
        finding = replace(article.finding, claims=tuple(claims))
        run = RunSnapshot(
            record=RunRecord(article.run, article.experiment, 7, article.started_unix_seconds),
            plan=article.plan,
            registrations=article.registrations,
            finding=finding,
            progress=state_of(article.plan, finding),
            active=True,
        )
        exposition = Exposition(Durations())
        exposition.update(LabSnapshot((run,), (), HEALTH))
        text = exposition.body().decode()
        return {family.name: family for family in text_string_to_metric_families(text)}

    return expose


def samples(found: dict[str, Metric], family: str, **labels: str) -> list[float]:
    rows = found[family].samples if family in found else []
    return [row.value for row in rows if labels.items() <= row.labels.items()]


def test_each_claim_has_one_word_on_each_build(exposed: Exposed, claims: tuple[ClaimFinding, ...]) -> None:
    found = exposed(claims)
    rows = [row.labels for row in found["parlab_claim_verdict"].samples]
    assert len(rows) == len(claims)
    assert {row["verdict"] for row in rows} == {"supported", "refuted", "depends", "unresolved", "skipped"}
    for finding in claims:
        words = [
            row["verdict"]
            for row in rows
            if (row["claim"], row["host"], row["node"]) == (finding.claim, finding.host, finding.node)
        ]
        assert words == [finding.word]
    (free,) = [row for row in rows if row["host"] == "h2"]
    assert (free["python"], free["run"]) == ("3.13.5t GIL off", "7f3a")


def test_what_a_claim_depends_on_is_said_where_it_depends(
    exposed: Exposed, claims: tuple[ClaimFinding, ...]
) -> None:
    rows = exposed(claims)["parlab_claim_verdict"].samples
    said = {row.labels["claim"]: row.labels["depends_on"] for row in rows}
    assert said == {"C1": "", "C8": "algorithm", "C9": "", "C10": "", "mine": ""}


def test_title_and_text_are_given_once_for_each_claim_with_its_place(
    exposed: Exposed, claims: tuple[ClaimFinding, ...]
) -> None:
    found = exposed(claims)
    about = {row.labels["claim"]: row.labels for row in found["parlab_claim_info"].samples}
    assert len(found["parlab_claim_info"].samples) == 5
    assert (about["C8"]["title"], about["C8"]["text"]) == ("Title of C8", "What C8 says.")
    places = {row.labels["claim"]: row.value for row in found["parlab_claim_number"].samples}
    assert places == {"C1": 1, "C8": 2, "C9": 3, "C10": 4, "mine": 5}


def test_a_ratio_and_a_trend_have_no_unit_and_a_value_has_its_own(
    exposed: Exposed, claims: tuple[ClaimFinding, ...]
) -> None:
    found = exposed(claims)
    threads = {"claim": "C1", "cell": "1", "host": "h1"}
    assert samples(found, "parlab_claim_effect_ratio", **threads) == [0.98]
    assert samples(found, "parlab_claim_effect_lower_ratio", **threads) == [0.95]
    assert samples(found, "parlab_claim_effect_upper_ratio", **threads) == [1.01]
    assert samples(found, "parlab_claim_bound_ratio", **threads) == [1.1]
    assert samples(found, "parlab_claim_effect_ratio", claim="C1", cell="2", host="h1") == [2.4]
    lost = {"claim": "C9", "cell": "1", "unit": "share"}
    assert samples(found, "parlab_claim_effect", **lost) == [0.31]
    assert samples(found, "parlab_claim_effect_lower", **lost) == [0.28]
    assert samples(found, "parlab_claim_effect_upper", **lost) == [0.4]
    assert samples(found, "parlab_claim_bound", **lost) == [1e-9]
    assert samples(found, "parlab_claim_effect_ratio", claim="C9") == []
    assert samples(found, "parlab_claim_effect", claim="C1") == []
    units = {(r.labels["rule"], r.labels["unit"]) for r in found["parlab_claim_cell_info"].samples}
    assert units == {("ratio", "ratio"), ("trend", "ratio"), ("value", "share")}


def test_every_cell_is_named_and_lies_on_its_side(exposed: Exposed, claims: tuple[ClaimFinding, ...]) -> None:
    found = exposed(claims)["parlab_claim_cell_info"].samples
    assert len(found) == sum(len(one.cells) for one in claims)
    for finding in claims:
        for number, cell in enumerate(finding.cells, 1):
            (row,) = [
                r.labels
                for r in found
                if (r.labels["claim"], r.labels["node"], r.labels["cell"])
                == (finding.claim, finding.node, str(number))
            ]
            assert (row["contrast"], row["side"], row["supports"]) == (cell.label, cell.side, cell.supports)


def test_cells_that_are_called_the_same_stay_apart(
    exposed: Exposed, claims: tuple[ClaimFinding, ...]
) -> None:
    first = claims[0].cells[0]
    twice = replace(claims[0], cells=(first, replace(first, bound=2.0, effect=0.97)))
    found = exposed([twice])
    assert samples(found, "parlab_claim_effect_ratio") == [0.98, 0.97]
    assert samples(found, "parlab_claim_bound_ratio") == [1.1, 2.0]


def test_what_is_not_known_is_not_there_and_never_zero(
    exposed: Exposed, claims: tuple[ClaimFinding, ...]
) -> None:
    found = exposed(claims)
    young = {"claim": "C10", "cell": "1"}
    assert samples(found, "parlab_claim_effect_ratio", **young) == [1.3]
    assert samples(found, "parlab_claim_effect_lower_ratio", **young) == []
    assert samples(found, "parlab_claim_effect_upper_ratio", **young) == [2.5]
    # Seen in no block, because it cannot be: of all its figures only the bound is known.
    for family in found:
        if family.startswith("parlab_claim_") and samples(found, family, claim="mine", cell="1"):
            assert family in ("parlab_claim_cell_info", "parlab_claim_bound_ratio"), family
    assert samples(found, "parlab_claim_evidence", claim="mine") == []
    # What can be tried and was not yet has no block, which is a count.
    fresh = replace(claims[4].cells[0], effect=None, low=None, high=None, blocks=0, bound=math.nan)
    found = exposed([replace(claims[4], cells=(fresh,), e_value=math.nan)])
    assert samples(found, "parlab_claim_blocks") == [0]
    assert samples(found, "parlab_claim_evidence") == []
    assert not [name for name in found if name.startswith(("parlab_claim_effect", "parlab_claim_bound"))]


def test_evidence_is_given_for_words_and_cells_and_is_always_finite(
    exposed: Exposed, claims: tuple[ClaimFinding, ...]
) -> None:
    found = exposed([*claims[:3], replace(claims[3], e_value=math.inf)])
    assert samples(found, "parlab_claim_evidence", claim="C8") == [210.0]
    (capped,) = samples(found, "parlab_claim_evidence", claim="C9")
    assert math.isfinite(capped)
    assert capped >= 1e100
    (capped,) = samples(found, "parlab_claim_cell_evidence", claim="C9", side="towards")
    assert math.isfinite(capped)
    assert samples(found, "parlab_claim_cell_evidence", claim="C9", side="away") == [0.0]


def test_how_many_claims_have_their_word_is_counted_of_those_that_can_be_tried(
    exposed: Exposed, claims: tuple[ClaimFinding, ...]
) -> None:
    found = exposed(claims)
    assert samples(found, "parlab_run_claims") == [5]
    assert samples(found, "parlab_run_claims_settled") == [4]
    assert samples(found, "parlab_run_claims_left_out") == [0]


def test_a_run_without_claims_says_nothing_of_any(exposed: Exposed) -> None:
    assert not [name for name in exposed(()) if "claim" in name]


@pytest.mark.parametrize(
    "hostile",
    ['a "quoted"\\ one', "two\nlines\r\nof it", "\x1b[31mred\x07", "lone \ud800 surrogate", "x" * 100_000],
    ids=["quotes", "line breaks", "control characters", "surrogates", "long"],
)
def test_whatever_a_claims_author_wrote_is_one_short_line_that_can_be_read(
    exposed: Exposed, claims: tuple[ClaimFinding, ...], hostile: str
) -> None:
    cell = replace(claims[0].cells[0], label=hostile)
    found = exposed([replace(claims[0], title=hostile, text=hostile, cells=(cell,))])
    info = found["parlab_claim_info"].samples[0].labels
    about = found["parlab_claim_cell_info"].samples[0].labels["contrast"]
    for shown in (info["title"], info["text"], about):
        assert shown.isprintable()
        assert 0 < len(shown) <= claim_families.MOST_CHARACTERS
    # Not more is taken away than that.
    assert "quoted" not in hostile or info["title"] == hostile
    # All else is still there.
    assert samples(found, "parlab_run_active") == [1]


def test_more_cells_than_the_bound_are_left_out_whole_claims_and_said(
    exposed: Exposed, claims: tuple[ClaimFinding, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_families, "MOST_CELLS", 10)
    many = [
        replace(claims[0], claim=f"T{i}", cells=claims[0].cells[:1] * cells)
        for i, cells in enumerate((4, 4, 4, 1))
    ]
    found = exposed(many)
    cells = Counter(row.labels["claim"] for row in found["parlab_claim_cell_info"].samples)
    assert cells == {"T0": 4, "T1": 4}
    assert {row.labels["claim"] for row in found["parlab_claim_verdict"].samples} == {"T0", "T1"}
    assert samples(found, "parlab_run_claims_left_out") == [2]
    assert samples(found, "parlab_run_claims") == [4]
    # Claims without a cell take room, too: their number is anybody's.
    bare = [replace(claims[0], claim=f"T{i}", cells=()) for i in range(12)]
    assert samples(exposed(bare), "parlab_run_claims_left_out") == [2]


def test_a_run_of_all_claims_on_several_builds_is_within_the_bound_and_has_few_samples(
    exposed: Exposed, claims: tuple[ClaimFinding, ...]
) -> None:
    cells = claims[0].cells[:1] * 6
    many = [
        replace(claims[0], claim=f"C{i}", python=f"3.{build}.0", cells=cells)
        for i, build in itertools.product(range(1, 17), range(11, 15))
    ]
    found = exposed(many)
    assert samples(found, "parlab_run_claims_left_out") == [0]
    count = sum(len(f.samples) for name, f in found.items() if "claim" in name)
    # At most 10 for a cell; a thirtieth of what four runs of 200 configurations have.
    assert 16 * 4 * 6 <= count <= 16 * 4 * 6 * 10
