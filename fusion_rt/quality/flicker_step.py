"""Step response: what a small hot object that enters one corner does to the rest of the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .temporal_planes import luma, rms

PATCH_PX = 20
HOT = 255
FAR_PX = 64
FRAMES = 30
SETTLED = 1.01  # grey levels: one step of 8 bit, with a little for the sum of three channels
_LAST_PART = 3  # a picture must have kept still for the last third of the run to be settled

Fuse = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class StepResponse:
    """Answer to a hot patch that enters.

    Attributes:
        far_worst: largest change of a far pixel's luma in any frame after the patch entered,
            against the last frame before; grey levels, 0..255. 0 is best.
        far_rms: r.m.s. of that change over all far pixels, in the frame where it is largest;
            grey levels, 0..255.
        settled_frames: frames after the one in which the patch entered until the whole picture
            stays within 1 grey level of its last state; 0 for a fusion without memory, None
            where it still moved in the last third of the run.
        patch: mean luma of the patch in the last frame, grey levels, 0..255.
        frames: length of the run before, and again after, the patch entered.
        far_px: least distance from the patch at which a pixel is far.
    """

    far_worst: float
    far_rms: float
    settled_frames: int | None
    patch: float
    frames: int
    far_px: int


def step_response(
    fuse: Fuse,
    ir: np.ndarray,
    vis: np.ndarray,
    *,
    far_px: int = FAR_PX,
    frames: int = FRAMES,
    advance: Callable[[], None] = lambda: None,
) -> StepResponse:
    """Show a still scene, let a hot patch appear in its upper left corner, and compare.

    The patch of 20 x 20 px has infrared level 255; the visible picture stays as it is.

    Args:
        fuse: takes infrared (H, W) uint8 and visible (H, W, 3) uint8 BGR, gives the fused
            picture (H, W, 3) uint8 BGR; called once a frame, so it may have a memory.
        ir: infrared of the still scene.
        vis: visible of the still scene.
        far_px: distance from the patch in px, beyond which nothing should change.
        frames: shown before and after; at least 3, for a fusion with memory more than it needs to
            settle.
        advance: called after each frame.

    Raises:
        UsageError: the picture is too small to have far pixels, or ``frames`` is below 3.
    """
    if frames < _LAST_PART:
        raise UsageError(
            f"the step response needs 3 frames or more, not {frames}", hint="give 30 of them"
        )
    far = _far(ir.shape[:2], far_px)
    for _ in range(frames):
        calm = fuse(ir, vis)
        advance()
    hot = ir.copy()
    hot[:PATCH_PX, :PATCH_PX] = HOT
    pictures = []  # as bytes: how soon the picture settles shows only from its end
    for _ in range(frames):
        pictures.append(fuse(hot, vis))
        advance()
    before = luma(calm)[far]
    far_worst = far_rms = 0.0
    for picture in pictures:
        change = luma(picture)[far] - before
        far_worst = max(far_worst, float(np.abs(change).max()))
        far_rms = max(far_rms, rms(change))
    return StepResponse(
        far_worst=far_worst,
        far_rms=far_rms,
        settled_frames=_settled(pictures),
        patch=float(luma(pictures[-1])[:PATCH_PX, :PATCH_PX].mean()),
        frames=frames,
        far_px=far_px,
    )


def _far(shape: tuple[int, ...], far_px: int) -> np.ndarray:
    """Pixels further than ``far_px`` from the patch; (H, W) bool."""
    rows, columns = (np.maximum(np.arange(side) - (PATCH_PX - 1), 0) for side in shape)
    far: np.ndarray = np.hypot(rows[:, None], columns) > far_px
    if not far.any():
        raise UsageError(
            f"no pixel of {shape[1]}x{shape[0]} is further than {far_px} px from the patch",
            hint="use a larger picture",
        )
    return far


def _settled(pictures: list[np.ndarray]) -> int | None:
    """See `StepResponse.settled_frames`."""
    last = luma(pictures[-1])
    moving = 0
    for index, picture in enumerate(pictures):
        if np.abs(luma(picture) - last).max() > SETTLED:
            moving = index + 1
    return None if moving > len(pictures) * (1 - 1 / _LAST_PART) else moving
