"""A claim's sentence: its word's reason, with effect, interval and blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from parlab.orchestrator.analysis.findings.claims import CellFinding, ClaimFinding
from parlab.orchestrator.analysis.sentences import listed, ratio_text
from parlab.orchestrator.figures import counted, percent
from parlab.workers.wire.spec import Scalar

#: Values of a condition that are named on one side of a claim that depends.
_MOST_NAMED = 6
_NO_EVIDENCE = "nothing has been measured for it yet"


def claim_sentence(claim: ClaimFinding) -> ClaimFinding:
    """Give a finding with its sentence."""
    live = [cell for cell in claim.cells if cell.reason is None]
    sentence = {
        "skipped": _skipped,
        "supported": _agreed,
        "refuted": _agreed,
        "depends": _depends,
        "unresolved": _unresolved,
    }[claim.word](claim, live)
    out = len(claim.cells) - len(live)
    if out and live:
        reason = next(cell.reason for cell in claim.cells if cell.reason is not None)
        sentence += f" ({out} of {len(claim.cells)} conditions left out: {reason})"
    return replace(claim, sentence=f"{sentence[0].upper()}{sentence[1:]}.")


def _skipped(claim: ClaimFinding, live: Sequence[CellFinding]) -> str:
    del live
    reasons = dict.fromkeys(cell.reason for cell in claim.cells if cell.reason)
    return "; ".join(reasons)


def _agreed(claim: ClaimFinding, live: Sequence[CellFinding]) -> str:
    """Tell the cell that says it least clearly: the others say it more so."""
    weakest = min(live, key=_distance)
    word = "true" if claim.word == "supported" else "not true"
    if len(live) == 1:
        return f"{word}: {seen(weakest)}"
    return f"{word} in all {len(live)} conditions, least clearly in: {seen(weakest)}"


def _depends(claim: ClaimFinding, live: Sequence[CellFinding]) -> str:
    sides = {side: [cell for cell in live if cell.side == side] for side in ("towards", "away", "open")}
    parts = []
    for side, word in (("towards", "true"), ("away", "not true")):
        cells = sides[side]
        clearest = max(cells, key=_distance)
        parts.append(f"{word} {_where(claim, cells)}: {seen(clearest)}")
    sentence = "; ".join(parts)
    if sides["open"]:
        sentence += f"; still open in {len(sides['open'])} of {len(live)} conditions"
    return sentence


def _where(claim: ClaimFinding, cells: Sequence[CellFinding]) -> str:
    name = claim.depends_on
    if name is None:
        return f"in {counted(len(cells), 'condition')}"
    values = list(dict.fromkeys(_value(cell.conditions.get(name)) for cell in cells))
    named = values if len(values) <= _MOST_NAMED else [*values[:_MOST_NAMED], "others"]
    if name in ("work", "of", "against", "measure"):
        return f"for {listed(named)}"
    return f"where {name.replace('_', ' ')} is {listed(named)}"


def _unresolved(claim: ClaimFinding, live: Sequence[CellFinding]) -> str:
    del claim
    measured = [cell for cell in live if cell.blocks]
    if not measured:
        return _NO_EVIDENCE
    least = min(measured, key=lambda cell: max(cell.e_towards, cell.e_away))
    if len(live) == 1:
        return f"not known yet: {seen(least)}"
    certain = sum(cell.side in ("towards", "away") for cell in live)
    are = "is" if certain == 1 else "are"
    return (
        f"not known yet: {certain} of {len(live)} conditions {are} certain; the least certain: {seen(least)}"
    )


def seen(cell: CellFinding) -> str:
    """Say what a cell's trials show: "threads ×2 are 0.97 times as fast as serial [0.93, 1.02], 9 blocks".

    A cell without a block says so.
    """
    if cell.effect is None:
        return f"{cell.label}: {_NO_EVIDENCE}"
    work = cell.label.partition(": ")[0]
    if cell.rule == "value":
        what = f"{cell.measure.replace('_', ' ')} of {cell.of} is {value_text(cell.effect, cell.unit)}"
        bounds = _bounds(cell, lambda value: value_text(value, cell.unit))
    elif cell.rule == "trend":
        what = f"what {cell.against} costs relative to {cell.of} grows {ratio_text(cell.effect)}-fold"
        bounds = _bounds(cell, ratio_text)
    else:
        words, written = _ratio_words(cell)
        what, bounds = f"{cell.of} {words} {cell.against}", _bounds(cell, written)
    return f"{work}, {what} {bounds}"


def _ratio_words(cell: CellFinding) -> tuple[str, Callable[[float], str]]:
    """Say how many times as good the one side is, and how its bounds are written in the same terms."""
    assert cell.effect is not None
    times = ratio_text(cell.effect)
    if not cell.measure:
        return f"is {times} times as fast as", ratio_text
    if cell.better == "higher":
        return f"gives {times} times as much as", ratio_text
    if cell.effect >= 1:
        return f"costs 1/{times} of", lambda ratio: f"1/{ratio_text(ratio)}"
    return f"costs {_inverse_text(cell.effect)} times as much as", _inverse_text


def _inverse_text(ratio: float) -> str:
    return ratio_text(1 / ratio)


def _bounds(cell: CellFinding, written: Callable[[float], str]) -> str:
    blocks = counted(cell.blocks, "block")
    if cell.low is None or cell.high is None:
        return f"({blocks})"
    low, high = written(cell.low), written(cell.high)
    if cell.rule == "ratio" and cell.measure and cell.better != "higher":
        # A cost is the inverse of how many times as good it is.
        low, high = high, low
    return f"[{low}, {high}] ({blocks})" if low != high else f"({blocks})"


def value_text(value: float, unit: str) -> str:
    """Write a value: a share in per cent, what is counted as it is, anything else in its unit."""
    if unit == "ratio":
        return percent(value)
    if unit == "count":
        return f"{value:.3g}"
    return f"{value:.3g} {unit.replace('_', ' ')}"


def _value(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _distance(cell: CellFinding) -> float:
    """Tell how clearly a cell lies on a side of its bound: by its evidence."""
    return max(cell.e_towards, cell.e_away)
