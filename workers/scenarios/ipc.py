"""Cost of a message from one worker to another: a round trip's seconds, and bytes per second one way.

A message is a bytes object, given to the queue or pipe as its users do. One way it counts as arrived
when the other side has taken out the last and said so. Through shared memory the sender writes a
message into one of several slots of a block and the receiver makes a bytes object of it; semaphores
tell the one that there is a message and the other that there is room. Between threads nothing is
copied: what is handed over is the object itself.

A process that has just begun (``heap="fresh"``) gives memory of large messages back to the system after
each of them, or does not, as the C library's heap happens to lie: page faults that make the same program
slower by anything up to five times. With ``"warmed"`` both sides have freed a large block before, as many
a process has that has worked for a while; the C library then keeps it, and nothing hangs on chance.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import repeat
from time import perf_counter_ns

from ..parameter import Parameter
from ._partner import START_METHOD, InterpreterPartner, PartnerBench, ProcessPartner, ThreadPartner
from .base import Bench, Measure, Scenario, Variant, repetitions

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._partner import Partner

#: Half of a round is round trips, half is messages one way.
_HALF_ROUND_SECONDS = 0.025

#: SharedRing of a block of shared memory: as many as these bytes hold, within these limits.
_BLOCK_BYTES, _MIN_SLOTS, _MAX_SLOTS = 4 << 20, 2, 64
_LENGTH_BYTES = 8

#: Of the block that warms a heap: glibc then keeps twice as much, and takes blocks up to this from what it
#: keeps. (It learns from none above 32 MiB.)
_WARMING_BYTES = 16 << 20
#: Where Linux has it.
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - nothing is put there by name


def _echo(get: Callable[[], Any], put: Callable[[Any], Any], count: int) -> None:
    for _ in repeat(None, count):
        put(get())


def _take(get: Callable[[], Any], put: Callable[[Any], Any], count: int) -> None:
    for _ in repeat(None, count):
        get()
    put(b"")


def _warm(*_: Any) -> None:
    """Have the C library keep what it is given back; other allocators do as they did."""
    # Once: the next block of this size would come out of what is kept, and be filled with zeros.
    bytes(_WARMING_BYTES)


#: What a partner is told to do: give each message back, take all and say so, warm its heap.
_PARTS = {"echo": _echo, "take": _take, "warm": _warm}


def _answer(there: Any, back: Any, getting: str, putting: str, part: str, count: int) -> None:
    """Do the partner's part."""
    _PARTS[part](getattr(there, getting), getattr(back, putting), count)


class Passing(PartnerBench):
    """Messages to a partner and back, by two objects: one that leads there and one that leads back."""

    def __init__(
        self,
        size: int,
        heap: str,
        partner: Partner,
        put: Callable[[Any], Any],
        get: Callable[[], Any],
        *ends: Any,
    ) -> None:
        if heap == "warmed":
            partner.begin("warm", 0)
            partner.end()
            _warm()
        self._size = size
        self._message = b"x" * size
        self._partner = partner
        self._put, self._get = put, get
        self._ends = ends
        self._trips = repetitions(self._there_and_back, _HALF_ROUND_SECONDS)
        self._messages = repetitions(self._one_way, _HALF_ROUND_SECONDS)

    def _there_and_back(self, count: int) -> float:
        put, get, message = self._put, self._get, self._message
        self._partner.begin("echo", count)
        begin = perf_counter_ns()
        for _ in repeat(None, count):
            put(message)
            get()
        seconds = (perf_counter_ns() - begin) / 1e9
        self._partner.end()
        return seconds

    def _one_way(self, count: int) -> float:
        put, message = self._put, self._message
        self._partner.begin("take", count)
        begin = perf_counter_ns()
        for _ in repeat(None, count):
            put(message)
        self._get()
        seconds = (perf_counter_ns() - begin) / 1e9
        self._partner.end()
        return seconds

    def round(self) -> Sequence[float | str]:
        """Give a round trip's seconds, and the bytes per second one way."""
        trip_seconds = self._there_and_back(self._trips) / self._trips
        return [trip_seconds, self._messages * self._size / self._one_way(self._messages)]

    def close(self) -> None:
        """End the partner, and close what messages went through."""
        super().close()
        for end in self._ends:
            end.close()


class SharedRing:
    """Messages in shared memory: a ring of slots, with a semaphore each for the free and the full ones."""

    def __init__(self, context: Any, size: int) -> None:
        from multiprocessing.shared_memory import SharedMemory

        self._slot_bytes = _LENGTH_BYTES + size
        self._slots = min(max(_BLOCK_BYTES // self._slot_bytes, _MIN_SLOTS), _MAX_SLOTS)
        block_bytes = self._slots * self._slot_bytes
        _check_room(2 * block_bytes)
        self._block = SharedMemory(create=True, size=block_bytes)
        self._free, self._full = context.Semaphore(self._slots), context.Semaphore(0)
        #: This side's next slot.
        self._next = 0

    def put(self, message: bytes) -> None:
        """Write a message into the next slot, when that is free."""
        self._free.acquire()
        start = self._advance()
        end = start + _LENGTH_BYTES
        buffer = self._block.buf
        assert buffer is not None
        buffer[start:end] = len(message).to_bytes(_LENGTH_BYTES, "little")
        buffer[end : end + len(message)] = message
        self._full.release()

    def get(self) -> bytes:
        """Copy the next message out, when it is there."""
        self._full.acquire()
        start = self._advance()
        end = start + _LENGTH_BYTES
        buffer = self._block.buf
        assert buffer is not None
        message = bytes(buffer[end : end + int.from_bytes(buffer[start:end], "little")])
        self._free.release()
        return message

    def _advance(self) -> int:
        start = self._next * self._slot_bytes
        self._next = (self._next + 1) % self._slots
        return start

    def close(self) -> None:
        """Remove the block."""
        self._block.close()
        self._block.unlink()


def _check_room(wanted_bytes: int) -> None:
    # Linux promises memory that it does not have, and kills who writes there; containers have 64 MiB.
    try:
        room = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return
    if room.f_bavail * room.f_frsize < wanted_bytes:
        raise NotImplementedError(
            f"it needs {wanted_bytes} bytes of shared memory, and {_SHARED_MEMORY} has "
            f"{room.f_bavail * room.f_frsize} (Docker's --shm-size)"
        )


def _open_threads(size: int, heap: str, make: Callable[[], Any]) -> Bench:
    there, back = make(), make()
    return Passing(size, heap, ThreadPartner(_answer, there, back, "get", "put"), there.put, back.get)


def _open_processes(size: int, heap: str, make: Callable[[], Any]) -> Bench:
    there, back = make(), make()
    partner = ProcessPartner(_answer, there, back, "get", "put")
    return Passing(size, heap, partner, there.put, back.get, there, back)


def _open_pipe(size: int, heap: str, make: Callable[[], Any]) -> Bench:
    mine, theirs = make()
    partner = ProcessPartner(_answer, theirs, theirs, "recv", "send")
    return Passing(size, heap, partner, mine.send, mine.recv, mine, theirs)


def _open_interpreters(size: int, heap: str) -> Bench:
    from concurrent import interpreters  # type: ignore[attr-defined]

    there, back = interpreters.create_queue(), interpreters.create_queue()
    return Passing(size, heap, InterpreterPartner(_answer, there, back, "get", "put"), there.put, back.get)


def open_bench(variant: str, parameters: Mapping[str, Any]) -> Bench:
    """Start the partner; find how many messages fill a round."""
    size, heap = parameters["size"], parameters["heap"]
    if variant == "interpreter-queue":
        return _open_interpreters(size, heap)
    if variant.startswith("thread-"):
        import queue

        return _open_threads(size, heap, queue.Queue if variant == "thread-queue" else queue.SimpleQueue)
    from multiprocessing import get_context

    context = get_context(START_METHOD)
    if variant == "mp-pipe":
        return _open_pipe(size, heap, context.Pipe)
    if variant == "shared-memory":
        return _open_processes(size, heap, lambda: SharedRing(context, size))
    return _open_processes(size, heap, context.Queue if variant == "mp-queue" else context.SimpleQueue)


SCENARIO = Scenario(
    name="ipc",
    summary="A message's round trip and bytes per second between threads, processes and interpreters.",
    measures=(
        Measure("ipc_latency", "seconds", "Per round trip of a message."),
        Measure(
            "ipc_bandwidth", "bytes_per_second", "One way, until the last message is there.", better="higher"
        ),
    ),
    variants=(
        Variant("thread-queue", "Threads, by queue.Queue."),
        Variant("thread-simplequeue", "Threads, by queue.SimpleQueue."),
        Variant("mp-queue", "Processes, by multiprocessing.Queue.", start_method=START_METHOD),
        Variant("mp-simplequeue", "Processes, by multiprocessing.SimpleQueue.", start_method=START_METHOD),
        Variant("mp-pipe", "Processes, by multiprocessing.Pipe.", start_method=START_METHOD),
        Variant("shared-memory", "Processes, by multiprocessing.shared_memory.", start_method=START_METHOD),
        Variant(
            "interpreter-queue",
            "Subinterpreters, by concurrent.interpreters' queue (Python 3.14).",
            subinterpreters=True,
        ),
    ),
    open=open_bench,
    parameters={
        "size": Parameter(
            int, 1024, minimum=1, maximum=1 << 30, unit="bytes", summary="Length of a message."
        ),
        "heap": Parameter(
            str,
            "fresh",
            choices=("fresh", "warmed"),
            summary="Whether both sides have freed a large block, so that the C library keeps the memory.",
        ),
    },
)
