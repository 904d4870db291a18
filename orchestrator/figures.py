"""Figures as people read them: digits, units, ranges, and what stands where there is none."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TextIO

#: What stands where there is no figure; never a zero.
NONE = "–"

_TIME_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
#: Unit, its sign, and the amount from which it is used: a column of sizes is compared best in MB.
_SIZE_UNITS = ((1e9, "GB", 0.9995e9), (1e6, "MB", 0.05e6), (1e3, "kB", 0.9995e3), (1.0, "B", 0.0))
_ASCII = str.maketrans(
    {
        "×": "x",
        "·": "|",
        "–": "-",
        "—": "-",
        "−": "-",
        "µ": "u",
        "◀": "<<",
        "◁": "<",
        "→": "->",
        "…": "...",
        "±": "+-",
        "≤": "<=",
        "≥": ">=",
        "∞": "inf",
        "✓": "+",
        "✗": "x",
        "’": "'",
        "“": '"',
        "”": '"',
        "\u00a0": " ",
        "\u202f": " ",
    }
)
_LINE_BREAK = re.compile(r"\s*[\r\n]\s*")
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_SUPERSCRIPT_RUN = re.compile(f"⁻?[{_SUPERSCRIPTS}]+")


def number(value: float | None, digits: int = 3) -> str:
    """Write a figure with so many significant digits; whole digits are never rounded away.

    >>> number(1.9149), number(0.03124), number(41234.4)
    ('1.91', '0.0312', '41234')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if value != 0 and abs(value) < 1e-4:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-")
    return f"{value:.{decimals(value, digits)}f}"


def decimals(value: float, digits: int = 3) -> int:
    """Return how many decimals give ``value`` so many significant digits (as it rounds to)."""
    if value == 0 or not math.isfinite(value):
        return 0
    # By what it rounds to: 9.996 is written 10.0, not 10.00.
    exponent = int(f"{value:.{digits - 1}e}".rpartition("e")[2])
    return max(0, digits - 1 - exponent)


def span(value: float, low: float, high: float, unit: float = 1.0) -> str:
    """Write a figure with its quartiles, all to the figure's own decimals: "2.08 (2.02–2.15)"."""
    places = decimals(value / unit)
    return f"{value / unit:.{places}f} ({low / unit:.{places}f}–{high / unit:.{places}f})"


def interval(ratio: float, low: float | None, high: float | None) -> str:
    """Write a ratio with its interval: "1.91 [1.83, 1.99]"; a bound that is not known is a dash.

    Hundredths are enough between 0.1 and 10: no verdict hangs on less than a per cent.
    """
    places = decimals(ratio) if ratio < 0.1 else min(2, decimals(ratio))
    if low is None and high is None:
        return f"{ratio:.{places}f} [none yet]"
    bounds = (NONE if bound is None else f"{bound:.{places}f}" for bound in (low, high))
    return f"{ratio:.{places}f} [{', '.join(bounds)}]"


def percent(ratio: float) -> str:
    """Write a ratio in per cent: 0.975 is "97.5 %"."""
    return f"{ratio * 100:.3g} %"


def time_unit(seconds: float) -> tuple[float, str]:
    """Return the unit that suits a time, as its seconds and its sign: (0.001, "ms")."""
    for size, sign in _TIME_UNITS:
        # What rounds to 1 of a unit is written in it: 0.9996 s is 1.00 s, not 1000 ms.
        if abs(seconds) >= 0.9995 * size:
            return size, sign
    return _TIME_UNITS[-1] if seconds else _TIME_UNITS[0]


def duration(seconds: float | None, digits: int = 3) -> str:
    """Write a measured time in the unit that suits it: "41.2 ms"."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    size, sign = time_unit(seconds)
    return f"{number(seconds / size, digits)} {sign}"


def unit_of(unit: str, greatest: float) -> tuple[float, str]:
    """Return what suits a quantity of a base unit, as its size and its sign: ("ratio", 0.2) → (0.01, "%")."""
    if unit == "seconds":
        return time_unit(greatest)
    if unit in ("bytes", "bytes_per_second"):
        size, sign = next((size, sign) for size, sign, least in _SIZE_UNITS if abs(greatest) >= least)
        return size, f"{sign}/s" if unit == "bytes_per_second" else sign
    return (0.01, "%") if unit == "ratio" else (1.0, "")


def quantity(value: float | None, unit: str) -> str:
    """Write a quantity of a base unit in the one that suits it: "1.91 MB", "12.5 %", "3"."""
    if value is None or not math.isfinite(value):
        return NONE
    size, sign = unit_of(unit, value)
    return f"{number(value / size)} {sign}".rstrip()


def waiting(seconds: float) -> str:
    """Write how long somebody waits or waited: "71 s", "9 min 30 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(count: float | None, *, signed: bool = False) -> str:
    """Write a number of bytes: "9.1 MB", "310 MB"; signed, as a difference: "+31 MB", "−0.2 MB"."""
    if count is None or not math.isfinite(count):
        return NONE
    if count == 0:
        return "+0 MB" if signed else "0 MB"
    amount, sign = abs(count), ("+" if count >= 0 else "−") if signed else ""
    unit, name = next((unit, name) for unit, name, least in _SIZE_UNITS if amount >= least)
    scaled = amount / unit
    return f"{sign}{scaled:.{1 if scaled < 9.95 and unit > 1 else 0}f} {name}"


def byte_unit(count: float) -> tuple[float, str]:
    """Return the greatest unit that a payload has one of, as its bytes and its sign: (1000, "kB")."""
    return next((size, sign) for size, sign, _ in _SIZE_UNITS if count >= size or size == 1)


def round_bytes(count: float) -> str:
    """Write a payload as it was meant, not as it was measured: "2 kB"."""
    size, sign = byte_unit(count)
    return f"{count / size:.3g} {sign}"


def round_seconds(seconds: float) -> str:
    """Write a time as it was meant: "10 ms"."""
    size, sign = time_unit(seconds)
    return f"{seconds / size:.3g} {sign}"


def counted(count: int, noun: str) -> str:
    """Write a number of things: "1 block", "3 blocks"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listing(items: Sequence[str], most: int) -> str:
    """Write so many items, and how many there are besides: "a; b; and 3 more"."""
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return "; ".join([*items[:most], *more])


def implementation(name: str) -> str:
    """Write a Python implementation's name as it calls itself in print: "CPython"."""
    return {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}.get(name.lower(), name)


def printable(text: str) -> str:
    """Take out of a text what would move the cursor or colour the screen; newlines become spaces."""
    flat = _LINE_BREAK.sub(" ", text.rstrip()).replace("\t", " ")
    return "".join(character if character.isprintable() else "?" for character in flat)


def can_show(stream: TextIO) -> bool:
    """Return whether a stream's encoding has the signs that parlab writes (×, –, ◀, ⁷)."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        "×–◀◁·⁷µ→".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def ascii_only(text: str) -> str:
    """Write a text without any sign beyond ASCII: × as x, 10⁷ as 10^7, – as -."""
    text = _SUPERSCRIPT_RUN.sub(_caret, text).translate(_ASCII)
    return text.encode("ascii", "replace").decode("ascii")


def _caret(match: re.Match[str]) -> str:
    digits = match.group().replace("⁻", "-")
    return "^" + "".join(str(_SUPERSCRIPTS.index(d)) if d in _SUPERSCRIPTS else d for d in digits)
