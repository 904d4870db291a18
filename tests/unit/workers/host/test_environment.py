"""A host's description: effective CPUs with their reason, identity, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from parlab.workers.errors import NotReadable
from parlab.workers.host.environment import effective_cpus, read_host, steal_and_total_ticks
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.registration import Host

MACHINE_ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"
BOOT_ID = "522921fd-1712-4ddc-90c8-f449ad59f962"


def lay_out(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def with_cgroup(root: Path, **files: str) -> Path:
    return lay_out(
        root,
        {
            "/proc/self/cgroup": "0::/\n",
            "/proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            "/sys/fs/cgroup/cgroup.controllers": "cpu cpuset memory",
            **{f"/sys/fs/cgroup/{name.replace('_', '.')}": text for name, text in files.items()},
        },
    )


def test_without_limits_the_affinity_says_how_many_cpus_there_are(tmp_path: Path) -> None:
    cpus = effective_cpus({0, 1}, 2, tmp_path)
    assert (cpus.count, cpus.why) == (2, "affinity 2, no quota")


def test_an_affinity_below_what_is_online_says_of_how_many(tmp_path: Path) -> None:
    cpus = effective_cpus({0, 1}, 8, tmp_path)
    assert (cpus.count, cpus.why) == (2, "affinity 2 of 8, no quota")


def test_a_quota_is_rounded_up_to_whole_cpus_and_named(tmp_path: Path) -> None:
    cpus = effective_cpus(set(range(8)), 8, with_cgroup(tmp_path, cpu_max="150000 100000"))
    assert (cpus.count, cpus.quota, cpus.why) == (2, 1.5, "quota 1.5 CPUs of 8 (cgroup v2)")


def test_a_quota_of_less_than_one_cpu_leaves_one(tmp_path: Path) -> None:
    cpus = effective_cpus({0, 1}, 2, with_cgroup(tmp_path, cpu_max="20000 100000"))
    assert (cpus.count, cpus.why) == (1, "quota 0.2 CPUs of 2 (cgroup v2)")


def test_a_quota_that_does_not_bind_is_said_too(tmp_path: Path) -> None:
    cpus = effective_cpus({0, 1}, 8, with_cgroup(tmp_path, cpu_max="400000 100000"))
    assert (cpus.count, cpus.why) == (2, "affinity 2 of 8, quota 4")


def test_a_cpuset_narrower_than_the_affinity_binds(tmp_path: Path) -> None:
    root = with_cgroup(tmp_path)
    (root / "sys/fs/cgroup/cpuset.cpus.effective").write_text("0-1,5\n")
    cpus = effective_cpus({1, 2, 5, 6}, 8, root)
    assert (cpus.count, cpus.cpuset, cpus.affinity) == (2, 3, 4)
    assert cpus.why == "cpuset 2 of 8, no quota"


def test_where_the_system_tells_no_affinity_all_cpus_online_count(tmp_path: Path) -> None:
    cpus = effective_cpus(None, 10, tmp_path)
    assert (cpus.count, cpus.affinity, cpus.why) == (10, None, "10 online, affinity not known here")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_a_process_bound_to_one_cpu_sees_one() -> None:
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from parlab.workers.host.environment import read_host; print(read_host().effective_cpus.count)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "1"


def test_a_given_name_is_the_hosts_id(tmp_path: Path) -> None:
    assert read_host("laptop", tmp_path).id == "laptop"


def test_a_machine_keeps_its_id_over_a_reboot_and_its_machine_id_stays_its_own(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path, {"/etc/machine-id": MACHINE_ID + "\n", "/proc/sys/kernel/random/boot_id": BOOT_ID}
    )
    before = read_host(None, root)
    (root / "proc/sys/kernel/random/boot_id").write_text("another")
    after = read_host(None, root)
    assert before.id == after.id
    assert (before.boot_id, after.boot_id) == (BOOT_ID, "another")
    assert before.id[1:] not in MACHINE_ID


def test_containers_of_one_machine_are_one_host_whatever_their_images_say(tmp_path: Path) -> None:
    hosts = []
    for name, machine_id in (("a", MACHINE_ID), ("b", "")):
        root = lay_out(
            tmp_path / name,
            {"/.dockerenv": "", "/etc/machine-id": machine_id, "/proc/sys/kernel/random/boot_id": BOOT_ID},
        )
        hosts.append(read_host(None, root))
    assert hosts[0].id == hosts[1].id


def test_memory_is_what_the_cgroup_leaves_of_the_machines(tmp_path: Path) -> None:
    root = with_cgroup(tmp_path, memory_max="max")
    lay_out(root, {"/proc/meminfo": "MemTotal:       2048 kB\nMemFree: 9 kB\n"})
    assert read_host(None, root).memory_bytes == 2048 * 1024
    with_cgroup(tmp_path, memory_max="1048576")
    assert read_host(None, root).memory_bytes == 1048576


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC\nprocessor\t: 1\nmodel name\t: other\n", "AMD EPYC"),
        ("processor : 0\nHardware : BCM2835\nModel : Raspberry Pi 4\n", "Raspberry Pi 4"),
        ("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n", "ARM implementer 0x41 part 0xd0c"),
        ("", os.uname().machine),
    ],
)
def test_the_cpu_model_is_found_on_each_architecture(tmp_path: Path, text: str, model: str) -> None:
    assert read_host(None, lay_out(tmp_path, {"/proc/cpuinfo": text})).cpu_model == model


def test_a_host_that_tells_nothing_is_described_without_a_crash(tmp_path: Path) -> None:
    host = read_host(None, tmp_path)
    assert host.memory_bytes is None
    assert host.boot_id.startswith("unknown-")
    assert host.cgroup_version == 0
    assert host.effective_cpus.count >= 1


def test_this_host_survives_the_way_through_the_queue() -> None:
    host = read_host()
    assert decode(Host, encode(host)) == host


def test_steal_is_read_beside_all_ticks_without_counting_guests_twice(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"/proc/stat": "cpu  10 20 30 40 50 60 70 80 9 9\ncpu0 1 2 3 4 5 6 7 8 9 9\n"})
    assert steal_and_total_ticks(root) == (80, 360)


def test_steal_that_cannot_be_read_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match="steal"):
        steal_and_total_ticks(tmp_path)


def test_clock_rates_and_threads_of_a_core_are_read_where_the_kernel_tells_them(tmp_path: Path) -> None:
    cpus = "/sys/devices/system/cpu"
    root = lay_out(
        tmp_path,
        {
            f"{cpus}/cpufreq/policy0/scaling_governor": "powersave\n",
            f"{cpus}/cpufreq/policy1/scaling_governor": "performance\n",
            f"{cpus}/cpufreq/boost": "1\n",
            f"{cpus}/smt/active": "0\n",
            "/.dockerenv": "",
        },
    )
    host = read_host(None, root)
    assert (host.cpu_governor, host.turbo, host.smt) == ("performance, powersave", True, False)
    assert host.container is True
    lay_out(root, {f"{cpus}/intel_pstate/no_turbo": "1"})
    assert read_host(None, root).turbo is False


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"/proc/cpuinfo": "flags\t\t: fpu vme\n"}, "none"),
        ({"/proc/cpuinfo": "flags\t\t: fpu hypervisor\n"}, "a hypervisor that does not say its name"),
        (
            {
                "/proc/cpuinfo": "flags\t\t: fpu hypervisor\n",
                "/sys/class/dmi/id/sys_vendor": "Amazon EC2\n",
                "/sys/class/dmi/id/product_name": "c5.large\n",
            },
            "Amazon EC2 c5.large",
        ),
        (
            {
                "/proc/cpuinfo": "flags\t\t: hypervisor\n",
                "/sys/class/dmi/id/sys_vendor": "To Be Filled By O.E.M.",
                "/sys/hypervisor/type": "xen",
            },
            "xen",
        ),
        ({"/proc/cpuinfo": "Features : fp asimd\n", "/sys/class/dmi/id/sys_vendor": "A vendor"}, None),
        ({}, None),
    ],
)
def test_a_hypervisor_is_called_what_it_calls_itself(
    tmp_path: Path, files: dict[str, str], said: str | None
) -> None:
    assert read_host(None, lay_out(tmp_path, files)).virtualization == said


def test_a_host_that_was_stored_before_these_were_known_is_still_read() -> None:
    plain = json.loads(encode(read_host()))
    for name in ("cpu_governor", "turbo", "smt", "virtualization", "container"):
        del plain[name]
    old = decode(Host, json.dumps(plain))
    assert (old.container, old.virtualization) == (None, None)
