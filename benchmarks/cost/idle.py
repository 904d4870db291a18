"""Parlab's own use of a CPU while a trial runs: controller, server, node and guardian together.

A run of one long waiting task is started as a user would start it, and the CPU clocks of its processes
(all but the trial's) are read twice while that task waits. Wanted: at most 1 % of one core.
``python -m benchmarks.cost.idle``, 40 seconds.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import header
from parlab.workers.host.processes import trial_of
from parlab.workers.host.tree import cpu_nanoseconds, processes_below, read_file

EXPERIMENT = """
[experiment]
name = "idle"
timeout = "5m"
[[workload]]
name = "wait"
seconds = {seconds}
tasks = 1
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 1
"""


def own_processes(command: int) -> list[int]:
    """List the command and what belongs to parlab below it; empty until a trial is there."""
    below = processes_below(command)
    trials = {pid for pid in below if trial_of(pid) is not None}
    return [command, *(pid for pid in below if pid not in trials)] if trials else []


def main() -> None:
    """Print the share of each process and of all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to look")
    given = parser.parse_args()
    print(header("Idle cost: what parlab uses of one core while a trial runs"))
    with tempfile.TemporaryDirectory(prefix="pl-") as home:
        file = Path(home, "idle.toml")
        file.write_text(EXPERIMENT.format(seconds=given.seconds + 10), encoding="utf-8")
        command = subprocess.Popen(
            [sys.executable, "-m", "parlab", "run", str(file)],
            env={**os.environ, "PARLAB_HOME": home},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            limit = time.monotonic() + 30
            while len(own_processes(command.pid)) < 4:
                assert time.monotonic() < limit, "no trial came"
                time.sleep(0.2)
            time.sleep(3)
            pids = own_processes(command.pid)
            before = {pid: cpu_nanoseconds(pid) for pid in pids}
            begin = time.monotonic()
            time.sleep(given.seconds)
            elapsed = time.monotonic() - begin
            shares = {pid: (cpu_nanoseconds(pid) - before[pid]) / 1e9 / elapsed for pid in pids}
            for pid, share in shares.items():
                name = read_file(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace")[:70]
                print(f"{share:8.3%}  {name}")
            print(f"{sum(shares.values()):8.3%}  together, over {elapsed:.0f} s")
        finally:
            command.send_signal(signal.SIGINT)
            try:
                command.wait(30)
            except subprocess.TimeoutExpired:
                # What is below it ends with it.
                command.kill()
                command.wait()


if __name__ == "__main__":
    main()
