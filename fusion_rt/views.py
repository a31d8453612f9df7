"""What of a pair is shown: the fused picture, one of the inputs, or all three side by side."""

from __future__ import annotations

import functools
from typing import Final

import cv2
import numpy as np

from .errors import UsageError
from .palette import apply_palette

VIEWS: Final[tuple[str, ...]] = ("fused", "side-by-side", "ir", "vis")
INFRARED_VIEWS: Final = ("side-by-side", "ir")  # those that show the infrared picture

# Three panels of this width and two gaps make 1928 px, which a full-HD screen just about shows
# without scaling; 640 wide cameras keep every pixel.
_PANEL_MAX_WH = (640, 1000)
_GAP = 4
_CAPTIONS = ("infrared", "visible", "fused")
_GAP_BGR = (24, 24, 24)
_CAPTION_BGR = (190, 190, 190)


def view_size(view: str, size_wh: tuple[int, int]) -> tuple[int, int]:
    """Width and height in px of what `compose` returns for pictures of ``size_wh``.

    Side by side it is even in both, otherwise ``size_wh`` itself.

    Raises:
        UsageError: unknown view.
    """
    _check(view)
    if view != "side-by-side":
        return size_wh
    (panel_w, panel_h), strip_h = _panel_wh(size_wh), _strip_height(size_wh)
    width, height = 3 * panel_w + 2 * _GAP, panel_h + strip_h
    return width + width % 2, height + height % 2


def compose(
    view: str,
    *,
    ir_on_vis: np.ndarray | None,
    vis_bgr: np.ndarray,
    fused: np.ndarray,
    palette: str = "white-hot",
    seen: np.ndarray | None = None,
    vis_seen: np.ndarray | None = None,
) -> np.ndarray:
    """The picture to show or store.

    Args:
        view: one of `VIEWS`.
        ir_on_vis: (H, W) uint8, infrared on the grid of the visible picture; only
            `INFRARED_VIEWS` need it.
        vis_bgr: (H, W, 3) uint8 BGR.
        fused: (H, W, 3) uint8 BGR.
        palette: colours of the infrared picture, see `fusion_rt.palette`.
        seen: (H, W) uint8, 255 where the infrared camera sees and 0 where nothing is to be shown
            of it; None where it sees all.
        vis_seen: the same for the visible camera.

    Returns:
        uint8 BGR of the size that `view_size` tells. For ``fused``, and as a rule for ``vis``, it
        is the given array itself, without a copy; otherwise a new one.

    Raises:
        UsageError: unknown view or palette.
    """
    _check(view)
    if view == "fused":
        return fused
    if view == "vis":
        return _masked(vis_bgr, vis_seen)
    assert ir_on_vis is not None
    if view == "ir":
        return _infrared(ir_on_vis, palette, seen)
    size_wh = (fused.shape[1], fused.shape[0])
    panel_w, panel_h = _panel_wh(size_wh)
    sheet = _empty_sheet(size_wh).copy()
    panels = (
        _shrink(_infrared(ir_on_vis, palette, seen), (panel_w, panel_h)),
        _shrink(_masked(vis_bgr, vis_seen), (panel_w, panel_h)),
        _shrink(fused, (panel_w, panel_h)),
    )
    for index, panel in enumerate(panels):
        left = index * (panel_w + _GAP)
        sheet[:panel_h, left : left + panel_w] = panel
    return sheet


def _infrared(ir_on_vis: np.ndarray, palette: str, seen: np.ndarray | None) -> np.ndarray:
    return _masked(apply_palette(ir_on_vis, palette), seen)


def _masked(picture: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    return picture if seen is None else cv2.bitwise_and(picture, picture, mask=seen)


def _check(view: str) -> None:
    if view not in VIEWS:
        raise UsageError(f"unknown view '{view}'", hint=f"known views: {', '.join(VIEWS)}")


def _panel_wh(size_wh: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _PANEL_MAX_WH[0] / size_wh[0], _PANEL_MAX_WH[1] / size_wh[1])
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))


def _strip_height(size_wh: tuple[int, int]) -> int:
    """Height of the strip below the panels that holds the captions."""
    return 16 if _panel_wh(size_wh)[0] < 200 else 28


def _shrink(picture: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    if picture.shape[1::-1] == size_wh:
        return picture
    return cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA)


@functools.lru_cache(maxsize=4)
def _empty_sheet(size_wh: tuple[int, int]) -> np.ndarray:
    """Background with the captions, on which the panels are laid."""
    width, height = view_size("side-by-side", size_wh)
    panel_w, panel_h = _panel_wh(size_wh)
    strip_h = _strip_height(size_wh)
    sheet = np.full((height, width, 3), _GAP_BGR, np.uint8)
    font, size = cv2.FONT_HERSHEY_SIMPLEX, strip_h / 56
    for index, caption in enumerate(_CAPTIONS):
        (text_w, text_h), _ = cv2.getTextSize(caption, font, size, 1)
        left = index * (panel_w + _GAP) + (panel_w - text_w) // 2
        base = panel_h + (strip_h + text_h) // 2 - 1
        cv2.putText(sheet, caption, (left, base), font, size, _CAPTION_BGR, 1, cv2.LINE_AA)
    sheet.flags.writeable = False
    return sheet
