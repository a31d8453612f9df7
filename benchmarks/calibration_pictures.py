"""Draws the pictures of docs/calibration.md: boards, the trap of their order, and sets of views.

python benchmarks/calibration_pictures.py docs/images
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from calibration.board import Board
from calibration.camera import Camera
from calibration.targets.rendering import Sensor, draw_board, expose, pose, random_pose

BOARD = Board("chessboard", 9, 6, 0.06)
CAMERA = Camera(
    (420, 300), np.array([[420.0, 0, 209.5], [0, 420.0, 149.5], [0, 0, 1]]), np.zeros(4)
)
WARM, COOL, METAL, AIR = "#D55E00", "#0072B2", "#9A9A9A", "#555555"
DPI = 110


def main(folder: Path) -> None:
    write(folder / "calibration-boards.jpg", boards())
    write(folder / "calibration-order.png", order())
    write(folder / "calibration-views.jpg", views())


def write(path: Path, figure: Figure) -> None:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI)
    picture = cv2.imdecode(np.frombuffer(data.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 78] if path.suffix == ".jpg" else []
    assert cv2.imwrite(str(path), picture, quality)
    print(path, f"{path.stat().st_size / 1024:.0f} KiB")


def boards() -> Figure:
    """Three kinds of board in section, and how both cameras see them."""
    figure = Figure(figsize=(9, 7.2), layout="constrained")
    grid = figure.subplots(3, 3, width_ratios=(1.15, 1, 1))
    at = pose(BOARD, (0.02, 0.0, 0.86), (0.25, -0.35, 0.08))
    rng = np.random.default_rng(1)
    kinds = (
        ("cut-out plate over a warm plate", section_cut_out, 0.8, Sensor(14, True), 0.4),
        ("tape on warmed metal", section_tape, 0.8, Sensor(8, True, vignetting=0.5), 0.5),
        ("print under a lamp", section_print, 2.0, Sensor(4, True, vignetting=0.2), 0.6),
    )
    for row, (title, section, blur, sensor, background) in zip(grid, kinds, strict=True):
        section(row[0])
        row[0].set_title(title, fontsize=10, loc="left")
        seen = draw_board(CAMERA, BOARD, at, blur_px=0.8, background=0.55)
        show(row[1], expose(seen, Sensor(30, counts=170), rng))
        warm = draw_board(CAMERA, BOARD, at, blur_px=blur, background=background)
        show(row[2], expose(warm, sensor, rng))
    grid[0][1].set_title("visible", fontsize=10)
    grid[0][2].set_title("infrared, bright is warm", fontsize=10)
    return figure


def section_cut_out(axes: Any) -> None:
    blank(axes)
    for index in range(5):
        axes.add_patch(Rectangle((0.5 + 1.8 * index, 2.6), 0.9, 0.22, color=COOL))
    axes.add_patch(Rectangle((0.3, 4.3), 8.6, 0.5, color=WARM))
    for index in range(4):
        axes.annotate(
            "",
            (1.85 + 1.8 * index, 1.4),
            (1.85 + 1.8 * index, 4.2),
            arrowprops={"arrowstyle": "->", "color": WARM},
        )
    axes.text(4.6, 5.4, "warm plate, black", ha="center", fontsize=9)
    axes.text(4.6, 3.55, "air, a few cm", ha="center", fontsize=8, color=AIR, backgroundcolor="w")
    axes.text(4.6, 0.75, "thin cool plate, white, squares cut out", ha="center", fontsize=9)


def section_tape(axes: Any) -> None:
    blank(axes)
    axes.add_patch(Rectangle((0.3, 3.2), 8.6, 0.4, color=METAL))
    for index in range(5):
        axes.add_patch(Rectangle((0.5 + 1.8 * index, 3.0), 0.9, 0.2, color=WARM))
        axes.annotate(
            "",
            (0.95 + 1.8 * index, 1.6),
            (0.95 + 1.8 * index, 2.95),
            arrowprops={"arrowstyle": "->", "color": WARM},
        )
    axes.plot([0.9, 2.0, 3.4], [1.2, 2.9, 1.2], color=COOL, linewidth=1.2)
    axes.text(3.5, 1.35, "mirrors what is cold", fontsize=8, color=COOL)
    axes.text(4.6, 4.25, "bare aluminium, some 10 °C warmer", ha="center", fontsize=9)
    axes.text(4.6, 0.6, "squares of matt black tape give off heat", ha="center", fontsize=9)


def section_print(axes: Any) -> None:
    blank(axes)
    axes.add_patch(Rectangle((0.3, 3.2), 8.6, 0.4, color="#C8A878"))
    for index in range(5):
        axes.add_patch(Rectangle((0.5 + 1.8 * index, 3.05), 0.9, 0.15, color="black"))
    axes.add_patch(Rectangle((3.9, 0.2), 1.4, 0.5, color="#E6B800"))
    for x in (1.2, 3.0, 4.6, 6.2, 8.0):
        axes.annotate(
            "", (x, 2.9), (4.6, 0.75), arrowprops={"arrowstyle": "->", "color": "#E6B800"}
        )
    axes.text(4.6, 4.25, "paper on a stiff plate: black grows warmer", ha="center", fontsize=9)
    axes.text(5.6, 0.35, "halogen lamp or sun", fontsize=9)


def blank(axes: Any) -> None:
    axes.set_xlim(0, 9.2)
    axes.set_ylim(6, 0)
    axes.set_axis_off()


def order() -> Figure:
    """A board of 8x6 corners beside one of 9x6, each as it is and after half a turn."""
    figure = Figure(figsize=(9, 3.1), layout="constrained")
    panels = figure.subplots(1, 4)
    for pair, (columns, words) in zip(
        (panels[:2], panels[2:]), ((8, "8x6: looks the same"), (9, "9x6: differs")), strict=True
    ):
        squares = np.indices((7, columns + 1)).sum(0) % 2
        for axes, picture, title in zip(
            pair, (squares, squares[::-1, ::-1]), (words, "after half a turn"), strict=True
        ):
            axes.imshow(picture, cmap="gray", vmin=-0.15, vmax=1)
            axes.set_title(title, fontsize=10)
            axes.set_axis_off()
            same = columns == 8 and title.startswith("after")
            first = (0.5, 0.5) if title == words or same else (columns - 0.5, 5.5)
            axes.plot(*first, "o", color=WARM, markersize=9, markerfacecolor="none", mew=2)
    panels[1].text(4, 7.6, "first corner: taken for the wrong one", ha="center", fontsize=9)
    panels[3].text(4.5, 7.6, "first corner: known by its squares", ha="center", fontsize=9)
    return figure


def views() -> Figure:
    """Outlines of the board in a good set of views, and in one that is no good."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    rng = np.random.default_rng(6)
    good = [random_pose(CAMERA, BOARD, rng, distance_m=(0.62, 1.5), margin_px=0) for _ in range(28)]
    bad = [
        pose(BOARD, (*rng.uniform(-0.05, 0.05, 2), 1.1), (0, 0, rng.uniform(-0.05, 0.05)))
        for _ in range(12)
    ]
    titles = ("good: everywhere, tilted, near and far", "no good: parallel, in the middle")
    for axes, poses, title, color in zip(
        figure.subplots(1, 2), (good, bad), titles, ("#009E73", WARM), strict=True
    ):
        for T in poses:
            corners = BOARD.points()[[0, 8, 53, 45, 0]]
            px = CAMERA.project(corners @ T[:3, :3].T + T[:3, 3])
            axes.plot(*px.T, color=color, linewidth=1.2)
            axes.fill(*px.T, color=color, alpha=0.06)
        axes.set_xlim(0, CAMERA.size_wh[0])
        axes.set_ylim(CAMERA.size_wh[1], 0)
        axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(title, fontsize=10)
    return figure


def show(axes: Any, picture: np.ndarray) -> None:
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
