"""Catalog of workloads, scenarios, strategies and probes: one file and constant each, the name is the file's.

Strict: a file that does not hold what its folder promises is an error, never passed over. Loading
one by name imports that one module only; a trial's interpreter pays for what it uses.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .errors import BadInput, LabError

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints, SelectableGroups
    from types import ModuleType
    from typing import Any

    from .probes.base import Probe
    from .scenarios.base import Scenario
    from .strategies.base import Strategy
    from .workloads.base import Workload

#: Folder → the class of what each of its files holds; the constant's name is the class's in capitals.
_CLASSES = {
    "workloads": "Workload", "scenarios": "Scenario", "strategies": "Strategy", "probes": "Probe",
}  # fmt: skip


class CatalogFault(LabError):
    """A file in a catalog's folder, or an entry point, does not hold what it should: a bug in it."""


def names(folder: str) -> list[str]:
    """List what a folder ("workloads", "scenarios", "strategies", "probes") holds; imports none."""
    package = import_module(f"{__package__}.{folder}")
    modules = {
        entry.removesuffix(".py")
        for path in package.__path__
        for entry in os.listdir(path)  # noqa: PTH208 - pathlib costs a trial's interpreter 5 ms
        if entry.endswith(".py") and not entry.startswith("_") and entry != "base.py"
    }
    return sorted(modules)


def workload(name: str) -> Workload:
    """Load one workload; raises :class:`BadInput` when there is none of that name."""
    loaded: Workload = _one("workloads", name)
    return loaded


def strategy(name: str) -> Strategy:
    """Load one strategy; raises :class:`BadInput` when there is none of that name."""
    loaded: Strategy = _one("strategies", name)
    return loaded


def scenario(name: str) -> Scenario:
    """Load one scenario; raises :class:`BadInput` when there is none of that name."""
    loaded: Scenario = _one("scenarios", name)
    return loaded


def probe(name: str) -> Probe:
    """Load one probe; raises :class:`BadInput` when there is none of that name."""
    loaded: Probe = _one("probes", name)
    return loaded


def workloads() -> dict[str, Workload]:
    """Load all workloads, other distributions' too, by name."""
    return {name: workload(name) for name in available("workloads")}


def scenarios() -> dict[str, Scenario]:
    """Load all scenarios, other distributions' too, by name."""
    return {name: scenario(name) for name in available("scenarios")}


def strategies() -> dict[str, Strategy]:
    """Load all strategies, other distributions' too, the simplest first."""
    loaded = [strategy(name) for name in available("strategies")]
    return {way.name: way for way in sorted(loaded, key=lambda way: (way.simplicity, way.name))}


def probes(further: Sequence[str] = ()) -> dict[str, Probe]:
    """Load all probes of this package, by name, and what there is of ``further``: other distributions'.

    Two that give a quantity of one name are an error.
    """
    loaded = {name: probe(name) for name in names("probes")}
    for name in further:
        try:
            loaded[name] = probe(name)
        except (ImportError, LabError):
            # Not installed for the Python of this trial: its guardian, which has it, says so.
            continue
    owners: dict[str, str] = {}
    for giver in loaded.values():
        for quantity in giver.quantities:
            other = owners.setdefault(quantity.name, giver.name)
            if other != giver.name:
                raise CatalogFault(f"probes {other} and {giver.name} both give a quantity {quantity.name!r}")
    return loaded


def available(folder: str) -> list[str]:
    """List what there is in ``folder``: this package's, and what other distributions add to it.

    They add it by an entry point of the group ``parlab.<folder>``. For the harness: a trial's
    interpreter starts without site-packages and sees none. Raises :class:`CatalogFault` where one
    takes a name that is taken.
    """
    own = names(folder)
    for name, point in _entry_points(folder).items():
        if name in own:
            raise CatalogFault(
                f"{_where(folder, point)}: the name is taken", "Rename it, or uninstall its package."
            )
    return sorted({*own, *_entry_points(folder)})


def others(folder: str) -> tuple[str, ...]:
    """List what other distributions add to ``folder``; for the harness."""
    return tuple(name for name in available(folder) if name not in names(folder))


def extend_path() -> None:
    """Have a trial's interpreter find other distributions, and what they import of this package.

    They say ``from parlab.workers…``, a name that a trial's interpreter does not have otherwise. The
    processes of a pool inherit the path.
    """
    from .host.requirements import site_packages

    for folder in (f"{_HERE}/pluginpath", *site_packages()):
        if folder not in sys.path:
            sys.path.append(folder)
    _offer_the_old_name()


def _offer_the_old_name() -> None:
    """Have plug-ins of before 0.2 find ``workers``, where nothing else is called so."""
    folder = f"{_HERE}/oldpluginpath"
    if folder not in sys.path:
        sys.path.append(folder)


_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs a trial 5 ms


def _entry_points(folder: str) -> dict[str, EntryPoint]:
    """Find what other distributions add, once for a path: a look reads a file of every distribution."""
    path = tuple(sys.path)
    if path not in _FOUND:
        from importlib.metadata import entry_points

        _FOUND[path] = entry_points()
    return {point.name: point for point in _FOUND[path].select(group=f"parlab.{folder}")}


#: sys.path → entry points: what is on a path does not change while a process runs.
_FOUND: dict[tuple[str, ...], EntryPoints | SelectableGroups] = {}


def _where(folder: str, point: EntryPoint) -> str:
    return f"entry point {point.name} = {point.value} (group parlab.{folder})"


def _installed_one(folder: str, name: str) -> Any:
    point = _entry_points(folder).get(name)
    if point is None:
        raise BadInput(
            f"there is no {_CLASSES[folder].lower()} {name!r}", f"There are: {', '.join(available(folder))}."
        )
    where = _where(folder, point)
    _offer_the_old_name()
    try:
        constant = point.load()
    except (ImportError, AttributeError) as error:
        # By its old name a plug-in finds this package only where nothing of the user's is called so.
        old = (getattr(error, "name", None) or "").partition(".")[0] == "workers"
        cure = "Have it import from parlab.workers" if old else "Install what it needs"
        raise CatalogFault(f"{where}: {error}", f"{cure}, or uninstall it.") from error
    return _checked(folder, name, constant, where)


def _one(folder: str, name: str) -> Any:
    constant_name = _CLASSES[folder].upper()
    # A name comes from a user's file: it must not reach another module than one of this folder.
    if name not in names(folder):
        return _installed_one(folder, name)
    module: ModuleType = import_module(f"{__package__}.{folder}.{name}")
    where = f"{folder}/{name}.py"
    if not hasattr(module, constant_name):
        raise CatalogFault(f"{where}: it has no constant {constant_name}", "Add it, or move the file.")
    return _checked(folder, name, getattr(module, constant_name), where)


def _checked(folder: str, name: str, constant: Any, where: str) -> Any:
    wanted = getattr(import_module(f"{__package__}.{folder}.base"), _CLASSES[folder])
    # By name: in a trial's interpreter this package is there twice, and a plugin's class is the other's.
    if not any(kind.__name__ == wanted.__name__ for kind in type(constant).__mro__):
        raise CatalogFault(f"{where}: it holds a {type(constant).__name__}, not a {wanted.__name__}")
    if constant.name != name:
        raise CatalogFault(f"{where}: what it holds is named {constant.name!r}", f"Name it {name!r}.")
    return constant
