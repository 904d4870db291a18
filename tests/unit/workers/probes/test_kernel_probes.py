"""Probes of what the kernel counts per process and thread, on file trees as it lays them out, and here."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from parlab.workers import catalog
from parlab.workers.errors import NotReadable
from parlab.workers.host.tree import Tree
from parlab.workers.probes import descriptors, threads
from parlab.workers.probes.inner_threads import InnerThreadsMeter
from parlab.workers.probes.migrations import MigrationsMeter, migrations_of
from parlab.workers.probes.page_faults import PageFaultsMeter, faults_of
from parlab.workers.probes.pressure import PressureMeter, some_microseconds

SCHED = """python (7, #threads: 2)
-------------------------------------------------------------------
se.exec_start                                :         12345.678901
se.nr_migrations                             :            {:>9}
nr_switches                                  :                  200
"""


def stat(proc: Path, pid: int, *, threads_now: int = 1, minor: int = 0, major: int = 0) -> None:
    fields = ["S", "1", "7", "7", "0", "-1", "4194304", str(minor), "91", str(major), "92", "11", "12"]
    (proc / str(pid)).mkdir(exist_ok=True)
    text = f"{pid} (a) b) {' '.join(fields)} 13 14 20 0 {threads_now} 0 99\n"
    (proc / str(pid) / "stat").write_text(text)


def sched(proc: Path, pid: int, **migrations: int) -> None:
    for thread, count in migrations.items():
        folder = proc / str(pid) / "task" / thread.removeprefix("t")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sched").write_text(SCHED.format(count))
    (proc / str(pid) / "sched").write_text(SCHED.format(0))


def tree_of(root: int, *below: int) -> Tree:
    made = Tree(root)
    made.below = below
    return made


def test_fields_are_those_of_the_manual(tmp_path: Path) -> None:
    stat(tmp_path, 7, threads_now=3, minor=70, major=4)
    assert faults_of(7, str(tmp_path)) == (70, 4)
    assert threads.threads_of(7, str(tmp_path)) == 3


def test_touched_memory_is_a_minor_fault_per_page() -> None:
    meter = PageFaultsMeter(tree_of(os.getpid()))
    meter.begin()
    touched = bytearray(40_000_000)
    touched[::4096] = b"x" * len(touched[::4096])
    meter.end(0.1)
    minor, major = meter.values()
    # Huge pages take one for 512.
    assert isinstance(minor, float)
    assert minor >= 15
    assert isinstance(major, float)
    assert major >= 0


def test_threads_and_descriptors_are_counted_over_the_tree_and_what_is_gone_is_not(tmp_path: Path) -> None:
    for pid, count in ((7, 3), (8, 1)):
        stat(tmp_path, pid, threads_now=count)
        for number in range(count):
            (tmp_path / str(pid) / "fd").mkdir(exist_ok=True)
            (tmp_path / str(pid) / "fd" / str(number)).touch()
    for sample in (threads.sample, descriptors.sample):
        assert sample([7, 8, 9], (), str(tmp_path)) == [4]
        with pytest.raises(NotReadable, match=r"no .*nowhere on"):
            sample([7], (), str(tmp_path / "nowhere"))


def test_a_file_that_is_opened_is_one_more(tmp_path: Path) -> None:
    (before,) = descriptors.sample([os.getpid()], ())
    with (tmp_path / "file").open("w"):
        assert descriptors.sample([os.getpid()], ()) == [float(before) + 1]


def test_threads_after_a_round_are_inner_ones_as_far_as_they_are_more(tmp_path: Path) -> None:
    stat(tmp_path, 7, threads_now=1)
    tree = tree_of(7)
    meter = InnerThreadsMeter(tree, str(tmp_path))
    assert meter.values() == ["the threads were not counted when the pool was opened"]
    # The pool has a process and two threads of its own.
    stat(tmp_path, 7, threads_now=3)
    stat(tmp_path, 8, threads_now=1)
    tree.below = (8,)
    meter.opened()
    stat(tmp_path, 8, threads_now=5)
    meter.begin()
    meter.end(0.1)
    stat(tmp_path, 8, threads_now=2)
    meter.begin()
    meter.end(0.1)
    assert meter.values() == [4.0]


def test_fewer_threads_than_at_the_start_are_no_inner_ones() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    meter = InnerThreadsMeter(tree_of(os.getpid()))
    meter.opened()
    event.set()
    thread.join()
    meter.begin()
    meter.end(0.1)
    assert meter.values() == [0.0]


def test_threads_that_cannot_be_counted_are_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match="how many threads"):
        InnerThreadsMeter(tree_of(7), str(tmp_path))


def test_migrations_count_for_threads_that_are_there_at_both_ends(tmp_path: Path) -> None:
    sched(tmp_path, 7, t7=10, t71=5)
    meter = MigrationsMeter(tree_of(7, 8), str(tmp_path))
    meter.begin()
    sched(tmp_path, 7, t7=13, t71=5, t72=100)
    meter.end(0.1)
    assert meter.values() == [3.0]
    assert migrations_of(8, str(tmp_path)) == {}


def test_a_kernel_without_migrations_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match="does not report migrations"):
        MigrationsMeter(tree_of(7), str(tmp_path))
    sched(tmp_path, 7, t7=1)
    (tmp_path / "7" / "task" / "7" / "sched").write_text("python (7, #threads: 1)\n")
    with pytest.raises(NotReadable, match="does not count migrations"):
        MigrationsMeter(tree_of(7), str(tmp_path))


def test_every_quantity_is_documented_with_its_unit(root: Path) -> None:
    page = (root / "docs" / "result-schema.md").read_text()
    when = {"round": "timed rounds", "pass": "memory pass", "tasks": "tasks pass"}
    for probe in catalog.probes().values():
        for quantity in probe.quantities:
            assert f"| `{quantity.name}` | {quantity.unit} | {when[probe.scope]} | " in page


PRESSURE = "some avg10=0.40 avg60=1.08 avg300=0.62 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n"


def pressure(proc: Path, **totals: int) -> None:
    (proc / "pressure").mkdir(exist_ok=True)
    for resource, total in totals.items():
        (proc / "pressure" / resource).write_text(PRESSURE.format(total))


def test_pressure_is_what_the_totals_went_up_by_in_rounds(tmp_path: Path) -> None:
    pressure(tmp_path, cpu=1_000_000, memory=5, io=7)
    meter = PressureMeter(proc=str(tmp_path))
    meter.begin()
    pressure(tmp_path, cpu=1_250_000, memory=5, io=500_007)
    meter.end(0.5)
    # Between rounds it does not count.
    pressure(tmp_path, cpu=9_000_000)
    meter.begin()
    meter.end(0.5)
    assert meter.values() == [0.25, 0.0, 0.5]


def test_one_resource_that_is_not_counted_is_out_alone(tmp_path: Path) -> None:
    pressure(tmp_path, cpu=1, memory=2)
    meter = PressureMeter(proc=str(tmp_path))
    meter.begin()
    meter.end(0.1)
    assert meter.values() == [0.0, 0.0, "this kernel does not count pressure (no /proc/pressure)"]


def test_without_pressure_there_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match="does not count pressure"):
        PressureMeter(proc=str(tmp_path))
    with pytest.raises(NotReadable, match="no total"):
        some_microseconds(b"full avg10=0.00 total=7\n")
