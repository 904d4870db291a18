"""Every scenario's own statements, and the names that must not be given twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from parlab.workers import catalog
from parlab.workers.parameter import settle
from parlab.workers.probes.base import Quantity
from parlab.workers.scenarios._pulse import Pulse, work
from parlab.workers.scenarios.base import BuildFacts, Scenario
from parlab.workers.strategies.base import BuildFacts as FactsOfStrategies

SCENARIOS = list(catalog.scenarios().values())
UNITS = {"seconds", "bytes", "bytes_per_second", "ratio", "count"}


def test_measures_and_probes_readings_all_have_names_of_their_own() -> None:
    names: list[Quantity] = [one for scenario in SCENARIOS for one in scenario.measures]
    names += [one for probe in catalog.probes().values() for one in probe.quantities]
    counted = Counter(one.name for one in names)
    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_every_measure_says_what_it_is_in_which_unit_and_which_direction_is_better(
    scenario: Scenario,
) -> None:
    assert scenario.summary.endswith(".")
    for measure in scenario.measures:
        assert measure.unit in UNITS
        assert measure.better in ("lower", "higher", "neither")
        assert measure.summary.endswith(".")
    # More of these is what everybody wants; of all others less is better.
    higher = {one.name for one in scenario.measures if one.better == "higher"}
    assert higher <= {"ipc_bandwidth", "stopped"}
    for parameter in scenario.parameters.values():
        assert parameter.summary


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_every_variant_has_a_name_of_its_own_and_says_what_it_is(scenario: Scenario) -> None:
    names = [one.name for one in scenario.variants]
    assert len(set(names)) == len(names) >= 2
    assert all(one.summary for one in scenario.variants)
    assert scenario.rounds >= 1


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_variants_are_refused_with_the_reason_where_a_build_lacks_what_they_need(scenario: Scenario) -> None:
    assert BuildFacts is FactsOfStrategies
    parameters = settle(scenario.parameters, {}, scenario.name)
    none = BuildFacts((3, 13), start_methods=("fork", "spawn", "forkserver"), lacks=("_multiprocessing",))
    spawn_only = BuildFacts((3, 13), start_methods=("spawn",))
    for variant in scenario.variants:
        if variant.start_method is not None:
            assert "_multiprocessing" in str(scenario.refusal(variant.name, parameters, none))
        if variant.start_method not in (None, "spawn"):
            refusal = scenario.refusal(variant.name, parameters, spawn_only)
            assert refusal == f"this Python build cannot start processes by {variant.start_method}"
        if variant.name.startswith("interpreter"):
            assert "3.14" in str(scenario.refusal(variant.name, parameters, spawn_only))
    # The baseline runs everywhere.
    assert scenario.refusal(scenario.variants[0].name, parameters, none) is None


def test_a_pulse_tells_how_long_after_a_request_work_went_on(tmp_path: Path) -> None:
    path = str(tmp_path / "pulse")
    asking = Pulse(path)
    assert (asking.begun, asking.asked, asking.ended, asking.pid) == (False, False, False, 0)
    steps = iter(range(100))

    def asked() -> bool:
        if next(steps) == 20:
            asking.ask()
        return asking.asked

    work(path, 60.0, asked)
    assert asking.begun
    assert not asking.ended
    # It looked at once: what is known of its end is that it did no further step.
    assert asking.stopped_seconds == pytest.approx(asking.worked_seconds / 21)
    asking.close()


def test_a_pulse_tells_of_work_that_came_to_its_own_end(tmp_path: Path) -> None:
    path = str(tmp_path / "pulse")
    asking = Pulse(path)
    asking.ask()
    work(path, 0.05, lambda: False)
    assert asking.ended
    assert asking.worked_seconds >= 0.05
    assert asking.stopped_seconds >= 0.05
    asking.close()


@pytest.mark.parametrize(
    ("scenario", "variant"),
    [
        ("creation", "interpreter"), ("ipc", "interpreter-queue"), ("isolation", "interpreters"),
        ("memory", "interpreters"), ("switching", "interpreters"),
    ],
)  # fmt: skip
def test_a_variant_that_takes_subinterpreters_is_refused_where_a_build_has_none(
    scenario: str, variant: str
) -> None:
    found = catalog.scenario(scenario)
    parameters = settle(found.parameters, {}, scenario)
    old, bare = BuildFacts((3, 13)), BuildFacts((3, 14), lacks=("concurrent.interpreters",))
    assert "Python 3.14" in (found.refusal(variant, parameters, old) or "")
    assert "concurrent.interpreters" in (found.refusal(variant, parameters, bare) or "")
    assert found.refusal(variant, parameters, BuildFacts((3, 14))) is None
