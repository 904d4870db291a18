"""Advice in plain sentences: what to use, what it gains, what ties, from when on, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence

from parlab.orchestrator.analysis.findings.advice import AdviceFinding, Candidate, Payback
from parlab.orchestrator.analysis.findings.run import GroupFinding
from parlab.orchestrator.analysis.sentences import bounds_text, listed, ratio_text
from parlab.orchestrator.figures import counted, duration, size

#: So many are named; the others are counted.
_MOST_NAMED = 4
#: Bounds this close together say no more than what lies between them.
_WIDE = 1.2
_GAINS = {
    "throughput": "{name} does this work {ratio} times as fast as one by one ({bounds}).",
    "latency": "From nothing to the last result, {name} is {ratio} times as fast as one by one ({bounds}).",
    "memory": "{name} does this work {ratio} times as fast as one by one ({bounds}).",
}


def advice_sentences(advice: AdviceFinding, finding: GroupFinding) -> tuple[str, ...]:
    """Say what is advised, in the order in which it is wanted."""
    pick = next((c for c in advice.candidates if c.standing == "pick"), None)
    if pick is None:
        return (_nothing_yet(advice, finding),)
    texts = [
        _gain(advice, pick, finding),
        _ties(advice),
        *_open(advice, finding),
        _payback(advice, pick),
        _memory(advice),
        f"It is limited by {advice.limit}." if advice.limit else "",
        _over(advice),
    ]
    return tuple(text[0].upper() + text[1:] for text in texts if text)


def _nothing_yet(advice: AdviceFinding, finding: GroupFinding) -> str:
    leading = max(
        (c for c in advice.candidates if c.speed_up is not None),
        key=lambda c: c.speed_up.ratio if c.speed_up else 0.0,
        default=None,
    )
    looks = ""
    if leading is not None and leading.speed_up is not None and leading.speed_up.ratio > 1:
        looks = f" {leading.label} looks fastest so far ({ratio_text(leading.speed_up.ratio)} times serial)."
    blocks = f"{counted(finding.blocks, 'block')} {'is' if finding.blocks == 1 else 'are'}"
    return f"Nothing can be advised yet: {blocks} too few for any verdict.{looks} Give it more time."


def _gain(advice: AdviceFinding, pick: Candidate, finding: GroupFinding) -> str:
    effect = advice.speed_up
    if effect is None:
        others = [c for c in advice.candidates if c.standing in ("tied", "not distinguished")]
        if others:
            return f"Stay with {pick.label}: nothing is shown to be faster."
        return f"Stay with {pick.label}: everything else is slower."
    row = next(row for row in finding.configurations if row.configuration == pick.configuration)
    if row.comparison is not None and row.comparison.verdict == "faster":
        template = _GAINS[advice.goal]
        return template.format(name=pick.label, ratio=ratio_text(effect.ratio), bounds=bounds_text(effect))
    return (
        f"{pick.label} looks fastest ({ratio_text(effect.ratio)} times serial, {bounds_text(effect)}), "
        "which is not certain yet."
    )


def _ties(advice: AdviceFinding) -> str:
    tied = [c for c in advice.candidates if c.standing == "tied"]
    if advice.goal == "memory":
        return f"it was chosen for {advice.why}." if advice.why else ""
    if not tied:
        return ""
    verb = "ties" if len(tied) == 1 else "tie"
    return f"{_named(tied)} {verb} with it; it was chosen among them for {advice.why}."


def _open(advice: AdviceFinding, finding: GroupFinding) -> list[str]:
    close = [c for c in advice.candidates if c.standing in ("not distinguished", "unresolved")]
    if not close:
        return []
    left = {row.configuration: row.contest_blocks_left for row in finding.configurations}
    needed = [left[c.configuration] for c in close if left.get(c.configuration) is not None]
    guess = (
        f"; about {counted(max(n for n in needed if n), 'more block')} would probably tell"
        if any(needed)
        else ""
    )
    highest = [c.against_fastest.high if c.against_fastest is not None else None for c in close]
    known = [high for high in highest if high is not None]
    most = _most(max(known), len(close)) if len(known) == len(close) else ""
    return [f"{_named(close)} cannot be told apart from it yet{most}{guess}."]


def _most(ratio: float, count: int) -> str:
    """Say how much faster they may be: a share, and from twice as fast on how many times."""
    if ratio < 1.005:
        return f" ({'it is' if count == 1 else 'they are'} not faster)"
    faster = f"{ratio - 1:.0%} faster" if ratio < 2 else f"{ratio:.2g} times as fast"
    return f" ({'it' if count == 1 else 'they'} may be up to {faster})"


def _payback(advice: AdviceFinding, pick: Candidate) -> str:
    payback = advice.payback
    if payback is None or pick.speed_up is None or pick.speed_up.ratio <= 1:
        return ""
    parts = []
    if payback.item_seconds is not None:
        parts.append(
            f"below about {duration(payback.item_seconds, 2)} per item{_bounds(payback)} stay serial"
        )
    if payback.items is not None and payback.start_up_seconds is not None:
        items = counted(payback.items, "item")
        pay = "pays" if payback.items == 1 else "pay"
        parts.append(
            f"starting its pool takes {duration(payback.start_up_seconds, 2)}, which {items} {pay} back"
        )
    return f"{'; '.join(parts)}." if parts else ""


def _bounds(payback: Payback) -> str:
    if payback.item_low_seconds is None or payback.item_high_seconds is None:
        return ""
    if payback.item_high_seconds < _WIDE * payback.item_low_seconds:
        return ""
    return f" ({duration(payback.item_low_seconds, 2)}–{duration(payback.item_high_seconds, 2)})"


def _memory(advice: AdviceFinding) -> str:
    if advice.memory_bytes is None:
        return ""
    serial = advice.baseline_memory_bytes
    against = f"; one by one takes {size(serial)}" if serial is not None and advice.speed_up else ""
    return f"it takes {size(advice.memory_bytes)} of memory{against}."


def _over(advice: AdviceFinding) -> str:
    over = [c for c in advice.candidates if c.standing == "over the limit"]
    return f"{_named(over)} would take too much memory." if over else ""


def _named(candidates: Sequence[Candidate]) -> str:
    names = [c.label for c in candidates[:_MOST_NAMED]]
    more = len(candidates) - len(names)
    return listed([*names, f"{more} more"] if more else names)
