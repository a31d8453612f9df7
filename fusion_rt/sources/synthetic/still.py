"""The street without its movers: everything painted in order, once per source."""

from __future__ import annotations

import cv2
import numpy as np

from .geometry import FINEST, View
from .glow import halo, paint_cones, paint_glow
from .ground import mirror_street, paint_ground
from .layout import Layout
from .props import paint_props
from .street import Canvas, paint_end, paint_row, paint_sky, paint_towers
from .surfaces import Still
from .textures import Textures


def paint_still(view: View, layout: Layout, seed: int, *, heat_only: bool = False) -> Still:
    """All that stands still, seen by an upright view.

    Args:
        view: upright (no rotation), for instance `visible_view`.
        layout: the street.
        seed: of the patterns.
        heat_only: leave out what only changes the light.
    """
    if view.scale > FINEST:
        return _enlarged(view, layout, seed, heat_only)
    tex = Textures(seed)
    canvas = Canvas(view, heat_only)
    paint_sky(canvas, tex, np.random.default_rng([seed, 11]))
    paint_towers(canvas, layout, tex)
    paint_end(canvas, layout, tex)
    paint_row(canvas, layout, tex, left=True)
    paint_row(canvas, layout, tex, left=False)
    houses = None if heat_only else canvas.light.copy()
    ground = paint_ground(canvas, layout, tex)
    wet = np.zeros_like(canvas.depth)
    wet[ground.rows] = ground.mirror * ground.cover
    albedo = np.zeros_like(canvas.light)
    albedo[ground.rows] = ground.albedo * ground.cover[..., None]
    if houses is not None:
        direct, canvas.light = canvas.light, houses
        mirrored = mirror_street(canvas, ground, tex)
        canvas.light = direct
        lamps = paint_glow(canvas, layout, mirrored=True)[ground.rows]
        tall = max(3, int(60 * view.scale) | 1)
        smeared = cv2.blur(
            cv2.blur(lamps, (max(1, int(7 * view.scale) | 1), tall)), (1, tall // 2 | 1)
        )
        mirrored += smeared + 0.6 * ground.puddle[..., None] * lamps
        canvas.light[ground.rows] += mirrored * wet[ground.rows][..., None]
    paint_props(canvas, layout, seed)
    standing = np.abs(canvas.depth[ground.rows] - ground.z) > 0.05  # props hide the ground
    wet[ground.rows][standing] = 0
    albedo[ground.rows][standing] = 0
    if not heat_only:
        canvas.light += paint_glow(canvas, layout, mirrored=False)
        paint_cones(canvas, layout)
        canvas.light += halo(canvas.light, view.scale)
    return Still(canvas.light, canvas.kelvin, canvas.depth, wet, albedo)


def _enlarged(view: View, layout: Layout, seed: int, heat_only: bool) -> Still:
    """A large picture from one painted as finely as is worth its time."""
    shrink = np.diag([FINEST / view.scale, FINEST / view.scale, 1.0])
    size_wh = tuple(int(np.ceil(side * shrink[0, 0])) + 1 for side in view.size_wh)
    small = View((size_wh[0], size_wh[1]), shrink @ view.matrix, FINEST)
    still = paint_still(small, layout, seed, heat_only=heat_only)
    back = np.linalg.inv(shrink)[:2]

    def enlarge(picture: np.ndarray, how: int) -> np.ndarray:
        return cv2.warpAffine(
            picture, back, view.size_wh, flags=how, borderMode=cv2.BORDER_REPLICATE
        )

    return Still(
        enlarge(still.light, cv2.INTER_LINEAR),
        enlarge(still.kelvin, cv2.INTER_LINEAR),
        enlarge(still.depth, cv2.INTER_NEAREST),
        enlarge(still.wet, cv2.INTER_LINEAR),
        enlarge(still.ground, cv2.INTER_LINEAR),
    )
