"""Scenes that both cameras see, each in its own way, and similarities between them."""

from __future__ import annotations

import cv2
import numpy as np

WH = (480, 360)


def scene(seed: int, wh: tuple[int, int] = WH) -> tuple[np.ndarray, np.ndarray]:
    """Infrared (H, W) and visible (H, W, 3) uint8 that lie on each other.

    Things have outlines in both, but their warmth has nothing to do with their colour; patterns
    that only one of the cameras sees are there too.
    """
    rng = np.random.default_rng(seed)
    width, height = wh
    ir = np.full((height, width), 90, np.uint8)
    vis = np.full((height, width, 3), 120, np.uint8)
    for _ in range(60):
        centre = rng.uniform((0, 0), wh)
        angles = np.sort(rng.uniform(0, 2 * np.pi, 6))
        size = rng.uniform(0.03, 0.12) * width
        outline = centre + size * np.column_stack([np.cos(angles), np.sin(angles)])
        outline = np.rint(outline * 16).astype(np.int32)
        cv2.fillPoly(ir, [outline], int(rng.integers(30, 220)), cv2.LINE_AA, 4)
        cv2.fillPoly(vis, [outline], rng.integers(20, 235, 3).tolist(), cv2.LINE_AA, 4)
    for picture in (ir, vis):  # what only one of them sees
        for _ in range(15):
            a, b = rng.uniform((0, 0), wh, (2, 2)).astype(int).tolist()
            cv2.line(picture, a, b, [int(rng.integers(30, 220))] * 3, 2, cv2.LINE_AA)
    ir = cv2.GaussianBlur(ir, (0, 0), 1.2)
    noisy = [picture + rng.normal(0, 3, picture.shape) for picture in (ir, vis)]
    ir, vis = (np.clip(picture, 0, 255).astype(np.uint8) for picture in noisy)
    return ir, vis


def similarity(
    dx: float, dy: float, turn_deg: float = 0.0, scale: float = 1.0, wh: tuple[int, int] = WH
) -> np.ndarray:
    """(3, 3) about the centre of the picture."""
    turn = np.deg2rad(turn_deg)
    S = np.eye(3)
    S[:2, :2] = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    centre = np.array(wh) / 2 - 0.5
    S[:2, 2] = centre + np.array([dx, dy]) - S[:2, :2] @ centre
    return S


def misplaced(ir: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The infrared picture laid so that ``truth`` is the correction that it wants."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    wh = ir.shape[1], ir.shape[0]
    return cv2.warpAffine(ir, truth[:2], wh, flags=flags, borderMode=cv2.BORDER_REFLECT)
