"""Foretold against measured: the speed-ups of break-even's model in cells that its fit did not use.

Of a stored run, or of ``parlab run break-even`` that it makes. Wanted: a median error of 10 % at most, or
no more than what the measured speed-ups are known to themselves.
``python -m benchmarks.method.breakeven``, five minutes per build; ``--run ID`` shows one of PARLAB_HOME.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime
from pathlib import Path

from benchmarks.machine import CLOCK, run_experiment
from parlab.orchestrator import settings
from parlab.orchestrator.analysis.breakeven.grid import break_evens_of
from parlab.orchestrator.analysis.findings.breakeven import BreakEvenFinding, StrategyBreakEven
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.store.facade import Store


def show(store: Store, name: str) -> None:
    """Print all cells of a run that fits did not use, and a line for each strategy."""
    record = store.run(name)
    plan = store.plan(record.id)
    assert plan is not None, f"run {record.id} was stopped before it was planned"
    began = datetime.fromtimestamp(record.created_unix_seconds).astimezone()
    print(f"Break-even: foretold against measured, run {record.id} ({record.experiment.name})")
    # A run that was resumed has its nodes' registrations again.
    hosts = {seen.registration.host.id: seen.registration.host for seen in store.registrations(record.id)}
    for host in hosts.values():
        cpus = host.effective_cpus
        print(
            f"{host.id}: {host.cpu_model}, {cpus.count} effective CPUs ({cpus.why}), {began:%Y-%m-%d %H:%M}"
        )
    findings = break_evens_of(Measurements.of(store, plan))
    for finding in findings:
        _show(finding)
    if not findings:
        print("It has no cells of tasks of several lengths: nothing is foretold.")


def _show(finding: BreakEvenFinding) -> None:
    build = finding.python + (f" (GIL {finding.gil})" if finding.gil else "")
    work = f"{finding.workload}({finding.conditions})" if finding.conditions else finding.workload
    print(f"\n{work} on {build}, host {finding.host}")
    print(f"{'':26}{'bytes':>10}{'a task':>12}{'foretold':>10}{'measured':>16}{'off by':>9}")
    for strategy in finding.strategies:
        for number, cell in enumerate(strategy.check.cells):
            payload = "–" if cell.payload_bytes is None else f"{cell.payload_bytes:.0f}"
            error = cell.foretold_speed_up / cell.measured_speed_up - 1
            print(
                f"{'' if number else strategy.label:26}{payload:>10}{cell.task_seconds * 1e3:>9.3g} ms"
                f"{cell.foretold_speed_up:>10.2f}{cell.measured_speed_up:>8.2f} ± {cell.noise_ratio:<5.1%}"
                f"{error:>+9.1%}"
            )
        print(f"{'':26}{_told(strategy)}")
    for left in finding.left_out:
        print(left)


def _told(strategy: StrategyBreakEven) -> str:
    check = strategy.check
    good = check.median_error_ratio <= max(0.10, check.noise_ratio)
    verdict = "as wanted" if good else "NOT as wanted"
    if strategy.refused is not None:
        verdict = "refused: nothing is derived from it"
    return (
        f"{strategy.fitted_cells} cells fitted, off by {check.median_error_ratio:.1%} (median), "
        f"{check.largest_error_ratio:.1%} (most), noise {check.noise_ratio:.1%}: {verdict}"
    )


def main() -> None:
    """Print the cells of one run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", help="a stored run instead of a new one")
    parser.add_argument("--python", action="append", default=[], help="interpreter, repeatable")
    parser.add_argument("--blocks", type=int, default=9, help="blocks of a new run (7 at least)")
    given = parser.parse_args()
    if given.run is not None:
        with Store.open(settings.from_process().store_path, CLOCK) as store:
            show(store, given.run)
        return
    with tempfile.TemporaryDirectory(prefix="pl-") as home:
        chosen = [part for python in given.python for part in ("--python", python)]
        run_experiment("break-even", home, "--blocks", str(given.blocks), *chosen)
        with Store.open(Path(home, "parlab.db"), CLOCK) as store:
            show(store, store.run_ids()[-1])


if __name__ == "__main__":
    main()
