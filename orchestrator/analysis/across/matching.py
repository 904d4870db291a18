"""Configurations of several columns that are the same: by content, not by where or when they ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.analysis.across.sample import AXES, Sample, samples_of
from parlab.orchestrator.analysis.findings.across import Axis
from parlab.orchestrator.plan.model import Configuration
from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import encode

Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MatchedRow:
    """One configuration in as many columns as have it."""

    key: Key
    workload: str
    label: str
    #: By the column's value.
    samples: Mapping[str, Sample]


@dataclass(frozen=True)
class Matching:
    """All columns and rows."""

    by: Axis
    #: Values of the axis, the reference first.
    columns: tuple[str, ...]
    labels: Mapping[str, str]
    rows: tuple[MatchedRow, ...]
    #: Axes along which rows are told apart, too: elsewhere each column has one value, whatever it is.
    apart: tuple[Axis, ...]

    def key(self, sample: Sample, configuration: Configuration) -> Key:
        """Give the key of a configuration of a sample's group."""
        return _key(sample, configuration, self.apart)


def match(runs: Sequence[MeasuredRun], by: Axis | None, baseline: str | None) -> Matching:
    """Lay runs out in columns along an axis.

    Args:
        runs: in the order they were named.
        by: the axis; None: the first along which there are several values.
        baseline: value or name of the reference column; None: the first.

    Raises:
        BadInput: there is only one value, or none of that name.
    """
    samples = [sample for run in runs for sample in samples_of(run)]
    axis = by or _default(samples, runs)
    # What was asked for and could not be tried is a column, too: a version that nothing can import, say.
    values = list(dict.fromkeys(sample.coordinate(axis) for sample in samples))
    labels = _labels(samples, axis)
    if len(values) < 2:
        raise _only_one(axis, [labels[value] for value in values], runs)
    columns = _reference_first(values, labels, baseline, axis)
    apart = _apart(samples, axis)
    cells: dict[Key, dict[str, Sample]] = {}
    for sample in samples:
        key = _key(sample, sample.configuration, apart)
        cells.setdefault(key, {}).setdefault(sample.coordinate(axis), sample)
    several = [a for a in apart if a != "workload" and len({s.coordinate(a) for s in samples}) > 1]
    rows = tuple(_row(key, samples_of_row, several, axis) for key, samples_of_row in cells.items())
    return Matching(axis, columns, labels, rows, apart)


def _default(samples: Sequence[Sample], runs: Sequence[MeasuredRun]) -> Axis:
    if len(runs) > 1:
        return "run"
    for axis in ("host", "python", "node"):
        if len({sample.coordinate(axis) for sample in samples}) > 1:
            return axis
    return "workload"


def _only_one(axis: Axis, labels: Sequence[str], runs: Sequence[MeasuredRun]) -> BadInput:
    names = ", ".join(run.run for run in runs)
    if not labels:
        return BadInput(
            f"there is nothing to compare in {names}: no workload has a configuration",
            "Name runs whose configurations are compared by ratios (parlab list).",
        )
    word = {"python": "Python build"}.get(axis, axis)
    others = " or ".join(a for a in AXES if a != axis)
    return BadInput(
        f"{names}: there is only one {word}, {labels[0]}", f"Name another run, or compare --by {others}."
    )


def _reference_first(
    values: Sequence[str], labels: Mapping[str, str], baseline: str | None, axis: Axis
) -> tuple[str, ...]:
    if baseline is None:
        return tuple(values)
    chosen = [value for value in values if baseline in (value, labels[value])]
    chosen = chosen or [value for value in values if axis == "run" and value.startswith(baseline.lower())]
    if len(chosen) != 1:
        raise BadInput(
            f"--baseline {baseline}: {'several of them' if chosen else f'there is no such {axis}'}",
            f"Name one of: {', '.join(labels[value] for value in values)}.",
        )
    return (chosen[0], *(value for value in values if value != chosen[0]))


def _labels(samples: Sequence[Sample], axis: Axis) -> dict[str, str]:
    """Name each value of an axis; where two would be called the same, each with what tells them apart."""
    labels = {sample.coordinate(axis): sample.called(axis) for sample in samples}
    called = list(labels.values())
    twice = {label for label in called if called.count(label) > 1}
    numbers = {value: i for i, value in enumerate(labels, 1)}
    return {
        value: label
        if label not in twice
        else f"{label} #{numbers[value]}"
        if axis == "workload"
        else f"{label} ({value})"
        for value, label in labels.items()
    }


def _apart(samples: Sequence[Sample], axis: Axis) -> tuple[Axis, ...]:
    """Give the axes that are part of a configuration's key.

    Where each column has one value of an axis there is nothing to take for another: two runs on two
    hosts, or on two builds, are compared, and what is not the same is said. Where one has several, like
    is held against like.
    """
    apart: list[Axis] = []
    for other in AXES:
        values: dict[str, set[str]] = {}
        for sample in samples:
            values.setdefault(sample.coordinate(axis), set()).add(sample.coordinate(other))
        # A workload is what is done: another one is never the same configuration.
        if other != axis and (other == "workload" or any(len(v) > 1 for v in values.values())):
            apart.append(other)
    return tuple(apart)


def _key(sample: Sample, configuration: Configuration, apart: Sequence[Axis]) -> Key:
    """Say how a configuration of a sample's group does its work, and where on the axes that tell apart."""
    places, c = sample.measured.coordinates(configuration), configuration
    way = encode([c.strategy, dict(c.options), c.max_workers, c.alias])
    return (*((axis, places[axis]) for axis in apart), ("way", way))


def _row(key: Key, samples: Mapping[str, Sample], several: Sequence[Axis], axis: Axis) -> MatchedRow:
    sample = next(iter(samples.values()))
    where = [
        f"{' on' if other == 'python' else f' {other}'} {sample.called(other)}".strip() for other in several
    ]
    label = " ".join([sample.configuration.label, *where])
    return MatchedRow(key, "" if axis == "workload" else sample.measured.group.label, label, samples)
