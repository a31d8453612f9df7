"""A learned matcher, given as an ONNX file, that finds the same points in both pictures.

None comes with the project. What the file has to look like:

========  =======================  =======================================================
tensor    shape, type              what
========  =======================  =======================================================
ir        (1, 1, H, W) float32     input: grey levels 0..1
vis       (1, 1, H, W) float32     input: luma 0..1, in the same size
points    (N, 4) float32           output: x, y in ``ir`` and x, y in ``vis``; pixel centres
                                   at whole numbers
score     (N,) float32             output: 0..1, how sure each is
========  =======================  =======================================================

H and W may be fixed, then the pictures are brought to that size; else they are at most 640 px wide
and both sides are multiples of 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import RigError
from ..optional import require
from .field import WORK_WIDTH, grey
from .surfaces import Surfaces, block_layout, reach_px

_WIDEST = 640
_MULTIPLE = 32
_SPREAD = 1.0  # working px, of one match
_LEAST_SCORE = 0.2
_TENSORS = (("ir", "vis"), ("points", "score"))


@dataclass(frozen=True)
class Matches:
    """Places that show the same.

    Attributes:
        ir: (N, 2) float64, px of the infrared picture.
        vis: (N, 2) float64, px of the visible picture.
        score: (N,) float64, 0..1.
    """

    ir: np.ndarray
    vis: np.ndarray
    score: np.ndarray


class Matcher:
    """An opened model; call it with two pictures. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file on the processor, with one thread.

        Raises:
            RigError: onnxruntime is missing, the file cannot be read, or its tensors are others.
        """
        ort = require("onnxruntime", remedy="pip install onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.path = path
        try:
            self._session = ort.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has a class for each cause, all its own
            line = " ".join(str(error).split())
            raise RigError(
                f"the matcher {path} cannot be opened: {line}", hint="it must be an ONNX file"
            ) from error
        found = tuple(
            tuple(sorted(tensor.name for tensor in tensors))
            for tensors in (self._session.get_inputs(), self._session.get_outputs())
        )
        if found != tuple(tuple(sorted(names)) for names in _TENSORS):
            raise RigError(
                f"the matcher {path} takes {', '.join(found[0])} and gives {', '.join(found[1])}",
                hint="it must take ir and vis, and give points and score: see docs/drift.md",
            )
        self._fixed = self._fixed_size()

    def __call__(self, ir: np.ndarray, vis: np.ndarray) -> Matches:
        """Places that show the same in two pictures.

        Args:
            ir: (Hi, Wi) uint8 or uint16.
            vis: (Hv, Wv, 3) uint8 BGR or (Hv, Wv) uint8; its size may be another one.

        Raises:
            RigError: the model fails, or gives something else than it should.
        """
        size_wh = self._fixed or _size_for(vis)
        feed = {"ir": _tensor(ir, size_wh), "vis": _tensor(vis, size_wh)}
        try:
            points, score = self._session.run(list(_TENSORS[1]), feed)
        except Exception as error:
            line = " ".join(str(error).split())
            raise RigError(
                f"the matcher {self.path} failed at {size_wh[0]}x{size_wh[1]}: {line}",
                hint="export it with the size it was made for",
            ) from error
        points, score = np.asarray(points, np.float64), np.asarray(score, np.float64)
        if points.ndim != 2 or points.shape[1] != 4 or score.shape != points.shape[:1]:
            raise RigError(
                f"the matcher {self.path} gave points {points.shape} and score {score.shape}",
                hint="they must be (N, 4) and (N,)",
            )
        kept = np.isfinite(points).all(axis=1) & (score >= _LEAST_SCORE)
        points, score = points[kept], np.clip(score[kept], 0, 1)
        return Matches(
            _placed(points[:, :2], size_wh, ir), _placed(points[:, 2:], size_wh, vis), score
        )

    def _fixed_size(self) -> tuple[int, int] | None:
        shape: list[Any] = self._session.get_inputs()[0].shape
        height, width = shape[-2:] if len(shape) == 4 else (None, None)
        return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def voted(matches: Matches, size_wh: tuple[int, int], seen: np.ndarray | None) -> Surfaces:
    """The matches as votes for shifts, block by block, in the form that edges are compared in.

    Args:
        matches: of two pictures that lie on each other more or less.
        size_wh: width and height in px of both.
        seen: (H, W), 0 where the infrared does not see; None where it sees all.
    """
    work_w = min(WORK_WIDTH, size_wh[0])
    work_wh = work_w, max(1, round(size_wh[1] * work_w / size_wh[0]))
    scale, reach = work_w / size_wh[0], reach_px(work_w)
    corners, block_wh = block_layout(work_wh)
    place, moved = matches.ir, (matches.vis - matches.ir) * scale
    usable = np.abs(moved).max(axis=1, initial=0) <= reach
    if seen is not None:
        column, row = np.clip(np.rint(place).astype(int), 0, np.array(size_wh) - 1).T
        usable &= seen[row, column] > 0
    place = (place[usable] + 0.5) * scale - 0.5
    moved, score = moved[usable], matches.score[usable]
    step = np.arange(-reach, reach + 1)
    bell = [np.exp(-((step - part[:, None]) ** 2) / (2 * _SPREAD**2)) for part in moved.T]
    heights = []
    for corner in corners:
        inside = ((place >= corner) & (place < corner + block_wh)).all(axis=1)
        votes = np.einsum("n,nj,ni->ji", 2 * score[inside], bell[1][inside], bell[0][inside])
        heights.append(votes.astype(np.float32))
    centres = corners + (np.array(block_wh) - work_wh) / 2
    return Surfaces(np.array(heights), centres, work_wh, scale)


def _size_for(vis: np.ndarray) -> tuple[int, int]:
    height, width = vis.shape[:2]
    shrink = min(1.0, _WIDEST / width)
    sides = [max(1, round(side * shrink / _MULTIPLE)) * _MULTIPLE for side in (width, height)]
    return sides[0], sides[1]


def _tensor(picture: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    plane = cv2.resize(grey(picture), size_wh, interpolation=cv2.INTER_AREA) / 255
    return plane[None, None].astype(np.float32)


def _placed(px: np.ndarray, size_wh: tuple[int, int], picture: np.ndarray) -> np.ndarray:
    """From px of the model's size to px of the picture."""
    grown = np.array(picture.shape[1::-1]) / size_wh
    return (px + 0.5) * grown - 0.5
