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
                for one in self._of(store, record):
                    newest.setdefault((one.finding.node, one.finding.python, one.finding.gil), one)
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
    found = snapshot.finding
    own = families.labelled(
        node=found.node,
        host=found.host,
        # As the figures of configurations have it.
        python=found.python + (f" GIL {found.gil}" if found.gil else ""),
    )
    own.gauge(
        "parlab_selftest_timestamp_seconds",
        "When the newest self-test of the node and build was started.",
        snapshot.created_unix_seconds,
    )
    own.gauge(
        "parlab_selftest_tries",
        "Tries of what was entered twice.",
        found.wrong.tried if found.wrong is not None else 0,
    )
    _add_rate(own, "parlab_selftest_wrong", "Share of them with a verdict, which is wrong.", found.wrong)
    _add_rate(
        own,
        "parlab_selftest_t_test_wrong",
        "Share of them that a two-sample t test calls significant.",
        found.t_test_wrong,
    )
    _add_pairs(own, found)
    for one in found.planted:
        _add_planted(own.labelled(planted=f"{one.slowdown_ratio:g}"), one)
    own.gauge(
        "parlab_selftest_block_seconds",
        f"How long a block of {found.configurations} configurations takes there.",
        found.block_seconds,
    )
    for expected in found.precision:
        own.gauge(
            "parlab_selftest_half_width_ratio",
            f"Half-width of a speed-up's interval of {found.configurations} configurations, "
            "after this many seconds.",
            expected.half_width_ratio,
            after=f"{expected.seconds:g}",
        )
    own.gauge("parlab_selftest_trials", "Trials of the self-test's blocks.", found.trials)
    for cause, count in found.not_counted.items():
        own.gauge(
            "parlab_selftest_trials_not_counted",
            "Those of them that were rejected, failed or lost, by cause.",
            count,
            cause=cause,
        )


def _add_rate(own: Families, name: str, about: str, rate: Rate | None) -> None:
    for suffix, said, value in (
        ("ratio", about, rate.ratio if rate is not None else None),
        ("lower_ratio", f"Lower bound at 95 %: {about}", rate.low if rate is not None else None),
        ("upper_ratio", f"Upper bound at 95 %: {about}", rate.high if rate is not None else None),
    ):
        own.gauge(f"{name}_{suffix}", said, value)


def _add_pairs(families: Families, found: SelfTestFinding) -> None:
    for pair in found.pairs:
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


def _add_planted(own: Families, one: PlantedFinding) -> None:
    _add_rate(own, "parlab_selftest_found", "Share of tries that found a planted slowdown.", one.found)
    _add_rate(
        own,
        "parlab_selftest_wrong_sign",
        "Share of tries that called a planted slowdown faster.",
        one.wrong_sign,
    )
    for name, value, about in (
        ("limit_blocks", one.limit_blocks, "Most blocks of such a try."),
        ("found_blocks", one.median_blocks, "Blocks that half of the tries took at most to find it."),
        ("expected_ratio", one.expected_ratio, "Share that is found at this block sd where noise is normal."),
    ):
        own.gauge(f"parlab_selftest_{name}", about, value)
