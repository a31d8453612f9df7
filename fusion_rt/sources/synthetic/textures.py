"""Seeded surface patterns as functions of a place in metres, so that every camera sees the same."""

from __future__ import annotations

import cv2
import numpy as np

TABLE = 256  # side of the random tables; patterns repeat after as many cells


class Textures:
    """Random tables of one scene and the patterns made from them."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 101])
        self._smooth = rng.random((TABLE, TABLE), dtype=np.float32)
        self._cells = rng.random((8, TABLE, TABLE), dtype=np.float32)

    def noise(self, x: np.ndarray, y: np.ndarray, cell_m: float, octaves: int = 3) -> np.ndarray:
        """Cloudy pattern at places (H, W) in m; float32, mean 0, about -1 to 1."""
        total = np.zeros(x.shape, np.float32)
        weight = 1.0
        for octave in range(octaves):
            freq = 2.0**octave / cell_m
            shift = 37.0 * octave
            total += weight * cv2.remap(
                self._smooth,
                (x * freq + shift).astype(np.float32),
                (y * freq + shift).astype(np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_WRAP,
            )
            weight *= 0.55
        return (total * 2 - (1 - 0.55**octaves) / 0.45) / 1.3

    def cell(self, column: np.ndarray, row: np.ndarray, layer: int = 0) -> np.ndarray:
        """A number from 0 to 1 for each cell of an integer grid; ``layer`` 0 to 7 picks another."""
        return self._cells[layer, row.astype(np.int32) % TABLE, column.astype(np.int32) % TABLE]

    def bricks(
        self,
        x: np.ndarray,
        y: np.ndarray,
        size_m: tuple[float, float],
        px_m: tuple[np.ndarray, np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Running bond.

        Args:
            x: along the wall in m, (H, W).
            y: up the wall in m, (H, W).
            size_m: length and height of a brick with its joint.
            px_m: width and height in m that one pixel covers there, broadcastable to (H, W).

        Returns:
            (tone, joint), each (H, W) float32: tone of each brick, -1 to 1; how much of a pixel is
            mortar, 0 to 1. Both fade out where a brick is smaller than a pixel.
        """
        row = np.floor(y / size_m[1])
        along = x / size_m[0] + 0.5 * (row % 2)
        column = np.floor(along)
        tone = self.cell(column, row) * 2 - 1
        to_joint_x = (0.5 - np.abs(along - column - 0.5)) * size_m[0]
        to_joint_y = (0.5 - np.abs(y / size_m[1] - row - 0.5)) * size_m[1]
        half = 0.055 * size_m[1]
        joint = np.maximum(
            np.clip((half - to_joint_x) / px_m[0] + 0.5, 0, 1) * np.clip(2 * half / px_m[0], 0, 1),
            np.clip((half - to_joint_y) / px_m[1] + 0.5, 0, 1) * np.clip(2 * half / px_m[1], 0, 1),
        )
        fade = np.clip(size_m[1] / px_m[1] - 0.8, 0, 1) * np.clip(size_m[0] / px_m[0] - 0.8, 0, 1)
        return (tone * fade).astype(np.float32), (joint * fade).astype(np.float32)


def band(x: np.ndarray, low: float, high: float, soft: np.ndarray | float) -> np.ndarray:
    """1 between ``low`` and ``high``, 0 outside, with edges as wide as ``soft``; float32."""
    return np.clip((x - low) / soft + 0.5, 0, 1) * np.clip((high - x) / soft + 0.5, 0, 1)
