"""Limits and counters of control groups, read from file trees laid out as kernels lay them out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from parlab.workers.errors import NotReadable
from parlab.workers.host import cgroup

V1_MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
"""
V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
CPU_MOUNT = "/sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n"
CONTROLLERS = "cpuset cpu io memory pids"


def lay_out(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def v2_tree(root: Path, group: str, files: Mapping[str, str]) -> Path:
    return lay_out(
        root,
        {
            "/proc/self/cgroup": f"0::{group}\n",
            "/proc/self/mountinfo": V2_MOUNT,
            "/sys/fs/cgroup/cgroup.controllers": CONTROLLERS,
            f"/sys/fs/cgroup{group}/cgroup.procs": "",
            **{f"/sys/fs/cgroup{name}": text for name, text in files.items()},
        },
    )


def test_a_quota_of_version_2_is_read_in_cpus(tmp_path: Path) -> None:
    root = v2_tree(tmp_path, "/a.slice", {"/a.slice/cpu.max": "150000 100000\n"})
    assert cgroup.version(root) == 2
    assert cgroup.cpu_quota(root) == 1.5


def test_a_quota_of_max_is_no_quota(tmp_path: Path) -> None:
    assert cgroup.cpu_quota(v2_tree(tmp_path, "/a.slice", {"/a.slice/cpu.max": "max 100000\n"})) is None


def test_the_least_quota_along_the_path_binds(tmp_path: Path) -> None:
    root = v2_tree(
        tmp_path,
        "/pod/box/leaf",
        {
            "/pod/cpu.max": "100000 100000",
            "/pod/box/cpu.max": "300000 100000",
            "/pod/box/leaf/cpu.max": "max 100000",
        },
    )
    assert cgroup.cpu_quota(root) == 1.0


def test_a_group_without_the_cpu_controller_has_the_quota_of_the_one_above(tmp_path: Path) -> None:
    root = v2_tree(tmp_path, "/user.slice/session", {"/user.slice/cpu.max": "50000 100000"})
    assert cgroup.cpu_quota(root) == 0.5


def test_in_a_container_with_its_own_namespace_the_mount_is_its_own_group(tmp_path: Path) -> None:
    root = v2_tree(tmp_path, "/", {"/cpu.max": "200000 100000", "/memory.max": "536870912"})
    assert cgroup.cpu_quota(root) == 2.0
    assert cgroup.memory_limit_bytes(root) == 536870912


def test_a_container_that_names_the_hosts_group_falls_back_to_what_is_mounted(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {
            "/proc/self/cgroup": "4:cpu,cpuacct:/docker/4f1c\n0::/system.slice\n",
            "/proc/self/mountinfo": f"40 31 0:29 /docker/4f1c {CPU_MOUNT}",
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert cgroup.cpu_quota(root) == 2.5
    (tmp_path / "proc/self/mountinfo").write_text(f"40 31 0:29 / {CPU_MOUNT}")
    assert cgroup.cpu_quota(root) == 2.5


def test_a_group_outside_the_namespace_is_read_at_the_mounts_top(tmp_path: Path) -> None:
    root = v2_tree(tmp_path, "/", {"/cpu.max": "200000 100000"})
    (tmp_path / "proc/self/cgroup").write_text("0::/../../elsewhere\n")
    assert cgroup.cpu_quota(root) == 2.0


def test_version_1_is_read_from_hierarchies_mounted_apart(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {
            "/proc/self/cgroup": "4:memory:/jobs/j1\n3:cpuset:/jobs\n2:cpu,cpuacct:/jobs/j1\n",
            "/proc/self/mountinfo": V1_MOUNTS,
            "/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us": "75000",
            "/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us": "50000",
            "/sys/fs/cgroup/cpu,cpuacct/jobs/j1/cpu.cfs_quota_us": "-1",
            "/sys/fs/cgroup/cpu,cpuacct/jobs/j1/cpu.cfs_period_us": "100000",
            "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-7",
            "/sys/fs/cgroup/cpuset/jobs/cpuset.cpus": "0-3,7",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            "/sys/fs/cgroup/memory/jobs/j1/memory.limit_in_bytes": "1073741824",
        },
    )
    assert cgroup.version(root) == 1
    assert cgroup.cpu_quota(root) == 1.5
    assert cgroup.cpuset(root) == {0, 1, 2, 3, 7}
    assert cgroup.memory_limit_bytes(root) == 1073741824


def test_on_a_hybrid_system_the_controller_of_version_1_counts(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {
            "/proc/self/cgroup": "2:cpu:/\n1:name=systemd:/x\n0::/x\n",
            "/proc/self/mountinfo": V1_MOUNTS.replace("cpu,cpuacct", "cpu")
            + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            "/sys/fs/cgroup/unified/cgroup.controllers": "",
            "/sys/fs/cgroup/unified/x/cpu.max": "10000 100000",
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000",
            "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    )
    assert cgroup.version(root) == 1
    assert cgroup.cpu_quota(root) == 3.0
    assert cgroup.memory_limit_bytes(root) is None


def test_on_a_hybrid_system_what_version_1_does_not_have_is_read_from_version_2(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {
            "/proc/self/cgroup": "1:name=systemd:/x\n0::/x\n",
            "/proc/self/mountinfo": "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            "/sys/fs/cgroup/unified/cgroup.controllers": "cpu memory",
            "/sys/fs/cgroup/unified/x/cpu.max": "10000 100000",
        },
    )
    assert cgroup.version(root) == 2
    assert cgroup.cpu_quota(root) == 0.1
    assert cgroup.cpuset(root) is None


def test_a_cpuset_is_what_is_effective_and_an_empty_one_allows_what_the_group_above_does(
    tmp_path: Path,
) -> None:
    root = v2_tree(
        tmp_path,
        "/a/b",
        {
            "/cpuset.cpus.effective": "0-7\n",
            "/a/cpuset.cpus": "2-3\n",
            "/a/cpuset.cpus.effective": "2-3\n",
            "/a/b/cpuset.cpus": "\n",
        },
    )
    assert cgroup.cpuset(root) == {2, 3}


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert cgroup.version(tmp_path) == 0
    assert cgroup.cpu_quota(tmp_path) is None
    assert cgroup.cpuset(tmp_path) is None
    assert cgroup.memory_limit_bytes(tmp_path) is None


@pytest.mark.parametrize("text", ["", "max", "abc 100000", "100000 0", "-1 100000", "1e5 100000"])
def test_a_quota_that_makes_no_sense_is_no_quota(tmp_path: Path, text: str) -> None:
    assert cgroup.cpu_quota(v2_tree(tmp_path, "/a", {"/a/cpu.max": text})) is None


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0-3,7", {0, 1, 2, 3, 7}),
        ("5", {5}),
        ("0-1, 4-5\n", {0, 1, 4, 5}),
        ("", set()),
        ("all", set()),
        ("3-1", set()),
    ],
)
def test_a_list_of_cpus_is_parsed_as_the_kernel_writes_it(text: str, cpus: set[int]) -> None:
    assert cgroup.parse_cpu_list(text) == cpus


def test_a_mount_point_with_a_space_is_found(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {
            "/proc/self/cgroup": "0::/\n",
            "/proc/self/mountinfo": V2_MOUNT.replace("/sys/fs/cgroup", "/my\\040groups"),
            "/my groups/cgroup.controllers": "cpu",
            "/my groups/cpu.max": "100000 100000",
        },
    )
    assert cgroup.cpu_quota(root) == 1.0


def test_throttled_time_of_version_2_is_given_in_seconds(tmp_path: Path) -> None:
    stat = "usage_usec 9\nnr_periods 4\nnr_throttled 2\nthrottled_usec 1500000\n"
    root = v2_tree(tmp_path, "/a", {"/cpu.stat": "usage_usec 9\n", "/a/cpu.stat": stat})
    assert cgroup.throttled_seconds(root) == 1.5
    assert cgroup.cpu_stat_paths(root)[0] == str(tmp_path / "sys/fs/cgroup/a/cpu.stat")


def test_throttled_time_of_version_1_is_given_in_seconds(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {
            "/proc/self/cgroup": "2:cpu,cpuacct:/\n",
            "/proc/self/mountinfo": V1_MOUNTS,
            "/sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_throttled 2\nthrottled_time 2500000000\n",
        },
    )
    assert cgroup.throttled_seconds(root) == 2.5


def test_being_held_back_by_a_group_above_counts(tmp_path: Path) -> None:
    quiet = "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n"
    root = v2_tree(
        tmp_path,
        "/pod/box",
        {"/pod/cpu.stat": quiet.replace("throttled_usec 0", "throttled_usec 7"), "/pod/box/cpu.stat": quiet},
    )
    assert cgroup.throttled_seconds(root) == pytest.approx(7e-6)
    paths = cgroup.cpu_stat_paths(root)
    assert cgroup.throttled_seconds(paths=paths) == pytest.approx(7e-6)


def test_throttling_that_nothing_counts_is_a_reason_and_not_zero(tmp_path: Path) -> None:
    root = v2_tree(tmp_path, "/a", {"/a/cpu.stat": "usage_usec 12\n"})
    with pytest.raises(NotReadable, match="nothing counts throttling"):
        cgroup.throttled_seconds(root)


def test_a_counter_that_went_away_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match="cannot be read: No such file"):
        cgroup.throttled_seconds(paths=(str(tmp_path / "cpu.stat"),))


def test_the_group_this_test_runs_in_can_be_read() -> None:
    quota = cgroup.cpu_quota()
    assert quota is None or quota > 0
    assert cgroup.version() in {0, 1, 2}
