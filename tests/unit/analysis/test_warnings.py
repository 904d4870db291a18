"""Warnings to a reader: rejections that are selective, and causes that take much of a run."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb

import pytest

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding, RunFinding
from parlab.orchestrator.analysis.warnings import SELECTIVE_LEVEL, fisher_p, warnings


def row(name: str, measured: int, causes: Mapping[str, int] | None = None) -> ConfigurationFinding:
    causes = causes or {}
    outcomes = {"measured": measured, "rejected": sum(causes.values())}
    return ConfigurationFinding(
        configuration=name, label=name, python="3", max_workers=2, seconds=None, comparison=None,
        efficiency=None, start_up_seconds=None, tear_down_seconds=None, memory_bytes=None, cpus_used=None,
        readings={}, unread={}, outcomes=outcomes, causes=causes, problem=None, best=None, recommended=False,
    )  # fmt: skip


def said(*rows: ConfigurationFinding) -> list[str]:
    group = GroupFinding("g", "h", "work", 4, rows, 12, done=True, sentences=())
    return list(warnings(RunFinding((group,), 0, 0, done=True, warnings=())))


def selective(*rows: ConfigurationFinding) -> list[str]:
    return [text for text in said(*rows) if "rejections are uneven" in text]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ((3, 1, 1, 3), 0.485714),
        ((8, 2, 1, 5), 0.034965),
        ((0, 12, 0, 24), 1.0),
        ((5, 7, 0, 36), 0.00046253),
        ((12, 0, 0, 0), 1.0),
    ],
)
def test_the_p_value_is_fishers(table: tuple[int, int, int, int], expected: float) -> None:
    assert fisher_p(*table) == pytest.approx(expected, rel=1e-3)
    lost, kept, others_lost, others_kept = table
    assert fisher_p(others_lost, others_kept, lost, kept) == pytest.approx(fisher_p(*table))


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.6])
def test_rejections_that_are_alike_are_called_selective_less_often_than_promised(rate: float) -> None:
    def chance(count: int, of: int) -> float:
        return comb(of, count) * rate**count * (1 - rate) ** (of - count)

    wrong = sum(
        chance(lost, 20) * chance(others, 40)
        for lost in range(21)
        for others in range(41)
        if fisher_p(lost, 20 - lost, others, 40 - others) < SELECTIVE_LEVEL
    )
    assert 0 < wrong <= SELECTIVE_LEVEL


def test_who_is_rejected_more_often_than_the_others_is_named_with_causes() -> None:
    (text,) = selective(row("serial", 12), row("threads", 12), row("processes", 5, {"load": 6, "steal": 1}))
    assert text == (
        "work: rejections are uneven: 7 of 12 trials of processes do not count (load 6, steal 1); of all "
        "configurations together, 7 of 36. Chance alone does not explain this: the trials that are left "
        "may not be typical."
    )


def test_who_alone_is_never_rejected_is_named_too() -> None:
    many = [row(f"processes{n}", 3, {"load": 9}) for n in range(5)]
    (text,) = selective(row("serial", 12), *many)
    assert "0 of 12 trials of serial do not count; of all configurations together, 45 of 72" in text


@pytest.mark.parametrize(
    "rows",
    [
        (row("a", 9, {"load": 3}), row("b", 12), row("c", 12)),
        (row("a", 6, {"load": 6}), row("b", 6, {"load": 6})),
        (row("a", 0, {"load": 4}), row("b", 0, {"load": 4})),
        (row("a", 0),),
        (),
    ],
    ids=["three of twelve may be chance", "all alike", "nothing counts", "no trial", "nobody"],
)
def test_what_chance_explains_is_not_called_selective(rows: tuple[ConfigurationFinding, ...]) -> None:
    assert selective(*rows) == []


def test_a_cause_that_takes_much_of_a_run_is_told_with_its_cure() -> None:
    told = said(row("a", 6, {"load": 6}), row("b", 6, {"load": 6}))
    assert told[0] == (
        "12 of 24 trials do not count (load) and are measured again: other programs kept "
        "the CPUs busy: stop them, or measure when they have ended."
    )
    assert not any("do not count" in text for text in said(row("a", 20, {"load": 2}), row("b", 22)))
    assert not any("do not count" in text for text in said(row("a", 30, {"load": 4}), row("b", 30)))
