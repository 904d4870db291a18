"""Cost of locks and their relatives per operation, of threads and of processes.

An operation of Lock, RLock and Semaphore (of 1) is ``with it: pass``. Of the others, uncontended and
contended, when another worker does the same with the same one all the time:

- Condition: take it and notify nobody / notify the other and wait to be notified
- Event: set, wait, clear / set one for the other, wait for one of its own, clear it
- Barrier: wait at one of 1 / wait at one of 2

Seconds are those that one worker's operation takes it, loop included; ``none`` is the loop alone. In a
build with a GIL two threads that contend also share one interpreter: their loop alone takes twice as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from time import perf_counter_ns

from ..parameter import Parameter
from ._partner import PARTNERS, START_METHOD, PartnerBench
from .base import Bench, Measure, Scenario, Variant, repetitions

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Flag:
    """What ``multiprocessing.RawValue`` is to processes, for threads."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class _Alone(Bench):
    """One worker's operations, nobody else being at them."""

    def __init__(self, operate: Callable[[Any, int], None], primitive: Any) -> None:
        self._operate = operate
        self._primitive = primitive
        self._count = repetitions(self._timed)

    def _timed(self, count: int) -> float:
        operate, primitive = self._operate, self._primitive
        begin = perf_counter_ns()
        operate(primitive, count)
        return (perf_counter_ns() - begin) / 1e9

    def round(self) -> Sequence[float | str]:
        """Give the seconds of an operation."""
        return [self._timed(self._count) / self._count]


class _Contended(PartnerBench, _Alone):
    """One worker's operations, while a partner does as many, or goes on until this side is done."""

    def __init__(
        self,
        kind: str,
        operate: Callable[[Any, int], None],
        primitive: Any,
        part: Callable[..., None],
        *theirs: Any,
        over: Any = None,
    ) -> None:
        self._over = over
        self._partner = PARTNERS[kind](part, *theirs)
        super().__init__(operate, primitive)

    def _timed(self, count: int) -> float:
        if self._over is not None:
            self._over.value = 0
        self._partner.begin(count)
        seconds = super()._timed(count)
        if self._over is not None:
            self._over.value = 1
        self._partner.end()
        return seconds

    def close(self) -> None:
        """End the partner."""
        if self._over is not None:
            self._over.value = 1
        super().close()


def _loop(primitive: None, count: int) -> None:
    del primitive
    for _ in repeat(None, count):
        pass


def _enter(primitive: Any, count: int) -> None:
    for _ in repeat(None, count):
        with primitive:
            pass


def _notify(condition: Any, count: int) -> None:
    for _ in repeat(None, count):
        with condition:
            condition.notify()


def _set(event: Any, count: int) -> None:
    for _ in repeat(None, count):
        event.set()
        event.wait()
        event.clear()


def _meet(barrier: Any, count: int) -> None:
    for _ in repeat(None, count):
        barrier.wait()


def _notify_and_wait(condition: Any, count: int) -> None:
    with condition:
        for _ in repeat(None, count):
            condition.notify()
            condition.wait()
        # The side that began second is still waiting.
        condition.notify()


def _set_and_wait(events: tuple[Any, Any], count: int) -> None:
    there, back = events
    for _ in repeat(None, count):
        there.set()
        back.wait()
        back.clear()


def _wait_and_set(events: tuple[Any, Any], count: int) -> None:
    there, back = events
    for _ in repeat(None, count):
        there.wait()
        there.clear()
        back.set()


#: Times that a partner operates between looks whether it is over.
_BETWEEN_LOOKS = 100


def _until_over(operate: Callable[[Any, int], None], primitive: Any, over: Any, count: int) -> None:
    del count
    while not over.value:
        operate(primitive, _BETWEEN_LOOKS)


def _maker_of(kind: str) -> Any:
    """Give what has the primitives: the module ``threading``, or a context of ``multiprocessing``."""
    if kind == "process":
        from multiprocessing import get_context

        return get_context(START_METHOD)
    import threading

    return threading


def open_bench(variant: str, parameters: Mapping[str, Any]) -> Bench:
    """Make the primitive and, where it is contended, the partner; find how many operations fill a round."""
    kind, _, name = variant.rpartition("-")
    kind = kind or "thread"
    maker = _maker_of(kind)
    if parameters["contended"]:
        return _open_contended(kind, name, maker)
    if name == "none":
        return _Alone(_loop, None)
    if name == "condition":
        return _Alone(_notify, maker.Condition())
    if name == "event":
        return _Alone(_set, maker.Event())
    if name == "barrier":
        return _Alone(_meet, maker.Barrier(1))
    return _Alone(_enter, _lock(maker, name))


def _open_contended(kind: str, name: str, maker: Any) -> Bench:
    if name == "condition":
        condition = maker.Condition()
        return _Contended(kind, _notify_and_wait, condition, _notify_and_wait, condition)
    if name == "event":
        events = (maker.Event(), maker.Event())
        return _Contended(kind, _set_and_wait, events, _wait_and_set, events)
    if name == "barrier":
        barrier = maker.Barrier(2)
        return _Contended(kind, _meet, barrier, _meet, barrier)
    over = Flag() if kind == "thread" else maker.RawValue("b", 0)
    operate = _loop if name == "none" else _enter
    primitive = None if name == "none" else _lock(maker, name)
    return _Contended(kind, operate, primitive, _until_over, operate, primitive, over, over=over)


def _lock(maker: Any, name: str) -> Any:
    return {"lock": maker.Lock, "rlock": maker.RLock, "semaphore": maker.Semaphore}[name]()


def _variants() -> tuple[Variant, ...]:
    names = {
        "lock": "Lock", "rlock": "RLock", "semaphore": "Semaphore",
        "condition": "Condition", "event": "Event", "barrier": "Barrier",
    }  # fmt: skip
    of_threads = [Variant(f"thread-{name}", f"A threading.{class_}.") for name, class_ in names.items()]
    of_processes = [
        Variant(f"process-{name}", f"A multiprocessing.{class_}.", start_method=START_METHOD)
        for name, class_ in names.items()
    ]
    nothing = Variant("none", "The same loop with nothing in it.")
    return (of_threads[0], nothing, *of_threads[1:], *of_processes)


SCENARIO = Scenario(
    name="primitives",
    summary="Seconds of an operation of locks and their relatives, of threads and of processes.",
    measures=(Measure("primitive", "seconds", "Per operation of one worker; the loop is in it."),),
    variants=_variants(),
    open=open_bench,
    parameters={
        "contended": Parameter(
            bool, default=False, summary="Whether another worker uses the same primitive all the time."
        )
    },
)
