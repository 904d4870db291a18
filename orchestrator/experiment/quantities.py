"""Durations, percentages, sizes and numbers of workers, as people write them."""

from __future__ import annotations

import math
import re

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?"
)
_UNIT_SECONDS = (86400, 3600, 60, 1)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)[bB]?")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?")
_WORKERS = re.compile(r"(?:([0-9]{1,6})\*)?cpus(?:([*/+-])([0-9]{1,6}))?")
_WHOLE = re.compile("[0-9]{1,6}")

#: A hundred years: longer is a slip, and clocks and timers overflow on it.
MOST_SECONDS = 36_525 * 86_400.0
#: More than any pool of threads or processes is good for on one host.
MOST_WORKERS = 4096


def seconds(text: str | float) -> float:
    """Read a duration: a number of seconds, or "90s", "10m", "1h30m", "30d".

    Raises:
        ValueError: it is not one; the message says what one looks like.
    """
    if isinstance(text, str):
        match = _DURATION.fullmatch(text.strip())
        if match is None or not any(match.groups()):
            try:
                value = float(text)
            except ValueError:
                raise ValueError(f"{text!r} is not a duration: write 90s, 10m or 1h30m") from None
        else:
            value = sum(float(n) * unit for n, unit in zip(match.groups(), _UNIT_SECONDS, strict=True) if n)
    else:
        value = float(text)
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"{text!r} is not a duration above 0: write 90s, 10m or 1h30m")
    if value > MOST_SECONDS:
        raise ValueError(f"{text!r} is longer than a hundred years: write 90s, 10m or 1h30m")
    return value


def ratio(text: str | float) -> float:
    """Read a share: "5%" or 0.05.

    Raises:
        ValueError: it is not one between 0 and 1, both excluded.
    """
    try:
        value = float(text[:-1]) / 100 if isinstance(text, str) and text.endswith("%") else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a share: write 5% or 0.05") from None
    if not 0 < value < 1:
        raise ValueError(f"{text!r} is not between 0 and 100 %: write 5% or 0.05")
    return value


def size_bytes(text: str) -> int:
    """Read a size: "500MB" (10⁶), "2GiB" (2³⁰), or a number of bytes.

    Raises:
        ValueError: it is not one.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size: write 500MB or 2GB")
    number, prefix, binary = match.groups()
    power = " KMGT".index(prefix.upper()) if prefix else 0
    return int(float(number) * (1024 if binary else 1000) ** power)


def memory_bytes(text: str) -> int:
    """Read an amount of memory as container engines write it: "512m", "1g"; powers of 1024.

    Raises:
        ValueError: it is not one.
    """
    match = _MEMORY.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not an amount of memory: write 512m or 2g")
    number, prefix = match.groups()
    return int(float(number) * 1024 ** " kmgt".index(prefix or " "))


def check_workers(expression: int | str) -> None:
    """Check a number of workers before any host is known.

    Raises:
        ValueError: neither a number from 1 to :data:`MOST_WORKERS` nor an expression of "cpus".
    """
    if isinstance(expression, str) and _WHOLE.fullmatch(expression) is None:
        if _WORKERS.fullmatch(expression.replace(" ", "")) is None:
            raise ValueError(
                f'{expression!r} is not a number of workers: write 4, "cpus", "2*cpus" or "cpus+1"'
            )
        workers(expression, 1)
        return
    if not 1 <= int(expression) <= MOST_WORKERS:
        raise ValueError(f"{expression!r} workers: it must be 1 to {MOST_WORKERS}")


def workers(expression: int | str, cpus: int) -> int:
    """Work out a number of workers on a host with so many effective CPUs; at least 1.

    Raises:
        ValueError: the expression divides by 0 or gives more than :data:`MOST_WORKERS`.
    """
    if isinstance(expression, int) or _WHOLE.fullmatch(expression):
        return int(expression)
    match = _WORKERS.fullmatch(expression.replace(" ", ""))
    if match is None:
        raise ValueError(f"{expression!r} is not a number of workers")
    factor, operator, operand = match.groups()
    value = cpus * int(factor or 1)
    if operator is not None:
        number = int(operand)
        if operator == "/" and number == 0:
            raise ValueError(f"{expression!r} divides by 0")
        value = {
            "*": lambda: value * number,
            "/": lambda: value // number,
            "+": lambda: value + number,
            "-": lambda: value - number,
        }[operator]()
    if value > MOST_WORKERS:
        raise ValueError(f"{expression!r} gives {value} workers; at most {MOST_WORKERS} are allowed")
    return max(value, 1)
