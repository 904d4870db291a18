"""A function by its module and name, "shop.images:thumbnail": looked up, and what it is said."""

from __future__ import annotations

import sys
from importlib import import_module

from ..errors import TrialFault, named

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: inspect's flags of code objects, without inspect (20 ms).
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


def resolve(reference: str) -> Any:
    """Import the module and look the name up, which may be dotted: "shop:Cart.total".

    Raises:
        TrialFault: "unavailable" where this interpreter cannot import it, or it has no such name.
    """
    module_name, _, path = reference.partition(":")
    try:
        value: Any = import_module(module_name)
    except BaseException as error:
        raise TrialFault(
            "unavailable", f"this Python cannot import {module_name}: {named(error)}", error
        ) from error
    for name in path.split("."):
        try:
            value = getattr(value, name)
        except AttributeError:
            raise TrialFault("unavailable", f"{reference}: {module_name} has no {path}") from None
    return value


def resolve_callable(reference: str) -> Callable[..., Any]:
    """Look a function up; what cannot be called is refused.

    Raises:
        TrialFault: as :func:`resolve`, and "raised" where it is nothing that can be called.
    """
    value = resolve(reference)
    if not callable(value):
        raise TrialFault("raised", f"{reference} is not a function; its type is {type(value).__name__}")
    function: Callable[..., Any] = value
    return function


def is_async(function: object) -> bool:
    """Tell whether calling it gives a coroutine."""
    return bool(_flags(function) & _COROUTINE)


def is_generator(function: object) -> bool:
    """Tell whether calling it gives a generator, synchronous or not: a call does no work yet."""
    return bool(_flags(function) & (_GENERATOR | _ASYNC_GENERATOR))


def _flags(function: object) -> int:
    while (inner := getattr(function, "func", None)) is not None:
        # functools.partial
        function = inner
    function = getattr(function, "__func__", function)
    if not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", function)  # noqa: B004 - its code is looked at, not whether it is
    flags: int = getattr(getattr(function, "__code__", None), "co_flags", 0)
    return flags


def unpicklable(value: object) -> str | None:
    """Say why ``value`` cannot be pickled as a pool of processes does it; None where it can."""
    import pickle

    try:
        pickle.loads(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))  # noqa: S301 - our own bytes
    except BaseException as error:  # noqa: BLE001 - a __reduce__ may raise anything
        import re

        # Without addresses, which differ each time: the same reason is told once.
        return re.sub(" at 0x[0-9a-f]+", "", named(error))
    return None


def where_from(reference: str) -> str:
    """Give the file that a function's module was loaded from, for people."""
    module = sys.modules.get(reference.partition(":")[0])
    return getattr(module, "__file__", None) or "built in"
