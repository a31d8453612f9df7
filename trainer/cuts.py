"""Cuts of the training pictures, varied at random but always the same way for a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from trainer.pictures import Picture, PictureStore
from trainer.sampler import CARD, CUT, PairOrder


class Batch(NamedTuple):
    """Cuts of one step; planes are (B, 1, crop, crop) float32 in 0..1.

    Attributes:
        ir: infrared.
        vis_y: luma of the visible picture.
        mask: how salient the infrared is.
        scene: (B,) float32, 1 for a cut of a picture and 0 for a test card.
    """

    ir: Tensor
    vis_y: Tensor
    mask: Tensor
    scene: Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on ``device``."""
        return Batch(*(part.to(device) for part in self))


class CutMaker:
    """Makes the cuts of a training; cut ``i`` depends on the seed, ``i`` and its size alone.

    Args:
        store: pictures.
        weights: how often each is drawn.
        seed: of all random choices.
        cards: share of cuts that are test cards instead.
    """

    def __init__(
        self, store: PictureStore, weights: Sequence[float], seed: int, cards: float = 0.0
    ) -> None:
        self.store, self.seed, self.cards = store, seed, cards
        self.order = PairOrder(weights, seed)

    def name(self, cut: int) -> str:
        """Infrared file that cut ``cut`` comes from, or that it is a test card."""
        if self._is_card(cut):
            return "test card"
        return str(self.store.pairs[self.order(cut)].ir)

    def batch(self, cuts: Sequence[int], crop: int) -> Batch:
        """The cuts of these numbers, ``crop`` px wide and high."""
        batch = stack([self._cut(cut, crop) for cut in cuts])
        return batch._replace(scene=torch.tensor([float(not self._is_card(cut)) for cut in cuts]))

    def _is_card(self, cut: int) -> bool:
        return bool(np.random.default_rng((self.seed, CARD, cut)).random() < self.cards)

    def _cut(self, cut: int, crop: int) -> list[np.ndarray]:
        rng = np.random.default_rng((self.seed, CUT, cut))
        if self._is_card(cut):
            return test_card(crop, rng)
        ir, vis_y, mask = random_square(self.store[self.order(cut)], crop, rng)
        return [*vary(ir, vis_y, rng), mask]


def stack(made: Sequence[Sequence[np.ndarray]]) -> Batch:
    """A batch of planes (H, W), ir, vis_y and mask for each cut, all of scenes."""
    ir, vis_y, mask = (
        torch.from_numpy(np.stack(planes).astype(np.float32, copy=False))[:, None]
        for planes in zip(*made, strict=True)
    )
    return Batch(ir, vis_y, mask, torch.ones(len(made)))


def random_square(picture: Picture, crop: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The same square of all planes, brought to ``crop``, every other one mirrored.

    A third is taken as it is, since only that has the finest texture; the rest is between 0.75
    and 2 crops wide.

    Returns:
        ir, vis_y, mask: (crop, crop) float32 in 0..1.
    """
    height, width = picture.ir.shape
    short = min(height, width)
    scale = 1.0 if rng.random() < 1 / 3 else 0.75 * (2 / 0.75) ** rng.random()
    side = min(round(crop * scale), short)
    top = int(rng.integers(0, height - side + 1))
    left = int(rng.integers(0, width - side + 1))
    planes = _square(picture, top, left, side, crop)
    if rng.random() < 0.5:
        planes = [plane[:, ::-1] for plane in planes]
    return planes


def test_card(crop: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Flat patches of any two levels, black and white as often as all others together.

    Pictures of scenes hardly ever show hot on black, or nothing on nothing, over an area; what a
    network was never shown there it makes up.

    Returns:
        ir, vis_y, mask: (crop, crop) float32 in 0..1; the mask is 0 throughout.
    """
    planes = []
    for _ in range(2):
        plane = np.full((crop, crop), _level(rng), np.float32)
        for _ in range(rng.integers(0, 4)):
            top, left = rng.integers(0, crop, 2)
            height, width = rng.integers(4, crop, 2)
            plane[top : top + height, left : left + width] = _level(rng)
        planes.append(plane)
    return [*planes, np.zeros((crop, crop), np.float32)]


def _level(rng: np.random.Generator) -> float:
    return float(rng.choice([0.0, 1.0, rng.random(), rng.random()]))


def centre_square(picture: Picture, crop: int) -> list[np.ndarray]:
    """The middle of a picture as it is, ``crop`` wide and high.

    Not reduced: fine texture and noise are what a loss must see.

    Args:
        picture: no side of it is below ``crop``, see `trainer.pairs.decode_pair`.
        crop: side of the square, px.
    Returns:
        ir, vis_y, mask: (crop, crop) float32 in 0..1.
    """
    height, width = picture.ir.shape
    return _square(picture, (height - crop) // 2, (width - crop) // 2, crop, crop)


def _square(picture: Picture, top: int, left: int, side: int, crop: int) -> list[np.ndarray]:
    way = cv2.INTER_AREA if side >= crop else cv2.INTER_LINEAR
    planes = []
    for plane in picture:
        part = plane[top : top + side, left : left + side].astype(np.float32) / 255
        planes.append(part if side == crop else cv2.resize(part, (crop, crop), interpolation=way))
    return planes


def vary(
    ir: np.ndarray, vis_y: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Other gain and offset of the infrared, other exposure of the visible, for every other cut.

    Cameras differ in both, far more than the training pictures do.
    """
    if rng.random() < 0.5:
        ir = np.clip(ir * rng.uniform(0.5, 1.2) + rng.uniform(-0.1, 0.1), 0, 1)
        vis_y = vis_y ** rng.uniform(0.7, 1.8)
    return ir.astype(np.float32), vis_y.astype(np.float32)
