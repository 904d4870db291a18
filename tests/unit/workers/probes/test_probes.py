"""Probes, on this machine and on file trees as kernels lay them out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from parlab.workers.errors import NotReadable
from parlab.workers.host.tree import Tree
from parlab.workers.probes.base import Meter
from parlab.workers.probes.cpu import CpuMeter
from parlab.workers.probes.memory import pss_bytes, sample, uss_bytes
from parlab.workers.probes.steal import StealMeter, used_and_stolen
from parlab.workers.probes.switches import SwitchesMeter, switches_of
from parlab.workers.probes.throttling import ThrottlingMeter
from parlab.workers.probes.wall import WallMeter
from parlab.workers.trial.meters import Meters


@pytest.fixture
def tree() -> Tree:
    found = Tree(os.getpid())
    found.refresh()
    return found


def round_of(meter: Meter, work: Callable[[], None], seconds: float = 0.1) -> list[float | str]:
    meter.begin()
    work()
    meter.end(seconds)
    return meter.values()


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        # Long enough for the clock's own calls not to be what is measured.
        sum(range(20_000))


def numbers(values: list[float | str]) -> list[float]:
    return [value for value in values if isinstance(value, float)]


def test_wall_adds_up_the_rounds_and_nothing_else() -> None:
    meter = WallMeter()
    round_of(meter, lambda: None, 0.25)
    assert round_of(meter, lambda: None, 0.5) == [0.75]


def test_cpu_divides_what_was_used_between_code_and_kernel(tree: Tree) -> None:
    user, system = numbers(round_of(CpuMeter(tree), lambda: busy(0.05)))
    assert 0.05 <= user + system < 0.07
    assert user > system


def test_cpu_between_rounds_does_not_count(tree: Tree) -> None:
    meter = CpuMeter(tree)
    round_of(meter, lambda: busy(0.03))
    busy(0.05)
    assert sum(numbers(round_of(meter, lambda: busy(0.03)))) < 0.08


def test_cpu_that_was_not_used_cannot_be_divided(tree: Tree) -> None:
    meter = CpuMeter(tree)
    assert meter.values() == ["too little CPU time was used to divide it"] * 2


def test_switches_counts_every_wait(tree: Tree) -> None:
    def wait_ten_times() -> None:
        for _ in range(10):
            time.sleep(0.0005)

    voluntary, involuntary = numbers(round_of(SwitchesMeter(tree), wait_ten_times))
    assert voluntary >= 10
    assert involuntary >= 0


def test_switches_of_other_processes_are_read_thread_by_thread() -> None:
    program = "import threading; threading.Thread(target=input).start(); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(switches_of(process.pid)) == 2
        process.kill()
    assert switches_of(process.pid) == {}


def test_a_kernel_that_does_not_count_switches_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "7" / "task" / "7").mkdir(parents=True)
    (tmp_path / "7" / "task" / "7" / "status").write_text("Name:\tpython\n")
    with pytest.raises(NotReadable, match="does not count context switches"):
        switches_of(7, str(tmp_path))


def cgroups(root: Path, mountinfo: str, cgroup: str, files: dict[str, str]) -> Path:
    given = {"proc/self/mountinfo": mountinfo, "proc/self/cgroup": cgroup, **files}
    for name, text in given.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_throttling_of_cgroup_v2_counts_the_group_and_those_above(tmp_path: Path) -> None:
    stat = "usage_usec 9\nnr_periods 8\nnr_throttled {}\nthrottled_usec {}\n"
    root = cgroups(
        tmp_path,
        "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n",
        "0::/pod/box\n",
        {
            "sys/fs/cgroup/cgroup.controllers": "cpuset cpu memory",
            "sys/fs/cgroup/cpu.stat": "usage_usec 9\n",
            "sys/fs/cgroup/pod/cpu.stat": stat.format(1, 100_000),
            "sys/fs/cgroup/pod/box/cpu.stat": stat.format(2, 250_000),
        },
    )
    meter = ThrottlingMeter(root=root)

    def throttle() -> None:
        (root / "sys/fs/cgroup/pod/cpu.stat").write_text(stat.format(3, 600_000))
        (root / "sys/fs/cgroup/pod/box/cpu.stat").write_text(stat.format(4, 350_000))

    assert round_of(meter, throttle) == [pytest.approx(0.6)]
    assert round_of(meter, lambda: None) == [pytest.approx(0.6)]


def test_throttling_of_cgroup_v1_counts_nanoseconds(tmp_path: Path) -> None:
    root = cgroups(
        tmp_path,
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
        "2:cpu,cpuacct:/jobs\n",
        {"sys/fs/cgroup/cpu/jobs/cpu.stat": "nr_periods 1\nnr_throttled 1\nthrottled_time 5000000\n"},
    )
    meter = ThrottlingMeter(root=root)

    def throttle() -> None:
        text = "nr_periods 3\nnr_throttled 2\nthrottled_time 2005000000\n"
        (root / "sys/fs/cgroup/cpu/jobs/cpu.stat").write_text(text)

    assert round_of(meter, throttle) == [pytest.approx(2.0)]


def test_without_a_cpu_controller_throttling_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match="no cgroup CPU controller counts throttling here"):
        ThrottlingMeter(root=tmp_path)


def test_steal_is_the_share_of_the_time_that_was_wanted(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 9000 7 1 2 40 0 0\ncpu0 1 2 3\n")
    meter = StealMeter(proc=str(tmp_path))

    def taken() -> None:
        stat.write_text("cpu  170 0 60 9400 7 2 3 60 0 0\n")

    # 82 ticks used, 20 stolen; the 400 idle ones were not wanted.
    assert round_of(meter, taken, 0.5) == [pytest.approx(20 / 102)]


def test_a_single_stolen_tick_while_all_wait_is_little(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  0 0 0 0 0 0 0 0 0 0\n")
    meter = StealMeter(proc=str(tmp_path))

    def taken() -> None:
        stat.write_text("cpu  1 0 0 99 0 0 0 1 0 0\n")

    ticks = os.sysconf("SC_CLK_TCK")
    assert round_of(meter, taken, 0.5) == [pytest.approx(1 / (0.5 * ticks))]


@pytest.mark.parametrize("text", [b"cpu 1 2 3 4 5 6 7\n", b"intr 1 2 3 4 5 6 7 8\n"])
def test_a_kernel_that_does_not_count_steal_is_a_reason(text: bytes) -> None:
    with pytest.raises(NotReadable, match="does not count stolen time"):
        used_and_stolen(text)


def test_without_a_proc_steal_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match=r"no .*stat here"):
        StealMeter(proc=str(tmp_path))


def test_memory_of_two_processes_is_more_than_of_one_and_of_none_is_nothing() -> None:
    def together(*pids: int) -> float:
        return numbers(sample(pids, ()))[0]

    program = [sys.executable, "-c", "held = bytearray(b'x') * 30_000_000; print(flush=True); input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        alone = together(process.pid)
        assert alone > 30_000_000
        assert together(process.pid, os.getpid()) > alone
        process.kill()
        process.wait()
        assert together(process.pid) == 0
    assert together() == 0


ROLLUP = b"""\
5581-7ffc ---p 0 00:00 0 [rollup]
Rss: 9000 kB
Pss:     295 kB
Pss_Dirty: 116 kB
Private_Clean:        56 kB
Private_Dirty:       116 kB
"""


def test_set_sizes_are_read_in_bytes() -> None:
    assert pss_bytes(ROLLUP) == 295 * 1024
    assert uss_bytes(ROLLUP) == (56 + 116) * 1024
    assert pss_bytes(b"") == uss_bytes(b"") == 0


def test_one_look_gives_memory_of_all_and_the_mean_of_the_workers(tmp_path: Path) -> None:
    for pid, kibibytes in ((7, 100), (8, 200), (9, 400)):
        (tmp_path / str(pid)).mkdir()
        text = f"[rollup]\nPss: {kibibytes} kB\nPrivate_Clean: 1 kB\nPrivate_Dirty: 2 kB\n"
        (tmp_path / str(pid) / "smaps_rollup").write_text(text)
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "smaps_rollup").write_text("")
    # 10 has ended: it counts nothing, not even as a worker.
    found = sample([7, 8, 9, 10], {8, 9, 10}, str(tmp_path))
    assert found == [700 * 1024, 9 * 1024, 300 * 1024]
    assert sample([7], (), str(tmp_path))[2] == "the workers share the trial's own process"
    assert sample([7], {10}, str(tmp_path))[2] == "none of the pool's processes was there to be looked at"


def test_memory_is_a_reason_where_it_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match=r"no .*nowhere on"):
        sample([1], (), str(tmp_path / "nowhere"))
    (tmp_path / "7").mkdir()
    with pytest.raises(NotReadable, match=r"came with Linux 4\.14"):
        sample([7], (), str(tmp_path))


def test_a_meter_that_fails_is_out_with_its_reason_and_the_others_go_on(tree: Tree) -> None:
    meters = Meters(tree)
    meters.begin()
    meters.end(0.1)
    tree.unreadable = "not readable any more"
    meters.begin()
    meters.end(0.1)
    readings = {one["probe"]: one for one in meters.readings()}
    for name in ("cpu_user", "cpu_system", "switches_voluntary", "switches_involuntary"):
        assert readings[name]["value"] is None
        assert readings[name]["reason"] == "not readable any more"
    assert readings["wall"] == {
        "probe": "wall",
        "unit": "seconds",
        "value": pytest.approx(0.2),
        "reason": None,
    }


def test_without_a_timed_round_there_is_no_reading(tree: Tree) -> None:
    readings = Meters(tree).readings()
    assert readings
    assert {one["value"] for one in readings} == {None}
    assert all(one["reason"] for one in readings)
