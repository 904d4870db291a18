"""A run as csv, parquet, markdown and pyperf's JSON, read back by those who would read it."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.formats import base
from parlab.orchestrator.show.formats._rows import FACTS
from parlab.orchestrator.show.formats.base import export, output
from parlab.workers.errors import BadInput


def written(name: str, run: RunView) -> str:
    stream = io.StringIO()
    output(name).write(run, stream)
    return stream.getvalue()


def two_nodes(run: RunView) -> RunView:
    """The run with a second node that measured the same."""
    other = "desk-py313"
    group = run.plan.groups[0]
    again = tuple(replace(c, id=f"{c.id}-2", node=other, python="3.13.5") for c in group.configurations)
    trials = tuple(
        replace(t, node=other, result=replace(t.result, configuration=f"{t.result.configuration}-2"))
        for t in run.trials
    )
    return replace(
        run,
        plan=replace(run.plan, groups=(replace(group, configurations=group.configurations + again),)),
        registrations=(*run.registrations, replace(run.registrations[0], node=other)),
        trials=run.trials + trials,
    )


def test_every_trial_of_a_block_is_a_line_and_what_is_missing_is_empty(article: RunView) -> None:
    lines = list(csv.DictReader(io.StringIO(written("csv", article))))
    trials = [trial for trial in article.trials if trial.block is not None]
    assert len(lines) == len(trials) > 0
    assert list(lines[0])[: len(FACTS)] == list(FACTS)
    for line, trial in zip(lines, trials, strict=True):
        measured = trial.result.outcome == "measured"
        assert (line["seconds"] != "") == measured
        if measured:
            assert float(line["seconds"]) == sum(one.seconds for one in trial.result.rounds)
        for reading in trial.result.readings:
            cell = line[f"{reading.probe}_{reading.unit}"]
            assert (cell == "") if reading.value is None else float(cell) == reading.value


def test_each_format_has_the_surroundings(article: RunView, tmp_path: Path) -> None:
    (node,) = article.registrations
    told = replace(
        node,
        host=replace(node.host, virtualization="KVM", cpu_governor="powersave", turbo=True, container=False),
        builds=(replace(node.builds[0], compiler="GCC 12.2.0", build_flags=("--with-lto",)),),
    )
    run = replace(article, registrations=(told,))
    line = next(csv.DictReader(io.StringIO(written("csv", run))))
    found = {name: line[name] for name in ("cpu_model", "kernel", "virtualization", "python_compiler")}
    assert found == {
        "cpu_model": "Some CPU",
        "kernel": "Linux 6.8",
        "virtualization": "KVM",
        "python_compiler": "GCC 12.2.0",
    }
    export(output("parquet"), run, tmp_path / "run.parquet")
    about = parquet.read_schema(tmp_path / "run.parquet").metadata
    assert json.loads(about[b"parlab_nodes"])[0]["host"]["cpu_governor"] == "powersave"
    text = written("markdown", run)
    for words in ("hypervisor: KVM", "CPU governor powersave", "turbo on", "GCC 12.2.0", "--with-lto"):
        assert words in text, words
    metadata = json.loads(written("pyperf", run))["metadata"]
    assert metadata["python_compiler"] == "GCC 12.2.0"
    assert metadata["parlab_virtualization"] == "KVM"
    assert json.loads(written("json", run))["nodes"][0]["host"]["turbo"] is True


def test_what_a_spreadsheet_would_run_is_text(article: RunView) -> None:
    trial = article.trials[-1]
    evil = replace(trial, result=replace(trial.result, outcome="failed", reason='=HYPERLINK("x";"y")'))
    lines = list(csv.DictReader(io.StringIO(written("csv", replace(article, trials=(evil,))))))
    assert lines[0]["reason"] == '\'=HYPERLINK("x";"y")'


def test_a_parquet_file_has_the_same_rows_with_their_types(article: RunView, tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    assert export(output("parquet"), article, path) == [path]
    table = parquet.read_table(path)
    lines = list(csv.DictReader(io.StringIO(written("csv", article))))
    assert table.column_names == list(lines[0])
    assert str(table.schema.field("seconds").type) == "double"
    assert str(table.schema.field("block").type) == "int64"
    for row, line in zip(table.to_pylist(), lines, strict=True):
        assert {k: v is None for k, v in row.items()} == {k: v == "" for k, v in line.items()}
        assert row["seconds"] is None or row["seconds"] == float(line["seconds"])


def test_bytes_are_not_written_to_a_terminal(article: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = pty.openpty()
    try:
        with os.fdopen(other, "w") as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            with pytest.raises(BadInput, match="parquet cannot be printed on a terminal") as refused:
                export(output("parquet"), article, None)
            monkeypatch.undo()
    finally:
        os.close(own)
    assert f"--output {article.run}.parquet" in refused.value.hint


def test_markdown_says_the_answer_then_the_table_then_where_it_was_measured(article: RunView) -> None:
    text = written("markdown", article)
    title = text.index("## integer\\_sum(10⁷) × 4")
    answer = text.index("Processes ×4 do this work 1.91 times as fast")
    table = text.index("|  | seconds (quartiles) | speed-up")
    where = text.index("## Where and how")
    assert title < answer < table < where
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({row.count(" | ") for row in rows}) == 1
    assert "| hybrid 2×2 |" in text
    assert "faster ◀ |" in text


def test_names_cannot_break_out_of_a_markdown_table(article: RunView) -> None:
    evil = replace(article.experiment, name="a|b", question="<script>alert(1)</script> `x`")
    text = written("markdown", replace(article, experiment=evil, command=("run", "a`b")))
    assert "<script>" not in text
    assert "# a\\|b" in text
    assert "made by `parlab run a b`" in text


def pyperf(*arguments: str | Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "pyperf", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_pyperf_shows_and_compares_what_was_exported(article: RunView, tmp_path: Path) -> None:
    run = two_nodes(article)
    paths = export(output("pyperf"), run, tmp_path / "out.json")
    assert [path.name for path in paths] == ["out-laptop-py311.json", "out-desk-py313.json"]
    documents = [json.loads(path.read_text()) for path in paths]
    names = [[b["metadata"]["name"] for b in document["benchmarks"]] for document in documents]
    assert names[0] == names[1] != []
    shown = pyperf("show", paths[0])
    assert "Mean" in shown or "Median" in shown or names[0][0] in shown
    pyperf("stats", paths[0])
    pyperf("compare_to", *paths, "--table")
    measured = [t for t in article.trials if t.block is not None and t.result.outcome == "measured"]
    values = [v for b in documents[0]["benchmarks"] for r in b["runs"] for v in r["values"]]
    assert sum(values) * 4 == pytest.approx(sum(r.seconds for t in measured for r in t.result.rounds))


def test_several_nodes_have_a_file_each_and_standard_output_is_one(article: RunView) -> None:
    with pytest.raises(BadInput, match="was measured on 2 nodes, and pyperf has a file for each"):
        export(output("pyperf"), two_nodes(article), None)


def test_the_build_is_in_the_name_where_a_node_has_several(article: RunView) -> None:
    group = article.plan.groups[0]
    again = tuple(replace(c, id=f"{c.id}-2", python="3.13.5") for c in group.configurations)
    plan = replace(article.plan, groups=(replace(group, configurations=group.configurations + again),))
    document: dict[str, Any] = json.loads(written("pyperf", replace(article, plan=plan)))
    assert all(b["metadata"]["name"].endswith(" on 3.11.7") for b in document["benchmarks"])


def test_every_output_says_what_it_is_and_what_it_writes() -> None:
    found = {name: output(name) for name in base.names()}
    assert set(found) == {"advice", "csv", "json", "markdown", "parquet", "pyperf", "terminal"}
    assert {name for name, one in found.items() if one.binary} == {"parquet"}
    assert {name for name, one in found.items() if one.per_node} == {"pyperf"}
    assert all(one.summary for one in found.values())
