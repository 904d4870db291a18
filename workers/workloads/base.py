"""Base of the workloads: the work that is run in parallel, its parameters, a check of its results."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping

from ..parameter import Parameter

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ..wire.spec import Scalar

__all__ = ["Parameter", "Workload", "numbered", "target_address"]


class Workload:
    """One kind of work. A file of this folder holds one, as its constant ``WORKLOAD``."""

    __slots__ = (
        "async_function", "check", "environment", "function", "inputs", "kind", "name", "parameters",
        "requires", "setup", "summary", "targets", "teardown", "unavailable",
    )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        summary: str,
        kind: Literal["cpu", "io", "mixed"],
        parameters: Mapping[str, Parameter],
        function: Callable[[Any], Any],
        inputs: Callable[[Mapping[str, Scalar], int], list[Any]],
        check: Callable[[Any, Any], bool] | None = None,
        requires: tuple[str, ...] = (),
        async_function: Callable[[Any], Coroutine[Any, Any, Any]] | None = None,
        setup: Callable[[], object] | None = None,
        teardown: Callable[[], object] | None = None,
        environment: Callable[[Mapping[str, Scalar]], Mapping[str, str]] | None = None,
        targets: tuple[str, ...] = (),
        unavailable: Callable[[Mapping[str, Scalar]], str | None] | None = None,
    ) -> None:
        #: The file's name without ``.py``.
        self.name = name
        #: One line for a listing.
        self.summary = summary
        #: What a task mostly does: use the CPU, wait, or both.
        self.kind = kind
        self.parameters = parameters
        #: One task: called with one item, at module level so that processes find it by name.
        self.function = function
        #: (settled parameters, count) → that many items, the same ones each time.
        self.inputs = inputs
        #: (item, result) → whether the result is right. None: results are compared with the serial
        #: ones by digest, which wants them exactly equal; floats of parallel sums are not.
        self.check = check
        #: Distributions that the function imports. The module itself must load without them.
        self.requires = requires
        #: The same task as a coroutine function that waits without a thread; None: there is no such form.
        self.async_function = async_function
        #: Called once in each of a pool's workers before its first task, and after its last.
        self.setup = setup
        self.teardown = teardown
        #: (settled parameters) → variables that the trial's processes have before they load anything.
        self.environment = environment
        #: Services that a task talks to, by the names under which nodes know their addresses.
        self.targets = targets
        #: (settled parameters) → why this interpreter cannot run it, or None; asked in the trial.
        self.unavailable = unavailable


def numbered(*names: str) -> Callable[[Mapping[str, Scalar], int], list[Any]]:
    """Make the inputs of tasks that differ by their number only: (number, values of these parameters)."""

    def inputs(parameters: Mapping[str, Scalar], count: int) -> list[Any]:
        values = [parameters[name] for name in names]
        return [(number, *values) for number in range(count)]

    return inputs


def target_address(name: str) -> str:
    """Give the address of a target, as the trial was told it by its node."""
    return os.environ[f"PARLAB_TARGET_{name.upper()}"]
