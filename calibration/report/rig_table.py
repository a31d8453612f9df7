"""The rig in figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import yaml

from ..rig import Rig
from .page import Page

if TYPE_CHECKING:
    from ..solve import Solution


def add_rig_table(page: Page, solution: Solution, rig: Rig) -> None:
    """Focal lengths, places and what else the rig file says, with their uncertainty."""
    pair = solution.pair
    page.heading("The rig in figures")
    rows = []
    for name, key, camera in (("infrared", "ir", pair.ir), ("visible", "vis", pair.vis)):
        width, height = camera.size_wh
        field_x = math.degrees(2 * math.atan(width / 2 / camera.K[0, 0]))
        rows += [
            (f"{name} picture", f"{width}x{height} px, about {field_x:.0f}° wide"),
            (
                "focal length",
                f"{_with_sigma(solution, key, 'fx')}, {_with_sigma(solution, key, 'fy')}",
            ),
            ("centre", f"{_with_sigma(solution, key, 'cx')}, {_with_sigma(solution, key, 'cy')}"),
            ("distortion", ", ".join(f"{number:.5g}" for number in camera.dist)),
        ]
    rotation = cv2.Rodrigues(pair.T_vis_ir[:3, :3])[0].ravel()
    shift = pair.T_vis_ir[:3, 3] * 1e3
    board = solution.board
    rows += [
        ("distance of the lenses", f"{pair.baseline_m * 1e3:.1f} mm"),
        ("infrared lens", f"{_places(shift)} of the visible one"),
        ("turned by", f"{math.degrees(float(np.linalg.norm(rotation))):.2f}°"),
        (
            "board",
            f"{board.kind} of {board.columns}x{board.rows} points, {board.spacing_m * 1e3:g} mm",
        ),
        (
            "board bent by",
            ", ".join(
                f"{abs(bow) * 1e3:.2f} mm {word}"
                for bow, word in zip(
                    solution.bow_m, ("along its rows", "along its columns", "by twist"), strict=True
                )
            ),
        ),
        (
            "scatter of the points",
            f"{solution.noise_ir_px:.3f} px infrared, "
            f"{solution.noise_vis_px:.3f} px visible, per axis",
        ),
        ("hash of the points", solution.data_hash),
    ]
    page.table((), rows)
    made = rig.facts.get("made")
    if made:
        page.text(
            "Made: " + " ".join(yaml.safe_dump(made, default_flow_style=True).split()), note=True
        )


def _with_sigma(solution: Solution, camera: str, what: str) -> str:
    K = getattr(solution.pair, camera).K
    value = {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]}[what]
    return f"{value:.2f} ± {solution.sigma(f'{camera}.{what}'):.2f} px"


def _places(shift_mm: np.ndarray) -> str:
    """Where the infrared lens is, seen from the visible one."""
    words = (("right", "left"), ("below", "above"), ("in front", "behind"))
    return ", ".join(
        f"{abs(value):.1f} mm {plus if value > 0 else minus}"
        for value, (plus, minus) in zip(shift_mm, words, strict=True)
    )
