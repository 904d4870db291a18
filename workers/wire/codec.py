"""Frozen dataclasses to canonical JSON and back, strictly.

What crosses the queue is JSON and nothing else. Python's own ``json`` lets NaN through, turns int
keys into strings and guesses at unknown types; here each of these is an error on the side that
caused it.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from ..errors import SpecRefused

T = TypeVar("T")


def encode(value: Any) -> str:
    """Encode a dataclass (or JSON value) as canonical JSON: sorted keys, no spaces, no NaN.

    Raises :class:`SpecRefused` on a value that JSON cannot carry unchanged.
    """
    try:
        return json.dumps(
            to_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
        )
    except ValueError as error:
        raise SpecRefused(f"cannot be sent as JSON: {error}") from error


def decode(kind: type[T], text: str | bytes) -> T:
    """Decode canonical JSON into ``kind``; unknown, missing or mistyped fields are refused.

    Raises :class:`SpecRefused` that names the field.
    """
    try:
        plain = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise SpecRefused(f"not valid JSON: {error}") from error
    return typing.cast("T", from_plain(kind, plain, kind.__name__))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def to_plain(value: Any) -> Any:
    """Turn dataclasses, tuples and mappings into dicts and lists; leave JSON scalars alone."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise SpecRefused(f"a mapping's key must be a string, not {key!r}")
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    raise SpecRefused(f"cannot be sent as JSON: {type(value).__name__}")


def from_plain(kind: Any, value: Any, where: str) -> Any:
    """Build ``kind`` (a dataclass, tuple, mapping, union, literal or scalar type) from JSON data."""
    try:
        return _reader(kind)(value)
    except _Mismatch as mismatch:
        raise SpecRefused(f"{where}{mismatch.place}: {mismatch.text}") from None


#: Builds one kind from JSON data, or raises _Mismatch. A run's record is hundreds of thousands of small
#: objects: what a kind is made of is found out once, and where in it something is wrong only if it is.
_Reader = Callable[[Any], Any]


class _Mismatch(Exception):
    """What does not fit, and where: ``place`` grows on its way out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = ""

    def within(self, part: str) -> _Mismatch:
        self.place = part + self.place
        return self


@cache
def _reader(kind: Any) -> _Reader:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_reader(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _union_reader(arguments)
    if origin is typing.Literal:
        return _literal_reader(arguments)
    if origin is tuple:
        return _tuple_reader(_reader(arguments[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping_reader(_reader(arguments[1]))
    return _scalar_reader(kind)


def _dataclass_reader(kind: type) -> _Reader:
    hints = typing.get_type_hints(kind)
    parts = tuple(
        (f.name, _reader(hints[f.name]), f.default is f.default_factory is dataclasses.MISSING)
        for f in dataclasses.fields(kind)
    )
    known = frozenset(name for name, _, _ in parts)
    # A frozen dataclass's own __init__ does nothing but assign, each field by a call: of a whole one that
    # is done at once, in half the time.
    assigned = not hasattr(kind, "__post_init__") and not hasattr(kind, "__slots__")

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _Mismatch(f"an object was expected, not {type(value).__name__}")
        if not value.keys() <= known:
            raise _Mismatch(f"unknown field {min(value.keys() - known)!r}")
        arguments = {}
        for name, reader, needed in parts:
            if name in value:
                try:
                    arguments[name] = reader(value[name])
                except _Mismatch as mismatch:
                    raise mismatch.within(f".{name}") from None
            elif needed:
                raise _Mismatch(f"field {name!r} is missing")
        if assigned and len(arguments) == len(parts):
            made: Any = object.__new__(kind)
            made.__dict__.update(arguments)
            return made
        return kind(**arguments)

    return read


def _tuple_reader(item: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise _Mismatch(f"a list was expected, not {type(value).__name__}")
        entries: list[Any] = []
        try:
            for entry in value:
                entries.append(item(entry))  # noqa: PERF401 - how far it came is where it went wrong
        except _Mismatch as wrong:
            raise wrong.within(f"[{len(entries)}]") from None
        return tuple(entries)

    return read


def _mapping_reader(item: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _Mismatch(f"an object was expected, not {type(value).__name__}")
        entries = {}
        for key, entry in value.items():
            try:
                entries[key] = item(entry)
            except _Mismatch as wrong:
                raise wrong.within(f".{key}") from None
        return entries

    return read


def _union_reader(choices: tuple[Any, ...]) -> _Reader:
    nullable = type(None) in choices
    readers = tuple(_reader(choice) for choice in choices if choice is not type(None))

    def read(value: Any) -> Any:
        if value is None:
            if nullable:
                return None
            raise _Mismatch("null is not allowed")
        first: _Mismatch | None = None
        for reader in readers:
            try:
                return reader(value)
            except _Mismatch as wrong:
                first = first or wrong
        assert first is not None
        raise first

    return read


def _literal_reader(choices: tuple[Any, ...]) -> _Reader:
    def read(value: Any) -> Any:
        if value not in choices:
            raise _Mismatch(f"{value!r} is none of {choices}")
        return value

    return read


def _scalar_reader(kind: Any) -> _Reader:
    if kind is Any or kind is object:
        return lambda value: value

    def read(value: Any) -> Any:
        # The usual case first: exactly that type, which a bool is not for an int.
        if type(value) is kind:
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, kind) or (kind in (int, float) and isinstance(value, bool)):
            raise _Mismatch(f"{kind.__name__} was expected, not {type(value).__name__}")
        return value

    return read
