"""Memory of a worker by its kind, on every build that is here: forked processes share until they touch."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import pytest

from parlab.workers import catalog
from parlab.workers.errors import NotReadable
from parlab.workers.probes.memory import sample
from parlab.workers.scenarios import memory
from tests.support.scenarios import BUILDS, Measured, measured, tried

__all__ = ["measured", "tried"]

Once = Callable[..., dict[str, float]]

VARIANTS = [one.name for one in catalog.scenario("memory").variants]
PROCESSES = [name for name in VARIANTS if name.startswith("processes-")]
SIZE = 8_000_000
#: Of the data, what is the list itself: reading its items does not write to it.
POINTERS = 8 / 40


@pytest.fixture
def once(measured: Measured, known: dict[tuple[str, str, bool], dict[str, float]]) -> Once:
    """Measures a variant on a build once for all tests of the file."""

    def measure(variant: str, build: str, touched: bool = False) -> dict[str, float]:
        key = (variant, build, touched)
        if key not in known:
            known[key] = measured("memory", variant, build, rounds=1, touched=touched, size=SIZE)
        return known[key]

    return measure


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, str, bool], dict[str, float]]:
    """What was measured already, by variant, build, and whether the data was touched."""
    return {}


@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("build", BUILDS)
def test_every_kind_of_worker_takes_memory(build: str, variant: str, touched: bool, once: Once) -> None:
    for name, value in once(variant, build, touched).items():
        assert 0 < value < 100_000_000, name


@pytest.mark.parametrize("build", BUILDS)
def test_forked_processes_share_data_until_they_have_read_it(build: str, once: Once) -> None:
    before, after = (once("processes-fork", build, touched) for touched in (False, True))
    for name in before:
        # All but the pointers becomes each one's own.
        assert after[name] - before[name] == pytest.approx(SIZE * (1 - POINTERS), rel=0.25), name
        assert before[name] < SIZE / 2, name


@pytest.mark.parametrize("variant", ["processes-forkserver", "processes-spawn", "interpreters"])
@pytest.mark.parametrize("build", BUILDS)
def test_data_that_is_sent_is_everybodys_own_whether_it_was_read_or_not(
    build: str, variant: str, measured: Measured
) -> None:
    small, large = (
        measured("memory", variant, build, rounds=1, workers=2, size=size) for size in (1_000_000, 21_000_000)
    )
    for name in small:
        # Sending leaves something behind, too: buffers that an allocator keeps.
        assert 0.8 * 20_000_000 < large[name] - small[name] < 2 * 20_000_000, name


@pytest.mark.parametrize("build", BUILDS)
def test_a_thread_takes_far_less_than_any_process_and_more_than_a_task(
    build: str, once: Once, measured: Measured
) -> None:
    def usual(variant: str) -> float:
        # Each page is shared with as many processes as happen to use its library at that moment.
        tries = [measured("memory", variant, build, rounds=1, size=SIZE) for _ in range(3)]
        return median(found["pss_per_worker"] for found in tries)

    pss = {name: usual(name) for name in ("tasks", "threads")}
    pss |= {name: once(name, build)["pss_per_worker"] for name in PROCESSES}
    assert pss["tasks"] < pss["threads"]
    for name in PROCESSES:
        assert 3 * pss["threads"] < pss[name], name


def test_data_takes_as_many_bytes_as_it_is_to_take() -> None:
    data = memory.shared_data(1_000_000)
    taken = sys.getsizeof(data) + sum(-(-sys.getsizeof(one) // 16) * 16 for one in data)
    assert taken == pytest.approx(1_000_000, rel=0.01)
    assert len({id(one) for one in data}) == len(data)


def test_a_growth_that_is_not_seen_is_a_page_and_never_nothing() -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    assert memory._each(-5_000.0, 4) == memory._each(0.0, 4) == page / 4
    assert memory._each(40.0 * page, 4) == 10 * page


def test_memory_that_cannot_be_read_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere: Callable[[Sequence[int], Sequence[int]], object] = partial(sample, proc="/nowhere")
    monkeypatch.setattr(memory, "sample", elsewhere)
    with pytest.raises(NotReadable, match="no /nowhere"):
        memory.open_bench("threads", {"touched": False, "workers": 4, "size": SIZE})


def test_workers_that_do_not_come_up_are_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_START_SECONDS", 0.0)
    bench = memory.open_bench("threads", {"touched": False, "workers": 4, "size": SIZE})
    with pytest.raises(RuntimeError, match="had not come up"):
        bench.round()
