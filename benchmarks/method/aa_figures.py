"""Figures of a recording of trials: wrong verdicts of equal ones, and planted slowdowns found."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist

from benchmarks.noise.recording import Recorded, RecordedTrial
from parlab.orchestrator.analysis.selftest import rates as selftest_rates
from parlab.orchestrator.statistics import inference

ALPHA = 0.05
#: Blocks within which STATISTICS asks for the share found.
LIMITS = (40, 100, 200)
PERCENTS = (2, 5, 10)
#: Replays with blocks drawn again.
_REPLAYS = 1000
#: Beyond so many blocks a replay is given up.
_MOST_BLOCKS = 3000


def name_of(percent: int) -> str:
    """Name a trial by how much more work it does."""
    return f"+{percent} %"


def total(trial: RecordedTrial) -> float | None:
    """Seconds of a trial's rounds; None where it does not count."""
    return math.fsum(trial.seconds) if trial.outcome == "measured" else None


#: A pair's (total, total) in each block, None where one of them does not count.
Levels = list[tuple[float, float] | None]


def equal_pairs(blocks: Sequence[Recorded]) -> list[Levels]:
    """Give the levels of each pair of trials that are entered twice, none in two pairs."""
    same = [[total(t) for t in block.trials if t.name == name_of(0)] for block in blocks]
    return [
        [_both(levels[2 * pair], levels[2 * pair + 1]) for levels in same]
        for pair in range(len(same[0]) // 2)
    ]


def planted_pair(blocks: Sequence[Recorded], percent: int) -> Levels:
    """Give the levels of a planted trial with those of an equal one, another for each slowdown."""
    other = 2 * PERCENTS.index(percent)
    return [
        _both(next(total(t) for t in block.trials if t.name == name_of(percent)), total(block.trials[other]))
        for block in blocks
        if any(t.name == name_of(percent) for t in block.trials)
    ]


def against_all(blocks: Sequence[Recorded], percent: int) -> list[float]:
    """Give the effects of a planted trial against all equal ones of its sitting: less noise than a pair's."""
    effects = []
    for block in blocks:
        planted = [total(t) for t in block.trials if t.name == name_of(percent)]
        equal = [value for t in block.trials if t.name == name_of(0) and (value := total(t)) is not None]
        if planted and planted[0] is not None and equal:
            effects.append(math.log(planted[0]) - math.fsum(map(math.log, equal)) / len(equal))
    return effects


def _both(a: float | None, b: float | None) -> tuple[float, float] | None:
    return None if a is None or b is None else (a, b)


def effects_of(levels: Levels) -> list[float]:
    """Give log(first / second) in block order."""
    return [math.log(pair[0] / pair[1]) for pair in levels if pair is not None]


@lru_cache(maxsize=100_000)
def _is_verdict(below: float, blocks: int) -> bool:
    return inference.log_e(below, blocks) >= -math.log(ALPHA)


def first_verdict(effects: Sequence[float]) -> int | None:
    """Give the look, after each block, that first sees a verdict: + blocks above 0, - blocks below it."""
    below = 0.0
    for blocks, effect in enumerate(effects, start=1):
        below += 1.0 if effect < 0 else 0.5 if effect == 0 else 0.0
        if _is_verdict(below, blocks):
            return blocks if 2 * below < blocks else -blocks
    return None


def welch_p(a: Sequence[float], b: Sequence[float]) -> float:
    """Two-sided p value of Welch's t test."""
    from scipy.special import stdtr

    sizes = len(a), len(b)
    errors = [(inference.standard_deviation(v) or 0.0) ** 2 / n for v, n in zip((a, b), sizes, strict=True)]
    spread = math.fsum(errors)
    if spread == 0:
        return 1.0
    freedom = spread**2 / math.fsum(e * e / (n - 1) for e, n in zip(errors, sizes, strict=True))
    difference = math.fsum(a) / sizes[0] - math.fsum(b) / sizes[1]
    return float(2 * stdtr(freedom, -abs(difference) / math.sqrt(spread)))


def share(count: int, tried: int) -> str:
    """Write a rate with Clopper and Pearson's interval."""
    interval = selftest_rates.rate(count, tried)
    if interval is None:
        return "nothing tried"
    return f"{count} of {tried}: {count / tried:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


def runs_of(levels: Levels, blocks: int) -> list[list[tuple[float, float]]]:
    """Cut what counts into runs of so many blocks."""
    counted = [pair for pair in levels if pair is not None]
    return [counted[s : s + blocks] for s in range(0, len(counted) - blocks + 1, blocks)]


def report(recorded: Sequence[Recorded], run_blocks: int) -> None:
    """Print all figures that the recording has sittings for."""
    blocks = [s for s in recorded if s.setting == "block"]
    trials = [t for s in recorded for t in s.trials]
    if not trials:
        print("nothing is recorded yet: add --minutes 25")
        return
    lost = sum(t.outcome != "measured" for t in trials)
    rounds = [r for t in trials for r in t.seconds]
    hours = (recorded[-1].unix_seconds - recorded[0].unix_seconds) / 3600
    print(
        f"{len(recorded)} sittings in {hours:.2f} h; {lost} of {len(trials)} trials rejected; "
        f"{len(trials[0].seconds)} rounds a trial, of {inference.median(rounds) * 1000:.1f} ms in the median"
    )
    if blocks:
        seconds = inference.median([s.seconds for s in blocks])
        print(f"{len(blocks)} blocks of {len(equal_pairs(blocks)) * 2} equal trials, {seconds:.2f} s each")
        pairs = equal_pairs(blocks)
        _wrong_verdicts(pairs, run_blocks)
        _power(pairs, _noise(pairs))
        _planted(blocks)
    _ways(recorded)


def _wrong_verdicts(pairs: Sequence[Levels], run_blocks: int) -> None:
    print(f"\nA/A runs of {run_blocks} blocks, level 5 %: called different")
    by_pair = [runs_of(levels, run_blocks) for levels in pairs]
    verdicts = [[first_verdict(effects_of(list(run))) is not None for run in runs] for runs in by_pair]
    every = [run for runs in by_pair for run in runs]
    print(f"  parlab, looked at after each block:      {share(sum(map(sum, verdicts)), len(every))}")
    print("    by pair:", ", ".join(f"{sum(wrong)}/{len(wrong)}" for wrong in verdicts))
    declared = [_any_declared(runs) for runs in zip(*by_pair, strict=False)]
    print(f"  the {len(pairs)} pairs as one run, any by e-BH:        {share(sum(declared), len(declared))}")
    tests: tuple[tuple[str, Callable[[Sequence[float], Sequence[float]], float]], ...] = (
        ("Student's", selftest_rates.t_test_p),
        ("Welch's", welch_p),
    )
    for name, test in tests:
        significant = [test(*_sides(run)) <= ALPHA for run in every]
        print(f"  {name} t test of the same trials:  {share(sum(significant), len(significant))}")
    looks = [any(welch_p(*_sides(run[:n])) <= ALPHA for n in range(3, len(run) + 1)) for run in every]
    print(f"  Welch's, looked at from 3 blocks on:     {share(sum(looks), len(looks))}")
    # As a tool does that measures one thing and then the other.
    after = [
        welch_p([a for a, _ in first], [b for _, b in second]) <= ALPHA
        for runs in by_pair
        for first, second in zip(runs[::2], runs[1::2], strict=False)
    ]
    print(f"  Welch's, one side's run after the other's: {share(sum(after), len(after))}")


def _sides(run: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [a for a, _ in run], [b for _, b in run]


def _any_declared(runs: Sequence[Sequence[tuple[float, float]]]) -> bool:
    """Whether e-BH declares any of the comparisons at any look."""
    effects = [effects_of(list(run)) for run in runs]
    return any(
        inference.e_bh([inference.e_value(e[:n]) for e in effects], ALPHA)
        for n in range(1, len(effects[0]) + 1)
    )


def _noise(pairs: Sequence[Levels]) -> float:
    """Print the block sd and how effects hang on the one before; give the sd over all pairs."""
    effects = [effects_of(levels) for levels in pairs]
    sds = [inference.standard_deviation(e) or math.nan for e in effects]
    sd = math.sqrt(math.fsum(s * s for s in sds) / len(sds))
    middle = inference.median([abs(e) for own in effects for e in own]) / NormalDist().inv_cdf(0.75)
    print(
        f"\nblock sd {sd:.4f} (pairs: {', '.join(f'{s:.3f}' for s in sds)}), of the middle half {middle:.4f}"
    )
    lags = [lag for e in effects if (lag := inference.lag1_autocorrelation(e)) is not None]
    if lags:
        mean = math.fsum(lag for lag, _ in lags) / len(lags)
        error = math.sqrt(math.fsum(e * e for _, e in lags)) / len(lags)
        print(
            f"lag-1 autocorrelation of effects {mean:+.3f} ± {error:.3f} (standard error); "
            f"of the levels {_levels_lag(pairs)}"
        )
    return sd


def _levels_lag(pairs: Sequence[Levels]) -> str:
    lags = [
        lag[0]
        for levels in pairs
        if (lag := inference.lag1_autocorrelation([math.log(p[0]) for p in levels if p is not None]))
        is not None
    ]
    return f"{inference.median(lags):+.2f}" if lags else "-"


def _power(pairs: Sequence[Levels], sd: float) -> None:
    """Print the share found of what is planted in replay, by multiplying one side's seconds."""
    effects = [effects_of(levels) for levels in pairs]
    draw = random.Random(1)
    print("\nplanted in replay: found within so many blocks; in order / blocks drawn again; wrong sign")
    for percent in PERCENTS:
        shift = math.log1p(percent / 100)
        for limit in LIMITS:
            # Each way round: it is as well the other one's that could be slower.
            tries = [
                first_verdict([sign * e + shift for e in own[s : s + limit]])
                for own in effects
                for s in range(0, len(own) - limit + 1, limit)
                for sign in (1, -1)
            ]
            again = [
                first_verdict([e * draw.choice((1, -1)) + shift for e in draw.choices(own, k=limit)])
                for own in draw.choices(effects, k=_REPLAYS)
            ]
            chance, _ = selftest_rates.expected(NormalDist().cdf(shift / sd), limit, ALPHA)
            right = sum(after is not None and after > 0 for after in again) / len(again)
            in_order = share(sum(a is not None and a > 0 for a in tries), len(tries))
            wrong = sum(a is not None and a < 0 for a in (*tries, *again))
            print(
                f"  {percent:2} %, {limit:3} blocks: {in_order}; {right:6.1%}; a normal of this sd "
                f"{chance:6.1%}, {right / chance:.2f} of it; wrong sign {wrong} of {len(tries) + len(again)}"
            )


def _planted(blocks: Sequence[Recorded]) -> None:
    """Print what was seen of work that really is more."""
    print("\nreally more work: ratio to all equal ones; a pair's block sd, share found in order")
    for percent in PERCENTS:
        effects = effects_of(planted_pair(blocks, percent))
        if not effects:
            continue
        seen = against_all(blocks, percent)
        low, high = inference.interval(seen, ALPHA, fixed=True)
        cells = []
        wrong = 0
        for limit in LIMITS:
            tries = [first_verdict(effects[s : s + limit]) for s in range(0, len(effects) - limit + 1, limit)]
            wrong += sum(a is not None and a < 0 for a in tries)
            cells.append(f"{limit}: {share(sum(a is not None and a > 0 for a in tries), len(tries))}")
        sd = inference.standard_deviation(effects) or math.nan
        print(
            f"  +{percent} %: {math.expm1(inference.median(seen)):+.2%} [{math.expm1(low):+.2%}, "
            f"{math.expm1(high):+.2%}], block sd {sd:.4f}; {'; '.join(cells)}; wrong sign {wrong}"
        )


def _ways(recorded: Sequence[Recorded]) -> None:
    """Print the blocks that a planted 5 % needs, alternating and one after the other."""
    ways: dict[str, list[tuple[float, float]]] = {"alternating": [], "one after the other": []}
    for before, sitting in zip((None, *recorded), recorded, strict=False):
        if sitting.setting == "alternating":
            pair = _both(*(total(t) for t in sitting.trials))
            if pair is not None:
                ways["alternating"].append((math.log(pair[0] / pair[1]), sitting.seconds))
        elif sitting.setting == "second" and before is not None and before.setting == "first":
            pair = _both(total(before.trials[0]), total(sitting.trials[0]))
            if pair is not None:
                seconds = before.seconds + sitting.seconds
                ways["one after the other"].append((math.log(pair[0] / pair[1]), seconds))
    if any(len(measured) < 10 for measured in ways.values()):
        return
    shift, draw = math.log1p(0.05), random.Random(1)
    print(
        "\ntwo equal trials, as long: blocks until a planted 5 % is found (half of 1000 replays need at most)"
    )
    needed: dict[str, list[float]] = {}
    for way, measured in ways.items():
        effects = [e for e, _ in measured]
        point = _blocks_needed(effects, shift, draw, _REPLAYS)
        needed[way] = [
            _blocks_needed(draw.choices(effects, k=len(effects)), shift, draw, 60) for _ in range(200)
        ]
        needed[way].append(point)
        sd = inference.standard_deviation(effects) or math.nan
        seconds = inference.median([s for _, s in measured])
        print(
            f"  {way:20} {point:5.0f} blocks, block sd {sd:.4f}, {seconds:.2f} s a block, "
            f"so {point * seconds:.0f} s; {len(measured)} blocks recorded"
        )
    first, second = needed.values()
    ratios = [a / b for a, b in zip(first[:-1], second[:-1], strict=True)]
    alternating, apart = ([e for e, _ in measured] for measured in ways.values())
    squares = []
    for _ in range(2000):
        first_draw, second_draw = (draw.choices(effects, k=len(effects)) for effects in (alternating, apart))
        squares.append(_mean_square(first_draw) / _mean_square(second_draw))
    print(
        f"  alternating needs {first[-1] / second[-1]:.2f} {_between(ratios)} of the blocks; by the squares "
        f"of the block sd {_mean_square(alternating) / _mean_square(apart):.2f} {_between(squares)} "
        "(wanted: at most 0.50)"
    )


def _mean_square(effects: Sequence[float]) -> float:
    return math.fsum(e * e for e in effects) / len(effects)


def _between(values: Sequence[float]) -> str:
    return f"[{inference.quantile(values, 0.025):.2f}, {inference.quantile(values, 0.975):.2f}]"


def _blocks_needed(effects: Sequence[float], shift: float, draw: random.Random, replays: int) -> float:
    """Blocks that half of the replays need, with effects drawn again (those of A/A: of either sign)."""
    taken = []
    for _ in range(replays):
        below, blocks = 0.0, 0
        while blocks < _MOST_BLOCKS:
            blocks += 1
            below += draw.choice(effects) * draw.choice((1, -1)) + shift < 0
            if 2 * below < blocks and _is_verdict(below, blocks):
                break
        taken.append(float(blocks))
    return inference.median(taken)
