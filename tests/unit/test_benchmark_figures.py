"""Figures that the benchmarks of noise and of A/A compute from a recording."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from benchmarks.method import aa_figures
from benchmarks.noise import figures as noise_figures
from benchmarks.noise import recording
from benchmarks.noise.recording import Recorded, RecordedTrial
from parlab.orchestrator.analysis.selftest import rates as selftest_rates
from parlab.workers.sitting import loop


def _trial(name: str, *seconds: float, outcome: str = "measured") -> RecordedTrial:
    return RecordedTrial(name, outcome, None, seconds, tuple(range(len(seconds))))


def _sitting(setting: str, *trials: RecordedTrial, seconds: float = 2.0) -> Recorded:
    return Recorded(setting, 0.0, seconds, trials)


def test_only_equal_trials_that_count_are_paired() -> None:
    sitting = _sitting(
        "s", _trial("a", 1.0, 3.0), _trial("b", 9.0, 9.0), _trial("a", 2.0, 6.0),
        _trial("a", 5.0, 5.0, outcome="rejected: steal"),
    )  # fmt: skip
    effects = noise_figures.pairs(sitting, noise_figures.SUMMARIES["total"])
    assert effects == pytest.approx([math.log(0.5)])


def test_the_block_sd_of_many_equal_trials_is_that_of_a_pair() -> None:
    draw = random.Random(5)
    sittings = [
        _sitting("s", *(_trial("a", math.exp(draw.gauss(0, 0.1))) for _ in range(8))) for _ in range(400)
    ]
    noise = noise_figures.Noise(sittings, path_seconds=0.1)
    # A log ratio of two levels of sd 0.1 each.
    assert noise.sd == pytest.approx(0.1 * math.sqrt(2), rel=0.05)
    assert noise.middle == pytest.approx(0.1 * math.sqrt(2), rel=0.05)
    # Seven comparisons with one baseline share the sitting.
    assert noise.cost == pytest.approx(2.1 / 7)


def test_a_burst_moves_the_total_and_not_the_median_of_turns() -> None:
    calm, hit = (1.0, 1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 6.0, 1.0, 1.0)
    assert noise_figures.SUMMARIES["total"](hit, calm) == pytest.approx(math.log(2))
    assert noise_figures.SUMMARIES["turns' log ratios, median"](hit, calm) == 0.0


def test_a_trimmed_mean_leaves_out_both_ends() -> None:
    assert noise_figures.trimmed_mean([100.0, 1.0, 2.0, 3.0, -50.0], 0.2) == 2.0


def test_the_first_verdict_is_that_of_the_analysis_and_has_a_sign() -> None:
    draw = random.Random(7)
    found = set()
    for _ in range(60):
        effects = [draw.gauss(0.4, 1.0) for _ in range(60)]
        after = selftest_rates.verdict_after(effects, aa_figures.ALPHA)
        mine = aa_figures.first_verdict(effects)
        assert (None if mine is None else abs(mine)) == after
        mirrored = aa_figures.first_verdict([-e for e in effects])
        assert mirrored == (None if mine is None else -mine)
        found.add(mine is None)
    assert found == {True, False}, "some are found and some are not"


def test_welch_is_students_where_both_sides_vary_alike_and_milder_where_not() -> None:
    a, b = [1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0]
    assert aa_figures.welch_p(a, b) == pytest.approx(selftest_rates.t_test_p(a, b))
    wide = [-7.0, 0.0, 9.0, 16.0]
    assert aa_figures.welch_p(a, wide) > selftest_rates.t_test_p(a, wide)


def test_a_rejected_trial_voids_its_pair_in_that_block_only() -> None:
    same = aa_figures.name_of(0)
    blocks = [
        _sitting("block", _trial(same, 2.0), _trial(same, 1.0)),
        _sitting("block", _trial(same, 2.0, outcome="rejected: steal"), _trial(same, 1.0)),
        _sitting("block", _trial(same, 1.0), _trial(same, 1.0)),
    ]
    (levels,) = aa_figures.equal_pairs(blocks)
    assert aa_figures.effects_of(levels) == pytest.approx([math.log(2), 0.0])


def test_a_planted_trial_is_compared_with_an_equal_one_of_its_sitting() -> None:
    same = [_trial(aa_figures.name_of(0), 1.0) for _ in range(6)]
    planted = [_trial(aa_figures.name_of(p), 1 + p / 100) for p in aa_figures.PERCENTS]
    blocks = [_sitting("block", *same, *planted), _sitting("block", *same)]
    for percent in aa_figures.PERCENTS:
        effects = aa_figures.effects_of(aa_figures.planted_pair(blocks, percent))
        assert effects == pytest.approx([math.log1p(percent / 100)])
        assert aa_figures.against_all(blocks, percent) == pytest.approx(effects)


def test_a_recording_is_read_as_it_was_written_but_for_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    assert recording.read(path) == []
    sitting = _sitting("s", _trial("a", 0.1, 0.2), _trial("a", 0.3, 0.4, outcome="lost: died"))
    recording.append(path, sitting)
    recording.append(path, sitting)
    path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    assert recording.read(path) == [sitting]


def test_orders_are_changed_while_asked_for_and_no_longer() -> None:

    usual = list(loop.orders(3, 4, 6))
    with recording.orders_changed(recording.mirrored):
        changed = list(loop.orders(3, 4, 6))
    assert changed[::2] == usual[::2]
    assert changed[1::2] == [order[::-1] for order in usual[::2]]
    with recording.orders_changed(recording.doubled):
        assert next(iter(loop.orders(3, 4, 6))) == [index for index in usual[0] for _ in range(2)]
    assert list(loop.orders(3, 4, 6)) == usual
