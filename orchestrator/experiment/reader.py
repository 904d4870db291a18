"""Reader of tables of a TOML document, which collects all that is wrong with them."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from parlab.workers.parameter import Parameter
from parlab.workers.wire.codec import encode
from parlab.workers.wire.spec import Scalar

#: More tables of a kind, or more combinations of one table's lists, are a mistake, not an experiment.
MOST_COMBINATIONS = 500
#: So many unknown keys of one table are named; a file that has more is another kind of file.
MOST_UNKNOWN = 20
#: A fault's description is cut in the middle beyond this: it may quote a value of any length.
MOST_CHARACTERS = 400
MOST_TEXT = 1000


class TableReader:
    """Gives what tables hold, or a default and a problem noted."""

    def __init__(self, file: str, problems: list[str], folder: Path | None = None) -> None:
        """Read a document; ``file`` is its name in messages, and files that it names are in ``folder``."""
        self._file = file
        self._problems = problems
        self.folder = folder

    def other(self, file: str) -> TableReader:
        """Give a reader of a document that ships, which notes its problems with this one's."""
        return TableReader(file, self._problems)

    def problem(self, where: str, what: str) -> None:
        """Note that something is wrong: where ("workload[2].steps") and what, with its cure."""
        place = "".join(c if c.isprintable() else "�" for c in where[:MOST_CHARACTERS])
        if len(what) > MOST_CHARACTERS:
            what = f"{what[: MOST_CHARACTERS // 2]} … {what[-MOST_CHARACTERS // 2 :]}"
        self._problems.append(f"{self._file}: {place}: {what}")

    @property
    def problem_count(self) -> int:
        """Problems noted so far."""
        return len(self._problems)

    # Structure

    def table(self, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """Give the table ``[name]``; an empty one where there is none."""
        table = document.get(name, {})
        if isinstance(table, dict):
            return table
        self.problem(name, f"write it as a table: [{name}]")
        return {}

    def tables(self, document: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Give the tables ``[[name]]``, each with what it is called in messages."""
        tables = document.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.problem(name, f"write it with two brackets: [[{name}]]")
            return []
        if len(tables) > MOST_COMBINATIONS:
            self.problem(name, f"there are {len(tables)}: at most {MOST_COMBINATIONS} are allowed")
            return []
        return [(f"{name}[{i}]", table) for i, table in enumerate(tables)]

    def unknown(
        self, table: Mapping[str, Any], known: Collection[str], where: str, what: str = "key"
    ) -> None:
        """Note the keys of a table that are not among the known ones."""
        for key in itertools.islice((key for key in table if key not in known), MOST_UNKNOWN):
            place = f"{where}.{key}" if where else key
            self.problem(place, f"unknown {what}{meant(key, known)}; known are {', '.join(sorted(known))}")

    def duplicates(self, entries: Sequence[tuple[str, object]], cure: str) -> None:
        """Note entries of equal content; each is what it is called in messages and its content."""
        seen: dict[str, str] = {}
        for where, content in entries:
            key = encode(content)
            if key in seen:
                again = "within its lists" if seen[key] == where else f"in {seen[key]}"
                self.problem(where, f"the same is already there, {again}: {cure}")
            seen.setdefault(key, where)

    def combinations(self, where: str, factors: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Give the Cartesian product of a table's lists, unless it is absurdly large."""
        count = math.prod(map(len, factors))
        if count > MOST_COMBINATIONS:
            self.problem(
                where,
                f"its lists make {count} combinations: shorten them, at most {MOST_COMBINATIONS} are allowed",
            )
            return []
        return list(itertools.product(*factors))

    # Values

    def factor(self, table: Mapping[str, Any], key: str, where: str, default: Any) -> list[Any]:
        """Give the values of a key that may be a list (a list is a factor)."""
        value = table.get(key, default)
        if not isinstance(value, list):
            return [value]
        if not value:
            self.problem(f"{where}.{key}", "the list is empty: give a value, or leave the key out")
        if any(isinstance(item, list | dict) for item in value):
            self.problem(f"{where}.{key}", "a list of plain values is expected")
            return []
        return value

    def declared(
        self, table: Mapping[str, Any], parameters: Mapping[str, Parameter], where: str
    ) -> dict[str, list[Scalar]]:
        """Give the values of each declared parameter that the table holds, refused ones left out."""
        given: dict[str, list[Scalar]] = {}
        for key, parameter in parameters.items():
            if key not in table:
                continue
            given[key] = []
            for value in self.factor(table, key, where, None):
                refusal = _refusal(parameter, value)
                if refusal is None:
                    given[key].append(float(value) if parameter.kind is float else value)
                else:
                    self.problem(f"{where}.{key}", refusal)
        return given

    def known(self, table: Mapping[str, Any], where: str, names: Collection[str], kind: str) -> str | None:
        """Give the ``name`` of a table, which is one of ``names``."""
        name = table.get("name")
        if isinstance(name, str) and name in names:
            return name
        if name is None:
            given = f'there is no name: name = "{min(names)}"'
        elif isinstance(name, list):
            given = f"a list: write one [[{kind}]] for each"
        else:
            given = f"there is no {kind} {name!r}{meant(str(name), names)}"
        self.problem(f"{where}.name", f"{given}; there are {', '.join(sorted(names))}")
        return None

    def text(self, table: Mapping[str, Any], key: str, where: str, *, required: bool = False) -> str | None:
        """Give a text of 1 to 1000 characters; None where there is none."""
        value = table.get(key)
        if value is None:
            if required:
                self.problem(f"{where}.{key}", f'it is missing: {key} = "…"')
            return None
        if not isinstance(value, str) or not value.strip() or len(value) > MOST_TEXT:
            self.problem(
                f"{where}.{key}", f"{str(value)[:50]!r} is not a text of 1 to {MOST_TEXT} characters"
            )
            return None
        return value

    def integer(
        self, table: Mapping[str, Any], key: str, called: str, limits: tuple[int, int], default: int | None
    ) -> int | None:
        """Give a whole number within ``limits``, both included; ``called`` is its name in messages."""
        value = table.get(key, default)
        least, most = limits
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problem(called, f"{value!r}: it must be a whole number from {least} to {most}")
            return default
        return value

    def number(
        self,
        table: Mapping[str, Any],
        key: str,
        called: str,
        parse: Callable[[Any], float],
        default: float,
    ) -> float:
        """Give a number as ``parse`` reads it; ``called`` is its name in messages."""
        value = table.get(key, default)
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError(f"{value!r} is neither a number nor text")  # noqa: TRY004
            return parse(value)
        except (ValueError, OverflowError) as error:
            self.problem(called, str(error))
            return default


def meant(name: str, known: Collection[str]) -> str:
    """Say which of the known names is close to one that is not, if one is."""
    close = difflib.get_close_matches(name[:MOST_CHARACTERS], known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _refusal(parameter: Parameter, value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value!r}: a finite number is expected"
    if not isinstance(value, int | float | str | bool):
        return f"{type(value).__name__} is not a value it takes: {parameter.summary}"
    return parameter.refusal(value)
