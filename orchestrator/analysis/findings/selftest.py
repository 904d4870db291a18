"""Findings of a self-test on a node and build, as data (docs/self-test.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So many of so many, with the bounds of the rate behind them; there is none of nothing."""

    count: int
    #: Above 0.
    tried: int
    #: Clopper and Pearson's interval at 95 %.
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """Share that was seen."""
        return self.count / self.tried


@dataclass(frozen=True)
class Spread:
    """Standard deviation of the log ratio between blocks, with its interval at 95 %."""

    sd: float
    #: None where all were equal.
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PairFinding:
    """The same configuration entered twice, against itself."""

    #: For people: "threads ×2".
    label: str
    #: Blocks in which both were measured.
    blocks: int
    #: None below 10 blocks, as all that follows is None where blocks are too few.
    spread: Spread | None
    #: Lag-1 autocorrelation of the effects and its standard error.
    autocorrelation: tuple[float, float] | None
    #: Tries in which a difference was declared at some look, though there is none.
    wrong: Rate | None
    #: Tries whose two-sample t test, once at the end, called the difference significant.
    t_test_wrong: Rate | None


@dataclass(frozen=True)
class PlantedFinding:
    """A slowdown of known size, looked for again and again."""

    #: 0.05: takes 5 % longer.
    slowdown_ratio: float
    blocks: int
    #: A try is given up after so many blocks; None: there are too few for any.
    limit_blocks: int | None
    found: Rate | None
    #: Tries in which what is slower was declared to be faster.
    wrong_sign: Rate | None
    #: Half of the tries took at most so many blocks; None where fewer than half found it.
    median_blocks: float | None
    #: What it was seen to be, in the median; None below 10 blocks.
    seen_ratio: float | None
    #: Share of tries that find it where effects spread normally with the loop's block sd, and the blocks
    #: that half of them take (None: more than the limit). None where the sd is not known.
    expected_ratio: float | None
    expected_blocks: int | None


@dataclass(frozen=True)
class PrecisionFinding:
    """What an experiment of this length would probably come to."""

    seconds: float
    #: Blocks that fit.
    blocks: int
    #: Relative half-width of a speed-up's interval; None: too few blocks for one.
    half_width_ratio: float | None


@dataclass(frozen=True)
class SelfTestFinding:
    """One node and build."""

    node: str
    host: str
    python: str
    #: What was asked for of a free-threaded build: "on", "off" or None.
    gil: str | None
    #: Error rate that the verdicts promise at most.
    alpha: float
    #: Blocks of a try of what was entered twice.
    try_blocks: int
    pairs: tuple[PairFinding, ...]
    #: All pairs together.
    wrong: Rate | None
    t_test_wrong: Rate | None
    planted: tuple[PlantedFinding, ...]
    #: Number of configurations that ``precision`` is about, and the seconds of rounds in their trials.
    configurations: int
    trial_seconds: float
    #: Of such an experiment; None where nothing was measured.
    block_seconds: float | None
    precision: tuple[PrecisionFinding, ...]
    #: Trials of blocks, and those of them that do not count, by cause.
    trials: int
    not_counted: Mapping[str, int]

    @property
    def is_wrong_too_often(self) -> bool:
        """Whether verdicts are wrong more often than they promise, and not by bad luck."""
        return self.wrong is not None and self.wrong.low > self.alpha

    @property
    def dependent_pairs(self) -> tuple[PairFinding, ...]:
        """Pairs whose blocks follow each other: the interval needs blocks that do not.

        Beyond three standard errors: of a handful of pairs one is beyond two by chance alone.
        """
        seen = [(pair, pair.autocorrelation) for pair in self.pairs]
        return tuple(pair for pair, r in seen if r is not None and abs(r[0]) > 3 * r[1])
