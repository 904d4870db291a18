"""Findings that are worked out where a run is shown, with every part of theirs filled in."""

from __future__ import annotations

from parlab.orchestrator.analysis.findings.advice import (
    AdviceFinding,
    Candidate,
    Payback,
    PlaceFinding,
    Recipe,
)
from parlab.orchestrator.analysis.findings.breakeven import (
    BreakEvenFinding,
    CheckedCell,
    FitCheck,
    Limit,
    PayloadLimit,
    Repayment,
    StrategyBreakEven,
    TaskLimit,
)
from parlab.orchestrator.analysis.findings.run import Look, Narrowing
from parlab.orchestrator.analysis.findings.scaling import (
    Cause,
    Diagnosis,
    Figure,
    Knee,
    LawFit,
    Miss,
    ScalingFinding,
    ScalingPoint,
)
from parlab.orchestrator.statistics.interval import Estimate, Interval

FITTED = Estimate(0.5, 0.4, None)
RATIO = Interval(1.8, 1.7, None, 0.95, 9)


def curve() -> ScalingFinding:
    """A curve of two points, with laws, a knee and a cause."""
    laws = (
        LawFit("Amdahl", (1, 2), beyond_cpus=False, refused=None, miss=Miss(2, 0.01), parallel_share=FITTED),
        LawFit(
            law="USL",
            counts=(1, 2),
            beyond_cpus=True,
            refused=None,
            scale=FITTED,
            sigma=FITTED,
            kappa=FITTED,
            peak=FITTED,
        ),
    )
    cause = Cause("gil", 2, "the GIL is on", (Figure("CPUs busy", 1.0, "count"),))
    return ScalingFinding(
        group="h1-integer_sum-9f2c41",
        host="h1",
        work="integer_sum",
        node="local",
        python="3.11.7",
        gil=None,
        strategy="threads",
        label="threads",
        reference="serial",
        against_serial=True,
        cpus=2,
        points=(ScalingPoint("c1", 2, 1.8, RATIO, "faster", 9, 0.9, 1.9),),
        laws=laws,
        knee=Knee(2, 1, "tied", RATIO, 1, (2,), None),
        diagnosis=Diagnosis(1, 2, 0.5, (cause,), ("the GIL",), ("pickling: not read",)),
        left_out=("threads ×8: it raised",),
    )


def break_even() -> BreakEvenFinding:
    """A break-even of one strategy, with limits and a check."""
    limit = Limit("from", "within", FITTED, extrapolated=False)
    strategy = StrategyBreakEven(
        label="processes ×2",
        strategy="processes",
        max_workers=2,
        cpus=2,
        start_up_seconds=0.06,
        dispatch_seconds=FITTED,
        seconds_per_byte=FITTED,
        work_share=FITTED,
        overlapping=False,
        misfit_ratio=0.01,
        fitted_cells=9,
        check=FitCheck((CheckedCell("g", 2000.0, 0.01, 1.5, 1.6, 0.02),), 0.06, 0.06, 0.02),
        refused=None,
        task_limits=(TaskLimit(2000.0, limit, (0.001, 0.1)),),
        payload_limits=(PayloadLimit(0.01, limit),),
        repayments=(Repayment(0.01, 2000.0, FITTED, extrapolated=True),),
    )
    return BreakEvenFinding(
        host="h1",
        workload="payload",
        conditions="",
        node="local",
        python="3.11.7",
        gil=None,
        task_seconds=(0.001, 0.1),
        payload_bytes=(2000.0, 2e6),
        level=0.95,
        strategies=(strategy,),
        left_out=("threads ×2: 3 of 6 cells",),
    )


def narrowed() -> Narrowing:
    """A comparison that was open after one block and faster after two."""
    return Narrowing(
        group="h1-integer_sum-9f2c41",
        configuration="c2",
        baseline="c0",
        looks=(
            Look(Interval(1.8, None, None, 0.95, 1), "unresolved"),
            Look(Interval(1.9, 1.8, 2.0, 0.95, 2), "faster"),
        ),
    )


def advised() -> AdviceFinding:
    """Advice with a tie, an open question and two builds."""
    gain = Interval(1.91, 1.83, 1.99, 0.95, 14)
    close = Interval(0.99, 0.93, 1.04, 0.99, 14)
    return AdviceFinding(
        group="h1-integer_sum-9f2c41",
        host="h1",
        label="shop:thumbnail",
        goal="throughput",
        pick="c2",
        recipe=Recipe(
            ("from concurrent.futures import ThreadPoolExecutor", "from shop import thumbnail"),
            "ThreadPoolExecutor(max_workers=4)",
            "pool.map(thumbnail, items)",
            (
                *("from concurrent.futures import ThreadPoolExecutor", "from shop import thumbnail", ""),
                *("with ThreadPoolExecutor(max_workers=4) as pool:",),
                "    results = list(pool.map(thumbnail, items))",
            ),
        ),
        speed_up=gain,
        item_seconds=0.01,
        why="fewer workers: 4, not 8",
        payback=Payback(0.0003, 0.00028, 0.00033, 0.00015, 9, 0.041),
        memory_bytes=31e6,
        baseline_memory_bytes=9e6,
        limit="the CPUs: 1.9 of 2 are busy",
        settled=False,
        candidates=(
            Candidate("c2", "threads ×4", "threads", 4, "3.11.7", "local", "pick", gain, None, 31e6, 14),
            Candidate("c1", "threads ×8", "threads", 8, "3.11.7", "local", "tied", gain, close, 33e6, 14),
            Candidate(
                "c3",
                "asyncio ×8",
                "asyncio",
                8,
                "3.11.7",
                "local",
                "skipped",
                None,
                None,
                None,
                0,
                "no async form",
            ),
        ),
        places=(
            PlaceFinding("local", "3.11.7", None, "c2", "threads ×4", gain, None, "pick"),
            PlaceFinding("local", "3.13.5t", "off", "c4", "threads ×4", gain, close, "not distinguished"),
        ),
        sentences=(
            "Threads ×4 does this work 1.91 times as fast as one by one (95 %: 1.83–1.99, 14 blocks).",
        ),
    )
