"""Figures of self-tests: how far verdicts of a node and build can be trusted, and how precise they become."""

from __future__ import annotations

from collections.abc import Collection

from parlab.orchestrator.analysis.findings.selftest import PlantedFinding, Rate, SelfTestFinding
from parlab.orchestrator.analysis.selftest.judged import found_in, is_self_test
from parlab.orchestrator.serve.cache import RunCache, RunsOfAKind
from parlab.orchestrator.serve.metrics.families import Families
from parlab.orchestrator.serve.snapshot import SelfTestSnapshot
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord

#: Of so many runs, the newest, it is looked whether they are self-tests.
_LOOKED_AT = 500
#: Self-tests, the newest, whose figures are exported: nodes that were measured long ago drop out.
_MOST_RUNS = 32


class NewestSelfTests:
    """The newest self-test of every node and build, worked out once: when its run has ended."""

    def __init__(self) -> None:
        """Begin with none."""
        self._runs = RunsOfAKind(is_self_test, looked_at=_LOOKED_AT, most=_MOST_RUNS)
        self._found: RunCache[tuple[SelfTestSnapshot, ...]] = RunCache(_MOST_RUNS)

    def read(self, store: Store, active: Collection[str]) -> tuple[SelfTestSnapshot, ...]:
        """Give them, but for ``active`` runs, which are measured now. Used by one thread."""
        newest: dict[tuple[str, str, str | None], SelfTestSnapshot] = {}
        for record in self._runs.find(store):
            if record.id not in active and record.state != "running":
                for snapshot in self._of(store, record):
                    finding = snapshot.finding
                    newest.setdefault((finding.node, finding.python, finding.gil), snapshot)
        return tuple(newest.values())

    def _of(self, store: Store, record: RunRecord) -> tuple[SelfTestSnapshot, ...]:
        return self._found.get(
            record.id,
            store.version(record.id),
            lambda: tuple(
                SelfTestSnapshot(record.id, record.created_unix_seconds, finding)
                for finding in found_in(store, record.id)
                # One that was stopped before its first block is no newer knowledge.
                if finding.trials
            ),
        )


def add_self_test(families: Families, snapshot: SelfTestSnapshot) -> None:
    """Add the newest self-test of a node and build; what was not told is not there."""
    finding = snapshot.finding
    own = families.labelled(
        node=finding.node,
        host=finding.host,
        # As the figures of configurations have it.
        python=finding.python + (f" GIL {finding.gil}" if finding.gil else ""),
    )
    own.gauge(
        "parlab_selftest_timestamp_seconds",
        "When the newest self-test of the node and build was started.",
        snapshot.created_unix_seconds,
    )
    own.gauge(
        "parlab_selftest_tries",
        "Tries of what was entered twice.",
        finding.wrong.tried if finding.wrong is not None else 0,
    )
    _add_rate(own, "parlab_selftest_wrong", "Share of them with a verdict, which is wrong.", finding.wrong)
    _add_rate(
        own,
        "parlab_selftest_t_test_wrong",
        "Share of them that a two-sample t test calls significant.",
        finding.t_test_wrong,
    )
    _add_pairs(own, finding)
    for planted in finding.planted:
        _add_planted(own.labelled(planted=f"{planted.slowdown_ratio:g}"), planted)
    own.gauge(
        "parlab_selftest_block_seconds",
        f"How long a block of {finding.configurations} configurations takes there.",
        finding.block_seconds,
    )
    for expected in finding.precision:
        own.gauge(
            "parlab_selftest_half_width_ratio",
            f"Half-width of a speed-up's interval of {finding.configurations} configurations, "
            "after this many seconds.",
            expected.half_width_ratio,
            after=f"{expected.seconds:g}",
        )
    own.gauge("parlab_selftest_trials", "Trials of the self-test's blocks.", finding.trials)
    for cause, count in finding.not_counted.items():
        own.gauge(
            "parlab_selftest_trials_not_counted",
            "Those of them that were rejected, failed or lost, by cause.",
            count,
            cause=cause,
        )


def _add_rate(own: Families, name: str, about: str, rate: Rate | None) -> None:
    for suffix, text, value in (
        ("ratio", about, rate.ratio if rate is not None else None),
        ("lower_ratio", f"Lower bound at 95 %: {about}", rate.low if rate is not None else None),
        ("upper_ratio", f"Upper bound at 95 %: {about}", rate.high if rate is not None else None),
    ):
        own.gauge(f"{name}_{suffix}", text, value)


def _add_pairs(families: Families, finding: SelfTestFinding) -> None:
    for pair in finding.pairs:
        own = families.labelled(pair=pair.label)
        own.gauge("parlab_selftest_blocks", "Blocks with both of a pair.", pair.blocks)
        sd, low, high = (None, None, None)
        if pair.spread is not None:
            sd, low, high = pair.spread.sd, pair.spread.low, pair.spread.high
        follows, error = pair.autocorrelation or (None, None)
        for name, value, about in (
            ("block_sd", sd, "Standard deviation of log ratios of the same between blocks."),
            ("block_sd_lower", low, "Lower bound at 95 % of that standard deviation."),
            ("block_sd_upper", high, "Upper bound at 95 % of that standard deviation."),
            ("autocorrelation", follows, "Lag-1 autocorrelation of these ratios."),
            ("autocorrelation_error", error, "Standard error of that autocorrelation."),
        ):
            own.gauge(f"parlab_selftest_{name}_ratio", about, value)


def _add_planted(own: Families, planted: PlantedFinding) -> None:
    _add_rate(own, "parlab_selftest_found", "Share of tries that found a planted slowdown.", planted.found)
    _add_rate(
        own,
        "parlab_selftest_wrong_sign",
        "Share of tries that called a planted slowdown faster.",
        planted.wrong_sign,
    )
    for name, value, about in (
        ("limit_blocks", planted.limit_blocks, "Most blocks of such a try."),
        ("found_blocks", planted.median_blocks, "Blocks that half of the tries took at most to find it."),
        ("expected_ratio", planted.expected_ratio, "Share that is found at this sd where noise is normal."),
    ):
        own.gauge(f"parlab_selftest_{name}", about, value)
