"""Break-evens as text: from which work on, and up to which payload, each strategy pays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from parlab.orchestrator.analysis.findings.breakeven import (
    BreakEvenFinding,
    FitCheck,
    Limit,
    StrategyBreakEven,
)
from parlab.orchestrator.figures import (
    NONE,
    byte_unit,
    counted,
    duration,
    interval,
    number,
    percent,
    round_bytes,
    round_seconds,
    time_unit,
)
from parlab.orchestrator.show.text.builds import place_key
from parlab.orchestrator.show.text.sections import Section, SectionRow
from parlab.orchestrator.statistics.interval import Estimate

#: Stands before a figure that lies outside of what was measured.
OUTSIDE = "~"
#: Of this length are the tasks whose payload is told, where such tasks were measured.
_USUAL_SECONDS = 0.01

#: Gives the unit that suits a figure, as its size and its sign.
Unit = Callable[[float], tuple[float, str]]


def breakeven_sections(findings: Sequence[BreakEvenFinding], builds: Mapping[str, str]) -> list[Section]:
    """Lay break-evens out, one section for each kind of work on each host and build.

    Args:
        findings: as found.
        builds: how each :func:`.builds.place_key` is shown.
    """
    hosts = {finding.host for finding in findings}
    return [_section(finding, builds, several=len(hosts) > 1) for finding in findings]


def _section(finding: BreakEvenFinding, builds: Mapping[str, str], *, several: bool) -> Section:
    build = builds.get(place_key(finding.node, finding.python, finding.gil), f"Python {finding.python}")
    work = f"{finding.workload}({finding.conditions})" if finding.conditions else finding.workload
    where = f" · host {finding.host}" if several else ""
    length = _length(finding)
    rows = tuple(SectionRow(_cells(way, length)) for way in finding.strategies)
    sentences = [_sentence(way, length) for way in finding.strategies]
    if not finding.strategies:
        sentences = ["Not known yet: nothing could be fitted and checked."]
    return Section(
        title=f"Where it starts to pay · {work} · {build}{where}",
        headers=_headers(finding, length),
        rows=rows,
        sentences=tuple(sentence[0].upper() + sentence[1:] for sentence in sentences),
        notes=tuple(_notes(finding, marked=any(OUTSIDE in cell for row in rows for cell in row.cells))),
    )


def _length(finding: BreakEvenFinding) -> float | None:
    """Choose the tasks whose payload and repayment are told: of the usual length where it was measured."""
    least, most = finding.task_seconds
    lengths = {limit.task_seconds for way in finding.strategies for limit in way.payload_limits}
    lengths |= {repaid.task_seconds for way in finding.strategies for repaid in way.repayments}
    lengths = {seconds for seconds in lengths if least <= seconds <= most}
    return min(lengths, key=lambda seconds: abs(math.log(seconds / _USUAL_SECONDS)), default=None)


def _headers(finding: BreakEvenFinding, length: float | None) -> tuple[str, ...]:
    payloads = [way.task_limits[0].payload_bytes for way in finding.strategies if way.task_limits]
    least = min((payload for payload in payloads if payload is not None), default=None)
    start = "pays from" if least is None else f"pays from ({round_bytes(least)})"
    end = "pays up to" if length is None else f"pays up to ({round_seconds(length)})"
    return "", "a task", "a MB", "work left", start, end, "off by"


def _cells(way: StrategyBreakEven, length: float | None) -> tuple[str, ...]:
    off = f"{_error(way.check.median_error_ratio)}, {_error(way.check.largest_error_ratio)}"
    if way.refused is not None:
        return way.label, NONE, NONE, NONE, NONE, NONE, off
    per_byte = way.seconds_per_byte.value if way.seconds_per_byte is not None else None
    per_megabyte = NONE if per_byte is None else duration(per_byte * 1e6).replace("-", "−")
    start = NONE
    if way.task_limits:
        first = way.task_limits[0]
        start = _limit_cell(first.seconds, first.measured_seconds, time_unit)
    end = next((limit.payload_bytes for limit in way.payload_limits if limit.task_seconds == length), None)
    return (
        way.label,
        duration(way.dispatch_seconds.value),
        per_megabyte,
        _share_cell(way.work_share),
        start,
        NONE if end is None else _limit_cell(end, None, byte_unit),
        off,
    )


def _share_cell(share: Estimate) -> str:
    if share.value is None:
        return NONE
    return f"{share.value:.2f}" + (f" (×{1 / share.value:.2g})" if share.value > 0 else "")


def _limit_cell(limit: Limit, measured: tuple[float, float] | None, unit: Unit) -> str:
    low, high = limit.estimate.low, limit.estimate.high
    if _never(limit):
        return "never"
    if _open(limit):
        return "not known"
    if limit.side == "from":
        if measured is not None and high is not None and high <= measured[0]:
            return f"≤ {_one(measured[0], unit)}"
        usual = unit is time_unit
    else:
        if limit.estimate.value is None:
            return "any" if low is None else f"≥ {_one(low, unit)}"
        usual = unit is not time_unit
    text = _bounded(limit.estimate, unit)
    text = OUTSIDE + text if limit.extrapolated else text
    return text if usual else f"{limit.side} {text}"


def _never(limit: Limit) -> bool:
    """Whether it pays nowhere, by all of the interval."""
    return limit.estimate.low is None if limit.side == "from" else limit.estimate.high == 0


def _open(limit: Limit) -> bool:
    """Whether the interval leaves all open: from nowhere to everywhere, or no figure to begin with."""
    value, low, high = limit.estimate.value, limit.estimate.low, limit.estimate.high
    nothing = value is None if limit.side == "from" else value == 0
    return nothing or (low == 0 and high is None)


def _certain(limit: Limit) -> bool:
    """Whether it pays somewhere, by all of the interval."""
    return limit.estimate.high is not None if limit.side == "from" else limit.estimate.low != 0


def _sentence(way: StrategyBreakEven, length: float | None) -> str:
    if way.refused is not None:
        return f"{way.label}: no break-even, because the model does not hold: {way.refused}."
    parts = [_tasks(way)]
    if any(_certain(limit.seconds) for limit in way.task_limits):
        parts += [*_payloads(way, length), *_repaid(way, length)]
    return f"{way.label}: {'; '.join(parts)}. {_check(way.check)}"


def _tasks(way: StrategyBreakEven) -> str:
    first = way.task_limits[0]
    limit, least = first.seconds, first.measured_seconds[0]
    payload = "" if first.payload_bytes is None else f" with {round_bytes(first.payload_bytes)}"
    left = way.work_share
    share = f"{NONE if left.value is None else interval(left.value, left.low, left.high)} of the work is left"
    if _never(limit):
        return f"no task{payload} pays, however long ({share})"
    if _open(limit):
        return f"no task{payload} is known to pay ({share})"
    value = _bounded(limit.estimate, time_unit)
    beyond = ", which is longer than what was measured" if limit.reach == "beyond" else ""
    if limit.side == "up to":
        word = "pays" if _certain(limit) else "may pay"
        return f"{word} for tasks up to {value}{payload}, and not above"
    if not _certain(limit):
        return f"seems to pay for tasks from {value} on{payload}{beyond}, but this is not certain"
    if limit.estimate.high is not None and limit.estimate.high <= least:
        return f"pays even for the shortest measured task{payload}, {duration(least)}"
    return f"pays for tasks from {value} on{payload}{beyond}"


def _payloads(way: StrategyBreakEven, length: float | None) -> Iterator[str]:
    limit = next((limit.payload_bytes for limit in way.payload_limits if limit.task_seconds == length), None)
    if limit is None or length is None:
        return
    tasks = f"tasks of {round_seconds(length)}"
    if _never(limit):
        yield f"{tasks} do not pay, whatever their payload"
    elif _open(limit):
        yield f"up to which payload {tasks} pay is not known"
    elif limit.estimate.value is None:
        low = limit.estimate.low
        yield f"{tasks} pay with any payload" + (f", {_one(low, byte_unit)} at least" if low else "")
    else:
        on = " on" if limit.side == "from" else ""
        doubt = "" if _certain(limit) else ", which is not certain"
        outside = ", outside of what was measured" if limit.extrapolated else ""
        yield f"{tasks} pay {limit.side} {_bounded(limit.estimate, byte_unit)}{on}{outside}{doubt}"


def _repaid(way: StrategyBreakEven, length: float | None) -> Iterator[str]:
    tasks = next((r.tasks for r in way.repayments if r.task_seconds == length), None)
    if tasks is None or length is None or way.start_up_seconds is None:
        return
    if tasks.value is None or tasks.high is None:
        return
    count, low, high = (math.ceil(v or 0) for v in (tasks.value, tasks.low, tasks.high))
    of_length = f"{'task' if count == 1 else 'tasks'} of {round_seconds(length)}"
    start = duration(way.start_up_seconds, 2)
    yield f"after {count} [{low}, {high}] {of_length} the start of its pool ({start}) is paid back"


def _check(check: FitCheck) -> str:
    cells = counted(len(check.cells), "cell")
    return (
        f"The model was off by {_error(check.median_error_ratio)} (median) and "
        f"{_error(check.largest_error_ratio)} (largest) in {cells} that it did not use; the measured "
        f"speed-ups there are themselves known to ±{_error(check.noise_ratio)}."
    )


def _notes(finding: BreakEvenFinding, *, marked: bool) -> Iterator[str]:
    shown = [way for way in finding.strategies if way.refused is None]
    if shown:
        yield (
            "a task, a MB: seconds that handing over adds; work left: the part of the serial seconds that "
            "remains and, in brackets, the speed-up that no task exceeds"
        )
        level = percent(finding.level)
        yield f"in brackets: {level} intervals, each by itself, {NONE} where open; off by: median, largest"
    both = [way.label for way in shown if way.overlapping]
    if both:
        yield f"{', '.join(both)}: handing over and work go on at once, and the longer of them counts"
    if any(way.seconds_per_byte and (way.seconds_per_byte.value or 0) < 0 for way in shown):
        yield "a MB below 0: work on a payload is shared better than the rest"
    if marked:
        yield f"{OUTSIDE}: outside of what was measured; predicted by the model"
    yield from finding.left_out


def _error(ratio: float) -> str:
    """Write an error in whole per cent: no more of it is known."""
    return percent(round(ratio, 2)) if math.isfinite(ratio) else NONE


def _bounded(estimate: Estimate, unit: Unit) -> str:
    """Write a figure with its bounds in one unit: "312 µs [250, 402]"."""
    if estimate.value is None:
        return NONE
    size, sign = unit(estimate.value or estimate.high or 0.0)
    bounds = (NONE if b is None else number(b / size, 2) for b in (estimate.low, estimate.high))
    return f"{number(estimate.value / size, 2)} {sign}".rstrip() + f" [{', '.join(bounds)}]"


def _one(value: float, unit: Unit) -> str:
    size, sign = unit(value)
    return f"{number(value / size, 2)} {sign}"
