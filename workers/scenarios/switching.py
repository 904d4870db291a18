"""Cost of handing over: two take turns, and each waits until the other has had its own.

Threads, processes and interpreters hand over in one and the same way, a byte through a pipe, so that
what differs is who is switched to. It is the only way that all three have and that waits in the
kernel: locks cannot be shared between interpreters, whose own queues look every 10 ms. It also is the
quickest between threads of a build with a GIL: a thread that releases a lock goes on holding the GIL,
for which the one that it woke has to wait a second time (see ``primitives``, contended). Tasks, which
one thread runs and no kernel switches, hand over by futures: what asyncio's own locks, events and
queues are made of.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import repeat
from time import perf_counter_ns

from ..parameter import Parameter
from ._partner import PARTNERS, START_METHOD, PartnerBench
from .base import Bench, Measure, Scenario, Variant, repetitions

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from multiprocessing.connection import Connection
    from typing import Any


_KINDS = {"threads": "thread", "processes": "process", "interpreters": "interpreter"}
#: Short, and many of them: which CPUs the two sides are on is another matter in each round.
_ROUND_SECONDS = 0.02


class _PingPong(PartnerBench):
    """Round trips between this thread and a partner; each is two hand-overs."""

    def __init__(self, kind: str, cpu: int | None) -> None:
        self._pipes, mine, theirs = _two_pipes(kind)
        self._mine: tuple[int, int] = mine
        self._partner = PARTNERS[kind](_answer, *theirs, cpu)
        self._count = repetitions(self._timed, _ROUND_SECONDS)

    def _timed(self, count: int) -> float:
        self._partner.begin(count)
        begin = perf_counter_ns()
        _ask(*self._mine, count)
        seconds = (perf_counter_ns() - begin) / 1e9
        self._partner.end()
        return seconds

    def round(self) -> Sequence[float | str]:
        """Give the seconds of a hand-over."""
        return [self._timed(self._count) / self._count / 2]

    def close(self) -> None:
        """End the partner and close the pipes."""
        super().close()
        for end in self._pipes:
            end.close()


def _two_pipes(kind: str) -> tuple[list[Connection], tuple[int, int], tuple[Any, Any]]:
    """Make a pipe each way; give both, this side's ends, and what the partner is to have of its own."""
    from multiprocessing import Pipe

    there_out, there_in = Pipe(duplex=False)
    back_out, back_in = Pipe(duplex=False)
    mine = back_out.fileno(), there_in.fileno()
    # A process gets its own descriptors of the same pipes; threads and interpreters share this one's.
    theirs = (there_out, back_in) if kind == "process" else (there_out.fileno(), back_in.fileno())
    return [there_out, there_in, back_out, back_in], mine, theirs


def _ask(reading: int, writing: int, count: int) -> None:
    read, write = os.read, os.write
    for _ in repeat(None, count):
        write(writing, b".")
        read(reading, 1)


def _answer(reading: int | Connection, writing: int | Connection, cpu: int | None, count: int) -> None:
    """Do the partner's part."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    from_fd = reading if isinstance(reading, int) else reading.fileno()
    to_fd = writing if isinstance(writing, int) else writing.fileno()
    read, write = os.read, os.write
    for _ in repeat(None, count):
        read(from_fd, 1)
        write(to_fd, b".")


class _TaskPingPong(Bench):
    """Round trips between two tasks of one loop."""

    def __init__(self) -> None:
        from asyncio import Runner

        self._runner = Runner()
        self._count = repetitions(self._timed, _ROUND_SECONDS)

    def _timed(self, count: int) -> float:
        return self._runner.run(_task_ping_pong(count))

    def round(self) -> Sequence[float | str]:
        """Give the seconds of a hand-over."""
        return [self._timed(self._count) / self._count / 2]

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()


async def _task_ping_pong(count: int) -> float:
    from asyncio import gather, get_running_loop

    loop = get_running_loop()
    turns = [loop.create_future(), loop.create_future()]
    sides = gather(_take_turns(turns, 0, count), _take_turns(turns, 1, count))
    begin = perf_counter_ns()
    turns[0].set_result(None)
    await sides
    return (perf_counter_ns() - begin) / 1e9


async def _take_turns(turns: list[Future[None]], mine: int, count: int) -> None:
    make = turns[mine].get_loop().create_future
    for _ in repeat(None, count):
        await turns[mine]
        turns[mine] = make()
        turns[1 - mine].set_result(None)


class _Pinned(Bench):
    """A bench whose two sides stay on one CPU, while it is open."""

    def __init__(self, variant: str) -> None:
        if not hasattr(os, "sched_setaffinity"):
            raise NotImplementedError("this system cannot keep a process on one CPU")
        self._before = os.sched_getaffinity(0)
        # The last one: interrupts are mostly served by the first.
        cpu = max(self._before)
        os.sched_setaffinity(0, {cpu})
        try:
            self._bench = _open_free(variant, cpu)
        except BaseException:
            os.sched_setaffinity(0, self._before)
            raise

    def round(self) -> Sequence[float | str]:
        """Do what it does free."""
        return self._bench.round()

    def close(self) -> None:
        """Close it, and let this thread go where it could go before."""
        try:
            self._bench.close()
        finally:
            os.sched_setaffinity(0, self._before)

    def pids(self) -> list[int]:
        """Give the partner's process."""
        return self._bench.pids()


def _open_free(variant: str, cpu: int | None) -> Bench:
    return _TaskPingPong() if variant == "tasks" else _PingPong(_KINDS[variant], cpu)


def open_bench(variant: str, parameters: Mapping[str, Any]) -> Bench:
    """Start the partner and find how many hand-overs fill a round."""
    return _Pinned(variant) if parameters["cpus"] == "one" else _open_free(variant, None)


SCENARIO = Scenario(
    name="switching",
    summary="Seconds of a hand-over from one to the other: threads, processes, interpreters, tasks.",
    measures=(Measure("switch", "seconds", "Per hand-over, one way, of a ping-pong between two."),),
    variants=(
        Variant("threads", "Two threads, by a byte through a pipe."),
        Variant("processes", "Two processes, by a byte through a pipe.", start_method=START_METHOD),
        Variant(
            "interpreters",
            "Threads of two subinterpreters, by a byte through a pipe (Python 3.14).",
            subinterpreters=True,
        ),
        Variant("tasks", "Two asyncio tasks of one loop, by futures."),
    ),
    open=open_bench,
    parameters={
        "cpus": Parameter(
            str,
            "free",
            choices=("free", "one"),
            summary="Whether both sides may run anywhere, or are kept on one CPU.",
        )
    },
    rounds=10,
)
