"""Declarations on the work of a choice or configuration, be it a workload or a user's function."""

from __future__ import annotations

from typing import Literal

from parlab.orchestrator.experiment.model import WorkloadChoice
from parlab.workers import catalog
from parlab.workers.errors import BadInput
from parlab.workers.parameter import settle
from parlab.workers.scenarios.base import Measure
from parlab.workers.wire.spec import Scalar


def settled_parameters(choice: WorkloadChoice, where: str) -> dict[str, Scalar]:
    """Give each declared parameter its value; a function of the user's own has none but its inputs.

    Raises:
        BadInput: a parameter that is not declared, or a value that is refused.
    """
    if choice.function is not None:
        return dict(choice.parameters)
    if choice.scenario:
        return settle(catalog.scenario(choice.name).parameters, choice.parameters, where)
    return settle(catalog.workload(choice.name).parameters, choice.parameters, where)


def has_check(choice: WorkloadChoice) -> bool:
    """Tell whether results are checked by the work itself, not by comparing them with the serial ones."""
    if choice.function is not None:
        return choice.function.check is not None
    return catalog.workload(choice.name).check is not None


def has_async_form(choice: WorkloadChoice) -> bool | None:
    """Tell whether it can be awaited; None where only the interpreter that runs it will know."""
    if choice.function is not None:
        return None
    return catalog.workload(choice.name).async_function is not None


def kind_of(name: str) -> Literal["cpu", "io", "mixed"]:
    """Give the kind of a workload by its name; of what is not known here (a user's function): mixed."""
    if ":" in name:
        return "mixed"
    try:
        return catalog.workload(name).kind
    except BadInput:
        # Of a run that another installation measured.
        return "mixed"


def targets_of(choice: WorkloadChoice) -> tuple[str, ...]:
    """Name the services that it talks to; what a user's function does is its own affair."""
    return () if choice.function is not None or choice.scenario else catalog.workload(choice.name).targets


def measures_of(choice: WorkloadChoice) -> tuple[Measure, ...]:
    """Give what a scenario measures, the one first that its variants are compared by; none of tasks.

    None, too, of a scenario that this installation does not have, in a run that another one measured.
    """
    if not choice.scenario:
        return ()
    try:
        return catalog.scenario(choice.name).measures
    except BadInput:
        return ()


def is_compared(choice: WorkloadChoice) -> bool:
    """Tell whether ratios of what is measured mean something: a share that may be 0 has none."""
    return not choice.scenario or catalog.scenario(choice.name).measures[0].compared
