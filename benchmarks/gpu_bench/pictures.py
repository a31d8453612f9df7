"""Pairs to fuse, made once for each size."""

from __future__ import annotations

from functools import lru_cache

from engines.parity_pairs import Pair, parity_pairs


@lru_cache(maxsize=8)
def pictures(size_wh: tuple[int, int]) -> list[Pair]:
    """A few real-looking pairs: constant ones could run faster than a camera's."""
    return parity_pairs(size_wh)
