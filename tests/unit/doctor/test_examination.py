"""Checks of ``parlab doctor``, on machines that are laid out as files, and on this one."""

from __future__ import annotations

import fcntl
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from parlab.orchestrator.doctor import examination as doctor
from parlab.orchestrator.doctor import home as doctor_home
from parlab.orchestrator.doctor import host as doctor_host
from parlab.orchestrator.doctor import pythons as doctor_pythons
from parlab.orchestrator.doctor.check import Check, carefully
from parlab.orchestrator.settings import Settings, from_environment
from parlab.workers.errors import EnvironmentFault
from tests.support.checkout import CHECKOUT


def lay_out(root: Path, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def settings(tmp_path: Path, **environment: str) -> Settings:
    return from_environment({"PARLAB_HOME": str(tmp_path / "home"), **environment})


def made(checks: Iterable[object]) -> dict[str, Check]:
    found = [one for check in checks for one in carefully(check)]  # type: ignore[arg-type]
    return {one.name: one for one in found}


def on_host(root: str, seconds: float = 0.05) -> dict[str, Check]:
    return made(doctor_host.checks(root, seconds))


def written(checks: list[Check]) -> str:
    stream = io.StringIO()
    doctor.write(checks, stream)
    return stream.getvalue()


def test_this_machine_is_looked_at_without_a_crash_and_every_trouble_has_a_cure(tmp_path: Path) -> None:
    checks = doctor.examine(settings(tmp_path))
    assert {"effective CPUs", "steal", "home", "server binary", "host lock"} <= {
        check.name for check in checks
    }
    assert all(check.cure for check in checks if check.status != "ok")
    assert not list(tmp_path.iterdir()), "looking leaves nothing behind"
    text = written(checks)
    assert all(check.name in text for check in checks)


def test_the_exit_code_says_whether_a_run_would_work() -> None:
    ok, warn, problem = (Check("x", status, "") for status in ("ok", "warn", "problem"))
    assert doctor.exit_code([ok, warn]) == 0
    assert doctor.exit_code([ok, problem]) == 3
    assert doctor.summary([ok]).startswith("Ready to measure. ")
    assert doctor.summary([warn, warn]).startswith("Ready to measure, with 2 warnings.")
    assert doctor.summary([warn, problem]).startswith("1 problem would prevent a run")


def test_the_table_shows_each_cure_below_its_finding() -> None:
    text = written(
        [Check("steal", "warn", "9 % of a busy CPU", "Use another machine."), Check("CPU", "ok", "new")]
    )
    assert text.splitlines()[:3] == [
        "warn  steal  9 % of a busy CPU",
        "             → Use another machine.",
        "ok    CPU    new",
    ]
    assert "\x1b" not in text


def test_a_locale_without_these_signs_gets_others() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    doctor.write([Check("a", "warn", "10 µs", "b")], stream)
    stream.flush()
    assert b"-> b" in raw.getvalue()


def test_a_check_that_cannot_read_is_a_finding_and_not_the_end_of_the_others() -> None:
    def _disk_space() -> list[Check]:
        raise PermissionError(13, "Permission denied")

    def _server() -> list[Check]:
        raise EnvironmentFault("it is gone", "Start it.")

    assert carefully(_disk_space)[0].name == "disk space"
    assert carefully(_disk_space)[0].status == "warn"
    assert carefully(_server) == [Check("server", "problem", "it is gone", "Start it.")]


def quota_files(quota: str) -> dict[str, str]:
    return {
        "/proc/self/cgroup": "0::/\n",
        "/proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "/sys/fs/cgroup/cgroup.controllers": "cpu",
        "/sys/fs/cgroup/cpu.max": quota,
    }


def test_a_quota_of_half_a_cpu_is_a_warning_with_its_reason(tmp_path: Path) -> None:
    found = on_host(lay_out(tmp_path, quota_files("50000 100000")))["effective CPUs"]
    assert found.status == "warn"
    assert "quota 0.5 CPUs" in found.finding
    assert "--cpus" in found.cure


def test_throttling_that_goes_on_while_we_look_is_a_warning(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {**quota_files("max 100000"), "/sys/fs/cgroup/cpu.stat": "nr_throttled 1\nthrottled_usec 5000\n"},
    )
    assert on_host(root)["throttling"].status == "ok"
    before = doctor_host._Counters(root)
    (tmp_path / "sys/fs/cgroup/cpu.stat").write_text("nr_throttled 2\nthrottled_usec 305000\n")
    after = doctor_host._Counters(root)
    found = doctor_host._throttling(before, after, 1.0)
    assert (found.status, found.finding) == ("warn", "0.3 s over 1.0 s, 0.305 s since the group was made")


def test_steal_above_what_rejects_a_trial_is_a_warning(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"/proc/stat": "cpu 100 0 100 1000 0 0 0 50 0 0\n"})
    before = doctor_host._Counters(root)
    (tmp_path / "proc/stat").write_text("cpu 180 0 100 1100 0 0 0 59 0 0\n")
    after = doctor_host._Counters(root)
    assert doctor_host._steal(before, after, 1.0).status == "warn"
    assert "9 % of a busy CPU" in doctor_host._steal(before, after, 1.0).finding
    assert doctor_host._steal(before, before, 1.0).status == "ok"
    others = doctor_host._others(before, after, 1.0, 0.3)
    assert others.status == "warn"
    assert others.finding.startswith("other programs used 0.50 CPUs")


def test_who_keeps_a_cpu_busy_is_named(tmp_path: Path) -> None:
    files = {
        "/proc/stat": "cpu 0 0 0 0 0 0 0 0 0 0\n",
        "/proc/77/stat": "77 (my (odd) name) S 1 1 1 0 -1 0 0 0 0 0 5 5 0",
    }
    root = lay_out(tmp_path, files)
    before = doctor_host._Counters(root)
    lay_out(
        tmp_path,
        {
            "/proc/stat": "cpu 90 0 0 0 0 0 0 0 0 0\n",
            "/proc/77/stat": "77 (my (odd) name) S 1 1 1 0 -1 0 0 0 0 0 85 5 0",
        },
    )
    found = doctor_host._others(before, doctor_host._Counters(root), 1.0, 0.0)
    assert "most of it by my (odd) name (pid 77) 0.80" in found.finding


def test_what_a_system_does_not_count_is_said_and_is_no_trouble(tmp_path: Path) -> None:
    found = on_host(str(tmp_path))
    assert found["steal"] == Check("steal", "ok", "not counted on this system")
    assert found["throttling"].finding == "not counted here"
    assert "not counted" in found["load"].finding
    assert found["control groups"].finding.startswith("none")
    assert found["frequency"].finding.startswith("not readable")


@pytest.mark.parametrize(
    ("files", "status", "words"),
    [
        ({"cpu0/cpufreq/scaling_governor": "ondemand"}, "warn", "governor ondemand"),
        ({"cpu0/cpufreq/scaling_governor": "performance"}, "ok", "governor performance"),
        (
            {"cpu0/cpufreq/scaling_governor": "powersave", "cpu0/cpufreq/scaling_driver": "intel_pstate"},
            "ok",
            "governor powersave",
        ),
        ({"cpu0/cpufreq/scaling_governor": "performance", "cpufreq/boost": "1"}, "ok", "turbo on"),
        ({"cpu0/cpufreq/scaling_governor": "performance", "intel_pstate/no_turbo": "1"}, "ok", "turbo off"),
    ],
)
def test_frequency_is_what_governor_and_turbo_say(
    tmp_path: Path, files: Mapping[str, str], status: str, words: str
) -> None:
    root = lay_out(tmp_path, {f"/sys/devices/system/cpu/{name}": text for name, text in files.items()})
    found = on_host(root)["frequency"]
    assert found.status == status
    assert words in found.finding


@pytest.mark.parametrize(("source", "status"), [("tsc", "ok"), ("kvm-clock", "ok"), ("hpet", "warn")])
def test_a_slow_clock_is_a_warning(tmp_path: Path, source: str, status: str) -> None:
    folder = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    assert on_host(lay_out(tmp_path, {folder: source}))["clock"].status == status


def test_cpus_that_share_a_core_are_said_to(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"/sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,4"})
    assert "SMT" in on_host(root)["CPU"].finding


def test_little_memory_is_a_warning(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"/proc/meminfo": "MemTotal: 500000 kB\n"})
    assert on_host(root)["memory"].status == "warn"


def test_few_open_files_are_a_warning_with_the_command_that_allows_more() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        found = made([doctor_host._limits])["limit of open files"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (found.status, found.finding) == ("warn", "100")
    assert "ulimit -n 256" in found.cure


def test_interpreters_are_found_once_however_they_are_named(tmp_path: Path) -> None:
    link = tmp_path / "python3.11"
    link.symlink_to(sys.executable)
    found = doctor_pythons.candidates(names=[sys.executable, str(link)], places=[f"{tmp_path}/python3.*"])
    assert found == [sys.executable]


def test_a_build_is_described_and_what_is_no_python_is_only_named(tmp_path: Path) -> None:
    impostor = tmp_path / "python3.12"
    impostor.write_text("#!/bin/sh\necho hello\n")
    impostor.chmod(0o755)
    checks = list(doctor_pythons._pythons([sys.executable, str(impostor)]))
    version = ".".join(map(str, sys.version_info[:3]))
    assert checks[0].name.startswith(f"python {version}")
    assert "forkserver" in checks[0].finding
    assert checks[1] == Check("python", "ok", f"too old, or does not respond as a Python: {impostor}")


def test_a_home_that_is_not_there_yet_will_be_made(tmp_path: Path) -> None:
    found = next(iter(doctor_home._folder("home", tmp_path / "a" / "b", "PARLAB_HOME")))
    assert found.status == "ok"
    assert "(will be created)" in found.finding
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["/proc/parlab", "/dev/null/parlab"])
def test_a_home_that_cannot_be_made_is_a_problem(place: str) -> None:
    found = next(iter(doctor_home._folder("home", Path(place), "PARLAB_HOME")))
    assert found.status == "problem"
    assert "PARLAB_HOME" in found.cure


def test_a_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_home, "_LEAST_BYTES", 1 << 62)
    assert next(iter(doctor_home._folder("home", tmp_path, "PARLAB_HOME"))).status == "problem"


def test_the_server_binary_is_found_with_its_version(tmp_path: Path) -> None:
    found = made([lambda: doctor_home._server(settings(tmp_path))])["server binary"]
    assert found.status == "ok"
    assert found.finding.startswith("version ")


def test_an_existing_server_that_does_not_answer_is_a_problem_and_its_password_stays_unsaid(
    tmp_path: Path,
) -> None:
    url = "redis://:geheim@127.0.0.1:1/0"
    found = made([lambda: doctor_home._server(settings(tmp_path, PARLAB_REDIS_URL=url))])["server"]
    assert found.status == "problem"
    assert "127.0.0.1:1" in found.finding
    assert "geheim" not in found.finding + found.cure


def test_a_lock_that_is_held_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(json.dumps({"run": "7f3a", "sitting": "s", "pid": 4711, "holder": "run 7f3a"}))
    with path.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = next(iter(doctor_home._lock([tmp_path / "none", path])))
        assert found.status == "warn"
        assert "7f3a" in found.finding
    assert next(iter(doctor_home._lock([path]))).status == "ok"


def test_a_trial_without_its_guardian_is_named_with_how_to_end_it(tmp_path: Path) -> None:
    # A parent that ends at once leaves its child to be looked after by nobody of parlab's.
    script = (
        "import subprocess, sys\n"
        "child = [sys.executable, '-c', 'import time; time.sleep(60)', '_parlab_trial']\n"
        "print(subprocess.Popen(child, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    pid = int(answer.stdout)
    try:
        deadline = time.monotonic() + 10
        found = next(iter(doctor_home._left_behind(tmp_path)))
        while str(pid) not in found.cure and time.monotonic() < deadline:
            time.sleep(0.01)
            found = next(iter(doctor_home._left_behind(tmp_path)))
    finally:
        os.kill(pid, signal.SIGKILL)
    assert found.status == "warn"
    assert f"kill {pid}" in found.cure or f" {pid}" in found.cure


def test_a_trial_that_is_looked_after_is_none_of_the_doctors_business(tmp_path: Path) -> None:
    files = {
        "/self/x": "",
        "/10/cmdline": "python\0-m\0workers.node\0",
        "/10/stat": "10 (python) S 1 0",
        "/11/cmdline": "python\0-c\0…\0/x/_parlab_trial\0",
        "/11/stat": "11 (python) S 10 0",
        "/12/cmdline": "python\0-c\0…\0/x/_parlab_trial\0",
        "/12/stat": "12 (python) S 11 0",
        "/13/cmdline": "python\0-c\0…\0/x/_parlab_trial\0",
        "/13/stat": "13 (python) S 1 0",
    }
    found = next(iter(doctor_home._left_behind(tmp_path, Path(lay_out(tmp_path, files)))))
    assert found.finding == "without their run: python (pid 13)"
