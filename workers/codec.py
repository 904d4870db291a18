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
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from .errors import SpecRefused

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
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_from(kind, value, where)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _union_from(typing.get_args(kind), value, where)
    if origin is typing.Literal:
        if value not in typing.get_args(kind):
            raise SpecRefused(f"{where}: {value!r} is none of {typing.get_args(kind)}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise SpecRefused(f"{where}: a list was expected, not {type(value).__name__}")
        item_kind = typing.get_args(kind)[0]
        return tuple(from_plain(item_kind, item, f"{where}[{i}]") for i, item in enumerate(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise SpecRefused(f"{where}: an object was expected, not {type(value).__name__}")
        item_kind = typing.get_args(kind)[1]
        return {key: from_plain(item_kind, item, f"{where}.{key}") for key, item in value.items()}
    return _scalar_from(kind, value, where)


@cache
def _fields(kind: type) -> tuple[tuple[dataclasses.Field[Any], Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((f, hints[f.name]) for f in dataclasses.fields(kind))


def _dataclass_from(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise SpecRefused(f"{where}: an object was expected, not {type(value).__name__}")
    known = _fields(kind)
    unknown = set(value) - {f.name for f, _ in known}
    if unknown:
        raise SpecRefused(f"{where}: unknown field {min(unknown)!r}")
    arguments = {}
    for field, hint in known:
        if field.name in value:
            arguments[field.name] = from_plain(hint, value[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SpecRefused(f"{where}: field {field.name!r} is missing")
    return kind(**arguments)


def _union_from(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None:
        if type(None) in choices:
            return None
        raise SpecRefused(f"{where}: null is not allowed")
    refusals = []
    for choice in choices:
        if choice is type(None):
            continue
        try:
            return from_plain(choice, value, where)
        except SpecRefused as refusal:
            refusals.append(refusal.message)
    raise SpecRefused(refusals[0])


def _scalar_from(kind: Any, value: Any, where: str) -> Any:
    if kind is Any or kind is object:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind in (int, float) and isinstance(value, bool)):
        raise SpecRefused(f"{where}: {kind.__name__} was expected, not {type(value).__name__}")
    return value
