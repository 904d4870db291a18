"""A digest of a result's structure, so that equal results are known as such across interpreters.

Not of its pickle: pickles of equal values differ between builds, by identity of their parts and by
the order of sets. Here every value is tagged with its type and written out in one way only; floats
are taken bit by bit, sets and dicts without their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import LabError

try:
    # hashlib gives this same function, but loads OpenSSL for it, which costs a trial 6 ms.
    from _blake2 import blake2b
except ImportError:  # a build without it has OpenSSL's
    from hashlib import blake2b

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIZE_BYTES = 16

#: Types whose repr says all there is to say, by name: importing them to compare would cost time.
_SAID_BY_REPR = frozenset({
    "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "datetime.date", "datetime.time",
    "datetime.datetime", "datetime.timedelta", "datetime.timezone", "builtins.range",
    "pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib._local.PosixPath",
    "pathlib._local.PurePosixPath", "builtins.ellipsis",
})  # fmt: skip


#: pandas' scalars, which its columns are made of besides Python's own.
_PANDAS_SCALARS = frozenset({"Timestamp", "Timedelta", "NaTType", "NAType", "Interval", "Period"})


class NotDigestible(LabError):
    """A result is of a kind that has no structure to take a digest of."""

    exit_code = 1


def digest(value: object) -> str:
    """Give the digest of ``value`` as 32 hex digits.

    Takes None, numbers, text, bytes and all that exports a buffer, lists, tuples, sets, dicts,
    dataclasses, named tuples, enumerations, and the usual value types of the standard library.
    Raises :class:`NotDigestible` on anything else.
    """
    try:
        return _hash(_write(value)).hex()
    except RecursionError:
        raise NotDigestible("a result contains itself, or is nested too deeply for a digest", _CURE) from None


def combine(digests: Iterable[str]) -> str:
    """Give the digest over all tasks' digests, in task order."""
    return _hash("".join(digests).encode()).hex()


_CURE = "Give the workload a check of its results, or have it return plain data."


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=_SIZE_BYTES).digest()


def _write(value: Any) -> bytes:
    kind = type(value)
    writer = _WRITERS.get(kind)
    return writer(value) if writer is not None else _write_other(kind, value)


def _framed(tag: str, parts: Iterable[bytes]) -> bytes:
    # Every part is of one length, so that no two structures are written alike.
    hashed = [_hash(part) for part in parts]
    return f"{tag}{len(hashed)}:".encode() + b"".join(hashed)


def _unordered(tag: str, parts: Iterable[bytes]) -> bytes:
    hashed = sorted(_hash(part) for part in parts)
    return f"{tag}{len(hashed)}:".encode() + b"".join(hashed)


def _write_float(value: float) -> bytes:
    return f"f{value.hex()}".encode()


def _write_complex(value: complex) -> bytes:
    return f"c{value.real.hex()},{value.imag.hex()}".encode()


def _write_dict(value: dict[Any, Any]) -> bytes:
    return _unordered("d", (_framed("p", (_write(key), _write(item))) for key, item in value.items()))


#: hex, not decimal: Python refuses to write integers of more than 4300 digits in decimal.
_WRITERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"N",
    bool: lambda value: b"T" if value else b"F",
    int: lambda value: b"i%x" % value,
    float: _write_float,
    complex: _write_complex,
    str: lambda value: b"s" + value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: b"b" + value,
    bytearray: lambda value: b"a" + value,
    list: lambda value: _framed("l", map(_write, value)),
    tuple: lambda value: _framed("t", map(_write, value)),
    set: lambda value: _unordered("S", map(_write, value)),
    frozenset: lambda value: _unordered("Z", map(_write, value)),
    dict: _write_dict,
}


def _write_other(kind: type, value: Any) -> bytes:
    # The class's own name without its module: a module is __main__ here and __mp_main__ there.
    name = kind.__qualname__
    if f"{kind.__module__}.{name}" in _SAID_BY_REPR or (
        name in _PANDAS_SCALARS and kind.__module__.startswith("pandas.")
    ):
        return f"r{name}:{value!r}".encode()
    if hasattr(kind, "__dataclass_fields__"):
        fields = kind.__dataclass_fields__
        return _framed(f"D{name}:", (_framed(field, (_write(getattr(value, field)),)) for field in fields))
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return _framed(
            f"n{name}:", (_framed(f, (_write(part),)) for f, part in zip(kind._fields, value, strict=True))
        )
    if hasattr(kind, "__members__") and hasattr(value, "_name_"):
        return f"e{name}:{value._name_}".encode()
    package = kind.__module__.partition(".")[0]
    writer = {"pandas": _write_pandas, "collections": _write_collection}.get(package, _write_buffer)
    return writer(name, value)


def _write_collection(name: str, value: Any) -> bytes:
    if name == "deque":
        return _framed("q", map(_write, value))
    if name in ("OrderedDict", "defaultdict", "Counter"):
        return f"{name}:".encode() + _write_dict(value)
    raise NotDigestible(f"a result holds a collections.{name}, which has no digest", _CURE)


def _write_pandas(name: str, value: Any) -> bytes:
    if name == "DataFrame":
        columns = (value.iloc[:, index] for index in range(value.shape[1]))
        parts = (_write_pandas("Series", column) for column in columns)
        return _framed("P:", (_write(value.columns.tolist()), _write(value.index.tolist()), *parts))
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        index = value.index.tolist() if hasattr(value, "index") else None
        return _framed(f"p{value.dtype}:", (_write(index), _write(value.tolist())))
    raise NotDigestible(f"a result holds a pandas {name}, which has no digest", _CURE)


def _write_buffer(name: str, value: Any) -> bytes:
    try:
        view = memoryview(value)
        # "O" is a pointer: it says where an object is, not what it is.
        if "O" in view.format:
            raise TypeError
        return f"B{name}:{view.format}:{view.shape}:".encode() + view.tobytes()
    except (TypeError, ValueError):
        kind = type(value)
        if kind.__module__ == "numpy" and getattr(value, "ndim", None):
            # Of objects or of dates: no buffer says what they are.
            return _framed(f"o{value.dtype}:{value.shape}:", (_write(value.tolist()),))
        raise NotDigestible(
            f"a result holds a {kind.__module__}.{kind.__qualname__}, which has no digest", _CURE
        ) from None
