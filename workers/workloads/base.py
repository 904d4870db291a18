"""What a workload is: the work that is run in parallel, its parameters, a check of its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..parameter import Parameter

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ..spec import Scalar

__all__ = ["Parameter", "Workload"]


class Workload:
    """One kind of work. A file of this folder holds one, as its constant ``WORKLOAD``."""

    __slots__ = ("check", "function", "inputs", "kind", "name", "parameters", "requires", "summary")

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
