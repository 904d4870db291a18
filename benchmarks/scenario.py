"""A scenario's trial as a sitting has it, and a bare script that does the same, with rounds in turn."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from parlab.workers.host.processes import Prctl
from parlab.workers.host.scratch import scratch
from parlab.workers.sitting.interpreter import Interpreters
from parlab.workers.sitting.session import Seat
from parlab.workers.wire.spec import Scalar, TrialSpec


@contextmanager
def scenario_trial(scenario: str, variant: str, parameters: Mapping[str, Scalar]) -> Iterator[Seat]:
    """Start a trial of a scenario's variant and open its bench; it is ended whatever happens."""
    spec = TrialSpec(
        "t", "t", scenario, dict(parameters), 0, variant, {}, 1, "here", warm_up_rounds=0, scenario=True
    )
    interpreters = Interpreters(Prctl())
    seat = Seat(spec)
    with scratch() as folder:
        try:
            seat.start(partial(interpreters.start, "t", sys.executable, None, 1, folder))
            seat.greet({})
            seat.await_prepared()
            assert seat.do("open", "set-up") is not None, seat.ended
            yield seat
        finally:
            seat.end("failed", "internal", "the benchmark is done with it")
            interpreters.close()


@contextmanager
def bare_script(script: Path, *arguments: object) -> Iterator[Callable[[], list[float]]]:
    """Start a bare script; what is given does a round in it and returns what it prints.

    Its interpreter is started with a trial's flags, and without a main file: that would be loaded anew in
    each process that it has spawned or forked by a server.
    """
    begin = f"import sys; sys.path.insert(0, {str(script.parent)!r}); from {script.stem} import main; main()"
    command = [sys.executable, "-s", "-P", "-S", "-c", begin, *map(str, arguments)]
    # It ends with its input, which it loses when this process ends.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        asked, answers = running.stdin, running.stdout

        def round_() -> list[float]:
            asked.write("go\n")
            asked.flush()
            return [float(value) for value in answers.readline().split()]

        assert answers.readline() == "ready\n"
        yield round_


def in_turn(
    seat: Seat, bare: Callable[[], list[float]], turns: int, draw: random.Random
) -> tuple[dict[str, float], list[list[float]]]:
    """Do rounds of both in turns of random order.

    Returns:
        What the trial read in the end, by measure, and what the bare script gave, by round.
    """
    theirs = []
    for _ in range(turns):
        for side in draw.sample(("ours", "theirs"), 2):
            if side == "ours":
                assert seat.do("round", "round") is not None, seat.ended
            else:
                theirs.append(bare())
    seat.finish()
    assert seat.ended == ("measured", None, None, None), seat.ended
    return {one.probe: one.value for one in seat.readings if one.value is not None}, theirs


def column(rows: Sequence[Sequence[float]], place: int) -> list[float]:
    """Give one of the values of each round."""
    return [row[place] for row in rows]
