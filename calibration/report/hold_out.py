"""The errors of pairs that had no part in a calibration, as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .figures import IR_COLOR, VIS_COLOR, figure_png, new_figure, show_picture_area

_NAMED = 40


def draw_hold_out(
    vis_wh: tuple[int, int],
    names: Sequence[str],
    places_px: Sequence[np.ndarray],
    errors_px: Sequence[np.ndarray],
) -> bytes:
    """Errors of each pair: as bars, and as arrows over the visible picture.

    Args:
        vis_wh: of the visible picture, px.
        names: of the pairs.
        places_px: (N, 2) each, where the visible camera saw the points.
        errors_px: (N, 2) each, where the infrared point is laid less where the visible camera saw
            it; NaN where one did not see it.

    Returns:
        A PNG file.

    Raises:
        CalibrationError: matplotlib is not installed.
    """
    whole = new_figure(11, 4.4)
    bars, arrows = whole.subplots(1, 2, width_ratios=(1, 1.2))
    at = np.arange(len(names))
    lengths = [np.hypot(*error[np.isfinite(error).all(axis=1)].T) for error in errors_px]
    bars.bar(at, [np.sqrt(np.mean(one**2)) for one in lengths], color=VIS_COLOR)
    bars.set_ylabel("RMS error in visible px", fontsize=9)
    bars.set_xticks(at if len(at) <= _NAMED else [], names if len(at) <= _NAMED else [])
    bars.tick_params(axis="x", rotation=90)
    bars.tick_params(labelsize=8)
    bars.spines[["top", "right"]].set_visible(False)
    bars.set_title("pair by pair", fontsize=10)
    places, errors = np.vstack(list(places_px)), np.vstack(list(errors_px))
    known = np.isfinite(errors).all(axis=1)
    places, errors = places[known], errors[known]
    show_picture_area(arrows, vis_wh)
    typical = max(float(np.sqrt(np.mean(errors**2))), 1e-6)
    enlarged = 0.03 * vis_wh[0] / typical
    shown = arrows.quiver(
        *places.T,
        *(errors * enlarged).T,
        color=IR_COLOR,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.003,
    )
    key_px = float(f"{typical:.1g}")
    arrows.quiverkey(shown, 0.9, 1.04, key_px * enlarged, f"{key_px:g} px", labelpos="E")
    words = f"over the visible picture, enlarged {enlarged:.0f} times"
    arrows.set_title(words, fontsize=10, loc="left")
    return figure_png(whole)
