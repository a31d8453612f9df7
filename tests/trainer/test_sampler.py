from __future__ import annotations

from collections import Counter

import pytest

from trainer.sampler import PairOrder, plan_steps
from trainer.settings import Phase, TrainSettings

SETTINGS = TrainSettings(
    steps=6, phases=(Phase(share=0.5, crop=192, batch=4), Phase(share=0.5, crop=288, batch=2))
)


def test_equal_weights_visit_every_pair_once_a_round():
    order = PairOrder([1.0] * 7, seed=3)
    rounds = [[order(number) for number in range(7 * turn, 7 * turn + 7)] for turn in range(3)]
    assert all(sorted(visited) == list(range(7)) for visited in rounds)
    assert rounds[0] != rounds[1]


@pytest.mark.parametrize("weights", [[1, 2], [0.5, 1.5, 1], [0.01, 0.03], [3], [1e-3, 1]], ids=str)
def test_pairs_are_drawn_as_often_as_they_weigh(weights):
    cuts = 4000
    drawn = Counter(map(PairOrder(weights, seed=1), range(cuts)))
    for pair, weight in enumerate(weights):
        assert drawn[pair] == pytest.approx(cuts * weight / sum(weights), abs=2 + max(weights))


def test_order_depends_on_seed_and_number_alone():
    first, other = PairOrder([1.0] * 20, seed=1), PairOrder([1.0] * 20, seed=2)
    forwards = [first(number) for number in range(60)]
    again = PairOrder([1.0] * 20, seed=1)
    assert [again(number) for number in reversed(range(60))] == forwards[::-1]
    assert [other(number) for number in range(60)] != forwards


def test_steps_take_their_phases_cuts_and_no_cut_twice():
    steps = list(plan_steps(SETTINGS))
    assert [step.number for step in steps] == [0, 1, 2, 3, 4, 5]
    assert [step.crop for step in steps] == [192] * 3 + [288] * 3
    assert [cut for step in steps for cut in step.cuts] == list(range(3 * 4 + 3 * 2))


@pytest.mark.parametrize("begin", range(7))
def test_plan_goes_on_from_any_step(begin):
    assert list(plan_steps(SETTINGS, begin)) == list(plan_steps(SETTINGS))[begin:]


def test_processes_share_the_cuts_of_a_step():
    step = next(plan_steps(SETTINGS))
    shares = [step.share(rank, 2) for rank in range(2)]
    assert sorted(cut for share in shares for cut in share) == list(step.cuts)
    assert len(shares[0]) == len(shares[1])


def test_phases_end_where_their_shares_say():
    shares = [Phase(share=share, crop=192, batch=1) for share in (0.6, 0.3, 0.1)]
    assert TrainSettings(steps=1000, phases=shares).ends() == [600, 900, 1000]
