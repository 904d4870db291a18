"""Findings about a user's function: real functions of every kind, in real interpreters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from parlab.orchestrator.plan.preflight import Preflight, examine
from parlab.workers.errors import SpecRefused
from parlab.workers.host.builds import read_build
from parlab.workers.wire.registration import PythonBuild
from parlab.workers.wire.spec import OwnFunction

SHOP = """
import asyncio, functools, hashlib, itertools, os, pickle, subprocess, sys, threading, time, zlib

def plain(n): return sum(i * i for i in range(n))
def bare(): return 7
async def coroutine(n):
    await asyncio.sleep(0.001)
    return n
nameless = lambda n: n + 1
def closure():
    def inner(n): return n + 1
    return inner
closed = closure()
def badly(function):
    def wrapper(*given): return function(*given)
    return wrapper
def well(function):
    @functools.wraps(function)
    def wrapper(*given): return function(*given)
    return wrapper
@badly
def decorated(n): return n
@well
def wrapped(n): return n
class Cart:
    def total(self, n): return n
    @staticmethod
    def static(n): return n
    @classmethod
    def of(cls, n): return n
cart = Cart()
class Locked(Cart):
    def __init__(self): self.lock = threading.Lock()
locked = Locked()
power = functools.partial(pow, 2)
def generator(n): yield n
async def async_generator(n): yield n
def lazy(n): return map(str, range(n))
def fickle(n): return os.urandom(4)
def fickle_checked(n, result=None): return os.urandom(4)
def four_bytes(n, result): return len(result) == 4
def five_bytes(n, result): return len(result) == 5
def lock(n): return threading.Lock()
def is_lock(n, result): return hasattr(result, "acquire")
def raises(n): raise ValueError(f"no such cart: {n}")
def ends(n): os._exit(3)
def sleeps(n): time.sleep(0.05); return n
def squeezes(n): return zlib.crc32(zlib.compress(os.path.__file__.encode() * 20_000, 6))
def threads(n):
    several = [threading.Thread(target=time.sleep, args=(0.05,)) for _ in range(3)]
    for one in several: one.start()
    for one in several: one.join()
    return n
def processes(n):
    subprocess.run([sys.executable, "-S", "-c", "import time; time.sleep(0.1)"])
    return n
def handles(): return [open(os.devnull)]
def reads(file): return file.closed
def takes_memory(n): return len(bytearray(50_000_000))
def endless(): return itertools.count()
def none_at_all(): return []
def broken_inputs(): raise KeyError("carts")
seen = []
def prepares(): seen.append("ready")
def prepared(n): return seen == ["ready"]
def prepares_badly(): raise OSError("no licence")
number = 3
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "shop.py").write_text(SHOP)
    (folder / "broken.py").write_text("import no_such_module\n")
    (folder / "loud.py").write_text("print('{' * 100)\ndef f(n): print('hello'); return n\n")
    return folder


@pytest.fixture(scope="module")
def build() -> PythonBuild:
    return read_build(sys.executable)


def look(project: Path, build: PythonBuild, function: str, **other: Any) -> Preflight:
    given = {"inputs_json": "[100]", **other} if "inputs" not in other else other
    return examine(OwnFunction(function=function, **given), build, [str(project)])


CROSSING = {"processes", "hybrid", "interpreters"}
NOTHING: set[str] = set()


@pytest.mark.parametrize(
    ("function", "given", "about", "says", "cannot"),
    [
        ("shop:plain", {}, "result", "the same both times", {"asyncio"}),
        ("shop:plain", {}, "GIL", "two threads do it", {"asyncio"}),
        ("shop:bare", {"inputs_json": None}, "inputs", "none: it is called without", {"asyncio"}),
        ("shop:coroutine", {}, "form", "asyncio can run it", NOTHING),
        ("shop:plain", {"async_function": "shop:coroutine"}, "form", "and a coroutine function", NOTHING),
        ("shop:nameless", {}, "pickling", "cannot be pickled", {"asyncio", *CROSSING}),
        ("shop:closed", {}, "pickling", "closure.<locals>.inner", {"asyncio", *CROSSING}),
        ("shop:decorated", {}, "pickling", "badly.<locals>.wrapper", {"asyncio", *CROSSING}),
        ("shop:wrapped", {}, "pickling", "found by its name", {"asyncio"}),
        ("shop:cart.total", {}, "pickling", "found by its name", {"asyncio"}),
        ("shop:Cart.static", {}, "pickling", "found by its name", {"asyncio"}),
        ("shop:Cart.of", {}, "pickling", "found by its name", {"asyncio"}),
        ("shop:locked.total", {}, "pickling", "cannot pickle '_thread.lock'", {"asyncio", *CROSSING}),
        ("shop:power", {}, "pickling", "found by its name", {"asyncio"}),
        ("shop:sleeps", {}, "GIL", "it waits or releases the GIL", {"asyncio"}),
        ("shop:squeezes", {}, "result", "the same both times", {"asyncio"}),
        ("shop:threads", {}, "threads", "a call starts 3 threads of its own", {"asyncio"}),
        ("shop:processes", {}, "threads", "a call starts 1 process of its own", {"asyncio"}),
        ("shop:takes_memory", {}, "memory", "MB more at its peak", {"asyncio"}),
        ("shop:reads", {"inputs": "shop:handles"}, "inputs", "cannot pickle '_io.TextIOWrapper'",
         {"asyncio", "joblib", *CROSSING}),
        ("shop:plain", {"inputs": "shop:endless"}, "inputs", "picklable", {"asyncio"}),
        ("shop:fickle", {"check": "shop:four_bytes"}, "result", "the check accepts it", {"asyncio"}),
        ("shop:lock", {"check": "shop:is_lock"}, "results", "a result cannot be pickled",
         {"asyncio", "joblib", *CROSSING}),
        ("shop:prepared", {"setup": "shop:prepares"}, "result", "the same both times", {"asyncio"}),
        ("loud:f", {}, "result", "the same both times", {"asyncio"}),
    ],
)  # fmt: skip
def test_a_function_that_can_be_run_is_told_what_runs_it(
    project: Path,
    build: PythonBuild,
    function: str,
    given: dict[str, Any],
    about: str,
    says: str,
    cannot: set[str],
) -> None:
    found = look(project, build, function, **given)
    assert found.refusal is None, found.findings
    told = [finding.text for finding in found.findings if finding.about == about]
    assert any(says in text for text in told), found.findings
    strategies = {"serial", "threads", "asyncio", "joblib", *CROSSING}
    assert {name for name in strategies if found.against(name) is not None} == cannot


@pytest.mark.parametrize(
    ("function", "given", "says", "cure"),
    [
        ("shop:generator", {}, "is a generator function", ""),
        ("shop:async_generator", {}, "is a generator function", ""),
        ("shop:lazy", {}, "it returns a map: no work is done", "return list(…)"),
        ("shop:fickle", {}, "return different results", "Give it a check"),
        ("shop:fickle", {"check": "shop:five_bytes"}, "the check refuses the result", "Correct"),
        ("shop:fickle", {"check": "shop:raises"}, "the check raised TypeError", "an input and its result"),
        ("shop:lock", {}, "a result holds a _thread.lock, which has no digest", "Give it a check"),
        ("shop:raises", {}, "a call raised ValueError: no such cart: 100", "with one argument"),
        ("shop:bare", {}, "a call raised TypeError", "with one argument"),
        ("shop:ends", {}, "its interpreter ended with exit code 3", ""),
        (
            "shop:plain",
            {"setup": "shop:prepares_badly"},
            "it raised OSError: no licence",
            "no arguments",
        ),
        ("shop:plain", {"inputs": "shop:broken_inputs"}, "raised KeyError: 'carts'", ""),
        ("shop:plain", {"inputs": "shop:none_at_all"}, "are empty", ""),
        ("shop:plain", {"async_function": "shop:plain"}, "is not a coroutine function", ""),
        ("shop:number", {}, "is not a function; its type is int", ""),
        ("shop:missing", {}, "shop has no missing", "install what is missing"),
        ("nowhere:f", {}, "cannot import nowhere: ModuleNotFoundError", "Start in the folder"),
        ("broken:f", {}, "No module named 'no_such_module'", "-m pip install"),
    ],
)
def test_a_function_that_cannot_be_run_is_refused_with_the_way_out(
    project: Path, build: PythonBuild, function: str, given: dict[str, Any], says: str, cure: str
) -> None:
    refusal = look(project, build, function, **given).refusal
    assert refusal is not None
    assert says in refusal.text
    assert cure in refusal.cure


def test_a_module_that_no_subinterpreter_can_load_is_told(project: Path, python314: str) -> None:
    (project / "extension.py").write_text("import readline\ndef f(n): return n\n")
    found = examine(OwnFunction("extension:f", inputs_json="[1]"), read_build(python314), [str(project)])
    assert found.refusal is None
    assert found.against("interpreters") is not None
    assert found.against("processes") is None
    loads = examine(OwnFunction("shop:plain", inputs_json="[1]"), read_build(python314), [str(project)])
    assert loads.against("interpreters") is None


def test_a_build_without_a_gil_says_so(project: Path, free_threaded: str) -> None:
    found = look(project, read_build(free_threaded), "shop:plain")
    assert any("without a GIL" in finding.text for finding in found.findings)


def test_arrays_and_frames_can_be_inputs_and_results(project: Path, build: PythonBuild) -> None:
    (project / "frames.py").write_text(
        "import numpy, pandas\n"
        "def arrays(): return [numpy.arange(10.0), numpy.array(['a', None], dtype=object)]\n"
        "def frames(): return [pandas.DataFrame({'a': [1, 2], 'b': ['x', None]})]\n"
        "def twice(array): return array + array if array.dtype != object else array\n"
        "def turned(frame): return frame.iloc[::-1]\n"
    )
    for function, inputs in (("frames:twice", "frames:arrays"), ("frames:turned", "frames:frames")):
        found = look(project, build, function, inputs=inputs)
        assert found.refusal is None, found.findings
        assert found.against("processes") is None


def test_a_setting_of_parlabs_is_not_given_away(project: Path, build: PythonBuild) -> None:
    with pytest.raises(SpecRefused, match="PARLAB_NODE_KEY"):
        look(project, build, "shop:plain", environment=("PARLAB_NODE_KEY",))
