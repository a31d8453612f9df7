"""Salience of training pictures by either of the two ways of LatLRR, behind one face."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from trainer.saliency import patch_saliency
from trainer.saliency_cache import SaliencyCache, by_level

# Pictures that the filter is learned from; its values hardly change after the first few.
FILTER_PICTURES = 40


class Salience(Protocol):
    """How salient each pixel of an infrared picture is."""

    def __call__(self, ir: np.ndarray) -> np.ndarray:
        """(H, W) uint8 to (H, W) float32, 0..0.5."""

    def prepare(self, pictures: Iterable[np.ndarray], workers: int) -> Iterator[bool]:
        """Do beforehand what takes long, in ``workers`` processes; yields once for each picture."""


class PatchSalience:
    """Warmer than its surroundings: the learned patch projection as one filter, 2 ms a picture.

    Args:
        pictures: infrared pictures (H, W) uint8 to learn from.
        cache: keeps the filter.
    Raises:
        DataError: as `SaliencyCache.patch_filter`.
    """

    def __init__(self, pictures: Sequence[np.ndarray], cache: SaliencyCache) -> None:
        self.kernel = cache.patch_filter(pictures)

    def __call__(self, ir: np.ndarray) -> np.ndarray:
        """As of `Salience`."""
        return patch_saliency(ir, self.kernel)

    def prepare(self, pictures: Iterable[np.ndarray], workers: int) -> Iterator[bool]:
        """As of `Salience`; there is nothing to do."""
        return (False for _ in pictures)


class WholeSalience:
    """LatLRR of the whole picture, seconds each unless the cache has it.

    Args:
        cache: of the maps.
    """

    def __init__(self, cache: SaliencyCache) -> None:
        self.cache = cache

    def __call__(self, ir: np.ndarray) -> np.ndarray:
        """As of `Salience`."""
        return by_level(ir, self.cache.get(ir))

    def prepare(self, pictures: Iterable[np.ndarray], workers: int) -> Iterator[bool]:
        """As of `Salience`; yields whether the map had been missing."""
        return self.cache.fill(pictures, workers)
