"""A workload's set-up in each of a pool's workers, whose error is kept until it is asked for.

A pool whose initializer raises is broken, and says no more than that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..errors import named

#: What the set-up raised in this process or interpreter.
_failure: str | None = None


def run_setup(function: Callable[[], object]) -> None:
    """Call the set-up, and note what it raises."""
    global _failure  # noqa: PLW0603 - a worker has no other place that outlives a task
    try:
        function()
    except BaseException as error:  # noqa: BLE001 - it is told by setup_failure()
        _failure = named(error)


def setup_failure() -> str | None:
    """Say what the set-up raised here, or None."""
    return _failure


def initializer_of(function: Callable[[], object] | None) -> Callable[[], object] | None:
    """Give what a pool is to call in each new worker; None where there is nothing."""
    return None if function is None else partial(run_setup, function)
