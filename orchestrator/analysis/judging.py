"""Verdicts of comparisons that share one error control: what is declared, at which level, and the words."""

from __future__ import annotations

from collections.abc import Sequence

from parlab.orchestrator.analysis.effects import within_margin
from parlab.orchestrator.analysis.findings.run import JudgedWord
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.statistics import inference


def declared(effects: Sequence[Sequence[float]], stop: Stop) -> set[int]:
    """Give the indices of the comparisons that are declared faster or slower; effects by comparison."""
    if stop.rule == "fixed":
        wanted = stop.blocks or 0
        # One look, at the end: what has not all its blocks yet has no p value.
        p_values = [inference.sign_test_p(e) if len(e) >= wanted else 1.0 for e in effects]
        return inference.benjamini_yekutieli(p_values, stop.alpha)
    return inference.e_bh([inference.e_value(e) for e in effects], stop.alpha)


def shared_alpha(declared_count: int, total: int, stop: Stop) -> float:
    """Give the error rate of each interval, where so many of ``total`` comparisons are declared."""
    alpha = stop.alpha * max(declared_count, 1) / max(total, 1)
    if stop.rule == "fixed":
        # What its procedure pays for any dependence, so that interval and verdict agree here, too.
        alpha /= inference.harmonic(max(total, 1))
    return alpha


def verdict_of(
    effects: Sequence[float],
    low: float,
    high: float,
    is_declared: bool,  # noqa: FBT001 - a word of the method's
    margin: float,
) -> JudgedWord:
    """Give the word. Declared comes first: a difference can be certain and still within the margin."""
    if is_declared:
        return "faster" if inference.median(effects) > 0 else "slower"
    return "tied" if within_margin(low, high, margin) else "unresolved"
