"""Rows that a chart's marks are drawn of, to be compared with what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Rows = list[dict[str, Any]]


def data_of(part: Any) -> Iterator[str]:
    """Give the names of the data of a specification's part, mark by mark."""
    if isinstance(part, Mapping):
        if "mark" in part:
            yield part["data"]["name"]
        for one in part.values():
            yield from data_of(one)
    elif isinstance(part, list):
        for one in part:
            yield from data_of(one)


def rows_with(spec: Mapping[str, Any], *fields: str, part: Any = None) -> Rows:
    """Give the rows with these fields that the marks of a specification, or of a part of it, are drawn of.

    Data that several marks share come once.
    """
    names = dict.fromkeys(data_of(spec if part is None else part))
    return [row for name in names for row in spec["datasets"][name] if all(field in row for field in fields)]


def titles_of(spec: Any) -> set[str]:
    """Give what all quantitative axes that are shown are titled with; None is one without a title."""
    found: set[str] = set()
    if isinstance(spec, Mapping):
        if spec.get("type") == "quantitative" and spec.get("axis", ...) is not None:
            title = (spec.get("axis") or {}).get("title")
            hidden = (spec.get("axis") or {}).get("labels") is False
            if not hidden:
                found.add(" ".join(title) if isinstance(title, list) else str(title))
        for part in spec.values():
            found |= titles_of(part)
    elif isinstance(spec, list):
        for part in spec:
            found |= titles_of(part)
    return found
