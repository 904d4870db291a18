"""``parlab doctor --self-test``: measures what is known, and says how far verdicts can be trusted here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from parlab.orchestrator.analysis.findings.selftest import PairFinding, PlantedFinding, Rate, SelfTestFinding
from parlab.orchestrator.analysis.selftest.judged import LIMIT_BLOCKS, found_in_view
from parlab.orchestrator.analysis.warnings import HIGH_BLOCK_SD
from parlab.orchestrator.control.sources import Source
from parlab.orchestrator.control.termination import Stopped
from parlab.orchestrator.doctor import examination as doctor
from parlab.orchestrator.doctor.check import Check, unless
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.figures import NONE, ascii_only, can_show, counted, percent, waiting
from parlab.workers.errors import EnvironmentFault
from parlab.workers.wire.codec import to_plain

SCHEMA = "parlab/self-test/1"
_MORE_TIME = "Give it more time: parlab doctor --self-test --budget 15m."


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
    return test.stopped or doctor.exit_code(check for f in test.findings for check in checks_of(f))


def write(test: SelfTest, stream: TextIO) -> None:
    """Write for each node and build what was counted, and what it comes to."""
    for finding in test.findings:
        _write_figures(finding, stream)
        checks = checks_of(finding)
        doctor.write(checks, stream, closing=summary(finding))
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
            to_plain(f) | {"checks": [to_plain(check) for check in checks_of(f)]} for f in test.findings
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
        total = share(finding.wrong)
        rows.append(("all", "", "", "", total, share(finding.t_test_wrong)))
    return heads, rows


def _pair(pair: PairFinding) -> tuple[str, ...]:
    spread = NONE
    if pair.spread is not None:
        spread = percent(pair.spread.sd)
        if pair.spread.low is not None and pair.spread.high is not None:
            spread += f" ({pair.spread.low * 100:.1f}–{pair.spread.high * 100:.1f} %)"
    follows = NONE if pair.autocorrelation is None else autocorrelation(pair.autocorrelation)
    wrong, t_test = share(pair.wrong), share(pair.t_test_wrong)
    return pair.label, str(pair.blocks), spread, follows, wrong, t_test


def _of_planted(finding: SelfTestFinding) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    heads = ("planted", "seen", "found", "wrong sign", "blocks it took", "to expect at this block sd")
    return heads, [_planted_row(planted) for planted in finding.planted]


def _planted_row(planted: PlantedFinding) -> tuple[str, ...]:
    slower = f"{planted.slowdown_ratio:.0%} slower".replace("%", " %")
    ratio = planted.seen_ratio
    seen = NONE if ratio is None else f"{ratio:+.1%}".replace("%", " %").replace("-", "−")
    share_found = share(planted.found)
    if planted.limit_blocks is not None:
        share_found += f" within {planted.limit_blocks}"
    took = NONE if planted.median_blocks is None else f"{planted.median_blocks:g}"
    hope = NONE
    if planted.expected_ratio is not None:
        limit = LIMIT_BLOCKS[round(planted.slowdown_ratio * 100)]
        half = f", half within {planted.expected_blocks}" if planted.expected_blocks is not None else ""
        hope = f"{planted.expected_ratio:.0%} within {limit}{half}".replace("%", " %")
    return slower, seen, share_found, share(planted.wrong_sign), took, hope


def share(rate: Rate | None) -> str:
    """Write a rate: "0 of 16 (0–21 %)"; a dash where nothing was tried."""
    if rate is None:
        return NONE
    return f"{rate.count} of {rate.tried} ({rate.low * 100:.0f}–{rate.high * 100:.0f} %)"


def autocorrelation(estimate: tuple[float, float]) -> str:
    """Write an autocorrelation with its error: "−0.07 ± 0.19"."""
    return f"{estimate[0]:.2f} ± {estimate[1]:.2f}".replace("-", "−")


def checks_of(finding: SelfTestFinding) -> list[Check]:
    """Give the checks of one node and build."""
    return [
        _wrong(finding),
        *_signs(finding),
        *_independence(finding),
        *_spread(finding),
        *_found(finding),
        *_precision(finding),
        *_not_counted(finding),
    ]


def summary(finding: SelfTestFinding) -> str:
    """Say in a line whether verdicts can be trusted, as far as that is known."""
    if any(check.status == "problem" for check in checks_of(finding)):
        return "Verdicts on this node cannot be trusted as it is now; see above for what to do."
    if finding.wrong is None:
        return "Too little was measured to say how far verdicts can be trusted here."
    most = finding.wrong.high
    if most > finding.alpha:
        return (
            f"Nothing contradicts the {percent(finding.alpha)} that verdicts promise, but so few tries "
            "cannot "
            f"rule out {most * 100:.0f} %."
        )
    return f"Verdicts are wrong no more often than promised ({percent(finding.alpha)})."


def _wrong(finding: SelfTestFinding) -> Check:
    name, rate, t_test = "wrong verdicts", finding.wrong, finding.t_test_wrong
    if rate is None:
        blocks = max((pair.blocks for pair in finding.pairs), default=0)
        text = (
            "not known; nor is what can be found and how precise it becomes. "
            f"This takes {finding.try_blocks} blocks; there {'was' if blocks == 1 else 'were'} {blocks}"
        )
        return Check(name, "warn", text, _MORE_TIME)
    text = (
        f"{share(rate)} tries of {finding.try_blocks} blocks, with a look after each block; "
        f"at most {percent(finding.alpha)} is promised"
    )
    if t_test is not None:
        text += f". A two-sample t test of the same figures: {share(t_test)}"
    cure = (
        "Blocks are not alike here. Stop other programs and test again. If it stays, measure on another "
        "machine, and report it with the output of --json."
    )
    return unless(finding.is_wrong_too_often, name, text, cure, "problem")


def _signs(finding: SelfTestFinding) -> Iterator[Check]:
    for row in finding.planted:
        if row.wrong_sign is not None and row.wrong_sign.low > finding.alpha:
            yield Check(
                "wrong sign",
                "problem",
                f"a slowdown of {percent(row.slowdown_ratio)} was called faster: {share(row.wrong_sign)}",
                "Stop other programs and test again. If it stays, report it with the output of --json.",
            )


def _independence(finding: SelfTestFinding) -> Iterator[Check]:
    dependent = finding.dependent_pairs
    if dependent:
        figures = ", ".join(
            f"{pair.label} {autocorrelation(pair.autocorrelation)}"
            for pair in dependent
            if pair.autocorrelation is not None
        )
        yield Check(
            "independence",
            "warn",
            "blocks resemble the ones before them, so intervals are too narrow: autocorrelation of "
            f"{figures}",
            "Something here changes in step with the blocks: stop programs that run at fixed times, and "
            "test again.",
        )
    elif any(pair.autocorrelation is not None for pair in finding.pairs):
        yield Check("independence", "ok", "no sign that blocks resemble the ones before them")


def _spread(finding: SelfTestFinding) -> Iterator[Check]:
    known = [(pair.spread.sd, pair.label) for pair in finding.pairs if pair.spread is not None]
    if not known:
        return
    sd, label = max(known)
    least = min(known)[0]
    text = (
        f"ratios of a configuration to itself vary by {percent(least)} to {percent(sd)} from block to block"
    )
    cure = f"{percent(sd)} is a lot ({label}): stop other programs, or measure when the machine is quieter."
    yield unless(sd > HIGH_BLOCK_SD, "block sd", text, cure)


def _found(finding: SelfTestFinding) -> Iterator[Check]:
    tried = [planted for planted in finding.planted if planted.found is not None]
    if tried:
        yield Check("found", "ok", "; ".join(map(_found_words, tried)))
    elif finding.wrong is not None:
        yield Check("found", "warn", f"not known: it takes {finding.try_blocks} blocks", _MORE_TIME)


def _found_words(planted: PlantedFinding) -> str:
    took = f", half after {planted.median_blocks:g}" if planted.median_blocks is not None else ""
    slower, limit = percent(planted.slowdown_ratio), counted(planted.limit_blocks or 0, "block")
    return f"{slower} slower: found in {share(planted.found)} within {limit}{took}"


def _precision(finding: SelfTestFinding) -> Iterator[Check]:
    what = f"of {finding.configurations} configurations, trials of {finding.trial_seconds:g} s"
    widths = []
    for p in finding.precision:
        # Two digits: more would be no estimate.
        half = p.half_width_ratio
        width = "no interval" if half is None else f"±{percent(float(f'{half:.1e}'))}"
        widths.append(f"{width} in {waiting(p.seconds)} ({counted(p.blocks, 'block')})")
    if widths:
        yield Check("precision", "ok", f"{what}: {', '.join(widths)}")
    elif finding.wrong is not None:
        yield Check("precision", "warn", "not known: too few blocks", _MORE_TIME)


def _not_counted(finding: SelfTestFinding) -> Iterator[Check]:
    total = sum(finding.not_counted.values())
    if not total:
        yield Check("rejections", "ok", f"none of {finding.trials} trials")
        return
    causes = ", ".join(f"{cause} {n}" for cause, n in sorted(finding.not_counted.items()))
    text = f"{total} of {finding.trials} trials {'does' if total == 1 else 'do'} not count: {causes}"
    # As many as make a run noticeably longer: each of them voids its block for what it is compared with.
    many = total > 0.05 * finding.trials
    yield unless(many, "rejections", text, "Their blocks are measured again: runs take longer here.")
