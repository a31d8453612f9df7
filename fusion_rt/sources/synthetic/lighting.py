"""Point lights of the street and how brightly they light a place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AMBIENT_BGR = np.array([0.0075, 0.0052, 0.0040], np.float32)  # glow of the night sky


@dataclass(frozen=True)
class Light:
    """A lamp or lit sign.

    Attributes:
        position: (X, Y, Z) in m.
        color: blue, green, red power; 1 lights a white wall at 1 m fully.
        downward: shines like a lamp with a shade instead of in all directions.
        reach_m: beyond this the damp air takes what is left.
    """

    position: tuple[float, float, float]
    color: tuple[float, float, float]
    downward: bool = False
    reach_m: float = 26.0


def light_at(
    lights: tuple[Light, ...],
    x: np.ndarray | float,
    y: np.ndarray | float,
    z: np.ndarray | float,
    normal: tuple[float, float, float] | None,
) -> np.ndarray:
    """Light that arrives at places.

    Args:
        lights: all lamps.
        x, y, z: places in m, broadcastable to one shape (H, W) or ().
        normal: which way the surface faces; None for a round body, lit from anywhere.

    Returns:
        Shape (H, W, 3) or (3,), float32, BGR; 1 is a fully lit white surface.
    """
    shape = np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z))
    total = np.empty((*shape, 3), np.float32)
    total[:] = AMBIENT_BGR
    for light in lights:
        dx, dy, dz = (light.position[0] - x, light.position[1] - y, light.position[2] - z)
        square = dx * dx + dy * dy + dz * dz + 0.15
        inverse = 1 / np.sqrt(square)
        if normal is None:
            facing: np.ndarray | float = 0.5
        else:
            facing = np.maximum((dx * normal[0] + dy * normal[1] + dz * normal[2]) * inverse, 0)
        if light.downward:
            below = np.clip(dy * inverse, 0, 1)
            facing = facing * below * np.sqrt(below)
        fade = np.exp(square * (-1 / light.reach_m**2))
        strength = np.asarray(facing * fade / square, np.float32)
        total += strength[..., None] * np.asarray(light.color, np.float32)
    return total
