"""What stands in the street: lamp posts, trees, parked cars, boards, warm vents."""

from __future__ import annotations

import cv2
import numpy as np

from .draw import KELVIN_BASE, Part, Sprite, draw, hull
from .geometry import CENTER_U, EYE_M, FOCAL, HORIZON_V, View
from .layout import LEFT_X, Color, Layout, ParkedCar, Tree
from .lighting import light_at
from .street import Canvas
from .vehicles import car_parts

POST_M = 5.9


def paint_props(canvas: Canvas, layout: Layout, seed: int) -> None:
    """Paint all of it, the farthest first."""
    things: list[tuple[float, list[Part]]] = []
    for tree in layout.trees:
        things.append((tree.z, _tree(canvas.view, tree, seed)))
    for car in layout.cars:
        things.append((car.z - 1.2, _parked(canvas.view, car)))
    for x, z in layout.lamps:
        things.append((z, _post(canvas.view, x, z)))
    for sign in layout.signs:
        if sign.down:
            things.append(
                (sign.z, _board(canvas.view, sign.z, sign.y, len(sign.text), sign.letter_m))
            )
    for z, y, size in layout.vents:
        things.append((z, _vent(canvas.view, z, y, size)))
    for depth, parts in sorted(things, key=lambda thing: -thing[0]):
        _put(canvas, layout, parts, depth)


def _put(canvas: Canvas, layout: Layout, parts: list[Part], depth: float) -> None:
    sprite = draw(parts, canvas.view.size_wh, heat=canvas.heat_only)
    if sprite is None:
        return
    rows, cols = sprite.window
    free = (canvas.depth[rows, cols] > depth - 0.3).astype(np.float32)
    cover = sprite.cover * free
    if canvas.heat_only:
        warm = canvas.kelvin[rows, cols]
        warm += cover * (KELVIN_BASE - warm) + sprite.tone * free
    else:
        window = canvas.light[rows, cols]
        window *= (1 - cover)[..., None]
        window += sprite.tone * _light_on(canvas, layout, sprite, depth) * free[..., None]
    np.copyto(canvas.depth[rows, cols], np.float32(depth), where=cover > 0.5)


def _light_on(canvas: Canvas, layout: Layout, sprite: Sprite, depth: float) -> np.ndarray:
    """Light on a body standing at ``depth``, as a round one, (h, w, 3)."""
    rows, cols = sprite.window
    height, width = sprite.cover.shape
    x = (canvas.u[:, cols][:, ::4] - CENTER_U) * depth / FOCAL
    y = EYE_M - (canvas.v[rows][::4] - HORIZON_V) * depth / FOCAL
    return cv2.resize(light_at(layout.lights, x, y, depth, None), (width, height))


def _tree(view: View, tree: Tree, seed: int) -> list[Part]:
    rng = np.random.default_rng([seed, 300, tree.number])
    bark: Color = (0.05, 0.07, 0.09)
    fork = np.array([tree.x, tree.height * 0.42, tree.z])
    parts = [Part(hull(view, np.array([[tree.x, 0.0, tree.z], fork]), (0.20, 0.13)), bark, 282.8)]
    crown = np.array([tree.x, tree.height - tree.crown * 0.85, tree.z])
    for _ in range(7):
        tip = crown + rng.normal(0, 0.45, 3) * tree.crown * (1, 0.6, 0.2)
        parts.append(Part(hull(view, np.array([fork, tip]), (0.10, 0.03)), bark, 282.5))
    clumps = crown + rng.normal(0, 0.42, (26, 3)) * tree.crown * (1, 0.72, 0.3)
    count = 1100
    home = rng.integers(len(clumps), size=count)
    leaf = clumps[home] + rng.normal(0, 0.17, (count, 3)) * tree.crown
    leaf[:, 2] = tree.z + 0.2 * (leaf[:, 2] - tree.z)
    order = np.argsort(-(leaf[:, 2] - 0.4 * leaf[:, 1]))
    size = rng.uniform(0.07, 0.17, count)
    turn = rng.uniform(0, np.pi, count)
    tone = rng.uniform(0.45, 1.35, count)
    warmth = 281.3 + rng.normal(0, 0.5, count) + 0.6 * (tone - 0.9)
    long = np.stack([np.cos(turn), np.sin(turn), np.zeros(count)], 1) * size[:, None]
    wide = np.stack([-np.sin(turn), np.cos(turn), np.zeros(count)], 1) * size[:, None] * 0.45
    outline = np.stack([leaf - long, leaf - wide, leaf + long, leaf + wide], 1)
    corners = view.project(outline.reshape(-1, 3)).reshape(-1, 4, 2)
    parts += [
        Part(corners[i], (0.055 * tone[i], 0.15 * tone[i], 0.085 * tone[i]), float(warmth[i]))
        for i in order
    ]
    return parts


def _parked(view: View, car: ParkedCar) -> list[Part]:
    return car_parts(view, car.x, car.z, car.ahead, car.paint, running=False, warm=car.warm)


def _post(view: View, x: float, z: float) -> list[Part]:
    iron: Color = (0.06, 0.065, 0.06)
    inward = 1.3 if x < 0 else -1.3
    tube = [
        ((x, 0.0, z), (x, 0.9, z), 0.11),
        ((x, 0.9, z), (x, POST_M - 0.3, z), 0.06),
        ((x, POST_M - 0.3, z), (x + 0.35 * inward, POST_M, z), 0.05),
        ((x + 0.35 * inward, POST_M, z), (x + inward, POST_M - 0.06, z), 0.045),
    ]
    parts = [Part(hull(view, np.array([a, b]), (r, r)), iron, 280.6) for a, b, r in tube]
    head = np.array([[x + inward * 0.8, POST_M - 0.1, z], [x + inward * 1.15, POST_M - 0.14, z]])
    parts.append(Part(hull(view, head, (0.13, 0.13)), iron, 289.0))
    return parts


def _board(view: View, z: float, y: float, letters: int, letter_m: float) -> list[Part]:
    left, right, top = LEFT_X + 0.25, LEFT_X + 1.25, y + 2.1
    bottom = top - letters * letter_m * 1.3 - 0.25
    frame = np.array([[left, bottom, z], [right, bottom, z], [right, top, z], [left, top, z]])
    inset = np.array([[0.05, 0.05, 0], [-0.05, 0.05, 0], [-0.05, -0.05, 0], [0.05, -0.05, 0]])
    arm = np.array(
        [
            [LEFT_X, top - 0.3, z],
            [left, top - 0.3, z],
            [left, top - 0.24, z],
            [LEFT_X, top - 0.24, z],
        ]
    )
    return [
        Part(view.project(arm), (0.05, 0.05, 0.05), 281.2),
        Part(view.project(frame), (0.10, 0.10, 0.10), 281.2),
        Part(view.project(frame + inset), (0.02, 0.018, 0.018), 281.2),
    ]


def _vent(view: View, z: float, y: float, size: float) -> list[Part]:
    x = LEFT_X + 0.05
    box = np.array(
        [[x, y, z - size], [x, y, z + size], [x, y + size, z + size], [x, y + size, z - size]]
    )
    return [Part(view.project(box), (0.12, 0.12, 0.12), 296.0)]
