"""The doctor's words on a self-test: each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from parlab.orchestrator.analysis.findings.selftest import PlantedFinding, Rate, SelfTestFinding
from parlab.orchestrator.analysis.warnings import HIGH_BLOCK_SD
from parlab.orchestrator.doctor.check import Check, unless
from parlab.orchestrator.figures import NONE, counted, percent, waiting

_MORE_TIME = "Give it more time: parlab doctor --self-test --budget 15m."


def share(rate: Rate | None) -> str:
    """Write a rate: "0 of 16 (0–21 %)"; a dash where nothing was tried."""
    if rate is None:
        return NONE
    return f"{rate.count} of {rate.tried} ({rate.low * 100:.0f}–{rate.high * 100:.0f} %)"


def autocorrelation(estimate: tuple[float, float]) -> str:
    """Write an autocorrelation with its error: "−0.07 ± 0.19"."""
    return f"{estimate[0]:.2f} ± {estimate[1]:.2f}".replace("-", "−")


def of(finding: SelfTestFinding) -> list[Check]:
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
    if any(check.status == "problem" for check in of(finding)):
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
    widths = [
        f"±{percent(_two_digits(p.half_width_ratio))} in {waiting(p.seconds)} ({counted(p.blocks, 'block')})"
        if p.half_width_ratio is not None
        else f"no interval in {waiting(p.seconds)} ({counted(p.blocks, 'block')})"
        for p in finding.precision
    ]
    if widths:
        yield Check("precision", "ok", f"{what}: {', '.join(widths)}")
    elif finding.wrong is not None:
        yield Check("precision", "warn", "not known: too few blocks", _MORE_TIME)


def _two_digits(ratio: float) -> float:
    """Leave two digits: more would be no estimate."""
    return float(f"{ratio:.1e}")


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
