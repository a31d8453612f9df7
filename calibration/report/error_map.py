"""How the expected error lies over the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import distance_words, new_figure, show_picture_area

if TYPE_CHECKING:
    from ..solve import Prediction

_LEAST_TOP_PX = 0.05  # so that a very good rig does not look spotty


def draw_error_map(
    prediction: Prediction, vis_wh: tuple[int, int], distances_m: tuple[float, ...]
) -> Any:
    """Expected error in each place of the visible picture, one map for each distance.

    Args:
        prediction: holds all ``distances_m``.
        vis_wh: of the visible picture, px.
        distances_m: what to draw.
    """
    whole = new_figure(10, 3.9)
    maps = [prediction.sigma_px[prediction.distances_m.index(d)] for d in distances_m]
    known = [one[np.isfinite(one)] for one in maps]
    top = max([_LEAST_TOP_PX, *(float(np.percentile(one, 99)) for one in known if len(one))])
    x, y = prediction.grid_px[..., 0], prediction.grid_px[..., 1]
    shown = None
    panels = np.atleast_1d(whole.subplots(1, len(maps)))
    for axes, one, distance_m in zip(panels, maps, distances_m, strict=True):
        show_picture_area(axes, vis_wh)
        axes.set_facecolor("#BBBBBB")
        shown = axes.pcolormesh(x, y, one, cmap="cividis", vmin=0, vmax=top, shading="gouraud")
        blind = np.isfinite(one) & ~prediction.supported
        if blind.any():
            axes.contourf(x, y, blind, levels=(0.5, 1.5), colors="none", hatches=["xx"])
        axes.set_title(f"at {distance_words(distance_m)}", fontsize=10)
    bar = whole.colorbar(shown, ax=list(panels), shrink=0.9, extend="max")
    bar.set_label("expected error in visible px", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return whole
