"""Runs as outputs see them, put together from the real dataclasses with figures that were chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.findings.run import (
    ComparisonFinding,
    ConfigurationFinding,
    GroupFinding,
    Quartiles,
    RunFinding,
    Verdict,
)
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.experiment.model import Experiment, PythonChoice, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Comparison, Configuration, Group, Plan, PlannedHost, Skip
from parlab.orchestrator.statistics.interval import Interval
from parlab.orchestrator.store.records import Attempt, Failure, StoredSitting, StoredTrial
from parlab.workers.wire.registration import EffectiveCpus, Host, NodeRegistration, PythonBuild
from parlab.workers.wire.result import Calibration, Reading, Round, SittingResult, TrialResult
from parlab.workers.wire.spec import Expected, OwnFunction

RUN = "7f3a"
GROUP = "h1-integer_sum-9f2c41"
OWN = WorkloadChoice(
    "shop:total",
    {"inputs": "carts.json#9f2c41ab"},
    function=OwnFunction("shop:total", inputs_json="[[1,2],[3]]", inputs_name="carts.json"),
)
CPUS = EffectiveCpus(2, affinity=2, cpuset=2, quota=None, online=2, why="affinity 2, no quota")


def configuration(identifier: str, label: str, python: str = "3.11.7") -> Configuration:
    strategy, _, workers = label.partition(" ×")
    return Configuration(
        id=identifier,
        workload="integer_sum",
        parameters={"steps": 10_000_000},
        tasks=4,
        strategy=strategy.partition(" ")[0],
        options={"start_method": "forkserver"} if strategy == "processes" else {},
        max_workers=int((workers or "1").partition(" ")[0]),
        node="laptop-py311",
        python=python,
        label=label,
    )


def row(
    planned: Configuration,
    seconds: tuple[float, float, float] | None,
    verdict: Verdict | None = None,
    effect: tuple[float, float | None, float | None] | None = None,
    *,
    baseline: str = "c0",
    memory_bytes: float | None = 9e6,
    start_up_seconds: float | None = None,
    efficiency: float | None = None,
) -> ConfigurationFinding:
    comparison = None
    if verdict is not None:
        speed_up = None if effect is None else Interval(*effect, level=0.95, blocks=9)
        comparison = ComparisonFinding(
            configuration=planned.id,
            baseline=baseline,
            verdict=verdict,
            speed_up=speed_up,
            e_value=39.0,
            done=verdict in ("faster", "slower", "tied"),
            more_blocks=None,
            autocorrelation=(0.1, 0.33),
            block_sd=0.04,
        )
    return ConfigurationFinding(
        configuration=planned.id,
        label=planned.label,
        python=planned.python,
        max_workers=planned.max_workers,
        seconds=None if seconds is None else Quartiles(*seconds, trials=9),
        level=None if seconds is None else Quartiles(*seconds, trials=9),
        comparison=comparison,
        efficiency=efficiency,
        start_up_seconds=start_up_seconds,
        tear_down_seconds=0.004,
        memory_bytes=memory_bytes,
        cpus_used=1.0,
        readings={"cpu_user": 2.0},
        unread={"throttled": "no cgroup CPU controller counts throttling here"},
        outcomes={"measured": 9},
        causes={},
        problem=None,
        best=None,
        recommended=False,
    )


def trial(planned: Configuration, block: int | None, seconds: float) -> StoredTrial:
    sitting = f"{GROUP}-cal" if block is None else f"{GROUP}-b{block}-s0"
    result = TrialResult(
        trial=f"{sitting}-{planned.id}",
        configuration=planned.id,
        outcome="measured",
        rounds=(Round(turn=0, position=1, seconds=seconds, cpu_seconds=seconds),),
        interpreter_seconds=0.03,
        start_up_seconds=0.0003,
        warm_up_seconds=seconds,
        tear_down_seconds=0.001,
        readings=(
            Reading("cpu_user", "seconds", seconds),
            Reading("throttled", "seconds", None, "no cgroup CPU controller counts throttling here"),
        ),
        python_version="3.11.7 (main)",
        gil_enabled=True,
    )
    return StoredTrial(GROUP, block, sitting, 1, planned.node, result)


@pytest.fixture
def article() -> RunView:
    """The run that the design shows: serial, threads, processes, hybrid on one build."""
    serial = configuration("c0", "serial")
    threads = configuration("c1", "threads ×4")
    processes = configuration("c2", "processes ×4 forkserver")
    hybrid = configuration("c3", "hybrid 2×2")
    asyncio = replace(configuration("c4", "asyncio ×4"), strategy="asyncio")
    rows = (
        row(serial, (2.08, 2.02, 2.15)),
        row(
            threads,
            (2.31, 2.24, 2.40),
            "slower",
            (0.90, 0.86, 0.95),
            memory_bytes=9.2e6,
            start_up_seconds=0.0003,
            efficiency=0.45,
        ),
        replace(
            row(
                processes,
                (1.09, 1.06, 1.13),
                "faster",
                (1.91, 1.83, 1.99),
                memory_bytes=40e6,
                start_up_seconds=0.041,
                efficiency=0.95,
            ),
            best="fastest",
        ),
        replace(
            row(
                hybrid,
                (1.10, 1.07, 1.15),
                "faster",
                (1.89, 1.80, 1.97),
                memory_bytes=26e6,
                start_up_seconds=0.039,
                efficiency=0.94,
            ),
            best="tied",
            recommended=True,
        ),
    )
    workload = WorkloadChoice("integer_sum", {"steps": 10_000_000}, tasks=4)
    experiment = Experiment(
        name="article",
        question="do threads or processes speed this work up?",
        workloads=(workload, OWN),
        strategies=(StrategyChoice("serial"), StrategyChoice("threads", max_workers=4)),
        pythons=(PythonChoice(version="3.11.7"),),
    )
    group = Group(
        id=GROUP,
        host="h1",
        workload=workload,
        label="integer_sum(10⁷) × 4",
        configurations=(serial, threads, processes, hybrid),
        comparisons=tuple(Comparison(c.id, "c0") for c in (threads, processes, hybrid)),
        skipped=(Skip(asyncio, "integer_sum has no async function"),),
    )
    finding = GroupFinding(
        group=GROUP,
        host="h1",
        label=group.label,
        tasks=4,
        configurations=rows,
        blocks=9,
        done=True,
        sentences=(
            "Processes ×4 do this work 1.91 times as fast as one by one (95 %: 1.83–1.99, 9 blocks).",
            "Hybrid 2×2 ties with them in half the memory.",
            "Threads do not help: the GIL is on, and the tree used 1.0 CPU.",
        ),
    )
    build = PythonBuild("3.11.7", "/usr/bin/python3.11", "3.11.7", "CPython", False, ("fork", "spawn"))
    host = Host("h1", "b00t", "laptop", "Linux", "6.8", "Some CPU", 8_000_000_000, 2, CPUS)
    node = NodeRegistration("laptop-py311", host, (build,), "3.11.7", "0.1.0", 4711)
    calibration = Calibration(4, 0.52, Expected("ab12", ("ab", "ab")))
    sitting = SittingResult(
        RUN,
        f"{GROUP}-b0-s0",
        1,
        node.node,
        "h1",
        "b00t",
        1_790_000_001.5,
        7.5,
        trials=(),
        left_behind=("sleep",),
    )
    attempt = Attempt(
        sitting.sitting,
        1,
        GROUP,
        0,
        node.node,
        "laptop-py311-7f3a-x-a1",
        1_790_000_001.0,
        "accepted",
        1_790_000_009.0,
    )
    return RunView(
        run=RUN,
        experiment=experiment,
        plan=Plan(RUN, 42, experiment, (PlannedHost("h1", (node.node,), CPUS),), (group,)),
        registrations=(node,),
        state="done",
        started_unix_seconds=1_790_000_000.0,
        ended_unix_seconds=1_790_000_071.0,
        finding=RunFinding((finding,), comparisons=3, declared=3, done=True, warnings=()),
        calibrations={GROUP: calibration},
        trials=(trial(serial, None, 2.1), trial(serial, 0, 2.08), trial(processes, 0, 1.09)),
        running_seconds=71.2,
        reason="every comparison is settled",
        sittings=(StoredSitting(attempt, sitting),),
        failures={},
        parlab_version="0.1.0",
        command=("run", "article"),
    )


@pytest.fixture
def troubled(article: RunView) -> RunView:
    """Two builds, two groups, and all that can go wrong: failures, skips, rejections, few blocks."""
    first = article.plan.groups[0]
    serial, threads, processes, hybrid = first.configurations
    free = [replace(c, id=f"f{c.id}", python="3.13.5t") for c in (serial, threads, processes)]
    old = article.finding.groups[0].configurations
    rows = (
        old[0],
        replace(old[1], outcomes={"measured": 9, "rejected": 2, "lost": 1}, causes={"steal": 2, "died": 1}),
        replace(
            row(processes, None, "failed", memory_bytes=None),
            outcomes={"failed": 1},
            causes={"raised": 1},
            problem="ValueError: broken\x1b[31m\non two lines",
        ),
        replace(row(hybrid, (2.0, 1.9, 2.2), "unresolved", (1.04, None, None)), best="not distinguished"),
        row(free[0], (2.3, 2.2, 2.4), "slower", (0.905, 0.88, 0.93), memory_bytes=12e6),
        replace(
            row(free[1], (1.2, 1.1, 1.3), "faster", (1.92, 1.7, None), baseline="fc0", memory_bytes=12.3e6),
            best="fastest",
            recommended=True,
        ),
        replace(
            row(free[2], None, "skipped", memory_bytes=None, baseline="fc0"),
            outcomes={"skipped": 1},
            problem="forkserver is missing in this build",
        ),
    )
    group = replace(first, configurations=(*first.configurations, *free))
    finding = replace(article.finding.groups[0], configurations=rows, done=False)
    build = PythonBuild("3.13.5t", "/opt/python3.13t", "3.13.5", "CPython", True, ("spawn",))
    node = replace(article.registrations[0], builds=(*article.registrations[0].builds, build))
    open_ = trial(free[1], 0, 1.2)
    wait = replace(
        finding,
        group="h1-wait-1",
        label="wait(seconds=0.02)",
        tasks=120,
        configurations=(
            replace(
                old[0],
                seconds=Quartiles(0.0312, 0.0309, 0.0318, 9),
                memory_bytes=None,
                unread={"memory_peak": "this system has no /proc"},
            ),
        ),
        sentences=(),
    )
    return replace(
        article,
        plan=replace(article.plan, groups=(group, replace(first, id="h1-wait-1", skipped=()))),
        registrations=(node,),
        state="budget",
        finding=RunFinding(
            (finding, wait),
            comparisons=6,
            declared=2,
            done=False,
            warnings=(
                "3 of 40 trials were rejected, all of them of threads ×4: read its figures with care.",
            ),
        ),
        trials=(*article.trials, replace(open_, result=replace(open_.result, gil_enabled=False))),
        running_seconds=605.0,
        failures={
            "c2": Failure("c2", "ValueError: broken", "Traceback …\nValueError: broken", 1_790_000_010.0)
        },
    )
