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
from parlab.workers.sitting.session import TrialSession
from parlab.workers.wire.spec import Scalar, TrialSpec


@contextmanager
def scenario_trial(scenario: str, variant: str, parameters: Mapping[str, Scalar]) -> Iterator[TrialSession]:
    """Start a trial of a scenario's variant and open its bench; it is ended whatever happens."""
    spec = TrialSpec(
        "t", "t", scenario, dict(parameters), 0, variant, {}, 1, "here", warm_up_rounds=0, scenario=True
    )
    interpreters = Interpreters(Prctl())
    session = TrialSession(spec)
    with scratch() as folder:
        try:
            session.start(partial(interpreters.start, "t", sys.executable, None, 1, folder))
            session.greet({})
            session.await_prepared()
            assert session.do("open", "set-up") is not None, session.ended
            yield session
        finally:
            session.end("failed", "internal", "the benchmark is done with it")
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
    session: TrialSession, bare: Callable[[], list[float]], turns: int, draw: random.Random
) -> tuple[dict[str, float], list[list[float]]]:
    """Do rounds of both in turns of random order.

    Returns:
        What the trial read in the end, by measure, and what the bare script gave, by round.
    """
    theirs = []
    for _ in range(turns):
        for side in draw.sample(("ours", "theirs"), 2):
            if side == "ours":
                assert session.do("round", "round") is not None, session.ended
            else:
                theirs.append(bare())
    session.finish()
    assert session.ended == ("measured", None, None, None), session.ended
    return {reading.probe: reading.value for reading in session.readings if reading.value is not None}, theirs


def column(rows: Sequence[Sequence[float]], place: int) -> list[float]:
    """Give one of the values of each round."""
    return [row[place] for row in rows]
