"""Families of metrics: a name, a help text, labels, and samples, each family written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Literal

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Kind = Literal["gauge", "counter"]


class Families:
    """Collects samples by family; a sample that is None is left out: missing is never zero."""

    def __init__(self) -> None:
        """Begin with none."""
        self._families: dict[str, Metric] = {}
        self._seen: set[tuple[str, tuple[str, ...]]] = set()
        self._labels: Mapping[str, str] = {}

    def labelled(self, **labels: str) -> Families:
        """Give the same with these labels, which all samples that are added to it have besides its own."""
        same = copy(self)
        same._labels = {**self._labels, **labels}  # noqa: SLF001 - its own
        return same

    def gauge(self, name: str, about: str, value: float | None, **labels: str) -> None:
        """Add a sample of what goes up and down."""
        self._add("gauge", name, about, value, labels)

    def counter(self, name: str, about: str, value: float | None, **labels: str) -> None:
        """Add a sample of what only grows; the name ends with ``_total``."""
        self._add("counter", name, about, value, labels)

    def _add(self, kind: Kind, name: str, about: str, value: float | None, labels: Mapping[str, str]) -> None:
        if value is None:
            return
        labels = {**self._labels, **labels}
        names: Sequence[str] = tuple(labels)
        values = tuple(labels.values())
        if (name, values) in self._seen:
            # Two rows of equal labels would make the whole exposition invalid; the first one stands.
            return
        self._seen.add((name, values))
        family = self._families.get(name)
        if family is None:
            make = GaugeMetricFamily if kind == "gauge" else CounterMetricFamily
            family = make(name, about, labels=names)
            self._families[name] = family
        family.add_metric(values, float(value))  # type: ignore[attr-defined]  # both kinds have it

    def collect(self) -> Iterable[Metric]:
        """Give the families, as prometheus-client's registry asks for them."""
        return list(self._families.values())
