"""Orders of rounds: drawn anew for each turn, the same for the same seed."""

from __future__ import annotations

from collections import Counter

from parlab.workers.sitting import loop


def test_each_turn_has_each_trial_once() -> None:
    for order in loop.orders(seed=3, trials=5, turns=20):
        assert sorted(order) == [0, 1, 2, 3, 4]


def test_the_same_seed_gives_the_same_orders_and_another_gives_others() -> None:
    first, again, other = (list(loop.orders(seed, 4, 10)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_no_place_belongs_to_a_trial() -> None:
    places = Counter(order.index(0) for order in loop.orders(7, 4, 400))
    assert all(60 < places[place] < 140 for place in range(4))


def test_the_hash_seed_is_drawn_from_the_seed_and_never_switches_randomness_off() -> None:
    assert loop.hash_seed(5) == loop.hash_seed(5)
    assert loop.hash_seed(5) != loop.hash_seed(6)
    assert all(0 < loop.hash_seed(seed) < 2**32 for seed in range(500))
