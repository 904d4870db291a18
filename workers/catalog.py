"""Finds workloads, strategies and probes: one file each, one constant in each, the name is the file's.

Strict: a file that does not hold what its folder promises is an error, never passed over. Loading
one by name imports that one module only; a trial's interpreter pays for what it uses.
"""

from __future__ import annotations

import os
from importlib import import_module

from .errors import BadInput, LabError

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .probes.base import Probe
    from .strategies.base import Strategy
    from .workloads.base import Workload

#: Folder → the constant that each of its files holds.
_CONSTANTS = {"workloads": "WORKLOAD", "strategies": "STRATEGY", "probes": "PROBE"}
_CLASSES = {"workloads": "Workload", "strategies": "Strategy", "probes": "Probe"}


class CatalogFault(LabError):
    """A file in a catalog's folder, or an entry point, does not hold what it should: a bug in it."""


def names(folder: str) -> list[str]:
    """List what ``folder`` ("workloads", "strategies", "probes") holds by its files; imports none."""
    package = import_module(f"{__package__}.{folder}")
    found = {
        entry.removesuffix(".py")
        for path in package.__path__
        for entry in os.listdir(path)  # noqa: PTH208 - pathlib costs a trial's interpreter 5 ms
        if entry.endswith(".py") and not entry.startswith("_") and entry != "base.py"
    }
    return sorted(found)


def workload(name: str) -> Workload:
    """Load one workload; raises :class:`BadInput` when there is none of that name."""
    loaded: Workload = _one("workloads", name)
    return loaded


def strategy(name: str) -> Strategy:
    """Load one strategy; raises :class:`BadInput` when there is none of that name."""
    loaded: Strategy = _one("strategies", name)
    return loaded


def probe(name: str) -> Probe:
    """Load one probe; raises :class:`BadInput` when there is none of that name."""
    loaded: Probe = _one("probes", name)
    return loaded


def workloads() -> dict[str, Workload]:
    """Load all workloads of this package, by name."""
    return {name: workload(name) for name in names("workloads")}


def strategies() -> dict[str, Strategy]:
    """Load all strategies of this package, the simplest first."""
    loaded = sorted(
        (strategy(name) for name in names("strategies")), key=lambda one: (one.simplicity, one.name)
    )
    return {one.name: one for one in loaded}


def probes() -> dict[str, Probe]:
    """Load all probes of this package, by name; two that give a quantity of one name are an error."""
    loaded = {name: probe(name) for name in names("probes")}
    owners: dict[str, str] = {}
    for one in loaded.values():
        for quantity in one.quantities:
            other = owners.setdefault(quantity.name, one.name)
            if other != one.name:
                raise CatalogFault(f"probes {other} and {one.name} both give a quantity {quantity.name!r}")
    return loaded


def installed(folder: str) -> dict[str, Any]:
    """Load all of ``folder`` and what other distributions add by the entry points ``parlab.<folder>``.

    For the harness only: a trial's interpreter has no site-packages and never calls this. Raises
    :class:`CatalogFault` on an entry point that cannot be loaded, holds something else, or takes a
    name that is taken.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - 30 ms that a trial must not pay

    loaded = {name: _one(folder, name) for name in names(folder)}
    for point in entry_points(group=f"parlab.{folder}"):
        where = f"entry point {point.name} = {point.value} (group parlab.{folder})"
        if point.name in loaded:
            raise CatalogFault(f"{where}: the name is taken", "Rename it, or uninstall what provides it.")
        try:
            constant = point.load()
        except (ImportError, AttributeError) as error:
            raise CatalogFault(f"{where}: {error}", "Install what it needs, or uninstall it.") from error
        loaded[point.name] = _checked(folder, point.name, constant, where)
    return loaded


def _one(folder: str, name: str) -> Any:
    constant_name = _CONSTANTS[folder]
    # A name comes from a user's file: it must not reach another module than one of this folder.
    if name not in names(folder):
        raise BadInput(
            f"there is no {folder[:-1] if folder != 'strategies' else 'strategy'} {name!r}",
            f"There are: {', '.join(names(folder))}.",
        )
    module: ModuleType = import_module(f"{__package__}.{folder}.{name}")
    where = f"{folder}/{name}.py"
    if not hasattr(module, constant_name):
        raise CatalogFault(f"{where}: it has no constant {constant_name}", "Add it, or move the file.")
    return _checked(folder, name, getattr(module, constant_name), where)


def _checked(folder: str, name: str, constant: Any, where: str) -> Any:
    wanted = getattr(import_module(f"{__package__}.{folder}.base"), _CLASSES[folder])
    if not isinstance(constant, wanted):
        raise CatalogFault(f"{where}: it holds a {type(constant).__name__}, not a {wanted.__name__}")
    if constant.name != name:
        raise CatalogFault(f"{where}: what it holds is named {constant.name!r}", f"Name it {name!r}.")
    return constant
