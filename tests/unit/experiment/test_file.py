"""An experiment file is read whole, and everything that is wrong with it is said at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from parlab.orchestrator.experiment.file import load, override_stop, shipped
from parlab.orchestrator.experiment.model import Experiment, PythonChoice
from parlab.workers.errors import BadInput
from tests.support.checkout import CHECKOUT

LoadText = Callable[..., Experiment]

HEAD = '[experiment]\nname = "cpu"\n'
WAIT = '[[workload]]\nname = "wait"\n'
SERIAL = '[[strategy]]\nname = "serial"\n'
THREADS = '[[strategy]]\nname = "threads"\n'
PROCESSES = '[[strategy]]\nname = "processes"\n'
HYBRID = '[[strategy]]\nname = "hybrid"\n'
WHOLE = HEAD + WAIT + SERIAL + THREADS


def test_a_short_file_has_the_documented_defaults(load_text: LoadText) -> None:
    experiment = load_text(WHOLE)
    assert [w.tasks for w in experiment.workloads] == [None]
    assert [(s.name, s.max_workers) for s in experiment.strategies] == [("serial", 1), ("threads", "cpus")]
    assert experiment.pythons == (PythonChoice(),)
    assert (experiment.baseline, experiment.seed, experiment.sitting_size) == ("serial", None, 12)
    assert (experiment.stop.rule, experiment.stop.precision, experiment.stop.budget_seconds) == (
        "sequential",
        0.1,
        600.0,
    )


def test_a_list_is_a_factor_and_factors_multiply(load_text: LoadText) -> None:
    experiment = load_text(
        HEAD
        + WAIT
        + 'seconds = [0.01, 1]\ntasks = [4, "auto"]\n'
        + SERIAL
        + PROCESSES
        + 'max_workers = [1, "cpus"]\nstart_method = ["spawn", "forkserver"]\n'
    )
    assert {(w.parameters["seconds"], w.tasks) for w in experiment.workloads} == {
        (0.01, 4),
        (0.01, None),
        (1.0, 4),
        (1.0, None),
    }
    assert {(s.options["start_method"], s.max_workers) for s in experiment.strategies[1:]} == {
        ("spawn", 1),
        ("spawn", "cpus"),
        ("forkserver", 1),
        ("forkserver", "cpus"),
    }


def test_the_file_that_the_design_shows_is_read(load_text: LoadText) -> None:
    text = """
        [experiment]
        name = "resize"
        question = "How should we resize uploads?"
        [[workload]]
        name = "image_resize"
        width = [640, 1920]
        tasks = "auto"
        [[strategy]]
        name = "threads"
        max_workers = ["1", "cpus", "2*cpus"]
        [[strategy]]
        name = "processes"
        max_workers = ["cpus"]
        start_method = ["forkserver", "spawn"]
        [[python]]
        executable = ["python3.13", "python3.14t"]
        [stop]
        precision = "5%"
        budget = "10m"
        """
    with pytest.raises(BadInput) as refused:
        load_text(text)
    assert "experiment.baseline: 'serial' is not among the strategies" in str(refused.value)
    experiment = load_text(text.replace("[experiment]", '[experiment]\nbaseline = "threads"'))
    assert [w.parameters["width"] for w in experiment.workloads] == [640, 1920]
    assert [s.max_workers for s in experiment.strategies] == [1, "cpus", "2*cpus", "cpus", "cpus"]
    assert [p.executable for p in experiment.pythons] == ["python3.13", "python3.14t"]
    assert (experiment.stop.precision, experiment.stop.budget_seconds) == (0.05, 600.0)


FAULTS = {
    "unknown table": (WHOLE + "[stpo]\nbudget = 1", "stpo: unknown table (did you mean stop?)"),
    "unknown key": (
        WHOLE + "max_worker = 2",
        "strategy[1].max_worker: unknown key (did you mean max_workers?)",
    ),
    "unknown top key": (WHOLE.replace("name", "nme", 1), "experiment.nme: unknown key (did you mean name?)"),
    "unknown workload": (
        WHOLE.replace("wait", "wiat"),
        "workload[0].name: there is no workload 'wiat' (did you",
    ),
    "unknown strategy": (
        WHOLE.replace("threads", "thread"),
        "strategy[1].name: there is no strategy 'thread'",
    ),
    "unknown start method": (
        WHOLE + PROCESSES + 'start_method = "spwan"',
        "strategy[2].start_method: must be one",
    ),
    "several names": (WHOLE.replace('"wait"', '["wait", "mixed"]'), "write one [[workload]] for each"),
    "no name": (WHOLE.replace('name = "wait"', ""), "workload[0].name: there is no name"),
    "no experiment name": (WAIT + SERIAL, 'experiment.name: it is missing: name = "…"'),
    "bad experiment name": (WHOLE.replace("cpu", "C P U"), "experiment.name: 'C P U': use a-z"),
    "function without module": (
        HEAD + '[[workload]]\nfunction = "thumbnail"\n' + SERIAL,
        "workload[0].function: 'thumbnail': name it by module and name",
    ),
    "function with a name": (
        HEAD + '[[workload]]\nname = "wait"\nfunction = "a:b"\n' + SERIAL,
        "workload[0]: it has both a name and a function",
    ),
    "function with a parameter": (
        HEAD + '[[workload]]\nfunction = "a:b"\nwidth = 3\n' + SERIAL,
        "workload[0].width: unknown key",
    ),
    "inputs that are not there": (
        HEAD + '[[workload]]\nfunction = "a:b"\ninputs = "none.json"\n' + SERIAL,
        "workload[0].inputs: none.json: cannot be read: No such file or directory",
    ),
    "inputs that are empty": (
        HEAD + '[[workload]]\nfunction = "a:b"\ninputs = []\n' + SERIAL,
        "workload[0].inputs: there are no inputs",
    ),
    "a setting of parlab's": (
        HEAD + '[[workload]]\nfunction = "a:b"\nenvironment = ["PARLAB_TOKEN"]\n' + SERIAL,
        "workload[0].environment: PARLAB_TOKEN: parlab's own settings are not passed on",
    ),
    "no workload": (HEAD + SERIAL, "workload: there is no workload: add a [[workload]] with a name"),
    "empty workloads": (HEAD.replace("[e", "workload = []\n[e") + SERIAL, "workload: there is no workload"),
    "no strategy": (HEAD + WAIT, "strategy: there is no strategy"),
    "one bracket": (WHOLE + '[python]\nversion = "3.13"', "python: write it with two brackets: [[python]]"),
    "not a table": ("stop = 5\n" + WHOLE, "stop: write it as a table: [stop]"),
    "no workers": (WHOLE + "max_workers = 0", "strategy[1].max_workers: 0 workers: it must be 1 to 4096"),
    "negative workers": (WHOLE + "max_workers = -4", "-4 workers: it must be 1 to 4096"),
    "a million workers": (WHOLE + "max_workers = 1_000_000", "1000000 workers: it must be 1 to 4096"),
    "a million CPUs": (WHOLE + 'max_workers = "999999*cpus"', "'999999*cpus' gives 999999 workers"),
    "workers divided by 0": (WHOLE + 'max_workers = "cpus/0"', "'cpus/0' divides by 0"),
    "workers as code": (WHOLE + 'max_workers = "__import__(1)"', "is not a number of workers: write 4"),
    "half a worker": (WHOLE + "max_workers = 1.5", "1.5 is not a number of workers"),
    "workers true": (WHOLE + "max_workers = true", "True is not a number of workers"),
    "workers empty": (WHOLE + "max_workers = []", "strategy[1].max_workers: the list is empty"),
    "workers of serial": (
        WHOLE.replace(SERIAL, SERIAL + "max_workers = 4\n"),
        "4: serial runs one task at a time",
    ),
    "hybrid conflict": (
        WHOLE + HYBRID + "processes = 2\nthreads = 3\nmax_workers = 4",
        "strategy[2]: hybrid: 2 processes × 3 threads do not multiply to max_workers 4",
    ),
    "hybrid too wide": (
        WHOLE + HYBRID + "processes = 4096\nthreads = 2",
        "8192 workers: it must be 1 to 4096",
    ),
    "NaN": (WHOLE.replace(WAIT, WAIT + "seconds = nan\n"), "workload[0].seconds: nan: a finite number"),
    "infinity": (WHOLE.replace(WAIT, WAIT + "seconds = -inf\n"), "-inf: a finite number"),
    "out of range": (WHOLE.replace(WAIT, WAIT + "seconds = -1\n"), "seconds: must be at least 0, not -1"),
    "wrong type": (WHOLE.replace(WAIT, WAIT + 'seconds = "1"\n'), "seconds: must be a number, not '1'"),
    "a date": (WHOLE.replace(WAIT, WAIT + "seconds = 1979-05-27\n"), "date is not a value it takes"),
    "a nested list": (WHOLE.replace(WAIT, WAIT + "seconds = [[1]]\n"), "a list of plain values is expected"),
    "an empty list": (WHOLE.replace(WAIT, WAIT + "seconds = []\n"), "workload[0].seconds: the list is empty"),
    "no tasks": (
        WHOLE.replace(WAIT, WAIT + "tasks = 0\n"),
        'tasks: 0: it must be "auto" or a number from 1 to 10000',
    ),
    "too many tasks": (WHOLE.replace(WAIT, WAIT + "tasks = 10_001\n"), "tasks: 10001: it must be"),
    "tasks misspelt": (WHOLE.replace(WAIT, WAIT + 'tasks = "Auto"\n'), "tasks: 'Auto': it must be"),
    "same workload": (WHOLE + WAIT, "workload[1]: the same is already there, in workload[0]"),
    "same by default": (WHOLE + WAIT + "seconds = 0.02", "workload[1]: the same is already there"),
    "same in a list": (
        WHOLE + 'max_workers = [2, "2"]',
        "strategy[1]: the same is already there, within its",
    ),
    "same build": (WHOLE + '[[python]]\nversion = ["3.13", "3.13"]', "python[0]: the same is already there"),
    "absurd factors": (
        WHOLE.replace(WAIT, WAIT + f"seconds = {list(range(2000))}\ntasks = {list(range(1, 2000))}\n"),
        "workload[0]: its lists make 3998000 combinations",
    ),
    "too many in all": (
        WHOLE.replace(WAIT, WAIT + f"seconds = {list(range(400))}\n"),
        "400 workloads and scenarios, with 800 strategies and variants in all, × 1 builds make more than 500",
    ),
    "too many tables": (WHOLE + "[[python]]\n" * 501, "python: there are 501: at most 500 are allowed"),
    "label": (WHOLE + "label = 5", 'strategy[1].label: 5: a short text is expected, label = "A"'),
    "no build": (WHOLE + "[[python]]", 'python[0]: give either executable = "python3.13" or version'),
    "version as number": (
        WHOLE + "[[python]]\nversion = 3.13",
        "python[0].version: 3.13 is not a text: write version",
    ),
    "no version": (
        WHOLE + '[[python]]\nversion = "new"',
        "python[0].version: 'new' is not a version: write 3.13",
    ),
    "GIL": (
        WHOLE + '[[python]]\nversion = "3.13t"\ngil = "maybe"',
        "python[0].gil: 'maybe': it must be \"on\" or",
    ),
    "node": (WHOLE + "[[node]]\nname = 1", "node[0].name: give the node's name"),
    "baseline": (WHOLE.replace(WAIT, 'baseline = "procs"\n' + WAIT), "'procs' is not among the strategies"),
    "precision 0": (WHOLE + "[stop]\nprecision = 0", "stop.precision: 0 is not between 0 and 100 %"),
    "precision 1": (WHOLE + '[stop]\nprecision = "100%"', "stop.precision: '100%' is not between"),
    "precision NaN": (WHOLE + "[stop]\nprecision = nan", "stop.precision: nan is not between"),
    "budget 0": (WHOLE + "[stop]\nbudget = 0", "stop.budget: 0 is not a duration above 0"),
    "budget negative": (WHOLE + "[stop]\nbudget = -1", "stop.budget: -1 is not a duration above 0"),
    "budget infinite": (WHOLE + "[stop]\nbudget = inf", "stop.budget: inf is not a duration"),
    "budget misspelt": (
        WHOLE + '[stop]\nbudget = "5 minutes"',
        "'5 minutes' is not a duration: write 90s, 10m or",
    ),
    "budget endless": (
        WHOLE + "[stop]\nbudget = 1e300",
        "stop.budget: 1e+300 is longer than a hundred years",
    ),
    "time-out endless": (
        WHOLE.replace(WAIT, 'timeout = "48h"\n' + WAIT),
        "experiment.timeout: '48h': at most one day (24h)",
    ),
    "rule": (WHOLE + '[stop]\nrule = "quick"', 'stop.rule: \'quick\': it must be "sequential" or "fixed"'),
    "fixed without blocks": (
        WHOLE + '[stop]\nrule = "fixed"',
        "stop.blocks: rule fixed needs a number of blocks",
    ),
    "too few blocks": (
        WHOLE + "[stop]\nblocks = 6",
        "6 blocks cannot give a verdict at 0.05: rule sequential needs at least 7",
    ),
    "too few for alpha": (WHOLE + "[stop]\nblocks = 7\nalpha = 0.001", "rule sequential needs at least 13"),
    "seed": (
        WHOLE.replace(WAIT, "seed = -1\n" + WAIT),
        "experiment.seed: -1: it must be a whole number from 0",
    ),
    "sitting of one": (
        WHOLE.replace(WAIT, "sitting_size = 1\n" + WAIT),
        "experiment.sitting_size: 1: it must be a",
    ),
    "not TOML": (HEAD + "seed = \n", "not valid TOML: Invalid value (at line 3, column 8)"),
    "beyond 64 bits": (WHOLE + f"max_workers = 0x{'f' * 5000}", "an integer does not fit into 64 bits"),
    "5000 digits": (WHOLE + f"max_workers = {'9' * 5000}", "not valid TOML"),
    "too deep": ("x = " + "[" * 100_000, "nested too deeply"),
    "not UTF-8": (b'x = "\xff"', "not UTF-8 text (byte 5)"),
    "too large": (b"#" * (1 << 20) + b"\n", "larger than 1 MiB"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_refused_with_file_key_and_cure(case: str, load_text: LoadText) -> None:
    text, expected = FAULTS[case]
    with pytest.raises(BadInput) as refused:
        load_text(text)
    assert expected in refused.value.message
    assert "cpu.toml" in refused.value.message
    assert refused.value.hint
    assert refused.value.exit_code == 2


def test_all_faults_are_said_at_once(load_text: LoadText) -> None:
    text = (
        WHOLE.replace(WAIT, WAIT + "seconds = -1\ntasks = 0\n")
        + "max_workers = 0\n[stop]\nbudget = 0\nfoo = 1"
    )
    with pytest.raises(BadInput) as refused:
        load_text(text)
    keys = ("workload[0].seconds", "workload[0].tasks", "strategy[1].max_workers", "stop.budget", "stop.foo")
    lines = refused.value.message.splitlines()
    assert "5 faults" in lines[0]
    assert all(sum(f": {key}: " in line for line in lines) == 1 for key in keys)


def test_a_file_of_faults_is_listed_in_part_and_counted_whole(load_text: LoadText) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(WHOLE + "[[node]]\nname = 1\n" * 300)
    assert "300 faults" in refused.value.message
    assert refused.value.message.endswith("… and 250 more")


def test_a_key_that_would_write_on_the_terminal_is_shown_without_its_escapes(load_text: LoadText) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(WHOLE + '"a\\nb\\u001b[2J" = 1')
    assert "\x1b" not in refused.value.message
    assert len(refused.value.message.splitlines()) == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("missing.toml", "there is no experiment file missing.toml"),
        ("artcle", "no experiment with that name comes with parlab"),
        (".", "is a folder"),
        ("", "is a folder"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("a\0b", "cannot be a file's name"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    path: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=expected) as refused:
        load(path)
    assert refused.value.hint
    assert len(refused.value.message) < 400


def test_a_hybrid_may_leave_out_what_its_processes_and_threads_say(load_text: LoadText) -> None:
    experiment = load_text(WHOLE + HYBRID + "processes = [2, 4]\nthreads = 2")
    assert [s.max_workers for s in experiment.strategies[2:]] == [4, 8]


def test_the_same_strategy_may_be_entered_twice_under_two_labels(load_text: LoadText) -> None:
    experiment = load_text(HEAD + WAIT + SERIAL + 'label = ["A", "B"]')
    assert [s.label for s in experiment.strategies] == ["A", "B"]


def test_a_fixed_number_of_blocks_may_be_below_what_the_sequential_rule_needs(load_text: LoadText) -> None:
    stop = load_text(WHOLE + '[stop]\nrule = "fixed"\nblocks = 3').stop
    assert (stop.rule, stop.blocks) == ("fixed", 3)


def test_every_experiment_that_ships_can_be_loaded_and_says_what_it_asks() -> None:
    found = {one.name: one for one in shipped()}
    asked = {"article", "gil", "cpu", "native", "io", "hybrid", "scaling", "payload", "smoke"}
    assert asked <= set(found)
    listed = (CHECKOUT / "docs" / "experiments.md").read_text("utf-8")
    assert all(f"| `{one.name}` | {one.question} |" in listed for one in found.values())
    assert all(one.question.endswith("?") and one.budget_seconds > 0 for one in found.values())
    assert found["smoke"].budget_seconds < 20


def test_the_article_is_compared_as_the_article_does_it() -> None:
    article = load("article")
    assert [(w.name, dict(w.parameters), w.tasks) for w in article.workloads] == [
        ("integer_sum", {"steps": 10_000_000}, 4),
        ("wait", {"seconds": 0.05}, 4),
    ]
    assert [s.name for s in article.strategies] == ["serial", "threads", "processes", "hybrid"]
    assert {s.max_workers for s in article.strategies[1:]} == {4}
    assert article.stop.budget_seconds <= 120


def test_a_file_in_the_folder_is_read_rather_than_one_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load("article").name == "article"
    Path("article").write_text(WHOLE, encoding="utf-8")
    assert load("article").name == "cpu"


def test_the_command_line_overrides_the_stop_rule_and_nothing_else(load_text: LoadText) -> None:
    experiment = load_text(WHOLE + '[stop]\nmargin = "2%"')
    changed = override_stop(experiment, budget="90s", blocks=20, precision="2%")
    assert (changed.stop.budget_seconds, changed.stop.blocks, changed.stop.precision) == (90.0, 20, 0.02)
    assert changed.stop.margin == 0.02
    assert override_stop(experiment, budget=None, blocks=None, precision=None) == experiment


def test_a_bad_option_of_the_command_line_is_named_as_such(load_text: LoadText) -> None:
    with pytest.raises(BadInput) as refused:
        override_stop(load_text(WHOLE), budget="soon", blocks=0, precision="200%")
    for option in ("--budget: 'soon'", "--blocks: 0", "--precision: '200%'"):
        assert option in refused.value.message
