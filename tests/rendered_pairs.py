"""Pairs of board pictures with known geometry, as files, for tests of the commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from calibration.board import Board
from calibration.camera import Camera
from calibration.rig import CameraPair
from calibration.targets.rendering import Sensor, draw_board, expose, random_pose

BOARD = Board("chessboard", 9, 6, 0.06)


def small_pair(scale: float = 0.5) -> CameraPair:
    """Infrared beside visible, 5 cm apart; ``scale`` 1 is 640x512 and 1280x1024 px."""

    def camera(width, height, focal, dist):
        wh = (round(width * scale), round(height * scale))
        K = np.array([[focal, 0, width / 2 + 7], [0, focal, height / 2 - 5], [0, 0, 1 / scale]])
        return Camera(wh, K * scale, np.array(dist, np.float64))

    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array([0.01, -0.02, 0.015]))[0]
    T[:3, 3] = (-0.05, 0.003, 0.004)
    return CameraPair(
        camera(640, 512, 770, (-0.25, 0.08, 0, 0)), camera(1280, 1024, 1250, (-0.1, 0.03, 0, 0)), T
    )


@dataclass(frozen=True)
class Rendered:
    """One pose of the board in both pictures: pixels, and the true places of its points."""

    ir: np.ndarray
    vis: np.ndarray
    ir_px: np.ndarray
    vis_px: np.ndarray
    T_ir_board: np.ndarray


def render(pair: CameraPair, T_ir_board: np.ndarray, rng, cnr: float = 12.0) -> Rendered:
    """Raw 16-bit infrared, in which the dark squares are the warm ones; visible in colour."""
    ir = draw_board(pair.ir, BOARD, T_ir_board, blur_px=0.8)
    vis = draw_board(pair.vis, BOARD, pair.T_vis_ir @ T_ir_board, blur_px=0.8, background=0.5)
    warm = Sensor(cnr=cnr, inverted=True, counts=400, middle=29_500, dtype=np.uint16)
    grey = expose(vis, Sensor(cnr=40, counts=170, middle=125), rng)
    tinted = [np.clip(grey * gain, 0, 255).astype(np.uint8) for gain in (0.9, 1.0, 0.96)]
    return Rendered(expose(ir, warm, rng), np.dstack(tinted), ir.px, vis.px, T_ir_board)


def poses(pair: CameraPair, count: int, seed: int, distance_m=(0.75, 1.6), tilt_deg=40.0) -> list:
    """Poses in which both cameras see the whole board, (4, 4) each, in the infrared's frame."""
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        T = random_pose(pair.ir, BOARD, rng, distance_m=distance_m, tilt_deg=tilt_deg)
        in_vis = pair.T_vis_ir @ T
        corners = BOARD.points()[[0, BOARD.columns - 1, -BOARD.columns, -1]]
        px = pair.vis.project(corners @ in_vis[:3, :3].T + in_vis[:3, 3])
        margin = pair.vis.size_wh[0] // 16
        if ((px > margin) & (px < np.array(pair.vis.size_wh) - margin)).all():
            found.append(T)
    return found


def write_pairs(folder: Path, pair: CameraPair, count: int, seed: int = 1, **kinds) -> list:
    """Write ir/ and vis/ with ``count`` PNG files each; returns what they show."""
    rng = np.random.default_rng(seed)
    made = []
    for name in ("ir", "vis"):
        (folder / name).mkdir(parents=True)
    for index, T in enumerate(poses(pair, count, seed, **kinds)):
        one = render(pair, T, rng)
        assert cv2.imwrite(str(folder / "ir" / f"{index:04d}.png"), one.ir)
        assert cv2.imwrite(str(folder / "vis" / f"{index:04d}.png"), one.vis)
        made.append(one)
    return made
