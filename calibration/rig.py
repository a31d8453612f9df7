"""The rig file: how the two cameras of one rig see each other.

A small YAML file::

    rig: 1                      # version of this format
    ir:  {size: [640, 512]}     # width, height in px
    vis: {size: [1280, 720]}
    H_vis_ir:                   # infrared px to visible px; or the word identity
      - [2.1, 0.0, 33.0]
      - [0.0, 2.1, -140.0]
      - [0.0, 0.0, 1.0]

Pixel centres lie at whole numbers; the homography is homogeneous and may have any scale.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from .errors import RigError

VERSION = 1
_KEYS = ("rig", "ir", "vis", "H_vis_ir")
_MAX_SIDE = 16384


@dataclass(frozen=True)
class Rig:
    """Geometry of one camera pair.

    Attributes:
        ir_wh: width and height of the infrared picture in px.
        vis_wh: width and height of the visible picture in px.
        H_vis_ir: (3, 3) float64, infrared px to visible px, lower right element 1.
    """

    ir_wh: tuple[int, int]
    vis_wh: tuple[int, int]
    H_vis_ir: np.ndarray

    @staticmethod
    def identity(size_wh: tuple[int, int]) -> Rig:
        """Two pictures of one size that already lie on each other."""
        return Rig(size_wh, size_wh, np.eye(3))

    @property
    def is_identity(self) -> bool:
        """Whether the pictures need no warp."""
        return self.ir_wh == self.vis_wh and bool(np.array_equal(self.H_vis_ir, np.eye(3)))


def load_rig(path: Path) -> Rig:
    """Read and check a rig file.

    Raises:
        RigError: missing, unreadable, empty or not YAML; an unknown or missing key; a size or
            homography that cannot be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RigError(
            f"cannot read rig file {path}: {error.strerror}", hint="check the path given as --rig"
        ) from error
    except UnicodeDecodeError as error:
        raise RigError(f"{path} is not a text file", hint=_example_hint()) from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise RigError(f"{path} is not YAML: {line}", hint=_example_hint()) from error
    if data is None:
        raise RigError(f"{path} is empty", hint=_example_hint())
    return parse_rig(data, str(path))


def parse_rig(data: Any, where: str) -> Rig:
    """Check plain data as read from a rig file; ``where`` names it in errors.

    Raises:
        RigError: see `load_rig`.
    """
    if not isinstance(data, dict):
        raise RigError(f"{where} holds no keys, but {type(data).__name__}", hint=_example_hint())
    for key in data:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1, cutoff=0.0)[0]
            raise RigError(f"{where}: unknown key '{key}'", hint=f"did you mean '{near}'?")
    for key in _KEYS:
        if data.get(key) is None:
            raise RigError(f"{where}: '{key}' is missing", hint=_example_hint())
    if data["rig"] != VERSION:
        raise RigError(
            f"{where}: rig format {data['rig']!r} is unknown", hint=f"this version reads {VERSION}"
        )
    ir_wh = _size(data["ir"], "ir", where)
    vis_wh = _size(data["vis"], "vis", where)
    if data["H_vis_ir"] == "identity":
        if ir_wh != vis_wh:
            raise RigError(
                f"{where}: H_vis_ir is identity, but the sizes differ: infrared "
                f"{_x(ir_wh)}, visible {_x(vis_wh)}",
                hint=f"if both see the same field, write H_vis_ir: {stretch(ir_wh, vis_wh)}",
            )
        return Rig(ir_wh, vis_wh, np.eye(3))
    return Rig(ir_wh, vis_wh, _homography(data["H_vis_ir"], ir_wh, where))


def stretch(ir_wh: tuple[int, int], vis_wh: tuple[int, int]) -> list[list[float]]:
    """Homography that lays the whole infrared picture over the whole visible one.

    Right where both cameras see the same field. Pixel centres lie at whole numbers, so the outer
    edges (at -0.5) are what must meet.
    """
    sx, sy = vis_wh[0] / ir_wh[0], vis_wh[1] / ir_wh[1]
    return [
        [round(sx, 6), 0.0, round((sx - 1) / 2, 6)],
        [0.0, round(sy, 6), round((sy - 1) / 2, 6)],
        [0.0, 0.0, 1.0],
    ]


def rig_text(rig: Rig) -> str:
    """The rig as the text of a rig file."""
    rows = "\n".join(f"  - [{', '.join(f'{v:.10g}' for v in row)}]" for row in rig.H_vis_ir)
    return (
        f"rig: {VERSION}\n"
        f"ir:  {{size: [{rig.ir_wh[0]}, {rig.ir_wh[1]}]}}\n"
        f"vis: {{size: [{rig.vis_wh[0]}, {rig.vis_wh[1]}]}}\n"
        f"H_vis_ir:  # infrared px to visible px\n{rows}\n"
    )


def _size(camera: Any, name: str, where: str) -> tuple[int, int]:
    size = camera["size"] if isinstance(camera, dict) and set(camera) == {"size"} else None
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(isinstance(side, int) and 1 <= side <= _MAX_SIDE for side in size)
    ):
        raise RigError(
            f"{where}: '{name}' must be {{size: [width, height]}} in px, not {camera!r}",
            hint=_example_hint(),
        )
    return size[0], size[1]


def _homography(rows: Any, ir_wh: tuple[int, int], where: str) -> np.ndarray:
    try:
        H = np.array(rows, np.float64)
    except (TypeError, ValueError):
        H = np.empty(0)
    if H.shape != (3, 3):
        raise RigError(
            f"{where}: H_vis_ir must be identity or 3 rows of 3 numbers", hint=_example_hint()
        )
    if not np.isfinite(H).all():
        raise RigError(
            f"{where}: H_vis_ir holds NaN or infinity",
            hint="write finite numbers",
        )
    if not H[2, 2]:
        raise _singular(where)
    H = H / H[2, 2]
    corners = np.array([[0, 0, 1], [ir_wh[0], 0, 1], [0, ir_wh[1], 1], [*ir_wh, 1]]).T
    depth = H[2] @ corners
    # The infrared picture must not touch the line that the homography sends to infinity.
    if (
        math.isclose(np.linalg.det(H), 0, abs_tol=1e-12)
        or not (depth * np.sign(depth[0]) > 0).all()
    ):
        raise _singular(where)
    return H


def _singular(where: str) -> RigError:
    return RigError(
        f"{where}: H_vis_ir does not map the infrared picture onto a plane (singular)",
        hint="check its numbers, or write identity where the pictures lie on each other",
    )


def _x(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]}x{size_wh[1]}"


def _example_hint() -> str:
    return (
        "a rig file reads: rig: 1 / ir: {size: [640, 512]} / vis: {size: [1280, 720]} / "
        "H_vis_ir: 3 rows of 3 numbers, or identity"
    )
