"""Saliency of pictures, computed once and kept on disk under a hash of the content."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch

from trainer.errors import DataError
from trainer.latlrr import DUAL_TOLERANCE, LAMBDA, TOLERANCE
from trainer.saliency import PATCH, PATCH_SHORT_SIDE, learn_patch_filter, reduced, saliency
from trainer.whole_file import replace_whole, writing

SHORT_SIDE = 72  # px at which LatLRR runs: a second a picture, and 7 px of VGA still show

# Change them with the computation.
_SCHEME = f"latlrr-3 lambda {LAMBDA} short side {SHORT_SIDE} to {TOLERANCE} {DUAL_TOLERANCE}"
_FILTER_SCHEME = f"patch-filter-1 lambda {LAMBDA} patch {PATCH} short side {PATCH_SHORT_SIDE}"


class SaliencyCache:
    """Looks saliency maps up by the pixels they belong to, never by file name or time.

    Args:
        folder: made when missing; may be shared by several trainings and be deleted any time.
    Raises:
        WriteError: the folder cannot be made; from the methods, a map cannot be kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def get(self, ir: np.ndarray) -> np.ndarray:
        """LatLRR saliency of an infrared picture.

        Args:
            ir: (H, W) uint8.
        Returns:
            (H, W) float32, about 0..0.5; smooth, because LatLRR saw the picture reduced.
        """
        path = self._path(ir)
        if not path.is_file():
            _compute(ir, path)
        size_wh = (ir.shape[1], ir.shape[0])
        small = _load(path).astype(np.float32)
        return cv2.resize(small, size_wh, interpolation=cv2.INTER_LINEAR)

    def fill(self, pictures: Iterable[np.ndarray], workers: int = 1) -> Iterator[bool]:
        """Compute the maps that are missing, in several processes at a time.

        Args:
            pictures: (H, W) uint8; taken one by one, so that they need not all be in memory.
            workers: processes; 1 computes in this one.
        Yields:
            For each picture in its order, once its map is there: whether it had been missing.
        """
        if workers <= 1:
            for ir in pictures:
                path = self._path(ir)
                missing = not path.is_file()
                if missing:
                    _compute(ir, path)
                yield missing
            return
        # Not forked: a copy of a process that runs threads of torch may lock up.
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _lone) as pool:
            waiting: deque[Future[None] | None] = deque()
            for ir in pictures:
                path = self._path(ir)
                waiting.append(None if path.is_file() else pool.submit(_compute, ir, path))
                if len(waiting) > 2 * workers:
                    yield _finished(waiting.popleft())
            while waiting:
                yield _finished(waiting.popleft())

    def patch_filter(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """`learn_patch_filter` of these pictures, in this order; from the folder where it is there.

        Raises:
            DataError: there are no pictures, or one is too small.
        """
        digest = hashlib.sha256(_FILTER_SCHEME.encode())
        for picture in pictures:
            digest.update(content_hash(picture).encode())
        path = self.folder / f"{digest.hexdigest()[:32]}.npy"
        if not path.is_file():
            _save(path, learn_patch_filter(pictures))
        return _load(path)

    def _path(self, ir: np.ndarray) -> Path:
        return self.folder / f"{content_hash(ir)}.npy"


def _compute(ir: np.ndarray, path: Path) -> None:
    plane = torch.from_numpy(reduced(ir, SHORT_SIDE)).double() / 255
    _save(path, saliency(plane).numpy().astype(np.float16))


def _save(path: Path, values: np.ndarray) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.save(file, values)

    with writing(path):
        replace_whole(path, write)


def _load(path: Path) -> np.ndarray:
    try:
        values: np.ndarray = np.load(path)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as saliency: {error}",
            hint="delete it, it is computed again",
        ) from error
    return values


def _lone() -> None:
    """The processes share the cores; each keeps to one."""
    torch.set_num_threads(1)


def _finished(task: Future[None] | None) -> bool:
    if task is None:
        return False
    task.result()
    return True


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
