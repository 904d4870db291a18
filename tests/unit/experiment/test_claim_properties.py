"""Whatever claims an experiment has, it is sent to a lab as what it is, and measures nothing twice."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlab.orchestrator.experiment.file import parse
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.experiment.tables import document as document_of
from parlab.workers.wire.codec import decode, encode

WIDTHS = st.sampled_from([1, 4, "cpus", "2*cpus"])
WAYS = st.one_of(
    st.sampled_from(["serial", "threads", "processes"]),
    st.fixed_dictionaries(
        {"name": st.just("threads"), "max_workers": WIDTHS | st.lists(WIDTHS, min_size=1, max_size=2)},
        optional={"label": st.sampled_from(["A", "B"])},
    ),
    st.fixed_dictionaries(
        {"name": st.just("processes")},
        optional={"start_method": st.sampled_from(["fork", "spawn"]), "max_workers": WIDTHS},
    ),
)
SIDES = WAYS | st.lists(WAYS, min_size=1, max_size=2)
BOUNDS = st.sampled_from([1, 1.1, 0.9, "0.7*cpus", "2 * cpus"])
COMMON = {"bound": BOUNDS, "supports": st.sampled_from(["above", "below"])}
RATIOS = st.fixed_dictionaries(
    {**COMMON, "of": SIDES, "against": SIDES},
    optional={"measure": st.sampled_from(["cpu_user", "wall"]), "least_cpus": st.integers(1, 4)},
)
VALUES = st.fixed_dictionaries(
    {**COMMON, "of": st.sampled_from(["serial", "threads"]), "rule": st.just("value")},
    optional={"measure": st.just("cpu_user")},
).map(lambda table: {"measure": "switches_voluntary", **table})
TRENDS = st.fixed_dictionaries(
    {**COMMON, "of": SIDES, "against": SIDES, "rule": st.just("trend"), "over": st.just("bytes_in")}
)
SUMS = st.fixed_dictionaries(
    {
        "name": st.just("integer_sum"),
        "steps": st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    },
    optional={"tasks": st.sampled_from([4, "auto", [4, 8]])},
)
PAYLOADS = st.fixed_dictionaries(
    {
        "name": st.just("payload"),
        "bytes_in": st.lists(st.integers(1, 9), min_size=2, max_size=3, unique=True),
    },
    optional={"bytes_out": st.lists(st.integers(1, 9), min_size=1, max_size=2, unique=True)},
)
COUNTERS = st.fixed_dictionaries(
    {"name": st.just("counter")},
    optional={
        "form": st.sampled_from(["call", ["augmented", "call"]]),
        "switch_interval": st.lists(st.sampled_from([0.0, 0.001, 1.0]), min_size=1, max_size=2, unique=True),
    },
)
COUNTED = st.fixed_dictionaries(
    {**COMMON, "of": st.sampled_from(["thread", "value"]), "rule": st.just("value")},
    optional={"measure": st.sampled_from(["lost_updates", "increment"]), "where": st.just({})},
)
BODIES = st.one_of(
    st.fixed_dictionaries(
        {"workload": st.tuples(SUMS).map(list), "contrast": st.lists(RATIOS | VALUES, min_size=1, max_size=2)}
    ),
    st.fixed_dictionaries(
        {
            "workload": st.tuples(PAYLOADS).map(list),
            "contrast": st.lists(TRENDS | RATIOS, min_size=1, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {"scenario": st.tuples(COUNTERS).map(list), "contrast": st.lists(COUNTED, min_size=1, max_size=2)}
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(BODIES, min_size=1, max_size=3), st.booleans())
def test_an_experiment_with_claims_reads_back_as_the_same(
    bodies: list[dict[str, Any]], shipped: bool
) -> None:
    tables = [{"id": f"own{i}", "text": "So it is.", **body} for i, body in enumerate(bodies)]
    top = {"name": "e", **({"claims": ["C9", "C16"]} if shipped else {})}
    experiment = parse("f.toml", {"experiment": top, "claim": tables})
    sent = json.loads(json.dumps(document_of(experiment)))
    assert parse("f.json", sent) == experiment
    assert decode(Experiment, encode(experiment)) == experiment
    works = [(w.name, encode(dict(w.parameters)), w.tasks) for w in experiment.workloads]
    assert len(works) == len(set(works)), "something would be measured twice"
