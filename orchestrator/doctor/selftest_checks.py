"""What a self-test comes to, in the doctor's words: each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from parlab.orchestrator.analysis.findings.selftest import PlantedFinding, Rate, SelfTestFinding
from parlab.orchestrator.analysis.warnings import HIGH_BLOCK_SD
from parlab.orchestrator.doctor.check import Check
from parlab.orchestrator.figures import NONE, percent, waiting

_MORE_TIME = "Give it more time: parlab doctor --self-test --budget 15m."


def counted(rate: Rate | None) -> str:
    """Write a rate: "0 of 16 (0–21 %)"; a dash where nothing was tried."""
    if rate is None:
        return NONE
    return f"{rate.count} of {rate.tried} ({rate.low * 100:.0f}–{rate.high * 100:.0f} %)"


def autocorrelation(found: tuple[float, float]) -> str:
    """Write an autocorrelation with its error: "−0.07 ± 0.19"."""
    return f"{found[0]:.2f} ± {found[1]:.2f}".replace("-", "−")


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
        return "Verdicts on this node cannot be trusted as it is now; what to do is said above."
    if finding.wrong is None:
        return "Too little was measured to say how far verdicts can be trusted here."
    most = finding.wrong.high
    if most > finding.alpha:
        return (
            f"Nothing speaks against the {percent(finding.alpha)} that verdicts promise; so few tries cannot "
            f"rule out {most * 100:.0f} %."
        )
    return f"Verdicts are wrong at most as often as they promise ({percent(finding.alpha)})."


def _wrong(finding: SelfTestFinding) -> Check:
    name, rate, t_test = "wrong verdicts", finding.wrong, finding.t_test_wrong
    if rate is None:
        blocks = max((pair.blocks for pair in finding.pairs), default=0)
        said = (
            "not known, nor what is found and how precise it becomes: "
            f"that takes {finding.try_blocks} blocks, and there were {blocks}"
        )
        return Check(name, "warn", said, _MORE_TIME)
    said = (
        f"{counted(rate)} tries of {finding.try_blocks} blocks, a look after each block; "
        f"at most {percent(finding.alpha)} are promised"
    )
    if t_test is not None:
        said += f". A two-sample t test of the same figures: {counted(t_test)}"
    if finding.is_wrong_too_often:
        return Check(
            name, "problem", said,
            "Blocks are not alike here. Stop what else runs and test again; if it stays, measure on another "
            "machine, and report it with --json.",
        )  # fmt: skip
    return Check(name, "ok", said)


def _signs(finding: SelfTestFinding) -> Iterator[Check]:
    for one in finding.planted:
        if one.wrong_sign is not None and one.wrong_sign.low > finding.alpha:
            yield Check(
                "wrong sign",
                "problem",
                f"{percent(one.slowdown_ratio)} slower was said to be faster: {counted(one.wrong_sign)}",
                "Stop what else runs and test again; if it stays, report it with --json.",
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
            f"blocks take after those before them, so intervals are too narrow: autocorrelation of {figures}",
            "Something here changes in step with the blocks: stop what runs at fixed times, and test again.",
        )
    elif any(pair.autocorrelation is not None for pair in finding.pairs):
        yield Check("independence", "ok", "no block takes after the one before it, as far as can be seen")


def _spread(finding: SelfTestFinding) -> Iterator[Check]:
    known = [(pair.spread.sd, pair.label) for pair in finding.pairs if pair.spread is not None]
    if not known:
        return
    sd, label = max(known)
    said = f"ratios of the same vary by {percent(min(known)[0])} to {percent(sd)} from block to block"
    if sd > HIGH_BLOCK_SD:
        cure = (
            f"{percent(sd)} is much ({label}): stop other programs, or measure when the machine is quieter."
        )
        yield Check("block sd", "warn", said, cure)
    else:
        yield Check("block sd", "ok", said)


def _found(finding: SelfTestFinding) -> Iterator[Check]:
    told = [one for one in finding.planted if one.found is not None]
    if told:
        yield Check("found", "ok", "; ".join(map(_found_words, told)))
    elif finding.wrong is not None:
        yield Check("found", "warn", f"not known: it takes {finding.try_blocks} blocks", _MORE_TIME)


def _found_words(one: PlantedFinding) -> str:
    took = f", half after {one.median_blocks:g}" if one.median_blocks is not None else ""
    return (
        f"{percent(one.slowdown_ratio)} slower: {counted(one.found)} within {one.limit_blocks} blocks{took}"
    )


def _precision(finding: SelfTestFinding) -> Iterator[Check]:
    what = f"of {finding.configurations} configurations, trials of {finding.trial_seconds:g} s"
    widths = [
        f"±{percent(_two_digits(p.half_width_ratio))} in {waiting(p.seconds)} ({p.blocks} blocks)"
        if p.half_width_ratio is not None
        else f"no interval in {waiting(p.seconds)} ({p.blocks} blocks)"
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
    said = f"{total} of {finding.trials} trials do not count: {causes}"
    # As many as make a run noticeably longer: each of them voids its block for what it is compared with.
    if total <= 0.05 * finding.trials:
        yield Check("rejections", "ok", said)
    else:
        yield Check("rejections", "warn", said, "Their blocks are measured again: runs take longer here.")
