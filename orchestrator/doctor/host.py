"""Checks of the machine: what work can use of it, and who else uses it."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from parlab.orchestrator.doctor.check import Check, unless
from parlab.orchestrator.figures import percent, size
from parlab.workers.errors import NotReadable
from parlab.workers.host import cgroup
from parlab.workers.host.environment import is_container, read_host, steal_and_total_ticks
from parlab.workers.host.files import place, text_of
from parlab.workers.wire.registration import Host

#: A trial is rejected where more was stolen (docs/method.md).
_STEAL_LIMIT = 0.05
#: What others may use of a CPU before it is worth a word.
_OTHERS_LIMIT = 0.1
_MEMORY_BYTES = 1_000_000_000
_FILES = 256
_PROCESSES = 512
#: Clocks that cost a system call, or tick coarsely.
_SLOW_CLOCKS = frozenset({"acpi_pm", "hpet", "jiffies", "refined-jiffies", "pit"})
_SLOW_GOVERNORS = frozenset({"powersave", "conservative", "ondemand"})

Checks = list[Callable[[], Iterable[Check]]]


def checks(root: str = "/", seconds: float = 1.0) -> Checks:
    """Return the checks of the machine under ``root``; one keeps a CPU busy for ``seconds``."""
    host = read_host(root=root)
    return [
        partial(_effective_cpus, host, root),
        partial(_cores, host, root),
        partial(_memory, host),
        partial(_company, root, seconds),
        partial(_frequency, root),
        partial(_clock, root),
        _limits,
    ]


def _effective_cpus(host: Host, root: str) -> Iterator[Check]:
    cpus = host.effective_cpus
    where = " in a container" if is_container(root) else ""
    finding = f"{cpus.count} ({cpus.why}){where}"
    cure = ""
    if cpus.quota is not None and cpus.quota < cpus.count:
        cure = (
            f"A quota of {cpus.quota:.3g} CPUs holds {cpus.count} busy workers back: "
            "give it whole CPUs (docker run --cpus 2)."
        )
    elif cpus.count == 1:
        cure = (
            "With one CPU, only work that waits gains from running at once; "
            "allow more CPUs (taskset, docker run --cpus)."
        )
    yield unless(bool(cure), "effective CPUs", finding, cure)
    if host.cgroup_version == 0:
        yield Check("control groups", "ok", "none: no quota to respect, and throttling is not counted")
        return
    counted = "throttling is counted" if cgroup.cpu_stat_paths(root) else "throttling is not counted here"
    yield Check("control groups", "ok", f"version {host.cgroup_version}, {counted}")


def _cores(host: Host, root: str) -> Iterator[Check]:
    model = f"{host.cpu_model}, {host.effective_cpus.online} online"
    siblings = text_of(root, "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list") or ""
    if len(cgroup.parse_cpu_list(siblings)) > 1:
        note = "Two CPUs share a core: the second one gives less than twice the speed."
        yield Check("CPU", "ok", f"{model}, several per core (SMT)", note)
    else:
        yield Check("CPU", "ok", model)


def _memory(host: Host) -> Iterator[Check]:
    if host.memory_bytes is None:
        yield Check("memory", "ok", "not known on this system")
    else:
        cure = "Keep fewer interpreters alive together: sitting_size = 4 in the experiment."
        yield unless(host.memory_bytes < _MEMORY_BYTES, "memory", size(host.memory_bytes), cure)


def _company(root: str, seconds: float) -> Iterator[Check]:
    """Keep one CPU busy, and see what is stolen, held back, and used by others meanwhile."""
    before, began = _Counters(root), time.monotonic()
    own = time.process_time()
    while time.monotonic() - began < seconds:
        pass
    elapsed, own = time.monotonic() - began, time.process_time() - own
    after = _Counters(root)
    yield _steal(before, after, elapsed)
    yield _throttling(before, after, elapsed)
    yield _others(before, after, elapsed, own)


class _Counters:
    """What the machine counts at one moment."""

    def __init__(self, root: str) -> None:
        self.ticks = os.sysconf("SC_CLK_TCK")
        self.busy = _busy_ticks(root)
        self.steal = _counted(lambda: steal_and_total_ticks(root)[0])
        self.throttled = _counted(lambda: cgroup.throttled_seconds(root))
        self.processes = dict(_process_ticks(root))


def _counted(read: Callable[[], float]) -> float | None:
    try:
        return read()
    except NotReadable:
        return None


def _busy_ticks(root: str) -> int | None:
    fields = (text_of(root, "/proc/stat") or "").partition("\n")[0].split()
    # user, nice, system, irq, softirq: what kept a CPU busy; guests are in user.
    return sum(int(fields[i]) for i in (1, 2, 3, 6, 7)) if len(fields) > 8 else None


def _process_ticks(root: str) -> Iterator[tuple[tuple[int, str], int]]:
    for folder in Path(place(root, "/proc")).glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        # A name may hold anything, blanks and brackets too; it ends at the last bracket.
        head, _, tail = (text_of(folder, "/stat") or "").rpartition(")")
        fields = tail.split()
        if len(fields) > 12:
            yield (int(folder.name), head.partition("(")[2]), int(fields[11]) + int(fields[12])


def _steal(before: _Counters, after: _Counters, elapsed: float) -> Check:
    if before.steal is None or after.steal is None:
        return Check("steal", "ok", "not counted on this system")
    ratio = (after.steal - before.steal) / before.ticks / elapsed
    finding = f"{percent(ratio)} of a busy CPU, over {elapsed:.1f} s"
    cure = "Other machines on this host take CPU time: trials will be rejected. Use another time or machine."
    return unless(ratio > _STEAL_LIMIT, "steal", finding, cure)


def _throttling(before: _Counters, after: _Counters, elapsed: float) -> Check:
    if before.throttled is None or after.throttled is None:
        return Check("throttling", "ok", "not counted here")
    held = after.throttled - before.throttled
    finding = f"{held:.2g} s over {elapsed:.1f} s, {after.throttled:.3g} s since the group was made"
    return unless(held > 0, "throttling", finding, "One busy CPU is more than the quota allows: raise it.")


def _others(before: _Counters, after: _Counters, elapsed: float, own_seconds: float) -> Check:
    load = f"load average {os.getloadavg()[0]:.2f}"
    if before.busy is None or after.busy is None:
        return Check("load", "ok", f"{load}; the use by other programs is not counted on this system")
    used = max(0.0, (after.busy - before.busy) / before.ticks - own_seconds) / elapsed
    since = {key: ticks - before.processes.get(key, ticks) for key, ticks in after.processes.items()}
    busiest = sorted(since.items(), key=lambda item: -item[1])[:3]
    names = ", ".join(
        f"{name} (pid {pid}) {ticks / before.ticks / elapsed:.2f}" for (pid, name), ticks in busiest if ticks
    )
    finding = f"other programs used {used:.2f} CPUs{f', most of it by {names}' if names else ''}; {load}"
    if used < _OTHERS_LIMIT:
        return Check("load", "ok", finding)
    return Check(
        "others",
        "warn",
        finding,
        "Close programs that you do not need: they make intervals wider and runs longer.",
    )


def _frequency(root: str) -> Iterator[Check]:
    folder = Path(place(root, "/sys/devices/system/cpu"))
    governors = {
        (text_of(cpu, "/cpufreq/scaling_governor") or "") for cpu in folder.glob("cpu[0-9]*") if cpu.is_dir()
    } - {""}
    driver = text_of(folder, "/cpu0/cpufreq/scaling_driver") or ""
    boost, no_turbo = text_of(folder, "/cpufreq/boost"), text_of(folder, "/intel_pstate/no_turbo")
    turbo = {"1": "turbo on", "0": "turbo off"}.get(boost or "") or {"0": "turbo on", "1": "turbo off"}.get(
        no_turbo or "", ""
    )
    if not governors:
        finding = "not readable here (usual in virtual machines)" + (f", {turbo}" if turbo else "")
        yield Check("frequency", "ok", finding)
        return
    finding = f"governor {', '.join(sorted(governors))}" + (f", {turbo}" if turbo else "")
    # The newer drivers' "powersave" follows the load at once; it is the usual setting and does no harm.
    if governors & _SLOW_GOVERNORS and not driver.startswith(("intel_pstate", "amd-pstate")):
        yield Check("frequency", "warn", finding, "While you measure: cpupower frequency-set -g performance")
        return
    note = "One busy core may be clocked higher than several: speed-ups hold for this setting."
    yield Check("frequency", "ok", finding, note if turbo == "turbo on" else "")


def _clock(root: str) -> Iterator[Check]:
    source = text_of(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource")
    resolution = time.get_clock_info("perf_counter").resolution
    finding = f"{source or 'the system’s'}, resolution {resolution * 1e9:.0f} ns"
    slow = source in _SLOW_CLOCKS or resolution > 1e-6
    yield unless(slow, "clock", finding, "Reading it is slow: see whether tsc or kvm-clock is available.")


def _limits() -> Iterator[Check]:
    for name, kind, least in (
        ("open files", resource.RLIMIT_NOFILE, _FILES),
        ("processes", resource.RLIMIT_NPROC, _PROCESSES),
    ):
        soft, hard = resource.getrlimit(kind)
        shown = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
        letter = "n" if kind == resource.RLIMIT_NOFILE else "u"
        more = least if hard == resource.RLIM_INFINITY else min(hard, least)
        few = soft != resource.RLIM_INFINITY and soft < least
        cure = f"Allow more before you start: ulimit -{letter} {more}"
        yield unless(few, f"limit of {name}", shown, cure)
