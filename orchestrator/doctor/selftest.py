"""``parlab doctor --self-test``: measures what is known, and says how far verdicts can be trusted here."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from parlab.orchestrator.analysis.findings.selftest import PairFinding, PlantedFinding, SelfTestFinding
from parlab.orchestrator.analysis.selftest.judged import found_in_view
from parlab.orchestrator.control.sources import Source
from parlab.orchestrator.control.termination import Stopped
from parlab.orchestrator.doctor import examination as doctor
from parlab.orchestrator.doctor import selftest_checks
from parlab.orchestrator.doctor.check import Check
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.figures import NONE, ascii_only, can_show, percent, waiting
from parlab.workers.errors import EnvironmentFault
from parlab.workers.wire.codec import to_plain

SCHEMA = "parlab/self-test/1"


@dataclass(frozen=True)
class SelfTest:
    """A self-test that was run, to its end or not."""

    run: str
    seed: int
    running_seconds: float
    findings: tuple[SelfTestFinding, ...]
    #: Exit code of what ended it early, or None.
    stopped: int | None = None


def measure(source: Source, experiment: Experiment) -> SelfTest:
    """Run the self-test on this machine or in a lab. An end that is asked for keeps what was measured.

    Raises ``LabError`` as a run does, and ``Stopped`` where nothing was measured yet.
    """
    stopped = None
    try:
        view = source.run(experiment)
    except Stopped as end:
        if end.run is None:
            raise
        sys.stderr.write(f"parlab: {end}\n")
        view, stopped = source.view(end.run), end.exit_code
    return SelfTest(view.run, view.plan.seed, view.running_seconds or 0.0, found_in_view(view), stopped)


def exit_code(test: SelfTest) -> int:
    """Return the doctor's exit code, or that of what ended it early."""
    return test.stopped or doctor.exit_code(check for f in test.findings for check in selftest_checks.of(f))


def write(test: SelfTest, stream: TextIO) -> None:
    """Write for each node and build what was counted, and what it comes to."""
    for finding in test.findings:
        _write_figures(finding, stream)
        checks = selftest_checks.of(finding)
        doctor.write(checks, stream, closing=selftest_checks.summary(finding))
    cut = "stopped; what was measured so far counts · " if test.stopped else ""
    line = f"{cut}run {test.run}, {waiting(test.running_seconds)}, seed {test.seed}"
    line += " · how to read it: docs/self-test.md"
    stream.write("\n" + (line if can_show(stream) else ascii_only(line)) + "\n")


def write_json(test: SelfTest, checks: Sequence[Check], path: Path) -> None:
    """Write all of it, with the checks of this machine that went before it.

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    whole = {
        "schema": SCHEMA,
        "run": test.run,
        "seed": test.seed,
        "running_seconds": test.running_seconds,
        "complete": test.stopped is None,
        "checks": [to_plain(check) for check in checks],
        "self_tests": [
            to_plain(f) | {"checks": [to_plain(check) for check in selftest_checks.of(f)]}
            for f in test.findings
        ],
    }
    try:
        path.write_text(json.dumps(whole, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {path}: {error.strerror or error}",
            f"What was measured is stored: parlab show {test.run}.",
        ) from error


def _write_figures(finding: SelfTestFinding, stream: TextIO) -> None:
    from rich.table import Table

    from parlab.orchestrator.show.text.tables import print_trimmed

    console, text = doctor.screen(stream)
    gil = f", GIL {finding.gil}" if finding.gil else ""
    console.print()
    console.print(
        text(f"self-test · node {finding.node} on host {finding.host} · Python {finding.python}{gil}")
    )
    for heads, rows in (_of_pairs(finding), _of_planted(finding)):
        if not rows:
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
        for head in heads:
            table.add_column(text(head, "bold"), overflow="fold")
        for row in rows:
            table.add_row(*map(text, row))
        console.print()
        print_trimmed(console, table)
    console.print()


def _of_pairs(finding: SelfTestFinding) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    heads = ("entered twice", "blocks", "block sd", "autocorrelation", "wrong verdicts", "t test is wrong")
    rows = [_pair(pair) for pair in finding.pairs]
    if len(rows) > 1:
        total = selftest_checks.share(finding.wrong)
        rows.append(("all", "", "", "", total, selftest_checks.share(finding.t_test_wrong)))
    return heads, rows


def _pair(pair: PairFinding) -> tuple[str, ...]:
    spread = NONE
    if pair.spread is not None:
        spread = percent(pair.spread.sd)
        if pair.spread.low is not None and pair.spread.high is not None:
            spread += f" ({pair.spread.low * 100:.1f}–{pair.spread.high * 100:.1f} %)"
    follows = NONE if pair.autocorrelation is None else selftest_checks.autocorrelation(pair.autocorrelation)
    wrong, t_test = selftest_checks.share(pair.wrong), selftest_checks.share(pair.t_test_wrong)
    return pair.label, str(pair.blocks), spread, follows, wrong, t_test


def _of_planted(finding: SelfTestFinding) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    heads = ("planted", "seen", "found", "wrong sign", "blocks it took", "to expect at this block sd")
    return heads, [_planted_row(planted) for planted in finding.planted]


def _planted_row(planted: PlantedFinding) -> tuple[str, ...]:
    from parlab.orchestrator.analysis.selftest.judged import LIMIT_BLOCKS

    slower = f"{planted.slowdown_ratio:.0%} slower".replace("%", " %")
    ratio = planted.seen_ratio
    seen = NONE if ratio is None else f"{ratio:+.1%}".replace("%", " %").replace("-", "−")
    share_found = selftest_checks.share(planted.found)
    if planted.limit_blocks is not None:
        share_found += f" within {planted.limit_blocks}"
    took = NONE if planted.median_blocks is None else f"{planted.median_blocks:g}"
    hope = NONE
    if planted.expected_ratio is not None:
        limit = LIMIT_BLOCKS[round(planted.slowdown_ratio * 100)]
        half = f", half within {planted.expected_blocks}" if planted.expected_blocks is not None else ""
        hope = f"{planted.expected_ratio:.0%} within {limit}{half}".replace("%", " %")
    return slower, seen, share_found, selftest_checks.share(planted.wrong_sign), took, hope
