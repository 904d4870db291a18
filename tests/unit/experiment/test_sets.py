"""``--set KEY=VALUE`` changes the document before it is checked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parlab.orchestrator.experiment.model import Experiment
from parlab.workers.errors import BadInput

LoadText = Callable[..., Experiment]

TEXT = """
[experiment]
name = "cpu"
[[workload]]
name = "wait"
[[workload]]
name = "integer_sum"
[[strategy]]
name = "serial"
[[strategy]]
name = "processes"
"""


def test_a_table_is_found_by_name_or_by_place(load_text: LoadText) -> None:
    experiment = load_text(TEXT, ["workload.integer_sum.steps=1000", "workload.0.tasks=8"])
    assert [(w.name, dict(w.parameters), w.tasks) for w in experiment.workloads] == [
        ("wait", {}, 8),
        ("integer_sum", {"steps": 1000}, None),
    ]


def test_every_table_of_a_name_is_changed(load_text: LoadText) -> None:
    text = TEXT + '[[strategy]]\nname = "processes"\nmax_workers = 4\n'
    experiment = load_text(text, ["strategy.processes.start_method=spawn"])
    assert [s.options for s in experiment.strategies] == [{}, *[{"start_method": "spawn"}] * 2]


def test_a_value_is_toml_where_it_is_valid_toml_and_text_where_not(load_text: LoadText) -> None:
    experiment = load_text(
        TEXT,
        ["stop.budget=30s", "stop.precision=0.02", 'strategy.1.max_workers=[1, "cpus"]', "experiment.seed=7"],
    )
    assert (experiment.stop.budget_seconds, experiment.stop.precision, experiment.seed) == (30.0, 0.02, 7)
    assert [s.max_workers for s in experiment.strategies] == [1, 1, "cpus"]


def test_a_value_may_hold_an_equals_sign(load_text: LoadText) -> None:
    assert load_text(TEXT, ["experiment.question=is a=b?"]).question == "is a=b?"


def test_the_last_of_two_values_holds(load_text: LoadText) -> None:
    assert load_text(TEXT, ["experiment.seed=7", "experiment.seed=8"]).seed == 8


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("budget=30s", "--set budget=30s: write it as KEY=VALUE, for example stop.budget=30s"),
        ("stop.budget", "--set stop.budget: write it as KEY=VALUE"),
        ("=1", "--set =1: write it as KEY=VALUE"),
        ("stop..budget=1", "--set stop..budget=1: write it as KEY=VALUE"),
        ("stpo.budget=1", "--set stpo.budget=1: there is no stpo; there is experiment, strategy, workload"),
        (
            "workload.mixed.steps=1",
            "there is no workload.mixed; there is workload.wait, workload.integer_sum",
        ),
        ("workload.7.tasks=1", "--set workload.7.tasks=1: there is no workload.7"),
        ("workload.²2.tasks=1", "there is no workload.²2"),
        ("workload.wait.seconds.x=1", "there is no workload.wait.seconds"),
        ("stop.bugdet=1", "with --set: stop.bugdet: unknown key (did you mean budget?)"),
        ("stop.budget=", "with --set: stop.budget: '' is not a duration"),
        ("stop.budget=nan", "with --set: stop.budget: nan is not a duration"),
        (f"experiment.seed={'9' * 30}", "with --set: experiment.seed: '999999999999999999999999999999'"),
        ("experiment.question=\udcff", "it contains characters that cannot be printed"),
        ("stop.budget=1\nstop.alpha=1", "it contains characters that cannot be printed"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_as_such(
    change: str, expected: str, load_text: LoadText
) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(TEXT, [change])
    assert expected in refused.value.message


def test_bad_changes_and_faults_of_the_file_are_said_together(load_text: LoadText) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(TEXT + "foo = 1", ["a=1", "stop.budget=0"])
    assert "3 faults" in refused.value.message
