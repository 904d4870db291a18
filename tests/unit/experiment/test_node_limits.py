"""Limits of nodes: what can be asked for, how it is named, and what an experiment makes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.experiment.model import Experiment, NodeLimits
from parlab.workers.errors import BadInput

LoadText = Callable[..., Experiment]

TEXT = """
[experiment]
name = "limits"
[[workload]]
name = "wait"
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
"""


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("512m", 512 << 20),
        ("1g", 1 << 30),
        ("1.5g", 3 << 29),
        ("2GiB", 2 << 30),
        ("64MB", 64 << 20),
        ("7", 7),
    ],
)
def test_memory_is_read_as_engines_write_it(text: str, bytes_: int) -> None:
    assert quantities.memory_bytes(text) == bytes_


@pytest.mark.parametrize("text", ["", "much", "-1g", "1x", "1 000m"])
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 512m or 2g"):
        quantities.memory_bytes(text)


@pytest.mark.parametrize(
    ("limits", "label"),
    [
        (NodeLimits(), "py313"),
        (NodeLimits("3.13t", 0.5), "py313t-0p5cpu"),
        (NodeLimits("3.14", 2, 1 << 30, "0-1"), "py314-2cpu-1024m-on0to1"),
        (NodeLimits(cpuset="0,2"), "py313-on0and2"),
    ],
)
def test_a_kind_of_node_is_named_by_its_limits(limits: NodeLimits, label: str) -> None:
    assert limits.label == label


def test_kinds_are_told_apart_by_every_limit() -> None:
    kinds = [
        NodeLimits(), NodeLimits("3.14"), NodeLimits(cpus=1), NodeLimits(cpus=1.5),
        NodeLimits(memory_bytes=1 << 30), NodeLimits(cpuset="0"),
    ]  # fmt: skip
    assert len({kind.fingerprint for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"python": "2.7"}, "not a version"),
        ({"python": "3.13; rm"}, "not a version"),
        ({"cpus": 0.0}, "not a limit"),
        ({"cpus": float("nan")}, "not a limit"),
        ({"memory_bytes": 4 << 20}, "too little"),
        ({"cpuset": "all"}, "not a list of CPUs"),
        ({"cpuset": "0-1;"}, "not a list of CPUs"),
    ],
)
def test_what_no_node_can_be_is_refused_with_a_cure(limits: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        NodeLimits(**limits)  # type: ignore[arg-type]
    assert refused.value.hint


def test_every_limit_of_a_list_is_a_node_of_its_own(load_text: LoadText) -> None:
    experiment = load_text(
        TEXT + '[[node]]\ncpus = [0.5, 1, 2]\nmemory = "1g"\n[[node]]\npython = "3.14"\ncpuset = "0"\n'
    )
    assert experiment.fleet == (
        NodeLimits("3.13", 0.5, 1 << 30),
        NodeLimits("3.13", 1.0, 1 << 30),
        NodeLimits("3.13", 2.0, 1 << 30),
        NodeLimits("3.14", cpuset="0"),
    )
    assert experiment.nodes == ()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("cpus = []", "cpus"),
        ("cpus = [1, 1]", "py313-1cpu"),
        ('cpus = "many"', "cpus"),
        ("cpus = 0", "cpus"),
        ('memory = "1m"', "too little"),
        ("memory = 5", "memory"),
        ('cpus = 1\nspeed = "fast"', "speed"),
        ('cpus = 1\nname = "n1"', "name"),
        ('cpus = 1\n[[node]]\nname = "n1"', "some have a name and some have limits"),
    ],
)
def test_faults_of_limits_name_their_key(load_text: LoadText, table: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(f"{TEXT}[[node]]\n{table}\n")
    assert says in refused.value.message
