"""An experiment file as a TOML document: found, read, and changed by ``--set``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from parlab.workers.errors import BadInput

#: More than any experiment needs; a file this large is another file.
MOST_BYTES = 1 << 20
#: TOML's integers have 64 bits.
MOST_INTEGER = 2**63 - 1


def shipped_names() -> list[str]:
    """List the experiments that ship, by name."""
    folder = resources.files(f"{__package__}.shipped")
    return sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")
    )


def read(path_or_name: str) -> tuple[str, dict[str, Any]]:
    """Read an experiment file, or one that ships, and say what to call it in messages.

    Raises:
        BadInput: there is no such file, or it cannot be read as TOML.
    """
    path = Path(path_or_name)
    if path_or_name in shipped_names() and not path.suffix and not path.is_file():
        text = resources.files(f"{__package__}.shipped").joinpath(f"{path_or_name}.toml").read_bytes()
        return f"{path_or_name}.toml", _parse(f"{path_or_name}.toml", text)
    try:
        if path.is_dir():
            raise BadInput(f"{path} is a folder", "Name the experiment file in it.")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise BadInput(
            f"there is no experiment file {path_or_name}, and no experiment with that name comes with parlab",
            f"These come with parlab: {', '.join(shipped_names())}.",
        ) from None
    except OSError as error:
        shown = path_or_name if len(path_or_name) <= 200 else f"{path_or_name[:200]}…"
        raise BadInput(
            f"{shown}: cannot be read: {error.strerror}", "Name a file that you can read."
        ) from error
    except ValueError:
        # A NUL in it.
        raise BadInput(
            f"{path_or_name!r} cannot be a file's name", "Name a file that you can read."
        ) from None
    if len(data) > MOST_BYTES:
        raise BadInput(f"{path}: larger than 1 MiB", "An experiment is a short TOML file; name that.")
    return path_or_name, _parse(path_or_name, data)


def _parse(name: str, data: bytes) -> dict[str, Any]:
    try:
        document = tomllib.loads(data.decode("utf-8"))
        _check_integers(document)
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: not UTF-8 text (byte {error.start})", "Save it as UTF-8.") from error
    except ValueError as error:
        # TOMLDecodeError, which says the line, or an integer of thousands of digits.
        raise BadInput(f"{name}: not valid TOML: {error}", "See docs/experiment-files.md.") from error
    except RecursionError:
        raise BadInput(f"{name}: nested too deeply", "See docs/experiment-files.md.") from None
    return document


def _check_integers(value: Any) -> None:
    """Raise ``ValueError`` on an integer beyond TOML's 64 bits: Python reads it, but may not print it."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_integers(item)
    elif isinstance(value, int) and not -MOST_INTEGER <= value <= MOST_INTEGER:
        raise ValueError("an integer does not fit into 64 bits")


def change(document: dict[str, Any], sets: Sequence[str]) -> list[str]:
    """Apply ``KEY=VALUE`` to a document in place; what is wrong with them is returned, not raised.

    A key is dotted: ``stop.budget``, ``experiment.seed``, ``workload.wait.seconds`` (every workload of
    that name), ``workload.0.tasks`` (the first). A value is TOML where it is valid TOML, else text.
    """
    problems = []
    for text in sets:
        key, equals, value = text.partition("=")
        parts = key.strip().split(".")
        if not text.isprintable():
            # Also bytes of the command line that are no UTF-8: nothing could store them.
            problems.append(f"--set {text!r}: it contains characters that cannot be printed")
            continue
        if not equals or len(parts) < 2 or not all(parts):
            problems.append(f"--set {text}: write it as KEY=VALUE, for example stop.budget=30s")
            continue
        places = _places(document, parts[:-1])
        if not places:
            problems.append(
                f"--set {text}: there is no {'.'.join(parts[:-1])}; {_there_is(document, parts[0])}"
            )
        for place in places:
            place[parts[-1]] = _value(value.strip())
    return problems


def _places(document: dict[str, Any], parts: Sequence[str]) -> list[dict[str, Any]]:
    table = document.get(parts[0])
    if len(parts) == 1:
        if table is None and parts[0] in ("stop", "experiment"):
            table = document.setdefault(parts[0], {})
        return [table] if isinstance(table, dict) else []
    if len(parts) != 2 or not isinstance(table, list):
        return []
    entries = [entry for entry in table if isinstance(entry, dict)]
    if re.fullmatch("[0-9]{1,4}", parts[1]):
        return entries[int(parts[1]) : int(parts[1]) + 1]
    return [entry for entry in entries if entry.get("name") == parts[1]]


def _there_is(document: dict[str, Any], first: str) -> str:
    table = document.get(first)
    if isinstance(table, list):
        names = [str(e.get("name", i)) for i, e in enumerate(table) if isinstance(e, dict)]
        return f"there is {', '.join(f'{first}.{name}' for name in names)}"
    return f"there is {', '.join(sorted(document))}"


def _value(text: str) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
        _check_integers(value)
    except (ValueError, RecursionError):
        return text
    return value
