"""A node's readings at each beat, from trees laid out as kernels lay them out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from parlab.workers.node.heartbeat import Sampler
from parlab.workers.wire.registration import Pressure
from tests.unit.workers.host.test_cgroup import V1_MOUNTS, V2_MOUNT, lay_out

TICKS = os.sysconf("SC_CLK_TCK")
STAT = """\
cpu  300 0 100 4000 20 0 10 50 0 0
cpu0 100 20 50 2000 10 5 5 25 0 0
cpu11 200 0 50 2000 10 0 5 25 0 0
intr 12345 0 0
ctxt 987654
btime 1790000000
"""
MEMINFO = "MemTotal:       16000000 kB\nMemFree: 100 kB\nMemAvailable:    8000000 kB\n"
PSI = "".join(
    f"{kind} avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n"
    for kind, total in (("some", 1500000), ("full", 250000))
)


def host(root: Path) -> None:
    lay_out(
        root,
        {
            "/proc/stat": STAT,
            "/proc/meminfo": MEMINFO,
            "/proc/pressure/cpu": PSI.splitlines()[0] + "\n",
            "/proc/pressure/memory": PSI,
            "/proc/pressure/io": PSI,
        },
    )


def test_the_hosts_counters_are_read_in_base_units(tmp_path: Path) -> None:
    host(tmp_path)
    found = Sampler(tmp_path).read()
    assert [core.core for core in found.cores] == [0, 11]
    first = found.cores[0]
    assert first.user == 120 / TICKS
    assert first.system == pytest.approx(60 / TICKS)
    assert (first.idle, first.iowait, first.steal) == (2000 / TICKS, 10 / TICKS, 25 / TICKS)
    assert found.context_switches == 987654
    assert found.memory_available_bytes == 8_000_000 * 1024
    assert found.pressure == (
        Pressure("cpu", 1.5, None), Pressure("memory", 1.5, 0.25), Pressure("io", 1.5, 0.25),
    )  # fmt: skip


def test_a_group_of_version_2_is_read(tmp_path: Path) -> None:
    host(tmp_path)
    group = "/sys/fs/cgroup/lab.slice/node"
    lay_out(
        tmp_path,
        {
            "/proc/self/cgroup": "0::/lab.slice/node\n",
            "/proc/self/mountinfo": V2_MOUNT,
            "/sys/fs/cgroup/cgroup.controllers": "cpu memory",
            f"{group}/cgroup.procs": "",
            f"{group}/cpu.stat": "usage_usec 2500000\nuser_usec 1\nnr_periods 40\nnr_throttled 7\n"
            "throttled_usec 350000\n",
            f"{group}/memory.current": "50000000\n",
            f"{group}/memory.stat": "anon 30000000\ninactive_file 15000000\n",
        },
    )
    found = Sampler(tmp_path).read()
    assert found.cgroup_cpu_seconds == 2.5
    assert (found.throttled_seconds, found.throttled_periods, found.periods) == (0.35, 7, 40)
    # Less what the kernel would give back first.
    assert found.memory_bytes == 35_000_000
    assert not found.unread


def test_a_group_of_version_1_is_read(tmp_path: Path) -> None:
    host(tmp_path)
    cpu, memory = "/sys/fs/cgroup/cpu,cpuacct/docker/abc", "/sys/fs/cgroup/memory/docker/abc"
    lay_out(
        tmp_path,
        {
            "/proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n2:cpuset:/\n",
            "/proc/self/mountinfo": V1_MOUNTS,
            f"{cpu}/cpu.stat": "nr_periods 40\nnr_throttled 7\nthrottled_time 350000000\n",
            f"{cpu}/cpuacct.usage": "2500000000\n",
            f"{cpu}/cpu.cfs_quota_us": "-1\n",
            f"{memory}/memory.usage_in_bytes": "50000000\n",
            f"{memory}/memory.stat": "inactive_file 1\ntotal_inactive_file 15000000\n",
        },
    )
    found = Sampler(tmp_path).read()
    assert found.cgroup_cpu_seconds == 2.5
    assert (found.throttled_seconds, found.throttled_periods, found.periods) == (0.35, 7, 40)
    assert found.memory_bytes == 35_000_000


def test_what_cannot_be_read_is_missing_with_its_reason_and_never_zero(tmp_path: Path) -> None:
    found = Sampler(tmp_path).read()
    assert found.cores == ()
    assert found.pressure == ()
    for value in (
        found.throttled_seconds, found.throttled_periods, found.cgroup_cpu_seconds, found.memory_bytes,
        found.memory_available_bytes, found.context_switches,
    ):  # fmt: skip
        assert value is None
    assert {"cores", "pressure.cpu", "memory_available_bytes", "cgroup_cpu_seconds"} <= found.unread.keys()
    assert all(found.unread.values())


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="Linux counts so")
def test_this_machine_is_read_and_costs_little() -> None:
    sampler = Sampler()
    sampler.begin()
    readings = [sampler.read() for _ in range(50)]
    assert len(readings[-1].cores) == os.cpu_count()
    before, after = readings[0].cores[0], readings[-1].cores[0]
    assert after.idle + after.user + after.system >= before.idle + before.user + before.system
    assert readings[-1].sampler_cpu_seconds is not None
    # Every 2 s: 0.5 % of a core is 10 ms each. The exact figure is benchmarks/noise/sampler.py's.
    assert readings[-1].sampler_cpu_seconds / 50 < 0.01
