"""Interpreters of one process, each with its own GIL: ``InterpreterPoolExecutor`` (Python 3.14)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ._start_barrier import in_each_worker
from .base import BuildFacts, Option, Pool, Strategy, nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Any


#: What an interpreter of the pool runs before its first task. An interpreter does not inherit
#: ``sys.path``: without it, the first task fails with an error that speaks of something else.
_BEGIN = "import sys; sys.path[:] = {path!r}"
#: What is run in one more interpreter to learn what is really the matter with a module.
_IMPORT = """
try:
    import importlib
    importlib.import_module({module!r})
except BaseException as error:
    answer.put(type(error).__name__ + ": " + str(error))
else:
    answer.put("")
"""


class InterpretersPool(Pool):
    """An InterpreterPoolExecutor."""

    def __init__(
        self, max_workers: int, options: Mapping[str, Any], initializer: Callable[[], object] | None
    ) -> None:
        import concurrent.futures

        make = getattr(concurrent.futures, "InterpreterPoolExecutor")  # noqa: B009 - not before Python 3.14

        self._max_workers = max_workers
        self._chunksize: int = options["chunksize"]
        self._initializer = initializer
        self._executor: Executor = make(
            max_workers,
            # A builtin: what is in a module could not be found before the path is set.
            initializer=exec,
            initargs=(_BEGIN.format(path=sys.path),),
        )
        self._modules: set[str] = set()

    def ping(self) -> None:
        """Return when every interpreter has run something."""
        in_each_worker(self._executor, self._max_workers, self._initializer or nothing)

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Do what people write; in chunks as a ProcessPoolExecutor does, which this one leaves out."""
        self._modules = {module_of(function)}
        if self._chunksize == 1:
            return list(self._executor.map(function, items))
        size = self._chunksize
        chunks = [items[start : start + size] for start in range(0, len(items), size)]
        parts = self._executor.map(partial(_run_chunk, function), chunks)
        return [result for part in parts for result in part]

    def survey(self, function: Callable[[], Any]) -> list[Any]:
        """Call ``function`` once in each interpreter."""
        return in_each_worker(self._executor, self._max_workers, function)

    def close(self) -> None:
        """Shut the executor down, and with it its interpreters."""
        self._executor.shutdown(wait=True)

    def refusal(self, error: BaseException) -> str | None:
        """Say which module an interpreter cannot load, where that is behind ``error``."""
        if isinstance(error, ImportError):
            return f"it cannot be loaded in a subinterpreter: {error}"
        for module in sorted(self._modules):
            why = import_failure(module)
            if why is not None:
                return f"module {module} cannot be loaded in a subinterpreter: {why}"
        return None


def import_failure(module: str) -> str | None:
    """Import a module in an interpreter of its own and give the error, or None when there is none."""
    from concurrent import interpreters  # type: ignore[attr-defined]

    interpreter = interpreters.create()
    answer = interpreters.create_queue()
    try:
        interpreter.prepare_main(answer=answer)
        interpreter.exec(_BEGIN.format(path=sys.path))
        interpreter.exec(_IMPORT.format(module=module))
        why: str = answer.get(timeout=10)
    finally:
        interpreter.close()
    return why or None


def module_of(function: object) -> str:
    """Give the module that a function, or what it is wrapped in, is loaded from."""
    while (inner := getattr(function, "wrapped", None)) is not None:
        function = inner
    module = getattr(function, "__module__", None) or type(function).__module__
    assert isinstance(module, str)
    return module


def _run_chunk(function: Callable[[Any], Any], chunk: Sequence[Any]) -> list[Any]:
    return [function(item) for item in chunk]


def unavailable(facts: BuildFacts, options: Mapping[str, Any]) -> str | None:
    """Say that this build has no interpreters to offer."""
    del options
    if facts.version < (3, 14):
        return f"subinterpreters came with Python 3.14; this is {'.'.join(map(str, facts.version))}"
    if "concurrent.interpreters" in facts.lacks:
        return "this Python build lacks concurrent.interpreters"
    return None


STRATEGY = Strategy(
    name="interpreters",
    summary="An InterpreterPoolExecutor: interpreters of one process, each with its own GIL (3.14+).",
    simplicity=3,
    isolation="interpreter",
    options={
        "chunksize": Option(
            int, 1, minimum=1, unit="tasks", summary="Tasks handed to an interpreter at a time."
        ),
    },
    open=InterpretersPool,
    unavailable=unavailable,
)
