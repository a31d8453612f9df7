"""Reads the pictures of one scene as planes that figures can be computed on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import SourceError
from ..frame import Sensor
from ..sources.picture import read_image
from .collection import Scene
from .planes import luma_levels, size_text


class ScenePictures(NamedTuple):
    """Pictures of one scene, all of one size.

    Attributes:
        ir: (H, W) uint8.
        vis: (H, W, 3) uint8 BGR.
        fused: for each method (H, W, 3) uint8 BGR.
        notes: what is to be said of the files, one sentence each.
    """

    ir: np.ndarray
    vis: np.ndarray
    fused: tuple[np.ndarray, ...]
    notes: tuple[str, ...]

    @property
    def vis_y(self) -> np.ndarray:
        """Luma of the visible picture, (H, W) uint8."""
        return luma_levels(self.vis)

    def fused_y(self, method: int) -> np.ndarray:
        """Luma of one method's result, (H, W) uint8."""
        return luma_levels(self.fused[method])


def load_scene(scene: Scene) -> ScenePictures:
    """Read the pictures of ``scene``.

    Raises:
        SourceError: one cannot be read, the infrared is of 16 bit, or sizes differ.
    """
    ir, ir_notes = read_image(scene.ir, Sensor.IR)
    if ir.dtype != np.uint8:
        raise SourceError(
            f"{scene.ir} has 16 bit, but figures compare 8-bit pictures",
            hint="give what was fused: fusion-rt fuse --view ir writes it",
        )
    vis = _read_colour(scene.vis)
    fused = tuple(_read_colour(path) for path in scene.fused)
    for path, picture in ((scene.vis, vis), *zip(scene.fused, fused, strict=True)):
        if picture.shape[:2] != ir.shape:
            raise SourceError(
                f"{path} is {size_text(picture)}, but {scene.ir} is {size_text(ir)}",
                hint="figures compare pixel by pixel: fusion-rt fuse --view ir writes the "
                "infrared as it lies on the visible picture",
            )
    return ScenePictures(ir, vis, fused, tuple(f"{scene.ir.name}: {note}" for note in ir_notes))


def _read_colour(path: Path) -> np.ndarray:
    # Its notes tell of grey repeated in three channels, which changes no luma.
    return read_image(path, Sensor.VIS)[0]
