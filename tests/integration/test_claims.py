"""Claims the whole way: from tables in a file, over real trials, to words in every output."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Plain = dict[str, Any]

#: Its effects are so far from their bounds that nothing which this machine does besides can hide them.
EXPERIMENT = f"""
[experiment]
name = "tiny-claims"
question = "Do words come from trials?"
trial_seconds = 0.1
seed = 11

[[python]]
executable = "{sys.executable}"
gil = ["on", "off"]

[[claim]]
id = "waiting"
title = "Threads wait at once"
text = "Threads speed work up that waits."
[[claim.workload]]
name = "wait"
seconds = 0.005
tasks = 4
[[claim.contrast]]
of = {{ name = "threads", max_workers = 4 }}
against = "serial"
bound = 1.5
supports = "above"

[[claim]]
id = "twentyfold"
text = "Four threads wait twenty times as fast as one."
[[claim.workload]]
name = "wait"
seconds = 0.005
tasks = 4
[[claim.contrast]]
of = {{ name = "threads", max_workers = 4 }}
against = "serial"
bound = 20
supports = "above"

[[claim]]
id = "any-work"
text = "Threads speed any work up."
[[claim.workload]]
name = "wait"
seconds = 0.005
tasks = 4
[[claim.workload]]
name = "integer_sum"
steps = 2000
tasks = 4
[[claim.contrast]]
of = {{ name = "threads", max_workers = 4 }}
against = "serial"
bound = 1.5
supports = "above"

[[claim]]
id = "locked"
text = "With a lock no update is lost."
[[claim.scenario]]
name = "counter"
updates = 1000
[[claim.contrast]]
of = "thread-lock"
rule = "value"
measure = "lost_updates"
bound = 1e-9
supports = "below"

[[claim]]
id = "elsewhere"
text = "What this host cannot do is faster."
[[claim.workload]]
name = "integer_sum"
steps = 2000
tasks = 4
[[claim.contrast]]
of = {{ name = "threads", max_workers = 4 }}
against = "serial"
bound = 2
supports = "above"
least_cpus = 4000

[stop]
budget = "120s"
"""
WORDS = {
    "waiting": "supported",
    "twentyfold": "refuted",
    "any-work": "depends",
    "locked": "supported",
    "elsewhere": "skipped",
}
#: A claim of two cells cannot be parted by so few blocks, whatever is seen in them.
FEW = 7


def document(path: Path) -> Plain:
    found: Plain = json.loads(path.read_text())
    return found


def words(result: Plain, gil: str = "on") -> dict[str, str]:
    return {c["claim"]: c["word"] for c in result["finding"]["claims"] if c["gil"] == gil}


def blocks(result: Plain) -> dict[str, int]:
    return {group["label"]: group["blocks"] for group in result["finding"]["groups"]}


@pytest.fixture(scope="module")
def begun(commands: Callable[..., Any]) -> tuple[Any, Any, Plain]:
    """A run with as few blocks as can give any word: the command, how it ended, and the file it wrote."""
    parlab = commands()
    path = parlab.home / "claims.toml"
    path.write_text(EXPERIMENT)
    ended = parlab.run("run", path, "--blocks", FEW, "--json", parlab.home / "begun.json")
    assert ended.code == 0, ended.err
    return parlab, ended, document(parlab.home / "begun.json")


@pytest.fixture(scope="module")
def settled(begun: tuple[Any, Any, Plain]) -> tuple[Any, Any, Plain]:
    """The same run, resumed: it takes as many blocks as its claims need."""
    parlab, _, first = begun
    ended = parlab.run("resume", first["run"], "--blocks", 40, "--json", parlab.home / "settled.json")
    assert ended.code == 0, ended.err
    return parlab, ended, document(parlab.home / "settled.json")


def test_a_run_is_announced_with_its_claims_and_how_long_it_may_take(begun: tuple[Any, Any, Plain]) -> None:
    _, ended, _ = begun
    # The build that cannot be without its GIL is none that anything is measured on.
    assert "parlab: 5 claims on 1 build: at most 2 min, less where all is settled before" in ended.err


def test_what_is_not_settled_yet_is_told_at_the_end(begun: tuple[Any, Any, Plain]) -> None:
    _, ended, result = begun
    assert words(result)["any-work"] == "unresolved"
    assert result["state"] == "done"
    assert re.fullmatch(
        r"all requested blocks are done; \d of its claims (is|are) unresolved", result["reason"]
    )
    assert re.search(r"All blocks done in .+, \d of 10 claims unresolved", ended.out)


def test_every_claim_has_the_word_that_its_trials_give_it(settled: tuple[Any, Any, Plain]) -> None:
    _, ended, result = settled
    assert words(result) == WORDS
    assert result["reason"] == "every claim is settled"
    assert "Settled in" in ended.out
    (parted,) = (c for c in result["finding"]["claims"] if c["word"] == "depends")
    assert parted["depends_on"] == "work"
    assert {c["conditions"]["work"]: c["side"] for c in parted["cells"]} == {
        "wait": "towards",
        "integer_sum": "away",
    }


def test_a_build_that_cannot_do_it_has_its_words_too_with_the_reason(settled: tuple[Any, Any, Plain]) -> None:
    _, _, result = settled
    assert set(words(result, "off").values()) == {"skipped"}
    sentences = {c["sentence"] for c in result["finding"]["claims"] if c["gil"] == "off"}
    assert all(
        "only a free-threaded build can run without it" in s or "4000 effective CPUs" in s for s in sentences
    )


def test_a_resume_keeps_what_was_measured_and_measures_no_more_than_is_needed(
    begun: tuple[Any, Any, Plain], settled: tuple[Any, Any, Plain]
) -> None:
    (_, _, first), (_, _, result) = begun, settled
    assert result["run"] == first["run"]
    known = {trial["trial"] for trial in first["trials"]}
    assert [t for t in result["trials"] if t["trial"] in known] == first["trials"]
    before, after = blocks(first), blocks(result)
    for label, count in after.items():
        if label.startswith("counter"):
            # Its claim was settled, if all the others' words were far enough to let it be.
            assert count == before[label] or words(first)["locked"] == "unresolved"
        else:
            assert before[label] < count < 40


def test_another_resume_finds_nothing_to_do(settled: tuple[Any, Any, Plain]) -> None:
    parlab, _, result = settled
    ended = parlab.run("resume", result["run"], "--json", parlab.home / "again.json")
    assert ended.code == 0, ended.err
    again = document(parlab.home / "again.json")
    assert again["trials"] == result["trials"]
    assert words(again) == WORDS


def test_effects_intervals_and_blocks_are_in_the_file(settled: tuple[Any, Any, Plain]) -> None:
    _, _, result = settled
    claims = {c["claim"]: c for c in result["finding"]["claims"] if c["gil"] == "on"}
    (waiting,) = claims["waiting"]["cells"]
    assert 1.5 < waiting["low"] <= waiting["effect"] <= waiting["high"] < 20
    assert waiting["blocks"] == blocks(result)["wait(seconds=0.005) × 4"]
    (locked,) = claims["locked"]["cells"]
    assert (locked["effect"], locked["low"], locked["high"], locked["unit"]) == (0.0, 0.0, 0.0, "ratio")
    (out,) = claims["elsewhere"]["cells"]
    assert (out["side"], out["effect"], out["blocks"]) == ("out", None, 0)
    # Nothing is measured twice for two claims.
    labels = [group["label"] for group in result["plan"]["groups"]]
    assert len(labels) == len(set(labels)) == 3


def test_a_stored_run_shows_the_same_matrix_and_sentences(settled: tuple[Any, Any, Plain]) -> None:
    parlab, ended, result = settled
    shown = parlab.run("show", result["run"])
    assert shown.code == 0, shown.err
    assert shown.out == ended.out
    matrix = {
        name: re.search(rf"^  {name} .* {word} +skipped$", shown.out, re.MULTILINE)
        for name, word in WORDS.items()
    }
    assert all(matrix.values()), shown.out
    (waiting,) = (c for c in result["finding"]["claims"] if c["claim"] == "waiting" and c["gil"] == "on")
    assert " ".join(waiting["sentence"].split()[-4:]) in " ".join(shown.out.split())
    # The tables behind them are in an export.
    assert "speed-up" not in shown.out


def test_markdown_has_the_claims_and_the_tables_behind_them(settled: tuple[Any, Any, Plain]) -> None:
    parlab, _, result = settled
    exported = parlab.run("export", result["run"], "--format", "markdown")
    assert exported.code == 0, exported.err
    assert exported.out.index("## Claims") < exported.out.index("## wait(seconds=0.005)")
    assert re.search(
        r"^\| waiting Threads wait at once \| supported \| skipped \|$", exported.out, re.MULTILINE
    )
    assert "## any-work Threads speed any work up." in exported.out


def test_claims_can_be_chosen_by_the_command(begun: tuple[Any, Any, Plain]) -> None:
    parlab, _, _ = begun
    refused = parlab.run("run", "claims", "--set", 'experiment.claims=["C77"]')
    assert refused.code == 2
    assert "experiment.claims: there is no claim 'C77' (did you mean C7?)" in refused.err
