"""Whatever a document holds, it becomes an experiment that can be stored and planned, or is refused."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlab.orchestrator.experiment.file import _Reader, load, parse
from parlab.orchestrator.experiment.model import (
    Experiment,
    PythonChoice,
    Stop,
    StrategyChoice,
    WorkloadChoice,
)
from parlab.orchestrator.experiment.tables import document as document_of
from parlab.orchestrator.plan.planner import make_plan
from parlab.workers.errors import BadInput, LabError
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.registration import EffectiveCpus, Host, NodeRegistration, PythonBuild

CPUS = EffectiveCpus(2, 2, None, None, 2, "affinity 2")
NODE = NodeRegistration(
    "local",
    Host("host-a", "boot", "h", "Linux", "6.1", "cpu", None, 2, CPUS),
    (PythonBuild("3.11.7", "/bin/python", "3.11.7", "CPython", False, ("fork", "spawn")),),
    "3.11.7",
    "0.1.0",
    1,
)

WORDS = [
    *("name", "question", "seed", "baseline", "timeout", "trial_seconds", "sitting_size", "max_workers"),
    *("tasks", "steps", "seconds", "start_method", "chunksize", "processes", "threads", "label", "function"),
    *("executable", "version", "gil", "rule", "precision", "budget", "blocks", "margin", "alpha"),
]
TABLES = ["experiment", "workload", "strategy", "python", "node", "stop"]
LIKELY: list[Any] = [
    *("wait", "integer_sum", "mixed", "serial", "threads", "processes", "hybrid", "spawn", "fork", "auto"),
    *(
        "cpus",
        "2*cpus",
        "4096*cpus",
        "3.11",
        "3.13t",
        "on",
        "off",
        "5%",
        "10m",
        "fixed",
        "sequential",
        "local",
    ),
    *(0, 1, 2, 4, 7, 20, 0.05, 1.0, True, False),
]
SCALARS = (
    st.sampled_from(LIKELY)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.booleans()
    | st.text(max_size=5)
    | st.just(dt.date(1979, 5, 27))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2),
    max_leaves=4,
)
KEYS = st.sampled_from(WORDS) | st.text(max_size=4)
ANY_TABLE = st.dictionaries(KEYS, VALUES, max_size=4)
DOCUMENTS = st.dictionaries(
    st.sampled_from(TABLES) | KEYS, ANY_TABLE | st.lists(ANY_TABLE, max_size=3) | VALUES
)

#: Documents that are mostly right, so that what is behind the first check is reached, too.
WIDTHS = st.sampled_from([1, 2, 4, "cpus", "2*cpus", "4096*cpus", "cpus/2", 0])
GOOD_STRATEGY = st.one_of(
    st.just({"name": "serial"}),
    st.fixed_dictionaries(
        {"name": st.just("threads")}, optional={"max_workers": WIDTHS, "label": st.text("AB")}
    ),
    st.fixed_dictionaries(
        {"name": st.just("processes"), "max_workers": st.lists(WIDTHS, max_size=3)},
        optional={
            "start_method": st.sampled_from(["fork", "spawn", "forkserver"]),
            "chunksize": st.integers(0, 3),
        },
    ),
    st.fixed_dictionaries(
        {"name": st.just("hybrid")},
        optional={"max_workers": WIDTHS, "processes": st.integers(0, 4), "threads": st.integers(1, 4)},
    ),
)
GOOD_WORKLOAD = st.fixed_dictionaries(
    {"name": st.sampled_from(["wait", "integer_sum"])}, optional={"tasks": st.sampled_from([4, "auto"])}
)
REFERENCES = st.sampled_from(["shop:total", "shop.carts:Cart.total", "shop", "a:b:c", ":", "1:2", 7])
OWN_WORKLOAD = st.fixed_dictionaries(
    {"function": REFERENCES},
    optional={
        "inputs": REFERENCES | st.lists(st.integers() | st.text() | st.none(), max_size=3),
        "inputs_name": st.text(max_size=5) | st.none(),
        **dict.fromkeys(("async_function", "check", "setup", "teardown"), REFERENCES),
        "environment": st.lists(st.sampled_from(["HOME", "PARLAB_TOKEN", "A B", 3]), max_size=2),
        "tasks": st.sampled_from([4, "auto"]),
    },
)
GOOD_STOP = st.fixed_dictionaries(
    {},
    optional={
        "blocks": st.integers(5, 40),
        "rule": st.sampled_from(["fixed", "sequential"]),
        "alpha": st.floats(),
    },
)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "python": st.sampled_from(["3.13", "3.14t", "3.1.4"]),
        "cpus": st.sampled_from([0.1, 2, 0, "x"]) | st.lists(st.floats(0.01, 64), max_size=3),
        "memory": st.sampled_from(["256m", "1.5g", "1m", 7]),
        "cpuset": st.sampled_from(["0-1", "0,3", "all"]),
    },
)
NEARLY_RIGHT = st.fixed_dictionaries(
    {
        "experiment": st.fixed_dictionaries(
            {"name": st.just("e")}, optional={"sitting_size": st.integers(1, 9)}
        ),
        "workload": st.lists(GOOD_WORKLOAD | OWN_WORKLOAD, min_size=1, max_size=2),
        "strategy": st.lists(GOOD_STRATEGY, max_size=3).map(lambda some: [{"name": "serial"}, *some]),
    },
    optional={
        "stop": GOOD_STOP,
        "python": st.lists(
            st.dictionaries(st.sampled_from(["version", "gil", "executable"]), st.sampled_from(LIKELY)),
            max_size=2,
        ),
        "node": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["local", "other"])}), max_size=2)
        | st.lists(LIMITS, max_size=2),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS | NEARLY_RIGHT, st.integers(0, 9))
def test_a_document_is_refused_or_becomes_an_experiment_that_is_stored_and_planned(
    document: dict[str, Any], seed: int
) -> None:
    problems: list[str] = []
    experiment = _Reader("f.toml", problems, None).experiment(document)
    if problems:
        assert all(problem.startswith("f.toml: ") and "\n" not in problem.strip() for problem in problems)
        return
    assert decode(Experiment, encode(experiment)) == experiment
    # As it is sent to a lab: by JSON.
    assert parse("f.json", json.loads(json.dumps(document_of(experiment)))) == experiment
    try:
        plan = make_plan("7f3a", experiment, [NODE], seed)
    except LabError:
        return
    assert len({group.id for group in plan.groups}) == len(plan.groups)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=60) | st.text("[]{}=\"\\'#.,\n abn0159+-:T_", max_size=60).map(str.encode),
    change=st.text(),
)
def test_any_bytes_and_any_change_are_read_or_refused(data: bytes, change: str, tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(data)
    with contextlib.suppress(BadInput):
        load(str(path), [change])


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
OPTIONS = st.dictionaries(
    NAMES,
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
)
EXPERIMENTS = st.builds(
    Experiment,
    name=NAMES,
    question=NAMES,
    workloads=st.lists(st.builds(WorkloadChoice, NAMES, OPTIONS, st.none() | st.integers(1))).map(tuple),
    strategies=st.lists(st.builds(StrategyChoice, NAMES, OPTIONS, st.integers(1) | NAMES, NAMES)).map(tuple),
    pythons=st.lists(
        st.builds(PythonChoice, st.none() | NAMES, st.none() | NAMES, st.sampled_from([None, "on", "off"]))
    ).map(tuple),
    nodes=st.lists(NAMES).map(tuple),
    stop=st.builds(
        Stop,
        precision=st.floats(0.001, 0.5),
        blocks=st.none() | st.integers(1, 99),
        until=st.sampled_from(["verdicts", "best"]),
        goal=st.sampled_from(["throughput", "latency", "memory"]),
        memory_limit_bytes=st.none() | st.integers(1, 1 << 40),
    ),
    seed=st.none() | st.integers(0, 2**31 - 1),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPERIMENTS)
def test_an_experiment_survives_its_canonical_form(experiment: Experiment) -> None:
    text = encode(experiment)
    assert decode(Experiment, text) == experiment
    assert encode(decode(Experiment, text)) == text
