"""Saliency of training pictures, computed once and kept on disk under a hash of the content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import torch

from trainer.latlrr import LAMBDA, saliency

SHORT_SIDE = 72  # px at which LatLRR runs: a second a picture, and 7 px of VGA still show
_SCHEME = f"latlrr-2 lambda {LAMBDA} short side {SHORT_SIDE}"  # change it with the computation


class SaliencyCache:
    """Looks saliency maps up by the pixels they belong to, never by file name or time.

    Args:
        folder: made when missing; may be shared by several trainings and be deleted any time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, ir: np.ndarray) -> np.ndarray:
        """LatLRR saliency of an infrared picture.

        Args:
            ir: (H, W) uint8.
        Returns:
            (H, W) float32, about 0..0.5; smooth, because LatLRR saw the picture reduced.
        """
        path = self.folder / f"{content_hash(ir)}.npy"
        small = np.load(path) if path.is_file() else self._compute(ir, path)
        size_wh = (ir.shape[1], ir.shape[0])
        return cv2.resize(small.astype(np.float32), size_wh, interpolation=cv2.INTER_LINEAR)

    def _compute(self, ir: np.ndarray, path: Path) -> np.ndarray:
        scale = min(1.0, SHORT_SIDE / min(ir.shape))
        size_wh = (round(ir.shape[1] * scale), round(ir.shape[0] * scale))
        reduced = cv2.resize(ir, size_wh, interpolation=cv2.INTER_AREA)
        small = saliency(torch.from_numpy(reduced).double() / 255).numpy().astype(np.float16)
        temporary = path.with_suffix(f".{os.getpid()}.part")
        with temporary.open("wb") as file:
            np.save(file, small)
        os.replace(temporary, path)
        return small


def by_level(ir: np.ndarray, saliency_map: np.ndarray) -> np.ndarray:
    """How salient each level of grey of an infrared picture is on average.

    The map itself is smooth and ends in the middle of things; what comes out here has the edges
    of the picture, and a warmer pixel is never less salient than a cooler one.

    Args:
        ir: (H, W) uint8.
        saliency_map: (H, W), see `SaliencyCache.get`.
    Returns:
        (H, W) float32, in the range of the map.
    """
    # Rare levels are judged together with their neighbours.
    window = np.hanning(19)[1:-1]
    count = np.convolve(np.bincount(ir.ravel(), minlength=256), window, mode="same")
    sums = np.bincount(ir.ravel(), weights=saliency_map.ravel(), minlength=256)
    total = np.convolve(sums, window, mode="same")
    level = np.divide(total, count, out=np.full(256, -np.inf), where=count > 0)
    level = np.maximum.accumulate(level)
    return level.astype(np.float32)[ir]


def content_hash(ir: np.ndarray) -> str:
    """Hash of pixels, shape and of everything that the saliency depends on."""
    digest = hashlib.sha256(_SCHEME.encode())
    digest.update(repr((ir.shape, ir.dtype.str)).encode())
    digest.update(np.ascontiguousarray(ir).data)
    return digest.hexdigest()[:32]
