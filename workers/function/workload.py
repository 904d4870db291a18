"""A user's own function as a workload: looked up in the trial's interpreter, with its inputs."""

from __future__ import annotations

import json
from itertools import islice

from ..errors import TrialFault, named
from ..workloads.base import Workload
from . import reference as functionref

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Runner
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any


class CallBare:
    """Calls a function that takes nothing; the item says only which call it is."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.wrapped = function

    def __call__(self, item: Any) -> Any:
        """Call it."""
        del item
        return self.wrapped()


#: Thread → the loop that its coroutines are awaited in, made with the first one. Not threading.local(),
#: which a subinterpreter's calls each see empty.
_runners: dict[int, Runner] = {}


class AwaitEach:
    """Awaits a coroutine function's calls one by one: the synchronous form of what has only the other.

    Each worker keeps a loop of its own; one per task would be measured instead of the task.
    """

    def __init__(self, function: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
        self.wrapped = function

    def __call__(self, item: Any) -> Any:
        """Await it in this worker's loop."""
        return _runner_here().run(self.wrapped(item))


def _runner_here() -> Runner:
    from asyncio import Runner
    from threading import get_ident

    thread = get_ident()
    if thread not in _runners:
        _runners[thread] = Runner()
    return _runners[thread]


def own_workload(spec: Mapping[str, Any]) -> Workload:
    """Make a workload of a :class:`parlab.workers.wire.spec.OwnFunction` in plain form.

    Raises:
        TrialFault: something of it cannot be found here, or is nothing that can be run.
    """
    reference = spec["function"]
    function = functionref.resolve_callable(reference)
    if functionref.is_generator(function):
        raise TrialFault(
            "raised",
            f"{reference} is a generator function: calling it does no work. Name a function that "
            "consumes it: def run(item): return list(…)",
        )
    bare = spec.get("inputs") is None and spec.get("inputs_json") is None
    native = _native_form(spec, function)
    if bare:
        function = CallBare(function)
        native = None if native is None else CallBare(native)
    if functionref.is_async(getattr(function, "wrapped", function)):
        function = AwaitEach(function)
    hooks = {
        name: functionref.resolve_callable(spec[name]) if spec.get(name) is not None else None
        for name in ("check", "setup", "teardown")
    }
    return Workload(
        name=reference,
        summary="A function of the user's own.",
        kind="mixed",
        parameters={},
        function=function,
        async_function=native,
        inputs=lambda _, count: inputs_of(spec, count),
        check=hooks["check"],
        setup=hooks["setup"],
        teardown=hooks["teardown"],
    )


def _native_form(
    spec: Mapping[str, Any], function: Callable[..., Any]
) -> Callable[[Any], Coroutine[Any, Any, Any]] | None:
    if spec.get("async_function") is None:
        return function if functionref.is_async(function) else None
    native = functionref.resolve_callable(spec["async_function"])
    if not functionref.is_async(native):
        raise TrialFault(
            "raised", f"{spec['async_function']} is not a coroutine function: define it with async def"
        )
    return native


def inputs_of(spec: Mapping[str, Any], count: int) -> list[Any]:
    """Give ``count`` items: all of the inputs again and again, or a sample evenly spread over them."""
    if spec.get("inputs_json") is not None:
        return spread(json.loads(spec["inputs_json"]), count)
    if spec.get("inputs") is None:
        return list(range(count))
    reference = spec["inputs"]
    source = functionref.resolve(reference)
    try:
        made = source() if callable(source) else source
        # One that never ends gives its first; one that has a length is known as a whole.
        items = list(made) if hasattr(made, "__len__") else list(islice(made, max(count, 1)))
    except TrialFault:
        raise
    except BaseException as error:
        raise TrialFault("raised", f"the inputs {reference} raised {named(error)}", error) from error
    if not items:
        raise TrialFault("raised", f"the inputs {reference} are empty: give at least one")
    return spread(items, count)


def spread(items: list[Any], count: int) -> list[Any]:
    """Repeat ``items`` to ``count``, or choose so many, evenly spread over all."""
    if len(items) <= count:
        return [items[index % len(items)] for index in range(count)]
    return [items[index * len(items) // count] for index in range(count)]
