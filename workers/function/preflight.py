"""A look at a user's own function before anything is measured, in the interpreter that would run it.

What it finds is told one line each, as JSON: what it is about, what was seen, what to do about it, and
what it rules out. It takes seconds; figures are rough, and are never mixed with measured ones.
"""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter

from ..errors import TrialFault, named
from ..host.gil import gil_enabled
from ..strategies.base import BuildFacts
from ..wire.digest import NotDigestible, digest
from . import reference as functionref
from .setup import run_setup, setup_failure
from .workload import own_workload

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal

    from ..workloads.base import Workload

    Mark = Literal["ok", "note", "limit", "refused"]
    #: What cannot be done: anything; sending the function by name; sending inputs or results;
    #: loading the module in a subinterpreter; awaiting it.
    RulesOut = Literal["all", "function", "data", "interpreter", "async"]

#: So many inputs are looked at.
_INPUTS = 100
#: Both sides of the comparison of two threads with one take about so long, and are repeated.
_SIDE_SECONDS = 0.02
_REPEATS = 3
_MOST_CALLS = 100_000
#: A call so long is compared once only, and one so slow not at all.
_LONG_SECONDS = 0.5
_SLOW_SECONDS = 4.0
#: Two at once are so much faster than one after the other when the GIL is let go of, or waited without.
_LETS_GO, _HOLDS = 1.5, 1.2
#: More CPU time than this per second of a call is more than one CPU's.
_PARALLEL = 1.3


def main(answer_fd: int) -> None:
    """Read a function's spec from standard input and write findings, a line of JSON each."""
    request = json.loads(sys.stdin.read())
    sys.path[1:1] = request["paths"]
    with os.fdopen(answer_fd, "w", encoding="utf-8", buffering=1) as answer:
        PreflightRun(request["function"], lambda finding: print(json.dumps(finding), file=answer)).run()
        sys.stdout.flush()
        answer.flush()
        # Not the interpreter's own end, which waits for threads and pools that the function left running.
        os._exit(0)


class Refused(Exception):
    """Nothing of it can be run: what was told last says why."""


class PreflightRun:
    """The looks, one after the other; each tells what it found."""

    def __init__(self, spec: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
        self._spec = spec
        self._tell = tell
        self._workload: Workload
        self._item: Any = None
        self._result: Any = None
        self._seconds = 0.0
        #: Whether the GIL was on when it was last looked at.
        self._with_gil = gil_enabled()

    def run(self) -> None:
        """Look at everything, up to what makes looking further useless."""
        try:
            self._load()
            self._inputs()
            self._call()
            self._same_again()
        except Refused:
            return
        if self._seconds > _SLOW_SECONDS:
            self._say(
                "cost",
                "note",
                f"{_duration(self._seconds)} per call: too long for a closer look",
                call_seconds=self._seconds,
            )
        else:
            self._cost()
            self._threads_and_memory()
            self._gil()
        self._crossing()
        self._subinterpreter()

    def _say(
        self,
        about: str,
        mark: Mark,
        text: str,
        cure: str = "",
        rules_out: RulesOut | None = None,
        **figures: float,
    ) -> None:
        finding = {"about": about, "mark": mark, "text": text, "cure": cure, "rules_out": rules_out}
        self._tell({**finding, "figures": figures})

    def _refuse(self, about: str, text: str, cure: str) -> Refused:
        self._say(about, "refused", text, cure, "all")
        return Refused()

    def _load(self) -> None:
        begin = perf_counter()
        try:
            self._workload = own_workload(self._spec)
        except TrialFault as fault:
            missing = fault.cause == "unavailable"
            cure = (
                "Start in the folder of the module, or install what is missing: "
                f"{sys.executable} -m pip install …"
                if missing
                else "See docs/own-functions.md."
            )
            raise self._refuse("import" if missing else "function", fault.message, cure) from None
        seconds = perf_counter() - begin
        where = functionref.where_from(self._spec["function"])
        self._say("import", "ok", f"imports in {_duration(seconds)} ({where})")
        self._say_gil("importing it")
        form = "a coroutine function" if self._workload.async_function is not None else "a plain function"
        if self._workload.async_function is not None and self._spec.get("async_function"):
            form = "a plain function, and a coroutine function of the same work"
        if self._workload.async_function is not None:
            self._say("form", "ok", f"{form}: asyncio can run it")
        else:
            self._say(
                "form",
                "limit",
                f"{form}: asyncio cannot run it (work that waits can be given an async form too)",
                rules_out="async",
            )

    def _say_gil(self, what: str) -> None:
        """Say that something turned the GIL on, where it was off before."""
        if gil_enabled() and not self._with_gil:
            self._say(
                "GIL",
                "note",
                f"{what} turns the GIL on: an extension module is not ready for this build",
                "Threads will not use more than one CPU here; update that module.",
            )
        self._with_gil = gil_enabled()

    def _inputs(self) -> None:
        try:
            items = self._workload.inputs({}, _INPUTS)
        except TrialFault as fault:
            raise self._refuse("inputs", fault.message, "Give inputs that can be made here.") from None
        self._item = items[0]
        if self._spec.get("inputs") is None and self._spec.get("inputs_json") is None:
            self._say("inputs", "ok", "none: it is called without arguments")
            return
        for index, item in enumerate(items):
            why = functionref.unpicklable(item)
            if why is not None:
                self._say(
                    "inputs",
                    "limit",
                    f"input {index} cannot be pickled: {why}",
                    "Give names (a path, a key) and open or load what they name inside the function.",
                    "data",
                )
                return
        sizes = [_pickled_bytes(item) for item in items]
        self._say("inputs", "ok", f"picklable, at most {_size(max(sizes))} (of {len(sizes)} checked)")

    def _call(self) -> None:
        if self._workload.setup is not None:
            run_setup(self._workload.setup)
            failure = setup_failure()
            if failure is not None:
                raise self._refuse(
                    "setup", f"it raised {failure}", "It is called with no arguments, once per worker."
                )
        self._result = self._timed_call("call")
        self._say_gil("calling it")
        if _is_lazy(self._result):
            raise self._refuse(
                "call",
                f"it returns a {type(self._result).__name__}: no work is done by the call",
                "Return what it yields: return list(…).",
            )

    def _timed_call(self, about: str) -> Any:
        begin = perf_counter()
        try:
            result = self._workload.function(self._item)
        except BaseException as error:  # noqa: BLE001 - a user's function may raise anything; it is told
            raise self._refuse(
                about, f"a call raised {named(error)}", "It is called with one argument, an input."
            ) from None
        self._seconds = perf_counter() - begin
        return result

    def _same_again(self) -> None:
        again = self._timed_call("result")
        check = self._workload.check
        if check is not None:
            try:
                right = check(self._item, self._result) and check(self._item, again)
            except BaseException as error:  # noqa: BLE001 - the same of a user's check
                raise self._refuse(
                    "result", f"the check raised {named(error)}", "It is called with an input and its result."
                ) from None
            if not right:
                raise self._refuse(
                    "result", "the check refuses the result", "Correct the check, or the function."
                )
            self._say("result", "ok", "the check accepts it both times")
            return
        try:
            same = digest(self._result) == digest(again)
        except NotDigestible as fault:
            raise self._refuse("result", fault.message, fault.hint.replace("the workload", "it")) from None
        if not same:
            raise self._refuse(
                "result",
                "two calls with the same input return different results",
                'Give it a check of its results (check = "module:name"), or make it deterministic.',
            )
        self._say("result", "ok", "the same both times")

    def _cost(self) -> None:
        from .watch import cost_of

        calls = max(1, min(_MOST_CALLS, round(_SIDE_SECONDS / max(self._seconds, 1e-7))))
        repeats = 1 if self._seconds > _LONG_SECONDS else _REPEATS
        # What else runs on the machine makes a call longer and its share of the CPU less, never the opposite.
        looks = [cost_of(self._workload.function, self._item, calls) for _ in range(repeats)]
        seconds, share = min(seconds for seconds, _ in looks), max(share for _, share in looks)
        self._seconds = seconds
        if share > _PARALLEL:
            self._say(
                "cost",
                "note",
                f"{_duration(seconds)} per call, on {share:.1f} CPUs: it runs in parallel internally",
                "More workers would share the same CPUs; also try with its own number of threads set to 1.",
                call_seconds=seconds,
                cpu_share=share,
            )
            return
        on, waiting = min(share, 1), max(1 - share, 0)
        self._say(
            "cost",
            "ok",
            f"{_duration(seconds)} per call: {on:.0%} on the CPU, {waiting:.0%} waiting",
            call_seconds=seconds,
            cpu_share=share,
        )

    def _threads_and_memory(self) -> None:
        from .watch import watched

        seen = watched(self._workload.function, self._item)
        if seen.threads is None or seen.processes is None:
            self._say("threads", "note", "cannot be counted: there is no /proc here")
        elif seen.threads or seen.processes:
            counts = ((seen.threads, "thread", "threads"), (seen.processes, "process", "processes"))
            what = [
                f"{count} {singular if count == 1 else plural}" for count, singular, plural in counts if count
            ]
            self._say(
                "threads",
                "note",
                f"a call starts {' and '.join(what)} of its own",
                "Each worker then has its own: compare fewer workers too.",
            )
        else:
            self._say("threads", "ok", "a call starts no threads or processes of its own")
        if seen.memory_bytes is None:
            self._say("memory", "note", "the memory of a call cannot be read here")
        else:
            self._say(
                "memory",
                "ok",
                f"a call takes {_size(seen.memory_bytes)} more at its peak",
                call_bytes=seen.memory_bytes,
            )

    def _gil(self) -> None:
        from .watch import speed_of_two

        repeats = 1 if self._seconds > _LONG_SECONDS else _REPEATS
        calls = max(1, min(_MOST_CALLS, round(_SIDE_SECONDS / max(self._seconds, 1e-7))))
        try:
            ratio = speed_of_two(self._workload.function, self._item, calls, repeats, self._workload.setup)
        except BaseException as error:  # noqa: BLE001 - what it raises beside itself is a finding
            self._say(
                *("GIL", "note", f"two calls at once, in two threads, raised {named(error)}"),
                cure="It is not thread-safe.",
            )
            return
        speed = f"two threads do it {ratio:.2f} times as fast as one"
        if _cpus() < 2:
            self._say("GIL", "note", f"{speed}; with one CPU, this says nothing about the GIL")
        else:
            text = f"{_use_of_gil(ratio)}: {speed}" if gil_enabled() else f"{speed}, without a GIL"
            self._say("GIL", "ok", text, two_threads_ratio=ratio)

    def _crossing(self) -> None:
        why = functionref.unpicklable(self._workload.function)
        if why is None:
            self._say("pickling", "ok", "the function is found by its name")
        else:
            self._say(
                "pickling",
                "limit",
                f"the function cannot be pickled: {why}",
                "Define it with def at the top level of its module (a decorator: with functools.wraps).",
                "function",
            )
        why = functionref.unpicklable(self._result)
        if why is None:
            self._say("results", "ok", f"picklable, {_size(_pickled_bytes(self._result))}")
        else:
            self._say(
                "results",
                "limit",
                f"a result cannot be pickled: {why}",
                "Return plain data: what is needed of it, not the object itself.",
                "data",
            )

    def _subinterpreter(self) -> None:
        from ..strategies import interpreters

        if interpreters.unavailable(BuildFacts(sys.version_info[:2]), {}) is not None:
            return
        for module in dict.fromkeys(r.partition(":")[0] for r in _references(self._spec)):
            why = interpreters.import_failure(module)
            if why is not None:
                self._say(
                    "subinterpreter",
                    "limit",
                    f"{module} cannot be loaded in a subinterpreter: {why}",
                    "An extension module that it imports is not ready for them.",
                    "interpreter",
                )
                return
        self._say("subinterpreter", "ok", "its module loads in one")


def _references(spec: Mapping[str, Any]) -> list[str]:
    names = ("function", "async_function", "setup", "teardown")
    return [spec[name] for name in names if spec.get(name)]


def _use_of_gil(ratio: float) -> str:
    """Say what two threads' speed over one's says of the GIL."""
    if ratio >= _LETS_GO:
        return "it waits or releases the GIL"
    return "it holds the GIL" if ratio <= _HOLDS else "it releases the GIL part of the time"


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _is_lazy(result: object) -> bool:
    """Tell a generator, or an iterator like map(): it does its work when it is read, and only once."""
    return hasattr(result, "__next__") and not hasattr(result, "read")


def _pickled_bytes(value: object) -> int:
    import pickle

    return len(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


def _duration(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _size(count: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"
