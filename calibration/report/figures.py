"""What the report's figures share: how they are made, their colours, and how they go into HTML."""

from __future__ import annotations

import base64
import io
import math
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from ..optional import require

_REMEDY = "pip install 'fusion-rt[calibrate]', or do without: --no-report, no --picture"
_DPI = 150
_JPEG_QUALITY = 90
# Okabe and Ito: told apart by colour-blind eyes and on grey paper.
IR_COLOR, VIS_COLOR, THIRD_COLOR, GREY = "#D55E00", "#0072B2", "#009E73", "#777777"


def load_plotting() -> ModuleType:
    """The drawing library, imported now.

    Raises:
        CalibrationError: it is not installed.
    """
    return require("matplotlib.figure", remedy=_REMEDY)


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of so many inches.

    A bare Figure, without pyplot, draws with Agg: no display is needed, no state is left.

    Raises:
        CalibrationError: matplotlib is not installed.
    """
    return load_plotting().Figure(figsize=(width, height), layout="constrained")


def figure_png(figure: Any) -> bytes:
    """The figure as a PNG file."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI)
    return data.getvalue()


def figure_url(figure: Any) -> str:
    """The figure inside a data URL."""
    return _url("png", figure_png(figure))


def picture_url(picture: np.ndarray) -> str:
    """A picture, (H, W, 3) uint8 BGR, inside a data URL."""
    ok, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert ok, picture.shape
    return _url("jpeg", data.tobytes())


def show_picture_area(axes: Any, size_wh: tuple[int, int]) -> None:
    """Axes that are a camera's picture: px, y down, whole area, nothing else."""
    width, height = size_wh
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xticks([0, width // 2, width])
    axes.set_yticks([0, height // 2, height])
    axes.tick_params(labelsize=8)


def distance_words(distance_m: float) -> str:
    """For instance "2 m", "0.85 m" or "infinity"."""
    return "infinity" if math.isinf(distance_m) else f"{distance_m:.3g} m"


def _url(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
