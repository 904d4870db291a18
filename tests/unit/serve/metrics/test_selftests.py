"""Metrics of self-tests are the figures of their findings, and what was not told is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from parlab.orchestrator.analysis.selftest.judged import self_tests
from parlab.orchestrator.serve.metrics.durations import Durations
from parlab.orchestrator.serve.metrics.exposition import Exposition
from parlab.orchestrator.serve.snapshot import LabHealth, LabSnapshot, SelfTestSnapshot
from tests.support.selftest_cases import node, observations, plan_of, sittings

if TYPE_CHECKING:
    from prometheus_client import Metric

HEALTH = LabHealth(True, 0.01, 4096, True, 0, 0)
#: Labels besides those of the place, each with a handful of values.
LABELS = {"node", "host", "python", "pair", "planted", "after", "cause"}


def snapshots(blocks: int) -> tuple[SelfTestSnapshot, ...]:
    plan = plan_of(node("a", ("3.11.7", "3.13.5t")))
    seen = observations(plan, blocks, sd=0.05)
    return tuple(SelfTestSnapshot("5e1f", 1000.0, found) for found in self_tests(plan, seen, sittings(seen)))


def exposed(tests: tuple[SelfTestSnapshot, ...]) -> dict[str, Metric]:
    exposition = Exposition(Durations())
    exposition.update(LabSnapshot((), (), HEALTH, tests))
    families = text_string_to_metric_families(exposition.body().decode())
    return {family.name: family for family in families if family.name.startswith("parlab_selftest")}


def value(families: dict[str, Metric], name: str, **labels: str) -> float | None:
    found = [
        s.value for s in families[f"parlab_selftest_{name}"].samples if labels.items() <= s.labels.items()
    ]
    assert len(found) <= 1, (name, found)
    return found[0] if found else None


def test_the_figures_are_those_of_the_finding_of_each_build() -> None:
    tests = snapshots(120)
    families = exposed(tests)
    for one in tests:
        found, place = one.finding, {"node": "a", "host": "h1", "python": one.finding.python}
        assert found.wrong is not None
        assert value(families, "timestamp_seconds", **place) == 1000.0
        assert value(families, "tries", **place) == found.wrong.tried == 24
        assert value(families, "wrong_ratio", **place) == found.wrong.ratio
        assert value(families, "wrong_upper_ratio", **place) == found.wrong.high
        assert value(families, "block_seconds", **place) == found.block_seconds
        for pair in found.pairs:
            assert pair.spread is not None
            assert pair.autocorrelation is not None
            assert value(families, "block_sd_ratio", **place, pair=pair.label) == pair.spread.sd
            own = value(families, "autocorrelation_ratio", **place, pair=pair.label)
            assert own == pair.autocorrelation[0]
        for slow in found.planted:
            assert slow.found is not None
            own = value(families, "found_lower_ratio", **place, planted=f"{slow.slowdown_ratio:g}")
            assert own == slow.found.low
        for expected in found.precision:
            own = value(families, "half_width_ratio", **place, after=f"{expected.seconds:g}")
            assert own == expected.half_width_ratio


def test_labels_are_bounded_and_units_are_base_units() -> None:
    for name, family in exposed(snapshots(120)).items():
        assert name.endswith(("_ratio", "_seconds", "_blocks", "_tries", "_trials", "_not_counted")), name
        assert family.documentation.endswith("."), name
        assert all(set(sample.labels) <= LABELS for sample in family.samples)


def test_what_was_not_told_is_not_there_and_never_zero() -> None:
    families = exposed(snapshots(8))
    absent = ("wrong_ratio", "found_ratio", "half_width_ratio", "expected_ratio", "limit_blocks")
    assert not {f"parlab_selftest_{name}" for name in absent} & families.keys()
    assert {s.value for s in families["parlab_selftest_tries"].samples} == {0.0}
    assert exposed(()) == {}


def test_self_tests_are_rendered_once_while_they_are_the_same() -> None:
    tests, exposition = snapshots(30), Exposition(Durations())
    exposition.update(LabSnapshot((), (), HEALTH, tests))
    before = exposition._tests
    exposition.update(LabSnapshot((), (), HEALTH, tests))
    assert exposition._tests is before
    exposition.update(LabSnapshot((), (), HEALTH, tests[:1]))
    assert exposition._tests != before
