"""Memory of a worker, beside the process that starts it and has data that all workers use.

The data are a list of small Python objects, made before there is any worker. It comes to workers as
their kind has it: threads and tasks share it; a forked process inherits it; to processes that are
spawned or come from a forkserver, and to interpreters, it is sent, which gives each of them its own (and
leaves them what the allocator keeps of the buffers).
Reading a Python object writes to it (its reference count), and a page that a forked process writes to
becomes its own: so forked processes share the data only until they have read them (``touched``).

The process that starts the workers is a fresh one for each round. Its memory is read when it has the data
and has loaded what its workers need, and again when all workers are there, have done their part, and wait.
What is new belongs to the workers: also multiprocessing's servers (forkserver, resource tracker), which are
there for the workers' sake, and what has become the first process's own. What the kernel itself has for a
thread or a process (a stack, page tables) is in nobody's memory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..host.tree import processes_below
from ..probes.memory import sample
from ._caller import Caller, CallerEnded, CallerSilent, TrialLine
from ._partner import PARTNERS
from .base import Bench, Measure, Parameter, Scenario, Variant

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from typing import Any

_METHODS = {"processes-fork": "fork", "processes-forkserver": "forkserver", "processes-spawn": "spawn"}
_PARTNERS = {"threads": "thread", "interpreters": "interpreter"}
#: A task takes less than a page, and memory is counted in pages: so many stand for one worker.
TASKS_FOR_ONE = 1000
#: How long workers may take to come up, with their data.
_START_SECONDS = 30.0
#: Integers below are made once for all who use them, and some builds do not count the references to them.
_FIRST = 1 << 20


def serve(line: TrialLine, arguments: Sequence[str]) -> None:
    """Be the process that starts the workers: with the data alone, then with the workers, until killed."""
    variant, touched, workers = arguments[0], arguments[1] == "True", int(arguments[2])
    data = shared_data(int(arguments[3]))
    if variant in _METHODS:
        _with_processes(line, _METHODS[variant], data, touched, workers)
    elif variant == "tasks":
        import asyncio

        asyncio.run(_with_tasks(line, data, touched, workers * TASKS_FOR_ONE))
    else:
        _with_partners(line, _PARTNERS[variant], data, touched, workers)


def shared_data(size: int) -> list[int]:
    """Make a list of integers, no two the same object, that takes about ``size`` bytes with them."""
    # The list has a pointer to each, and an allocation is of whole 16 bytes.
    of_one = 8 + -(-(_FIRST).__sizeof__() // 16) * 16
    return list(range(_FIRST, _FIRST + max(1, size // of_one)))


def _work(
    data: list[int],
    touched: bool,  # noqa: FBT001 - an order
    ready: int | Connection,
    over: int | Connection,
) -> None:
    """Be a worker: read the data or let them be, say so, and wait."""
    if touched:
        sum(data)
    os.write(_descriptor(ready), b".")
    os.read(_descriptor(over), 1)


def _descriptor(end: int | Connection) -> int:
    return end if isinstance(end, int) else end.fileno()


def _with_partners(
    line: TrialLine,
    kind: str,
    data: list[int],
    touched: bool,  # noqa: FBT001 - an order
    workers: int,
) -> None:
    import threading  # noqa: F401 - loaded before memory is read, as is what it loads

    if kind == "interpreter":
        from concurrent import interpreters  # type: ignore[attr-defined]  # noqa: F401 - the same
    (ready, readying), (over, _) = os.pipe(), os.pipe()
    line.say("alone")
    line.hear()
    for _ in range(workers):
        PARTNERS[kind](_work, data, touched, readying, over).begin()
    _await(ready, workers)
    line.say("working")
    line.hear()


def _with_processes(
    line: TrialLine,
    method: str,
    data: list[int],
    touched: bool,  # noqa: FBT001 - an order
    workers: int,
) -> None:
    from multiprocessing import get_context

    context = get_context(method)
    make = context.Process  # type: ignore[attr-defined]  # typeshed: not of the base class
    (ready, readying), (over, _held) = context.Pipe(duplex=False), context.Pipe(duplex=False)
    line.say("alone")
    line.hear()
    started = [make(target=_work, args=(data, touched, readying, over), daemon=True) for _ in range(workers)]
    for process in started:
        process.start()
    _await(ready.fileno(), workers)
    line.say(" ".join(["working", *(str(process.pid) for process in started)]))
    line.hear()


def _await(ready: int, workers: int) -> None:
    came = 0
    while came < workers:
        came += len(os.read(ready, workers))


async def _with_tasks(line: TrialLine, data: list[int], touched: bool, tasks: int) -> None:  # noqa: FBT001 - an order
    import asyncio

    over, all_came, came = asyncio.Event(), asyncio.Event(), 0
    of_one = -(-len(data) // tasks)

    async def work(number: int) -> None:
        nonlocal came
        if touched:
            # All of them together read all: each of so many would take minutes.
            sum(data[number * of_one : (number + 1) * of_one])
        came += 1
        if came == tasks:
            all_came.set()
        await over.wait()

    line.say("alone")
    line.hear()
    started = [asyncio.create_task(work(number)) for number in range(tasks)]
    await all_came.wait()
    line.say("working")
    line.hear()
    over.set()
    await asyncio.gather(*started)


class MemoryBench(Bench):
    """Workers, anew in each round, with the process that starts them."""

    def __init__(self, variant: str, touched: bool, workers: int, size: int) -> None:  # noqa: FBT001 - a condition
        # Where memory cannot be read, this says why.
        sample([os.getpid()], ())
        self._variant = variant
        self._arguments = (variant, str(touched), str(workers), str(size))
        #: That the memory is for.
        self._count = workers * (TASKS_FOR_ONE if variant == "tasks" else 1)

    def round(self) -> Sequence[float | str]:
        """Start the process and read its memory; have it start the workers and read all there is then."""
        caller = Caller("memory", *self._arguments)
        try:
            _hear(caller)
            before, before_unique = _read([caller.pid])
            caller.tell("go")
            pids = [int(pid) for pid in _hear(caller).split()[1:]]
            after, after_unique = _read([caller.pid, *processes_below(caller.pid)])
            # Forked processes leave the first one nothing that is its alone: what it had is no measure then.
            unique = _read(pids)[1] if pids else after_unique - before_unique
            return [_each(after - before, self._count), _each(unique, self._count)]
        finally:
            caller.end()


def _hear(caller: Caller) -> str:
    try:
        return caller.hear(_START_SECONDS)
    except CallerEnded as end:
        raise RuntimeError(f"the process that was to start the workers: {end}") from None
    except CallerSilent:
        raise RuntimeError(f"the workers had not come up after {_START_SECONDS:g} s") from None


def _read(pids: Sequence[int]) -> tuple[float, float]:
    together, unique, _ = sample(pids, ())
    assert isinstance(together, float)
    assert isinstance(unique, float)
    return together, unique


def _each(grown_bytes: float, count: int) -> float:
    # Whatever works has a stack or a frame, in a page at least. Less is seen where pages of libraries that
    # all interpreters of the machine share are divided by more of them than a moment before.
    return max(grown_bytes, float(os.sysconf("SC_PAGE_SIZE"))) / count


def open_bench(variant: str, parameters: Mapping[str, Any]) -> Bench:
    """Make the bench; each round starts its own processes."""
    touched, workers, size = parameters["touched"], parameters["workers"], parameters["size"]
    return MemoryBench(variant, touched, workers, size)


SCENARIO = Scenario(
    name="memory",
    summary="Memory of a worker beside the process that starts it, which has data that all of them use.",
    measures=(
        Measure(
            "pss_per_worker",
            "bytes",
            "Growth of the proportional memory, per worker, of the process that starts them and of "
            "everything below it.",
        ),
        Measure(
            "uss_per_worker",
            "bytes",
            "What is a worker's alone: the mean of processes; of others, the growth of their process.",
        ),
    ),
    variants=(
        Variant("threads", "Threads; they share the data."),
        Variant("processes-fork", "Forked processes; they inherit the data.", start_method="fork"),
        Variant(
            "processes-forkserver",
            "Processes from a forkserver, to which the data are sent.",
            start_method="forkserver",
        ),
        Variant("processes-spawn", "New interpreters, to which the data are sent.", start_method="spawn"),
        Variant(
            "interpreters",
            "Threads with subinterpreters, to which the data are sent (Python 3.14).",
            subinterpreters=True,
        ),
        Variant("tasks", f"asyncio tasks, {TASKS_FOR_ONE} for each worker; they share the data."),
    ),
    parameters={
        "touched": Parameter(bool, default=False, summary="Whether the workers have read the shared data."),
        "workers": Parameter(int, 4, minimum=1, maximum=64, summary="Number of workers alive at once."),
        "size": Parameter(
            int,
            20_000_000,
            minimum=1,
            maximum=1 << 30,
            unit="bytes",
            summary="Approximate size of the data, a list of integers: many small objects.",
        ),
    },
    open=open_bench,
    # Counted, not timed: another round in the same block gives the same.
    rounds=1,
)
