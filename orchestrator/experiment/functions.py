"""A [[workload]] that is a function of the user's own: read, with the inputs that it names."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parlab.orchestrator.experiment.reader import TableReader
from parlab.workers.wire.spec import OwnFunction

_KEYS = (
    *("function", "async_function", "inputs", "inputs_name", "check", "setup", "teardown"),
    *("environment", "tasks", "strategy"),
)
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
#: Inputs travel with every sitting.
MOST_INPUT_BYTES = 1 << 20


def read_function(
    reader: TableReader, table: Mapping[str, Any], where: str, folder: Path | None
) -> OwnFunction | None:
    """Read the table; faults are noted with ``reader``, and None is given where there are any.

    Args:
        reader: notes the problems.
        table: as the document has it.
        where: the table, for messages.
        folder: where a file of inputs is looked for; None: no file may be named.
    """
    known = reader.problem_count
    reader.unknown(table, _KEYS, where)
    names = {
        key: _reference(reader, table.get(key), f"{where}.{key}")
        for key in ("function", "async_function", "check", "setup", "teardown")
    }
    given, name, inputs_json = table.get("inputs"), "", None
    reference = given if isinstance(given, str) and _REFERENCE.fullmatch(given) else None
    if given is not None and reference is None:
        name, inputs_json = _data(reader, given, table.get("inputs_name"), f"{where}.inputs", folder)
    environment = _variables(reader, table.get("environment", []), f"{where}.environment")
    function = names["function"]
    if function is None or reader.problem_count > known:
        return None
    return OwnFunction(
        function=function,
        inputs=reference,
        inputs_json=inputs_json,
        inputs_name=name,
        async_function=names["async_function"],
        check=names["check"],
        setup=names["setup"],
        teardown=names["teardown"],
        environment=environment,
    )


def inputs_label(own: OwnFunction) -> str:
    """Name the inputs so that other inputs have another name: "uploads.jsonl#9f2c41ab"; "" for none."""
    if own.inputs_json is None:
        return own.inputs or ""
    return f"{own.inputs_name}#{hashlib.sha256(own.inputs_json.encode()).hexdigest()[:8]}"


def read_inputs(path: Path) -> list[Any]:
    """Read inputs: a JSON array, or JSON lines (one input each, empty lines left out).

    Raises:
        ValueError: with what is wrong, and where.
    """
    try:
        if path.stat().st_size > MOST_INPUT_BYTES:
            raise ValueError(_TOO_LARGE)
        text = path.read_text("utf-8")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start})") from error
    if path.suffix in (".jsonl", ".ndjson"):
        return [_line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON: {error} (JSON lines are read from files named .jsonl)") from None
    if not isinstance(data, list):
        raise ValueError(f"a JSON array is expected, one entry per input, not {type(data).__name__}")  # noqa: TRY004 - a value of the file
    return data


_TOO_LARGE = (
    f"larger than {MOST_INPUT_BYTES >> 20} MiB: inputs are sent with every sitting. "
    'Give names of what to read instead, or a function that makes the inputs: inputs = "module:name"'
)


def _line(number: int, line: str) -> Any:
    try:
        return json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {number}: not valid JSON: {error}") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _reference(reader: TableReader, value: Any, called: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= 200 and _REFERENCE.fullmatch(value):
        return value
    reader.problem(called, f'{str(value)[:50]!r}: name it by module and name, "shop.images:thumbnail"')
    return None


def _data(
    reader: TableReader, given: Any, called_so: Any, called: str, folder: Path | None
) -> tuple[str, str | None]:
    """Give the inputs' name and their JSON text; a problem is noted where there are none."""
    try:
        if isinstance(given, list):
            data, name = given, called_so if isinstance(called_so, str) else f"{len(given)} items"
        elif isinstance(given, str):
            data, name = _file(given, folder), Path(given).name
        else:
            raise ValueError('give a file, "uploads.jsonl", a function, "module:name", or a list')  # noqa: TRY004 - a value of the file
        if not data:
            raise ValueError("there are no inputs: give at least one")
        text = json.dumps(data, separators=(",", ":"), allow_nan=False)
        if len(text) > MOST_INPUT_BYTES:
            raise ValueError(_TOO_LARGE)
    except (ValueError, TypeError) as error:
        # TypeError: TOML has dates and times, which JSON has not.
        reader.problem(called, str(error))
        return "", None
    return name[:80], text


def _file(given: str, folder: Path | None) -> list[Any]:
    if folder is None:
        raise ValueError(f"{given!r}: a file cannot be named here: give the inputs themselves, a list")
    try:
        return read_inputs(folder / given)
    except ValueError as error:
        raise ValueError(f"{given}: {error}") from None


def _variables(reader: TableReader, given: Any, called: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(n, str) and _VARIABLE.fullmatch(n) for n in given):
        reader.problem(called, 'a list of names is expected: environment = ["DJANGO_SETTINGS_MODULE"]')
        return ()
    for name in given:
        if name.startswith("PARLAB_"):
            reader.problem(called, f"{name}: parlab's own settings are not passed on; leave it out")
    return tuple(dict.fromkeys(given))
