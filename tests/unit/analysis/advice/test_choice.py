"""Advice: code that runs when it is pasted, and sentences that say what was found and no more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from parlab.orchestrator.analysis.advice import sentences
from parlab.orchestrator.analysis.advice.choice import advice_of
from parlab.orchestrator.analysis.advice.code import in_one_line, recipe
from parlab.orchestrator.analysis.findings.advice import AdviceFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.plan.model import Configuration, Plan
from parlab.orchestrator.store.observation import Observation
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import OwnFunction, Scalar
from tests.unit.analysis.conftest import configuration

MakePlan = Callable[..., Plan]
MakeObservations = Callable[..., list[Observation]]

SHOP = """
import asyncio
started = []

def double(item):
    return 2 * item

async def double_async(item):
    await asyncio.sleep(0)
    return 2 * item

def answer():
    return 42

class Till:
    @staticmethod
    def sum(item):
        return 2 * item

def start():
    started.append(1)
"""
OWN = OwnFunction("shop:double", inputs="shop:items")


def way(strategy: str, max_workers: int, **options: Scalar) -> Configuration:
    return replace(configuration("c", strategy, max_workers), options=options)


WAYS = [
    way("serial", 1),
    way("threads", 3),
    way("processes", 2, start_method="forkserver", chunksize=1),
    way("processes", 2, start_method="spawn", chunksize=4),
    way("hybrid", 4, processes=2, threads=2, start_method="forkserver", chunksize=None),
    way("asyncio", 3),
]


def pasted(lines: tuple[str, ...], folder: Path, *, given: str = "items = list(range(10))\n") -> str:
    """Run the lines as a program, as somebody would who pasted them; what it printed is returned."""
    (folder / "shop.py").write_text(SHOP)
    shown = ["", "if __name__ == '__main__':", "    print(results)"]
    program = folder / "program.py"
    program.write_text(given + "\n".join([*lines, *shown]) + "\n")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("chosen", WAYS, ids=lambda c: f"{c.strategy}-{len(c.options)}")
def test_the_code_runs_when_it_is_pasted(chosen: Configuration, tmp_path: Path) -> None:
    own = replace(OWN, function="shop:double_async") if chosen.strategy == "asyncio" else OWN
    written = recipe(chosen, own, is_coroutine=chosen.strategy == "asyncio")
    assert pasted(written.lines, tmp_path) == str([2 * item for item in range(10)])


@pytest.mark.parametrize("chosen", WAYS, ids=lambda c: f"{c.strategy}-{len(c.options)}")
def test_a_coroutine_function_is_awaited_in_every_way(chosen: Configuration, tmp_path: Path) -> None:
    written = recipe(chosen, replace(OWN, function="shop:double_async"), is_coroutine=True)
    assert pasted(written.lines, tmp_path) == str([2 * item for item in range(10)])


@pytest.mark.parametrize("chosen", WAYS[:-1], ids=lambda c: f"{c.strategy}-{len(c.options)}")
def test_a_function_that_takes_nothing_is_called_so_often(chosen: Configuration, tmp_path: Path) -> None:
    written = recipe(chosen, OwnFunction("shop:answer"), is_coroutine=False)
    assert pasted(written.lines, tmp_path, given="n = 4\n") == str([42] * 4)


def test_a_set_up_and_a_name_within_a_class_are_in_the_code(tmp_path: Path) -> None:
    own = OwnFunction("shop:Till.sum", inputs="shop:items", setup="shop:start")
    for chosen in WAYS[:4]:
        written = recipe(chosen, own, is_coroutine=False)
        assert pasted(written.lines, tmp_path) == str([2 * item for item in range(10)])
        assert "start" in "\n".join(written.lines[len(written.imports) :])


def test_one_line_names_executor_and_call() -> None:
    line = in_one_line(
        recipe(way("processes", 6, start_method="forkserver", chunksize=32), OWN, is_coroutine=False)
    )
    assert line == (
        'ProcessPoolExecutor(max_workers=6, mp_context=get_context("forkserver"))'
        ".map(double, items, chunksize=32)"
    )


def advice(plan: Plan, seen: list[Observation]) -> AdviceFinding:
    finding = summarize(Measurements(plan, seen))
    (found,) = advice_of(Measurements(plan, seen, {"g": Calibration(4, 0.01, None)}), finding)
    return found


SERIAL = configuration("s", "serial")
THREADS = configuration("t", "threads", 2)
PROCESSES = configuration("p", "processes", 2)
RACE = Stop(until="best")


def test_a_run_that_was_no_race_has_no_advice(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    plan = make_plan((SERIAL, THREADS))
    seen = make_observations({"s": 2.0, "t": 1.0}, 12)
    assert advice_of(Measurements(plan, seen), summarize(Measurements(plan, seen))) == ()


def test_the_winner_is_advised_with_its_gain_and_what_it_costs(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    plan = make_plan((SERIAL, THREADS, PROCESSES), RACE)
    seen = make_observations({"s": 0.4, "t": 0.41, "p": 0.2}, 16, dispatch=0.001, memory_peak=30e6)
    found = advice(plan, seen)
    assert (found.pick, found.settled) == ("p", True)
    assert found.speed_up is not None
    assert found.speed_up.ratio == pytest.approx(2.0, rel=0.05)
    assert [c.standing for c in found.candidates] == ["pick", "behind", "behind"]
    assert found.sentences[0].startswith("Processes ×2 does this work 2.0")
    # An item takes 0.1 s one by one, 0.05 in the pool, of which 0.001 is handing over: t = o / (1 − 0.49).
    assert found.payback is not None
    assert found.payback.item_seconds == pytest.approx(0.001 / 0.51, rel=0.1)
    assert found.payback.items == 1
    assert any("below about" in s.lower() for s in found.sentences)
    assert any(s.startswith("It takes 30 MB") for s in found.sentences)


def test_too_few_blocks_are_no_advice(make_plan: MakePlan, make_observations: MakeObservations) -> None:
    found = advice(
        make_plan((SERIAL, THREADS, PROCESSES), RACE), make_observations({"s": 2.0, "t": 2.1, "p": 1.0}, 3)
    )
    assert found.pick is None
    assert not found.settled
    assert {c.standing for c in found.candidates} == {"unresolved"}
    assert found.sentences[0].startswith("Nothing can be advised yet: 3 blocks")
    assert "processes ×2 looks fastest so far" in found.sentences[0]


def test_of_what_ties_the_cheaper_is_advised_and_the_reason_is_said(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    more = configuration("q", "processes", 4)
    plan = make_plan((SERIAL, PROCESSES, more), RACE)
    found = advice(plan, make_observations({"s": 2.0, "p": 1.005, "q": 1.0}, 60))
    assert found.pick == "p"
    assert found.why == "fewer workers: 2, not 4"
    assert any("ties with it; it was chosen among them for fewer workers" in s for s in found.sentences)


def test_what_is_not_told_apart_is_said_with_what_it_would_take(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    plan = make_plan((SERIAL, THREADS, PROCESSES), RACE)
    found = advice(plan, make_observations({"s": 2.0, "t": 1.04, "p": 1.0}, 12, 0.15))
    assert not found.settled
    assert any("cannot be told apart from it" in s and "about" in s for s in found.sentences)


def test_where_nothing_gains_serial_is_kept(make_plan: MakePlan, make_observations: MakeObservations) -> None:
    found = advice(
        make_plan((SERIAL, THREADS, PROCESSES), RACE), make_observations({"s": 1.0, "t": 1.3, "p": 1.5}, 14)
    )
    assert found.pick == "s"
    assert found.sentences[0] == "Stay with serial: everything else is slower."
    assert found.payback is None


def test_each_build_has_its_best(make_plan: MakePlan, make_observations: MakeObservations) -> None:
    free = [
        replace(configuration(name, strategy, 2, "3.13.5t"), label=label)
        for name, strategy, label in (("fs", "serial", "serial"), ("ft", "threads", "threads ×2"))
    ]
    plan = make_plan((SERIAL, THREADS, PROCESSES, *free), RACE, ft="fs")
    seen = make_observations({"s": 2.0, "t": 2.1, "p": 1.1, "fs": 2.2, "ft": 1.0}, 30)
    found = advice(plan, seen)
    assert found.pick == "ft"
    assert {(p.python, p.label) for p in found.places} == {
        ("3.11.7", "processes ×2"),
        ("3.13.5t", "threads ×2"),
    }
    assert next(p for p in found.places if p.python == "3.11.7").against_pick is not None


@pytest.mark.parametrize(
    ("ratio", "count", "words"),
    [
        (1.003, 1, " (it is not faster)"),
        (0.97, 2, " (they are not faster)"),
        (1.03, 1, " (it may be up to 3% faster)"),
        (2.05, 2, " (they may be up to 2 times as fast)"),
    ],
)
def test_what_is_not_told_apart_is_said_as_a_person_would(ratio: float, count: int, words: str) -> None:
    assert sentences._most(ratio, count) == words
