"""``parlab report`` on real runs, as its users call it: every format, every target that is in the way."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from benchmarks.cost.metrics import fill
from benchmarks.machine import CLOCK
from parlab.orchestrator.store.facade import Store
from tests.conftest import Command

#: It waits, so that the verdicts do not hang on what else this machine does.
EXPERIMENT = """
[experiment]
name = "waits"
question = '{question}'
trial_seconds = 0.03
[[workload]]
name = "wait"
seconds = 0.005
tasks = 4
[[strategy]]
name = "serial"
{more}
[stop]
rule = "fixed"
blocks = {blocks}
budget = "80s"
"""
THREADS = '[[strategy]]\nname = "threads"\nmax_workers = 4\n'
QUESTION = 'Is <script>alert(1)</script> "quoted" & מדידה faster?'
#: Where it is not about the pictures, one is enough: each takes a part of a second.
ONE = ("--chart", "speed-up")
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Measured:
    """A command whose home has two runs, and what the first one printed."""

    command: Command
    run: str
    other: str
    out: str


def begin(
    command: Command, *, more: str = THREADS, blocks: int = 7, **environment: str
) -> tuple[str, str, int]:
    """Run the experiment; its run's id, what was printed, and the exit code."""
    file = command.home / "waits.toml"
    file.write_text(EXPERIMENT.format(question=QUESTION, more=more, blocks=blocks))
    ended = command.run("run", file, "--seed", "7", "--json", command.home / "run.json", **environment)
    assert ended.code in (0, 1), ended.err
    return str(json.loads((command.home / "run.json").read_text())["run"]), ended.out, ended.code


@pytest.fixture(scope="module")
def measured(commands: Callable[..., Command]) -> Measured:
    """Two runs, the first of which leaves its report."""
    command = commands()
    run, out, code = begin(command, PARLAB_REPORT="on")
    assert code == 0
    other, _, _ = begin(command)
    return Measured(command, run, other, out)


def test_a_run_ends_by_naming_its_report(measured: Measured) -> None:
    target = measured.command.home / "runs" / measured.run / "report.html"
    assert measured.out.rstrip().split("\n")[-1] == f"report: {target}"
    text = target.read_text()
    headline = re.search(r'<p class="headline"[^>]*>([^<]*)<span class="bounds">([^<]*)', text)
    assert headline is not None
    assert re.fullmatch(r"Use threads ×4: \d\.\d\d times as fast as serial ", headline[1])
    assert re.fullmatch(r"\([\d.]+ %: [\d.]+–[\d.]+, 7 blocks\)", headline[2])
    assert text.index("Settled") < text.index("<figure>") < text.index("<table>")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    # A run that is not to have one has none.
    assert not (measured.command.home / "runs" / measured.other / "report.html").exists()


def test_a_report_goes_where_it_is_asked_to_and_is_renewed(measured: Measured) -> None:
    target = measured.command.home / "mine.html"
    target.write_text('<!doctype html>\n<meta name="generator" content="parlab 0.0">\n')
    ended = measured.command.run("report", measured.run, "-o", target, *ONE)
    assert (ended.code, ended.out) == (0, f"report: {target}\n"), ended.err
    assert target.stat().st_size < 3_000_000
    assert f"run {measured.run}" in target.read_text()


def test_a_target_in_the_way_is_refused_and_kept(measured: Measured) -> None:
    target = measured.command.home / "notes.html"
    target.write_text("my notes")
    ended = measured.command.run("report", measured.run, "-o", target)
    assert ended.code == 2
    assert "is not a report made by parlab" in ended.err
    assert target.read_text() == "my notes"
    assert measured.command.run("report", measured.run, "-o", target, "--force", *ONE).code == 0
    assert target.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["file/report.html", "/dev/full", "/proc/report.html"])
def test_a_target_that_cannot_be_written_is_told_with_a_cure(measured: Measured, name: str) -> None:
    (measured.command.home / "file").write_text("x")
    ended = measured.command.run("report", measured.run, "-o", measured.command.home / name, *ONE)
    assert ended.code == 3, ended.err
    assert "cannot write" in ended.err
    assert "write the report elsewhere" in ended.err
    assert "Traceback" not in ended.err


def test_pictures_are_files_with_an_index_of_what_they_say(measured: Measured) -> None:
    folder = measured.command.home / "drawn"
    ended = measured.command.run("report", measured.run, "--format", "svg", "-o", folder)
    assert ended.code == 0, ended.err
    index = json.loads((folder / "charts.json").read_text())["charts"]
    assert {path.name for path in folder.iterdir()} == {"charts.json", *(one["file"] for one in index)}
    for one in index:
        root = ET.fromstring((folder / one["file"]).read_text())
        assert root.tag.endswith("svg")
        assert one["finding"] in "".join(root.itertext())
    assert ended.out == f"{len(index)} picture{'s' * (len(index) != 1)}: {folder}\n"


def test_png_of_a_chosen_chart_on_dark_ground(measured: Measured) -> None:
    folder = measured.command.home / "png"
    options = ("--format", "png", "--chart", "speed_up", "--scheme", "dark", "-o", folder)
    ended = measured.command.run("report", measured.run, *options)
    assert ended.code == 0, ended.err
    names = [path.name for path in folder.glob("*.png")]
    assert names == ["speed-up-1.png"]
    assert (folder / names[0]).read_bytes().startswith(PNG)


def test_markdown_has_its_pictures_beside_it(measured: Measured) -> None:
    target = measured.command.home / "out.md"
    ended = measured.command.run("report", measured.run, "--format", "md", "-o", target, *ONE)
    assert ended.code == 0, ended.err
    text = target.read_text()
    named = re.findall(r"!\[[^\n]*\]\(([^)]+)\)", text)
    assert named
    assert all((target.parent / name).is_file() for name in named)
    assert "<script>" not in text


def test_several_runs_are_compared_and_each_is_there(measured: Measured) -> None:
    ended = measured.command.run("report", measured.run, measured.other, measured.run, *ONE)
    target = measured.command.home / "runs" / measured.run / f"report-{measured.other}.html"
    assert (ended.code, ended.out) == (0, f"report: {target}\n"), ended.err
    text = target.read_text()
    assert f"{measured.other} against {measured.run}" in text.replace("run ", "")
    assert text.count('<article class="run"') == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "pdf"), "html, svg, png, md"),
        (("--chart", "../base"), "there is no chart"),
        (("--scheme", "dark"), "--scheme is only for png"),
        (("--format", "png", "--scheme", "blue"), "light or dark"),
    ],
)
def test_options_that_cannot_be_used_are_refused(
    measured: Measured, options: tuple[str, ...], said: str
) -> None:
    ended = measured.command.run("report", measured.run, *options)
    assert ended.code == 2
    assert said in ended.err


def test_a_run_that_is_not_there_is_refused(parlab: Command) -> None:
    ended = parlab.run("report", "beef")
    assert ended.code == 2
    assert "beef" in ended.err


def test_a_run_of_one_configuration_has_a_report(parlab: Command) -> None:
    run, out, code = begin(parlab, more="", blocks=2, PARLAB_REPORT="on")
    assert code == 0
    text = (parlab.home / "runs" / run / "report.html").read_text()
    assert "report: " in out
    assert "Serial takes" in text
    assert "nothing to compare it with" in text


def test_a_run_without_a_measured_trial_says_why(parlab: Command) -> None:
    with Store.open(parlab.home / "parlab.db", CLOCK) as store:
        fill(store, "aa01", configurations=16, blocks=0, seed=1)
        store.set_state("aa01", "interrupted", "it was <stopped>")
    ended = parlab.run("report", "aa01", *ONE)
    assert ended.code == 0, ended.err
    text = (parlab.home / "runs" / "aa01" / "report.html").read_text()
    assert "Nothing was measured: it was &lt;stopped&gt;" in text
    assert "<figure>" not in text
    drawn = parlab.run("report", "aa01", "--format", "svg", *ONE)
    assert drawn.code == 2
    assert "has nothing to draw" in drawn.err


def test_a_fault_of_the_report_changes_nothing_of_the_run(parlab: Command) -> None:
    broken = parlab.home / "broken"
    broken.mkdir()
    (broken / "jinja2.py").write_text("raise RuntimeError('torn')\n")
    path = f"{broken}:{parlab.environment()['PYTHONPATH']}"
    run, out, code = begin(parlab, blocks=2, PARLAB_REPORT="on", PYTHONPATH=path)
    assert code == 0
    assert out.rstrip().split("\n")[-1].startswith("no report: RuntimeError: torn")
    assert parlab.run("show", run).code == 0


def test_without_the_extra_it_is_said_how_to_get_it(parlab: Command) -> None:
    bare = parlab.home / "bare"
    bare.mkdir()
    (bare / "sitecustomize.py").write_text("import sys\nsys.modules['altair'] = None\n")
    path = f"{bare}:{parlab.environment()['PYTHONPATH']}"
    run, out, code = begin(parlab, blocks=2, PARLAB_REPORT="on", PYTHONPATH=path)
    assert code == 0
    assert out.rstrip().endswith(f"pip install 'parlab[report]', then parlab report {run}")
    ended = parlab.run("report", run, PYTHONPATH=path)
    assert ended.code == 3
    assert "parlab[report]" in ended.err
