"""The processes below one, and the CPU time that they used: real processes, and laid-out /proc trees."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parlab.workers.errors import NotReadable
from parlab.workers.host import tree
from parlab.workers.host.tree import CpuTimes, Tree, cpu_nanoseconds, cpu_used, processes_below, stat_fields

#: Starts a child, says its pid, then uses so much CPU time per line that it is asked for.
PROGRAM = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
for line in sys.stdin:
    end = time.process_time() + float(line)
    while time.process_time() < end:
        pass
    print("done", flush=True)
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-S", "-c", PROGRAM]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def told_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def make_work(process: subprocess.Popen[str], seconds: float) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    assert told_by(process) == "done"


@pytest.mark.parametrize("find", ["processes_below", "_by_children", "_by_parents"])
def test_children_and_their_children_are_found(find: str, parent: subprocess.Popen[str]) -> None:
    grandchild = int(told_by(parent))
    if find == "_by_children" and not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        pytest.skip("this kernel has no children files (CONFIG_PROC_CHILDREN)")
    found = processes_below if find == "processes_below" else getattr(tree, find)
    below = found(os.getpid(), "/proc")
    assert {parent.pid, grandchild} <= set(below)
    assert os.getpid() not in below
    assert found(grandchild, "/proc") == []


def test_without_a_proc_there_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match=r"no .*nowhere on linux"):
        processes_below(1, str(tmp_path / "nowhere"))


def test_a_processs_name_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text("7 (a) b) (c\n) S 3 7 7 0 -1 4194304 0 0 0 0 11 12 13 14 20")
    fields = stat_fields(7, str(tmp_path))
    assert fields[0] == b"S"
    assert fields[1] == b"3"
    assert fields[11:15] == [b"11", b"12", b"13", b"14"]


def test_the_cpu_time_of_another_process_is_exact(parent: subprocess.Popen[str]) -> None:
    told_by(parent)
    before = cpu_nanoseconds(parent.pid)
    make_work(parent, 0.025)
    used = cpu_nanoseconds(parent.pid) - before
    assert 0.025 <= used / 1e9 < 0.035


def test_the_cpu_time_of_a_process_that_is_gone_is_an_error() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    with pytest.raises(OSError, match=r"Invalid argument|No such process"):
        cpu_nanoseconds(process.pid)


def test_a_trees_cpu_time_is_that_of_all_its_processes(parent: subprocess.Popen[str]) -> None:
    told_by(parent)
    whole = Tree(os.getpid())
    whole.refresh()
    before = whole.cpu_times()
    make_work(parent, 0.03)
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass
    used = cpu_used(before, whole.cpu_times())
    assert 0.05 <= used.total / 1e9 < 0.07
    assert used.user + used.system > 0


def test_what_a_child_used_before_it_was_reaped_counts() -> None:
    whole = Tree(os.getpid())
    whole.refresh()
    before = whole.cpu_times()
    busy = "import time\nwhile time.process_time() < 0.05: pass"
    subprocess.run([sys.executable, "-S", "-c", busy], check=True)
    assert cpu_used(before, whole.cpu_times()).total / 1e9 >= 0.05


def test_a_process_that_ends_in_between_is_left_out(parent: subprocess.Popen[str]) -> None:
    told_by(parent)
    whole = Tree(os.getpid())
    whole.refresh()
    before = whole.cpu_times()
    assert parent.pid in before
    parent.kill()
    parent.wait()
    after = whole.cpu_times()
    assert parent.pid not in after
    assert cpu_used(before, after).total >= 0


def test_a_process_that_began_in_between_counts_and_one_that_is_gone_does_not() -> None:
    before = {1: CpuTimes(10, 6, 4), 2: CpuTimes(1, 1, 0)}
    after = {1: CpuTimes(17, 11, 6), 3: CpuTimes(900, 900, 0)}
    used = cpu_used(before, after)
    assert (used.total, used.user, used.system) == (907, 905, 2)


def test_without_a_proc_a_lone_process_can_still_be_read(tmp_path: Path) -> None:
    alone = Tree(os.getpid(), str(tmp_path / "nowhere"))
    alone.refresh()
    assert set(alone.cpu_times()) == {os.getpid()}


def test_without_a_proc_a_pool_of_processes_cannot_be_read(tmp_path: Path) -> None:
    pool = Tree(os.getpid(), str(tmp_path / "nowhere"))
    pool.refresh(known=[1])
    with pytest.raises(NotReadable, match=r"no .*nowhere on"):
        pool.cpu_times()
