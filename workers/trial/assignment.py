"""What a trial was given to do: its workload and its strategy, found in its own interpreter."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from .. import catalog
from ..errors import BadInput, TrialFault
from ..function import reference as functionref
from ..parameter import settle
from ..strategies.base import BuildFacts

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..strategies.base import Strategy
    from ..wire.spec import Scalar
    from ..workloads.base import Workload


class Assignment:
    """Workload and strategy with their settled parameters. Made of the command "prepare"."""

    __slots__ = ("function", "max_workers", "options", "own", "parameters", "strategy", "workload")

    def __init__(self, command: Mapping[str, Any]) -> None:
        """Find everything.

        Raises:
            TrialFault: this interpreter cannot run it, with the reason.
        """
        spec = command["spec"]
        for name, address in command.get("targets", {}).items():
            # Where target_address() looks; the processes of a pool inherit it.
            os.environ[f"PARLAB_TARGET_{name.upper()}"] = address
        own = command.get("function")
        #: Whether the workload is the user's own: what it returns may be anything.
        self.own = own is not None
        self.workload: Workload
        self.parameters: Mapping[str, Scalar] = {}
        if own is not None:
            self.workload = _own_workload(own, command.get("paths", ()))
        else:
            self.workload = _loaded(catalog.workload, "workloads", spec["workload"])
            self.parameters = _settled(self.workload, spec["parameters"])
        self.max_workers: int = spec["max_workers"]
        self.strategy: Strategy = _loaded(catalog.strategy, "strategies", spec["strategy"])
        self.options = _checked_options(self.strategy, self.max_workers, spec["options"])
        #: The form of the workload that the strategy runs.
        self.function: Callable[[Any], Any] = self.workload.function
        if self.strategy.form == "async":
            if self.workload.async_function is None:
                raise TrialFault("unavailable", f"{self.workload.name} has no async form")
            self.function = self.workload.async_function

    def check_crossing(self, items: Sequence[Any]) -> None:
        """Refuse what cannot reach the workers, before a pool breaks over it with an error of its own.

        Raises:
            TrialFault: "unavailable".
        """
        if self.strategy.isolation == "none" or not items:
            return
        sent = (self.workload.name, self.function), ("its inputs", items[0])
        for what, value in sent[self.strategy.by_value :]:
            why = functionref.unpicklable(value)
            if why is not None:
                raise TrialFault(
                    "unavailable", f"{what} cannot be sent to {self.strategy.name}: not picklable: {why}"
                )

    def unsendable_result(self, items: Sequence[Any]) -> str | None:
        """Say that results cannot come back from the workers, by making one here; None where they can."""
        if self.strategy.isolation == "none" or not self.own:
            return None
        try:
            result = self.workload.function(items[0])
        except Exception:  # noqa: BLE001 - then it is the task's own error, which is told as that
            return None
        why = functionref.unpicklable(result)
        if why is None:
            return None
        return f"its results cannot come back from {self.strategy.name}: not picklable: {why}"


def _own_workload(own: Mapping[str, Any], paths: Sequence[str]) -> Workload:
    # Behind our own package, before everything else: as a script's folder is.
    sys.path[1:1] = paths
    from ..function.workload import own_workload

    return own_workload(own)


def _settled(workload: Workload, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Settle a workload's parameters, and have the environment as it wants it."""
    _check_installed(workload.requires, "workload", workload.name)
    parameters = settle(workload.parameters, given, f"workload {workload.name}")
    reason = workload.unavailable(parameters) if workload.unavailable is not None else None
    if reason is not None:
        raise TrialFault("unavailable", f"workload {workload.name}: {reason}")
    if workload.environment is not None:
        os.environ.update(workload.environment(parameters))
    return parameters


def _checked_options(strategy: Strategy, max_workers: int, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    _check_installed(strategy.requires, "strategy", strategy.name)
    options = settle(strategy.options, given, f"strategy {strategy.name}")
    reason = strategy.impossible(max_workers, options)
    if reason is not None:
        raise TrialFault("internal", reason)
    reason = strategy.unavailable(BuildFacts(sys.version_info[:2]), options)
    if reason is not None:
        raise TrialFault("unavailable", reason)
    return options


def _loaded(load: Callable[[str], Any], folder: str, name: str) -> Any:
    if name not in catalog.names(folder):
        catalog.extend_path()
    try:
        return load(name)
    except BadInput:
        raise TrialFault(
            "unavailable",
            f"{name} (of {folder}) is not installed for this Python: "
            f"{sys.executable} -m pip install what provides it",
        ) from None
    except (ImportError, catalog.CatalogFault) as error:
        raise TrialFault(
            "unavailable", f"this Python build cannot load {name} (of {folder}): {error}", error
        ) from error


def _check_installed(requires: tuple[str, ...], kind: str, name: str) -> None:
    if not requires:
        return
    from ..host.requirements import missing

    if lacking := missing(requires):
        raise TrialFault(
            "unavailable",
            f"{kind} {name} needs {', '.join(lacking)}, not installed for this Python: "
            f"{sys.executable} -m pip install {' '.join(lacking)}",
        )
