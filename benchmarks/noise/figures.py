"""Figures of recorded A/A sittings: block sd, what a block costs, both at once; by setting and summary."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import NormalDist

from benchmarks.noise.recording import Recorded
from parlab.orchestrator.analysis.stopping import half_width
from parlab.orchestrator.statistics import inference

#: Resamples of a bootstrap interval.
_RESAMPLES = 1000
#: What an experiment wants that does not say it, and when a replay is given up.
_PRECISION_RATIO = 0.1
_MOST_BLOCKS = 500
_LENGTHS_SECONDS = (0.1, 0.2, 0.3, 0.5, 1.0)
#: Rounds of two trials, turn by turn → the effect between them.
Summary = Callable[[Sequence[float], Sequence[float]], float]


def trimmed_mean(values: Sequence[float], share: float) -> float:
    """Mean without the lowest and the highest ``share`` of the values, each."""
    ordered = sorted(values)
    cut = int(share * len(ordered))
    kept = ordered[cut : len(ordered) - cut]
    return math.fsum(kept) / len(kept)


def of_levels(level: Callable[[Sequence[float]], float]) -> Summary:
    """Make the effect of a level of each trial."""
    return lambda a, b: math.log(level(a) / level(b))


def of_turns(middle: Callable[[Sequence[float]], float]) -> Summary:
    """Make the effect of the turns' own log ratios."""
    return lambda a, b: middle([math.log(x / y) for x, y in zip(a, b, strict=True)])


#: The first is what parlab does; its estimand is what a user pays.
SUMMARIES: dict[str, Summary] = {
    "total": of_levels(math.fsum),
    "total without the first round": of_levels(lambda s: math.fsum(s[1:])),
    "trimmed mean, 10 %": of_levels(lambda s: trimmed_mean(s, 0.1)),
    "trimmed mean, 20 %": of_levels(lambda s: trimmed_mean(s, 0.2)),
    "median": of_levels(inference.median),
    "minimum": of_levels(min),
    "turns' log ratios, mean": of_turns(lambda d: math.fsum(d) / len(d)),
    "turns' log ratios, trimmed 20 %": of_turns(lambda d: trimmed_mean(d, 0.2)),
    "turns' log ratios, median": of_turns(inference.median),
}


def pairs(sitting: Recorded, summary: Summary, turns: int | None = None) -> list[float]:
    """Give the effects between all equal trials of a sitting that were measured, by their first ``turns``."""
    measured = [trial for trial in sitting.trials if trial.outcome == "measured"]
    return [
        summary(a.seconds[:turns], b.seconds[:turns])
        for a, b in itertools.combinations(measured, 2)
        if a.name == b.name
    ]


class Noise:
    """The sittings of one setting: noise and cost, which a bootstrap asks for again and again."""

    def __init__(
        self, sittings: Sequence[Recorded], path_seconds: float, summary: Summary = SUMMARIES["total"],
        turns: int | None = None,
    ) -> None:  # fmt: skip
        """``path_seconds`` come to each sitting; ``turns``: only the first ones count for the effects."""
        effects = [pairs(sitting, summary, turns) for sitting in sittings]
        self.effects = [own for own in effects if own]
        #: Mean square of a sitting's effects: over all pairs of n trials it has the n - 1 trials' own
        #: degrees of freedom.
        self.squares = [math.fsum(e * e for e in own) / len(own) for own in self.effects]
        count = len(sittings[0].trials) if sittings else 0
        #: Cost of a comparison with one baseline; sittings that gave nothing are paid as well.
        self.costs = [(s.seconds + path_seconds) / max(count - 1, 1) for s in sittings]
        self.rejected = sum(t.outcome != "measured" for s in sittings for t in s.trials)

    @property
    def sd(self) -> float:
        """Block sd of an effect (natural logarithm)."""
        return math.sqrt(math.fsum(self.squares) / len(self.squares))

    @property
    def middle(self) -> float:
        """Half of the effects are closer to 0 than this times 0.67: a normal's sd, of their middle.

        This, and not the outliers, decides how wide the interval of the median is.
        """
        every = [abs(effect) for own in self.effects for effect in own]
        return inference.median(every) / NormalDist().inv_cdf(0.75)

    @property
    def cost(self) -> float:
        """Seconds of a block for one comparison."""
        return math.fsum(self.costs) / len(self.effects)

    def resampled(self, draw: random.Random) -> Noise:
        """Draw as many sittings again, with replacement."""
        chosen = draw.choices(range(len(self.effects)), k=len(self.effects))
        made = object.__new__(Noise)
        made.effects = [self.effects[i] for i in chosen]
        made.squares = [self.squares[i] for i in chosen]
        made.costs = self.costs
        made.rejected = self.rejected
        return made

    def seconds_to_precision(self, draw: random.Random, replays: int) -> float:
        """Seconds until half of the replays have a half-width of 10 %: resampled effects, of either sign."""
        every = [effect for own in self.effects for effect in own]
        taken = [
            _blocks_to_precision(lambda: draw.choice(every) * draw.choice((1, -1))) for _ in range(replays)
        ]
        return inference.median(taken) * self.cost

    def price(self, *, middle: bool) -> float:
        """Give sd² × seconds: to what the time for a verdict is proportional."""
        return float((self.middle if middle else self.sd) ** 2 * self.cost)


def interval(values: Sequence[float]) -> str:
    """Write the percentile interval at 95 %."""
    return f"[{inference.quantile(values, 0.025):.3g}, {inference.quantile(values, 0.975):.3g}]"


def report(
    recorded: Sequence[Recorded], names: Sequence[str], rounds: Mapping[str, str], path_seconds: float
) -> None:
    """Print all tables. ``rounds`` gives the length of rounds of settings that differ in nothing unusual."""
    by_setting = {name: [s for s in recorded if s.setting == name] for name in names}
    by_setting = {name: sittings for name, sittings in by_setting.items() if sittings}
    if not by_setting:
        print("nothing is recorded yet: add --minutes 5")
        return
    rejected = sum(t.outcome != "measured" for s in recorded for t in s.trials)
    print(f"{len(recorded)} sittings; {rejected} of {sum(len(s.trials) for s in recorded)} trials rejected")
    for kind in ("serial", "threads", "processes"):
        _settings({n: _only(s, kind) for n, s in by_setting.items()}, path_seconds, kind)
    for name in ("base", "round 5 ms", "12 trials", "12 trials, 5 ms", "pools of 2"):
        for kind in ("serial", "threads", "processes"):
            _summaries(name, kind, _only(by_setting.get(name, []), kind), path_seconds)
    _waiting({n: _only(s, "serial") for n, s in by_setting.items()})
    _pools(by_setting)
    _per_second(recorded, rounds)
    _trial_lengths([s for s in recorded if s.setting in rounds])
    for name in rounds:
        _parts(name, by_setting.get(name, []))


def _only(sittings: Sequence[Recorded], kind: str) -> list[Recorded]:
    """Keep the trials of one name, with the whole sitting's cost shared among all."""
    kept = []
    for s in sittings:
        trials = tuple(t for t in s.trials if t.name == kind)
        if trials:
            kept.append(Recorded(s.setting, s.unix_seconds, s.seconds * len(trials) / len(s.trials), trials))
    return kept


def _settings(by_setting: dict[str, list[Recorded]], path_seconds: float, kind: str) -> None:
    draw = random.Random(1)
    noises = {name: Noise(sittings, path_seconds) for name, sittings in by_setting.items() if sittings}
    noises = {name: noise for name, noise in noises.items() if len(noise.effects) > 1}
    if not noises:
        return
    first = next(iter(noises.values()))
    again = [first.resampled(draw) for _ in range(_RESAMPLES)]
    print(f"\n{kind}: price = sd² × seconds, relative to {next(iter(noises))!r} (below 1: better)")
    print(
        "setting              sittings  s/block  block sd               price            "
        "sd of the middle, its price  s to ± 10 %"
    )
    for name, noise in noises.items():
        other = again if noise is first else [noise.resampled(draw) for _ in range(_RESAMPLES)]
        cells = [f"{noise.sd:.4f} {interval([o.sd for o in other])}"]
        for middle in (False, True):
            ratio = noise.price(middle=middle) / first.price(middle=middle)
            spread = [
                o.price(middle=middle) / f.price(middle=middle) for o, f in zip(other, again, strict=True)
            ]
            cells.append(f"{ratio:.2f} {'' if noise is first else interval(spread)}")
        print(
            f"{name:20} {len(noise.effects):8} {noise.cost:8.3f}  {cells[0]:22} {cells[1]:16} "
            f"{noise.middle:.4f} {cells[2]:18} {noise.seconds_to_precision(draw, 300):5.1f} "
            f"{interval([o.seconds_to_precision(draw, 15) for o in other[:100]])}"
        )


def _summaries(name: str, kind: str, sittings: Sequence[Recorded], path_seconds: float) -> None:
    if len(sittings) < 2:
        return
    noises = {what: Noise(sittings, path_seconds, summary) for what, summary in SUMMARIES.items()}
    total = noises["total"]
    draws = [random.Random(seed) for seed in range(_RESAMPLES)]
    states = [draw.getstate() for draw in draws]
    print(f"\nsummary of rounds, {kind}, {name!r}: variance relative to that of the total, same sittings")
    for what, noise in noises.items():
        spread: dict[bool, list[float]] = {False: [], True: []}
        for draw, state in zip(draws, states, strict=True):
            # The same sittings are drawn for both.
            draw.setstate(state)
            a = noise.resampled(draw)
            draw.setstate(state)
            b = total.resampled(draw)
            spread[False].append((a.sd / b.sd) ** 2)
            spread[True].append((a.middle / b.middle) ** 2)
        print(
            f"  {what:32} sd {noise.sd:.4f}: {(noise.sd / total.sd) ** 2:.2f} {interval(spread[False])}; "
            f"middle {noise.middle:.4f}: {(noise.middle / total.middle) ** 2:.2f} {interval(spread[True])}"
        )


def _pools(by_setting: dict[str, list[Recorded]]) -> None:
    """Print the ratio between two kinds of pools, which the length of rounds must not change."""
    draw = random.Random(1)
    print("\nthreads' seconds over processes' in the same sitting, median over sittings")
    for name, sittings in by_setting.items():
        ratios = []
        for s in sittings:
            total = {
                kind: math.fsum(math.fsum(t.seconds) for t in s.trials if t.name == kind)
                for kind in ("threads", "processes")
            }
            if all(total.values()) and all(t.outcome == "measured" for t in s.trials):
                ratios.append(total["threads"] / total["processes"])
        if len(ratios) > 1:
            again = [inference.median(draw.choices(ratios, k=len(ratios))) for _ in range(_RESAMPLES)]
            print(f"  {name:20} {inference.median(ratios):.2f} {interval(again)}, {len(ratios)} sittings")


def _waiting(by_setting: dict[str, list[Recorded]]) -> None:
    """Print the noise that is left where waiting for a CPU is taken out: CPU seconds instead of seconds."""
    draw = random.Random(1)
    for name, sittings in by_setting.items():
        on_cpu = [
            _by_cpu(s) for s in sittings if all(t.cpu_seconds and None not in t.cpu_seconds for t in s.trials)
        ]
        if len(on_cpu) < 2:
            continue
        same = [s for s in sittings if all(t.cpu_seconds for t in s.trials)]
        wall, cpu = Noise(same, 0.0), Noise(on_cpu, 0.0)
        spread = []
        for _ in range(_RESAMPLES):
            state = draw.getstate()
            a = cpu.resampled(draw)
            draw.setstate(state)
            spread.append((a.sd / wall.resampled(draw).sd) ** 2)
        print(
            f"  CPU seconds, {name:20} sd {cpu.sd:.4f}, {(cpu.sd / wall.sd) ** 2:.2f} {interval(spread)} "
            f"of the variance of seconds"
        )


def _by_cpu(sitting: Recorded) -> Recorded:
    trials = tuple(replace(t, seconds=tuple(c or 0.0 for c in t.cpu_seconds)) for t in sitting.trials)
    return replace(sitting, trials=trials)


def _per_second(recorded: Sequence[Recorded], rounds: Mapping[str, str]) -> None:
    """Print sd² × seconds of a trial's rounds by length of rounds.

    Where noise is drawn anew in each round, trials of all lengths and sittings of all sizes say the same.
    """
    draw = random.Random(1)
    for what in ("total", "turns' log ratios, median"):
        print(f"\nnoise per second of rounds, serial, {what}: sd² × seconds, by length of rounds")
        by_rounds: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for sitting in recorded:
            effects = pairs(sitting, SUMMARIES[what])
            if effects and sitting.setting in rounds:
                measured = [t for t in sitting.trials if t.outcome == "measured"]
                length = math.fsum(math.fsum(t.seconds) for t in measured) / len(measured)
                square = math.fsum(e * e for e in effects) / len(effects)
                by_rounds[rounds[sitting.setting]].append((square * length, len(measured) - 1))
        for name, rows in sorted(by_rounds.items()):
            again = [_weighted(draw.choices(rows, k=len(rows))) for _ in range(_RESAMPLES)]
            print(
                f"  {name:6} {_weighted(rows) * 1000:7.2f} {interval([v * 1000 for v in again])} 10⁻³ s; "
                f"{len(rows)} sittings, {sum(df for _, df in rows)} degrees of freedom"
            )


def _trial_lengths(sittings: Sequence[Recorded]) -> None:
    """Print how long ± 10 % takes by length of trials, where that constant is what it is."""
    draw = random.Random(1)
    beyond = inference.median(
        [
            (s.seconds - math.fsum(math.fsum(t.seconds) for t in s.trials)) / len(s.trials)
            for s in sittings
            if all(t.outcome == "measured" for t in s.trials)
        ]
    )
    print(f"\nseconds of a trial until ± 10 %, normal noise; {beyond:.3f} s of each are no rounds")
    print("  sd² × s      " + "".join(f"{length:>9} s" for length in _LENGTHS_SECONDS))
    for constant in (0.3e-3, 1e-3, 4e-3, 10e-3):
        cells = []
        for length in _LENGTHS_SECONDS:
            sd = math.sqrt(constant / length)
            taken = [_blocks_to_precision(partial(draw.gauss, 0, sd)) for _ in range(200)]
            cells.append(f"{inference.median(taken) * (length + beyond):9.1f} s")
        print(f"  {constant * 1000:4.1f} · 10⁻³ s" + "".join(cells))


def _blocks_to_precision(drawn: Callable[[], float]) -> float:
    effects: list[float] = []
    while len(effects) < _MOST_BLOCKS:
        bisect.insort(effects, drawn())
        rank = inference.sequential_rank(len(effects), 0.05)
        if rank and half_width(effects[rank - 1], effects[-rank]) <= _PRECISION_RATIO:
            break
    return float(len(effects))


def _weighted(rows: Sequence[tuple[float, int]]) -> float:
    return math.fsum(value * df for value, df in rows) / sum(df for _, df in rows)


def _parts(name: str, sittings: Sequence[Recorded]) -> None:
    """Split an effect's variance: what stays with the interpreters, and what is drawn anew in each turn."""
    within, whole = [], []
    turns = 0
    for sitting in sittings:
        measured = [t for t in sitting.trials if t.outcome == "measured"]
        for a, b in itertools.combinations(measured, 2):
            turns = len(a.seconds)
            ratios = [math.log(x / y) for x, y in zip(a.seconds, b.seconds, strict=True)]
            sd = inference.standard_deviation(ratios) or 0.0
            within.append(sd * sd)
            whole.append((math.fsum(ratios) / turns) ** 2)
    if within:
        each, all_turns = math.fsum(within) / len(within), math.fsum(whole) / len(whole)
        stays = math.sqrt(max(all_turns - each / turns, 0.0))
        print(
            f"  {name:20} a turn's log ratio: sd {math.sqrt(each):.4f} anew in each of {turns} turns, "
            f"{stays:.4f} stays with two interpreters"
        )
