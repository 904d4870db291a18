"""A configuration written as the Python code that does it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parlab.orchestrator.analysis.findings.advice import Recipe
from parlab.orchestrator.plan.model import Configuration
from parlab.workers.wire.spec import OwnFunction

_FUTURES = "from concurrent.futures import"


def recipe(configuration: Configuration, own: OwnFunction, *, is_coroutine: bool) -> Recipe:
    """Write a configuration as code, given ``items``.

    Args:
        configuration: of a user's own function, under one of the strategies that the standard library has.
        own: the function, with what belongs to it.
        is_coroutine: whether the function itself is a coroutine function.
    """
    maker = {
        "serial": _serial,
        "threads": _threads,
        "processes": _processes,
        "interpreters": _interpreters,
        "hybrid": _hybrid,
        "asyncio": _asyncio,
    }[configuration.strategy]
    return maker(configuration, _Names(own, is_coroutine=is_coroutine))


class _Names:
    """How the function is imported and called; a coroutine function is awaited in each worker."""

    def __init__(self, own: OwnFunction, *, is_coroutine: bool) -> None:
        self._imports: list[str] = []
        self.takes_items = own.inputs is not None or own.inputs_json is not None
        self.setup = self._named(own.setup) if own.setup is not None else ""
        native = own.async_function or own.function
        self.native = self._named(native) if is_coroutine or own.async_function is not None else ""
        self.function = self._named(own.function)
        self.definitions: list[str] = []
        if is_coroutine:
            self.imports("import asyncio")
            given, passed = ("item", "item") if self.takes_items else ("_", "")
            self.definitions = [
                f"def call({given}):",
                f"    return asyncio.run({self.function}({passed}))",
                "",
            ]
            self.function = "call"
        elif not self.takes_items:
            # An executor's map() gives its function an item each; this one takes none.
            self.definitions = ["def call(_):", f"    return {self.function}()", ""]
            self.function = "call"

    def imports(self, *lines: str) -> None:
        """Have lines among the imports."""
        self._imports += lines

    def _named(self, reference: str) -> str:
        module, _, name = reference.partition(":")
        outer = name.partition(".")[0]
        self.imports(f"from {module} import {outer}")
        return name

    @property
    def items(self) -> str:
        """What is gone through."""
        return "items" if self.takes_items else "range(n)"

    @property
    def initializer(self) -> str:
        """How a set-up is given to an executor."""
        return f", initializer={self.setup}" if self.setup else ""

    def recipe(self, executor: str, call: str, lines: Sequence[str]) -> Recipe:
        """Put it together: imports sorted, each once."""
        imports = sorted(set(self._imports), key=lambda line: (line.startswith("from"), line))
        body = [*self.definitions, *lines]
        guarded = "get_context" in executor or "Interpreter" in executor
        if guarded and self.definitions:
            body = [*self.definitions, *_guarded(lines)]
        elif guarded:
            body = _guarded(lines)
        return Recipe(tuple(imports), executor, call, (*imports, "", *body))


def _guarded(lines: Sequence[str]) -> list[str]:
    """Keep it from being done again where a worker imports the main module."""
    return ['if __name__ == "__main__":', *(f"    {line}" if line else "" for line in lines)]


def _serial(configuration: Configuration, names: _Names) -> Recipe:
    del configuration
    call = f"[{names.function}(item) for item in {names.items}]"
    before = [f"{names.setup}()"] if names.setup else []
    return names.recipe("", call, [*before, f"results = {call}"])


def _pooled(names: _Names, executor: str, call: str) -> Recipe:
    return names.recipe(executor, call, [f"with {executor} as pool:", f"    results = list({call})"])


def _threads(configuration: Configuration, names: _Names) -> Recipe:
    names.imports(f"{_FUTURES} ThreadPoolExecutor")
    executor = f"ThreadPoolExecutor(max_workers={configuration.max_workers}{names.initializer})"
    return _pooled(names, executor, f"pool.map({names.function}, {names.items})")


def _chunked(configuration: Configuration, names: _Names) -> str:
    size = configuration.options.get("chunksize")
    chunks = f", chunksize={size}" if size not in (None, 1) else ""
    return f"pool.map({names.function}, {names.items}{chunks})"


def _processes(configuration: Configuration, names: _Names) -> Recipe:
    names.imports(f"{_FUTURES} ProcessPoolExecutor", "from multiprocessing import get_context")
    method = configuration.options.get("start_method", "forkserver")
    renewed = configuration.options.get("max_tasks_per_child")
    more = f", max_tasks_per_child={renewed}" if renewed is not None else ""
    executor = (
        f"ProcessPoolExecutor(max_workers={configuration.max_workers}, "
        f'mp_context=get_context("{method}"){names.initializer}{more})'
    )
    return _pooled(names, executor, _chunked(configuration, names))


def _interpreters(configuration: Configuration, names: _Names) -> Recipe:
    names.imports(f"{_FUTURES} InterpreterPoolExecutor")
    executor = f"InterpreterPoolExecutor(max_workers={configuration.max_workers}{names.initializer})"
    return _pooled(names, executor, _chunked(configuration, names))


def _hybrid(configuration: Configuration, names: _Names) -> Recipe:
    names.imports(
        f"{_FUTURES} ProcessPoolExecutor, ThreadPoolExecutor", "from multiprocessing import get_context"
    )
    options = configuration.options
    processes, threads = options["processes"], options["threads"]
    method, size = options.get("start_method", "forkserver"), options.get("chunksize")
    executor = f'ProcessPoolExecutor(max_workers={processes}, mp_context=get_context("{method}"))'
    names.definitions += [
        "def part(items):",
        f"    with ThreadPoolExecutor(max_workers={threads}{names.initializer}) as threads:",
        f"        return list(threads.map({names.function}, items))",
        "",
    ]
    cut = str(size) if size is not None else f"-(-len(items) // {processes})"
    gone_through = [] if names.takes_items else ["items = range(n)"]
    lines = [
        *gone_through,
        f"size = {cut}",
        "parts = [items[start:start + size] for start in range(0, len(items), size)]",
        f"with {executor} as pool:",
        "    results = [result for results in pool.map(part, parts) for result in results]",
    ]
    return names.recipe(executor, "pool.map(part, parts)", lines)


def _asyncio(configuration: Configuration, names: _Names) -> Recipe:
    names.imports("import asyncio")
    passed = "item" if names.takes_items else ""
    names.definitions = []
    lines = [
        "async def main(items):",
        f"    gate = asyncio.Semaphore({configuration.max_workers})",
        "",
        "    async def one(item):",
        "        async with gate:",
        f"            return await {names.native}({passed})",
        "",
        "    return await asyncio.gather(*map(one, items))",
        "",
        f"results = asyncio.run(main({names.items}))",
    ]
    return names.recipe(
        f"asyncio.Semaphore({configuration.max_workers})", f"asyncio.run(main({names.items}))", lines
    )


def in_one_line(recipe_: Recipe) -> str:
    """Write a recipe as one line: the executor, and what is called of it."""
    call = re.sub(r"^pool\.", "", recipe_.call)
    return f"{recipe_.executor}.{call}" if recipe_.call.startswith("pool.") else recipe_.call
