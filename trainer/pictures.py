"""Decoded training pictures with their salience masks, kept in memory as far as they fit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from trainer.layouts import PairFiles
from trainer.pairs import MIN_SIDE, PairHash, decode_pair, read_content, read_pair
from trainer.salience import Salience
from trainer.targets import salient_mask


class Picture(NamedTuple):
    """One pair, ready to be cut; planes are (H, W) uint8, the mask means 0..1 as 0..255."""

    ir: np.ndarray
    vis_y: np.ndarray
    mask: np.ndarray

    @property
    def nbytes(self) -> int:
        """Memory of the planes."""
        return sum(plane.nbytes for plane in self)


def with_mask(ir: np.ndarray, vis_y: np.ndarray, salience: Salience) -> Picture:
    """A decoded pair with what is salient in the whole of its infrared picture."""
    mask = salient_mask(torch.from_numpy(salience(ir))[None, None])[0, 0].numpy()
    return Picture(ir, vis_y, np.rint(mask * 255).astype(np.uint8))


class PictureStore:
    """Pictures by number; those that come first stay in memory until it is full.

    In each round of a training every picture is needed once, so that to throw old ones out for
    new ones would only cost time. Threads may share a store.

    Args:
        pairs: files.
        salience: of infrared pictures.
        memory: bytes that the planes may take.
        crop: side of the largest square that is to be cut from them, px; `load` refuses smaller
            pictures.

    Attributes:
        hashes: of the files of each pair that `load` has read, by number.
    """

    def __init__(
        self,
        pairs: Sequence[PairFiles],
        salience: Salience,
        memory: int,
        crop: int = MIN_SIDE,
    ) -> None:
        self.pairs, self.salience, self.crop = list(pairs), salience, crop
        self.free = memory
        self.hashes: dict[int, PairHash] = {}
        self._kept: dict[int, Picture] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> Picture:
        """The picture of pair ``number``, from memory or from its files.

        Raises:
            DataError: as `trainer.pairs.read_pair`.
        """
        picture = self._kept.get(number)
        if picture is None:
            picture = with_mask(*read_pair(self.pairs[number]), self.salience)
            self._keep(number, picture)
        return picture

    def load(self, numbers: Sequence[int], workers: int) -> Iterator[int]:
        """Read pictures before they are needed, so that their faults show at once; hash them.

        Args:
            numbers: of the pairs.
            workers: processes that compute saliency where it is missing.
        Yields:
            Each number, once its picture was read.
        """
        decoded: deque[tuple[np.ndarray, np.ndarray]] = deque()

        def infrared() -> Iterator[np.ndarray]:
            for number in numbers:
                content = read_content(self.pairs[number])
                self.hashes[number] = content.hashes()
                decoded.append(decode_pair(content, self.crop))
                yield decoded[-1][0]

        prepared = self.salience.prepare(infrared(), workers)
        for number, _ in zip(numbers, prepared, strict=True):
            self._keep(number, with_mask(*decoded.popleft(), self.salience))
            yield number

    def _keep(self, number: int, picture: Picture) -> None:
        with self._lock:
            if number not in self._kept and picture.nbytes <= self.free:
                self._kept[number] = picture
                self.free -= picture.nbytes
