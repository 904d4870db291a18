"""Results that nobody should count: replayed, tampered with, late, of another lab's runs."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from parlab.workers.wire import keys as rediskeys
from tests.support.laboratory import Laboratory, wait_until
from tests.support.served import Served, compared, experiment

NODE = "a"
STREAM = rediskeys.result_stream(NODE)


def entries(lab: Laboratory) -> list[dict[Any, Any]]:
    found: Any = lab.client.xrange(STREAM)
    return [fields for _, fields in found]


def seize(served: Served) -> dict[Any, Any]:
    """Copy a genuine result while the orchestrator cannot collect it."""
    for _ in range(10):
        served.process.send_signal(signal.SIGSTOP)
        try:
            # Stopped between two sittings, it waits for none: go on, and try again.
            wait_until(lambda: entries(served.lab), 2)
            return entries(served.lab)[0]
        except AssertionError:
            continue
        finally:
            served.process.send_signal(signal.SIGCONT)
    pytest.fail("no result came while the orchestrator was stopped")


def counted(served: Served, run: str) -> list[str]:
    with Store.open(served.home / "parlab.db", SystemClock()) as store:
        return [stored.result.trial for stored in store.sittings.trials(run)]


def refusals(served: Served, run: str) -> list[str]:
    with Store.open(served.home / "parlab.db", SystemClock()) as store:
        return [event.text for event in store.events(run) if event.kind == "result-refused"]


def test_a_replayed_or_tampered_result_counts_nothing_during_its_run_and_after_it(
    served: Served,
) -> None:
    run = served.begin(experiment(blocks=14))
    wait_until(lambda: served.blocks(run) >= 1, 30)
    genuine = seize(served)
    tampered = {**genuine, b"body": genuine[b"body"].replace(b'"measured"', b'"failed"')}
    assert tampered != genuine
    unsigned: dict[Any, Any] = {b"job": genuine[b"job"]}
    for fields in (genuine, tampered, unsigned):
        served.lab.client.xadd(STREAM, fields)
    found = served.until(run, "done", 60)
    assert compared(found) == [14]
    assert len(refusals(served, run)) == 2
    assert "not that of node a" in refusals(served, run)[0]
    trials = counted(served, run)
    assert len(trials) == len(set(trials))
    # The run has left the streams: nobody reads for it any more, and what comes now is swept up.
    wait_until(lambda: served.lab.client.xinfo_groups(STREAM) == [], 10)
    lost = served.lab.signer(NODE).seal("lost", genuine[b"job"].decode(), '"it went away"')
    for late in (genuine, tampered, lost.fields()):
        served.lab.client.xadd(STREAM, late)
    wait_until(lambda: not entries(served.lab), 20)
    assert counted(served, run) == trials
    assert len(refusals(served, run)) == 3
    assert served.run(run)["state"] == "done"


def test_results_of_runs_of_another_store_are_left_to_it(served: Served) -> None:
    spec = served.lab.sitting(NODE)
    foreign = served.lab.signer(NODE).seal("lost", f"{NODE}-beef-{spec.sitting}-a1", json.dumps("gone"))
    served.lab.client.xadd(STREAM, foreign.fields())
    served.lab.client.xadd(STREAM, foreign.fields(), id=next_id(served.lab))
    run = served.begin(experiment(blocks=1))
    served.until(run, "done")
    late = served.lab.signer(NODE).seal("lost", f"{NODE}-{run}-x-a1", json.dumps("gone"))
    served.lab.client.xadd(STREAM, late.fields())
    wait_until(lambda: len(entries(served.lab)) == 2, 20)


def next_id(lab: Laboratory) -> str:
    """An id after the latest one: two entries within one millisecond."""
    info: Any = lab.client.xinfo_stream(STREAM)
    milliseconds, number = info["last-generated-id"].decode().split("-")
    return f"{milliseconds}-{int(number) + 1}"
