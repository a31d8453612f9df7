"""Which pair a cut comes from, and which cuts a step takes: both follow from numbers alone.

A training that goes on after a stop, or that is shared by several processes, so sees the same
cuts as one that ran through by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from trainer.settings import TrainSettings

_ORDER, CUT, CARD = 0, 1, 2  # what a random stream is for


class PairOrder:
    """Endless order of pairs in which each appears as often as its weight asks.

    It goes in rounds. In round t a pair of weight w appears floor(w (t + 1) + u) - floor(w t + u)
    times, u being a random offset of the pair: on average w times, once each where all weights
    are 1. Each round is shuffled by itself.

    Args:
        weights: of the pairs, above 0.
        seed: of all random choices.
    """

    def __init__(self, weights: Sequence[float], seed: int) -> None:
        self.weights = np.asarray(weights, np.float64)
        self.seed = seed
        self.offsets = np.random.default_rng((seed, _ORDER)).random(len(self.weights))
        self._round = lru_cache(maxsize=4)(self._shuffled)

    def __call__(self, number: int) -> int:
        """Place in ``weights`` of the pair that cut ``number`` (0 or above) comes from."""
        turn = self._turn_of(number)
        return int(self._round(turn)[number - int(self._counts(turn).sum())])

    def _counts(self, turn: int) -> np.ndarray:
        """How often each pair appears before round ``turn``."""
        # Whole weights are exact in float64; others drift by no more than one cut.
        return np.floor(self.weights * turn + self.offsets).astype(np.int64)

    def _turn_of(self, number: int) -> int:
        """Last round that begins at or before ``number``."""
        low = 0
        high = int((number + len(self.weights)) / self.weights.sum()) + 2
        while low < high:
            middle = (low + high + 1) // 2
            if self._counts(middle).sum() <= number:
                low = middle
            else:
                high = middle - 1
        return low

    def _shuffled(self, turn: int) -> np.ndarray:
        times = self._counts(turn + 1) - self._counts(turn)
        pairs = np.repeat(np.arange(len(times)), times)
        return np.random.default_rng((self.seed, _ORDER, turn)).permutation(pairs)


class Step(NamedTuple):
    """What one step works on.

    Attributes:
        number: of the step, from 0.
        crop: side of the cuts, px.
        cuts: numbers of all cuts of the step.
    """

    number: int
    crop: int
    cuts: range

    def share(self, rank: int, size: int) -> range:
        """The cuts that fall to one of ``size`` processes; `check_shares` says that they divide."""
        return self.cuts[rank::size]


def plan_steps(settings: TrainSettings, begin: int = 0) -> Iterator[Step]:
    """The steps of a training from step ``begin`` on."""
    first_cut = first_step = 0
    for phase, end in zip(settings.phases, settings.ends(), strict=True):
        for number in range(max(begin, first_step), end):
            cut = first_cut + (number - first_step) * phase.batch
            yield Step(number, phase.crop, range(cut, cut + phase.batch))
        first_cut += (end - first_step) * phase.batch
        first_step = end
