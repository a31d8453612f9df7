"""Measures how near an engine's pictures are to a reference's, and sees plain faults in them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .base import Engine
from .parity import PERCENT, Parity
from .parity_pairs import Pair

_BLACK = 2  # grey levels; a picture that is nowhere brighter is black
_CLEARLY_LIT = 16
_PATCH = 0.01  # share of the pixels that are black by mistake, from which on it is named
_OTHER_DB = 20.0  # below, it is no coarser version of the picture but another one


def fused_pictures(engine: Engine, pairs: Sequence[Pair]) -> list[np.ndarray]:
    """What ``engine`` makes of the pairs, in their order; each (H, W, 3) uint8 BGR."""
    return [engine.fuse(ir, vis) for ir, vis in pairs]


def measure(
    engine: Engine | Sequence[np.ndarray],
    reference: Engine | Sequence[np.ndarray],
    pairs: Sequence[Pair],
    named: str = "",
) -> Parity:
    """Compare an engine with a reference, or their finished pictures.

    Args:
        engine: opened for the size of the pairs, or its pictures (H, W, 3) uint8 BGR.
        reference: likewise.
        pairs: at least one, see `parity_pairs.parity_pairs`.
        named: name of the reference; what the engine says of itself where left empty.

    Raises:
        EngineError: one of them fails while fusing.
        ValueError: no pairs, not as many pictures as pairs, or pictures of unequal shape.
    """
    if not named:
        named = "the reference" if isinstance(reference, Sequence) else described(reference)
    ours, theirs = (
        who if isinstance(who, Sequence) else fused_pictures(who, pairs)
        for who in (engine, reference)
    )
    if not pairs or not len(ours) == len(theirs) == len(pairs):
        raise ValueError(f"{len(ours)} and {len(theirs)} pictures for {len(pairs)} pairs")
    squares, levels, worst, fault = [], 0, 0, ""
    for own, right, (_, vis) in zip(ours, theirs, pairs, strict=True):
        if own.shape != right.shape or own.dtype != np.uint8:
            raise ValueError(f"{own.dtype} {own.shape} cannot be compared with {right.shape}")
        counts = difference_counts(own, right)
        squares.append(mean_square(counts))
        levels = max(levels, _percentile(counts))
        worst = max(worst, int(np.flatnonzero(counts)[-1]))
        fault = fault or _fault(own, right, vis, psnr(squares[-1]))
    return Parity(
        psnr_db=psnr(max(squares)),
        mean_db=psnr(float(np.mean(squares))),
        p9999=levels,
        worst=worst,
        pairs=len(pairs),
        reference=named,
        fault=fault,
    )


def difference_counts(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How many values differ by 0, 1, ... 255 grey levels; shape (256,)."""
    return np.bincount(np.abs(one.astype(np.int16) - other).ravel(), minlength=256)


def mean_square(counts: np.ndarray) -> float:
    """Mean square difference, from `difference_counts`."""
    return float((counts * np.arange(256.0) ** 2).sum() / counts.sum())


def psnr(square: float) -> float:
    """Peak signal-to-noise ratio in dB of a mean square difference; inf for 0."""
    return math.inf if square == 0 else 10 * math.log10(255**2 / square)


def _percentile(counts: np.ndarray) -> int:
    """Least number of levels that holds 99.99 % of the differences."""
    within = np.cumsum(counts) >= counts.sum() * (PERCENT / 100)
    return int(np.argmax(within))


def _fault(own: np.ndarray, right: np.ndarray, vis: np.ndarray, psnr_db: float) -> str:
    """What a person would say at once; empty when there is nothing of the kind.

    Numbers that are not finite end as black or as any level once they are bytes, so they show
    here.
    """
    if psnr_db == math.inf:
        return ""
    if _is_black(own) and not _is_black(right):
        return "the picture is black"
    if _is_flat(own) and not _is_flat(right):
        return f"the picture is one flat colour, BGR {own[0, 0].tolist()}"
    if np.array_equal(own, vis):
        return "the picture is the visible one, nothing was fused"
    lost = float(np.mean((own.max(axis=2) <= _BLACK) & (right.max(axis=2) > _CLEARLY_LIT)))
    if lost >= _PATCH:
        return f"{lost:.0%} of the picture is black where it must not be"
    return "the picture is a wholly different one" if psnr_db < _OTHER_DB else ""


def _is_black(picture: np.ndarray) -> bool:
    return int(picture.max()) <= _BLACK


def _is_flat(picture: np.ndarray) -> bool:
    return bool((picture == picture[0, 0]).all())


def described(engine: Engine) -> str:
    """What a reference is called in `Parity.reference`, for instance "onnxruntime 1.20 fp32"."""
    return f"{engine.info.name} {engine.info.version} {engine.info.precision}"
