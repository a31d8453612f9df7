"""Pictures of the user's own as pairs of one size, for engines that are bound to it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engines.parity_pairs import Pair

from ..errors import SourceError
from ..frame import Sensor
from ..quality.planes import size_text
from ..quality.sheet import even_choice
from ..sources.picture import read_image
from ..sources.stills import match_by_stem

_MOST = 16  # pairs; more say no more about an engine's arithmetic

Files = tuple[Path, Path]


def choose_files(ir: Path, vis: Path) -> list[Files]:
    """Two pictures, or those of two folders whose names agree; at most 16, evenly chosen.

    Raises:
        SourceError: none match, or a place holds no pictures.
    """
    files, _ = match_by_stem(ir, vis)
    if not files:
        raise SourceError(
            f"no names match between {ir} and {vis}",
            hint="give both pictures of a pair the same name, such as ir/0001.png and vis/0001.png",
        )
    return [files[index] for index in even_choice(len(files), _MOST)]


def read_pairs(files: list[Files], size_wh: tuple[int, int] | None) -> list[Pair]:
    """Read pictures.

    Args:
        files: infrared of 8 bit and visible one, lying on each other; at least one.
        size_wh: width and height in px to scale all to; None to take them as they are.

    Returns:
        Pairs of ir (H, W) uint8 and vis (H, W, 3) uint8 BGR, all of one size.

    Raises:
        SourceError: one cannot be read, has 16 bit, or sizes differ.
    """
    pairs: list[Pair] = []
    first: np.ndarray | None = None
    for pair in files:
        planes = []
        for path, sensor in zip(pair, (Sensor.IR, Sensor.VIS), strict=True):
            picture = _read(path, sensor, size_wh)
            first = picture if first is None else first
            if picture.shape[:2] != first.shape[:2]:
                raise SourceError(
                    f"{path} is {size_text(picture)}, but {files[0][0]} is {size_text(first)}",
                    hint="scale all to one size: --size WxH",
                )
            planes.append(picture)
        pairs.append((planes[0], planes[1]))
    return pairs


def _read(path: Path, sensor: Sensor, size_wh: tuple[int, int] | None) -> np.ndarray:
    picture, _ = read_image(path, sensor)
    if picture.dtype != np.uint8:
        raise SourceError(
            f"{path} has 16 bit, but engines take 8",
            hint="give what is fused: fusion-rt fuse --view ir writes it",
        )
    if size_wh is None or picture.shape[:2] == size_wh[::-1]:
        return picture
    return cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA)
