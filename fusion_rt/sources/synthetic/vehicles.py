"""Cars as solids with flat faces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .draw import Part
from .geometry import EYE_M, View
from .layout import Color

LENGTH_M, HALF_WIDTH, HALF_ROOF = 4.3, 0.88, 0.66
# Outline from the tail (0) to the nose (4.3): along, up, in m.
OUTLINE = (
    (0.02, 0.30), (0.0, 0.50), (0.0, 0.76), (0.10, 0.97), (0.60, 1.03), (1.20, 1.40), (1.75, 1.47),
    (2.40, 1.45), (3.14, 1.04), (3.75, 0.95), (4.12, 0.84), (4.28, 0.66), (4.3, 0.48), (4.27, 0.30),
)  # fmt: skip
# What lies between two corners of the outline: material, brightness.
PANELS = (
    ("trim", 1.0), ("paint", 0.62), ("paint", 0.80), ("paint", 1.0), ("glass", 1.0),
    ("paint", 1.15), ("paint", 1.15), ("glass", 1.0), ("bonnet", 1.1), ("bonnet", 1.0),
    ("bonnet", 0.85), ("grille", 0.7), ("trim", 1.0),
)  # fmt: skip
CAMERA = np.array([0.0, EYE_M, 0.0])
MIDDLE = np.array([0.0, 0.75, LENGTH_M / 2])
COLORS: dict[str, Color] = {  # the rest is painted
    "glass": (0.035, 0.030, 0.025), "sky glass": (0.085, 0.065, 0.050),
    "rubber": (0.012, 0.012, 0.012), "rim": (0.17, 0.17, 0.17), "trim": (0.025, 0.025, 0.025),
    "shadow": (0.006, 0.006, 0.006), "plate": (0.55, 0.60, 0.60), "chrome": (0.35, 0.35, 0.35),
    "grille": (0.05, 0.05, 0.05), "pipe": (0.02, 0.02, 0.02),
}  # fmt: skip
# Temperatures in K: standing, lately arrived, running.
KELVIN: dict[str, tuple[float, float, float]] = {
    "paint": (279.8, 280.0, 280.6), "roof": (277.6, 277.8, 278.2),
    "bonnet": (279.6, 291.0, 297.5), "grille": (280.0, 290.0, 303.0),
    "glass": (280.6, 282.0, 284.8), "sky glass": (279.4, 280.8, 283.0),
    "rubber": (281.6, 286.5, 296.0), "rim": (281.0, 288.5, 300.0),
    "trim": (280.8, 284.0, 289.0), "shadow": (283.4, 284.8, 287.0),
    "plate": (280.5, 281.0, 282.0), "chrome": (280.0, 281.0, 282.0),
    "pipe": (281.0, 288.0, 315.0), "tail": (280.2, 280.4, 281.5), "head": (280.2, 281.0, 288.0),
}  # fmt: skip


@dataclass(frozen=True)
class Face:
    """A flat piece of a car: corners (N, 3) as (side, up, along) in m."""

    corners: np.ndarray
    material: str
    shade: float = 1.0
    layer: int = 1  # 0 is drawn before the body, 2 after it


@lru_cache(maxsize=1)
def car_model() -> tuple[tuple[Face, ...], np.ndarray, np.ndarray, np.ndarray]:
    """All faces; their corners in one array (N, 3), their middles and outward normals (F, 3)."""
    faces = [*_underside(), *_shell(), *_flanks(), *_details()]
    middles = np.array([face.corners.mean(axis=0) for face in faces])
    normals = np.array(
        [np.cross(f.corners[1] - f.corners[0], f.corners[2] - f.corners[0]) for f in faces]
    )
    inward = np.einsum("ij,ij->i", normals, middles - MIDDLE) < 0
    normals[inward] *= -1
    return tuple(faces), np.concatenate([face.corners for face in faces]), middles, normals


def car_parts(
    view: View, x: float, z: float, ahead: int, paint: Color, *, running: bool, warm: bool
) -> list[Part]:
    """A car standing or driving along the street.

    Args:
        view: whose px.
        x, z: its middle on the ground in m.
        ahead: 1 when it points away from the camera, -1 when towards it.
        paint: albedo.
        running: engine, tyres and exhaust hot, lamps on.
        warm: has just arrived.
    """
    faces, corners, middles, normals = car_model()
    turn = np.array([1.0, 1.0, float(ahead)])
    place = np.array([x, 0.0, z - ahead * LENGTH_M / 2])
    px = view.project(corners * turn + place)
    where = middles * turn + place
    seen = np.einsum("ij,ij->i", normals * turn, CAMERA - where) > 0
    state = 2 if running else 1 if warm else 0
    starts = np.cumsum([0] + [len(face.corners) for face in faces])
    chosen = [i for i in range(len(faces)) if seen[i] or faces[i].layer == 0]
    chosen.sort(key=lambda i: (faces[i].layer, -where[i, 2]))
    return [
        Part(
            px[starts[i] : starts[i + 1]],
            _color(faces[i], paint, running),
            KELVIN[faces[i].material][state],
        )
        for i in chosen
    ]


def _color(face: Face, paint: Color, running: bool) -> Color:
    if face.material == "head":
        base: Color = (1.0, 1.0, 1.0) if running else (0.42, 0.42, 0.40)
    elif face.material == "tail":
        base = (0.04, 0.03, 0.95) if running else (0.03, 0.03, 0.28)
    else:
        base = COLORS.get(face.material, paint)
    shade = face.shade
    return (base[0] * shade, base[1] * shade, base[2] * shade)


def _half(up: float) -> float:
    return HALF_ROOF if up > 1.2 else HALF_WIDTH - 0.05 * (up < 0.4)


def _underside() -> list[Face]:
    plate = np.array([(-1.0, 0.02, 0.0), (1.0, 0.02, 0.0), (1.0, 0.02, 4.3), (-1.0, 0.02, 4.3)])
    faces = [Face(plate, "shadow", layer=0)]
    for along in (0.82, 3.42):
        for side in (-0.80, 0.80):
            box = [
                (side - 0.11, 0.0, along),
                (side + 0.11, 0.0, along),
                (side + 0.11, 0.5, along),
                (side - 0.11, 0.5, along),
            ]
            faces.append(Face(np.array(box), "rubber", layer=0))
    return faces


def _shell() -> list[Face]:
    faces = []
    for a, b, (material, shade) in zip(OUTLINE[:-1], OUTLINE[1:], PANELS, strict=True):
        wa, wb = _half(a[1]), _half(b[1])
        material = "roof" if min(a[1], b[1]) > 1.39 else material
        quad = [(-wa, a[1], a[0]), (wa, a[1], a[0]), (wb, b[1], b[0]), (-wb, b[1], b[0])]
        faces.append(Face(np.array(quad), material, shade))
        if material == "glass":  # its upper part mirrors the sky
            rising = b[1] > a[1]
            inner = [
                _between(quad, s, t if rising else 1 - t)
                for s, t in ((0.04, 0.45), (0.96, 0.45), (0.94, 0.94), (0.06, 0.94))
            ]
            faces.append(Face(np.array(inner), "sky glass", layer=2))
    return faces


def _between(quad: list[tuple[float, float, float]], s: float, t: float) -> np.ndarray:
    a, b, c, d = (np.array(p) for p in quad)
    return (1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * d + s * c)


def _flanks() -> list[Face]:
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    faces = []
    for side in (-1, 1):
        body = [(side * HALF_WIDTH, up, along) for along, up in OUTLINE if up < 1.2]
        faces.append(Face(np.array(body), "paint", 0.48))
        waist = [(0.08, 0.88), (4.0, 0.80), (3.6, 0.93), (0.2, 0.99)]
        faces.append(
            Face(np.array([(side * 0.885, up, along) for along, up in waist]), "paint", 0.85, 2)
        )
        sill = [(0.1, 0.32), (4.2, 0.32), (4.2, 0.42), (0.1, 0.42)]
        faces.append(
            Face(np.array([(side * 0.885, up, along) for along, up in sill]), "trim", 1.0, 2)
        )
        for cabin in (
            ((0.72, 1.03), (1.24, 1.39), (1.86, 1.44), (1.86, 1.04)),
            ((1.94, 1.04), (1.94, 1.44), (2.40, 1.42), (3.05, 1.05)),
        ):
            pane = [(side * (_half(up) + 0.004), up, along) for along, up in cabin]
            faces.append(Face(np.array(pane), "glass", 1.3, 2))
        for along in (0.82, 3.42):
            for radius, material in ((0.34, "rubber"), (0.20, "rim")):
                wheel = [
                    (
                        side * (HALF_WIDTH + 0.01),
                        0.33 + radius * np.sin(a),
                        along + radius * np.cos(a),
                    )
                    for a in turn
                ]
                faces.append(Face(np.array(wheel), material, 1.0, 2))
    return faces


def _details() -> list[Face]:
    faces = []
    for side in (-1, 1):
        head = [(0.50, 0.60, 4.30), (0.84, 0.62, 4.27), (0.84, 0.76, 4.24), (0.54, 0.74, 4.27)]
        tail = [(0.52, 0.74, -0.01), (0.87, 0.72, 0.0), (0.87, 0.90, 0.05), (0.56, 0.87, 0.04)]
        for corners, material in ((head, "head"), (tail, "tail")):
            faces.append(Face(np.array(corners) * (side, 1, 1), material, layer=2))
    for corners, material in (
        (
            [(-0.26, 0.56, -0.02), (0.26, 0.56, -0.02), (0.26, 0.67, -0.02), (-0.26, 0.67, -0.02)],
            "plate",
        ),
        (
            [(-0.26, 0.42, 4.32), (0.26, 0.42, 4.32), (0.26, 0.52, 4.32), (-0.26, 0.52, 4.32)],
            "plate",
        ),
        (
            [(-0.50, 0.80, 0.0), (0.50, 0.80, 0.0), (0.50, 0.825, 0.01), (-0.50, 0.825, 0.01)],
            "chrome",
        ),
        (
            [(0.42, 0.24, -0.02), (0.60, 0.24, -0.02), (0.60, 0.35, -0.02), (0.42, 0.35, -0.02)],
            "pipe",
        ),
    ):
        faces.append(Face(np.array(corners), material, 1.0, 2))
    return faces
