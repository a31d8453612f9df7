"""The visible camera: colour, little light, noise."""

from __future__ import annotations

import cv2
import numpy as np

from .blend import Window, around, encode, gradient, planes, splash
from .draw import Sprite, draw
from .geometry import CENTER_U, EYE_M, FOCAL, HORIZON_V, visible_view
from .layout import make_layout
from .lighting import light_at
from .movers import Pose, make_travellers, poses_at
from .noise import NoiseBank
from .settings import SceneSettings
from .still import paint_still

BULB = np.array([1.0, 0.98, 0.92], np.float32)
TAIL = np.array([0.03, 0.02, 1.0], np.float32)
NOISE_UNIT = 24  # stored noise of strength 1
STRENGTH_UNIT = 7  # stored strength of one grey level


class VisibleCamera:
    """Pictures of the scene in colour; what stands still is painted once, here."""

    def __init__(self, settings: SceneSettings) -> None:
        self.view = visible_view(settings.vis_wh)
        layout = make_layout(settings.seed)
        self._lights = layout.lights
        self._travellers = make_travellers(settings.seed)
        still = paint_still(self.view, layout, settings.seed)
        width, height = settings.vis_wh
        across = (np.arange(width, dtype=np.float32) / (width - 1) * 2 - 1)[None]
        down = (np.arange(height, dtype=np.float32) / (height - 1) * 2 - 1)[:, None]
        self._gain = 1 / (1 + 0.30 * (across**2 + 0.6 * down**2))  # vignetting
        still.light[:] = cv2.GaussianBlur(still.light, (0, 0), 0.55) * self._gain[..., None]
        self._still, self._light = still, still.light.copy()
        self._picture = encode(still.light)
        self._noise = self._strength = None
        if settings.noise > 0:
            self._noise = NoiseBank(
                [settings.seed, 2],
                settings.vis_wh,
                planes=3,
                scale=NOISE_UNIT,
                blur=0.45,
                dtype=np.int8,
            )
            level = np.arange(256, dtype=np.float32)
            table = (1.7 + 2.4 * np.exp(-level / 26)) * (1 - 0.7 * (level / 255) ** 4)
            table = np.rint(table * settings.noise * STRENGTH_UNIT).astype(np.int8)
            self._strength = cv2.LUT(cv2.blur(self._picture, (3, 3)), table)

    def render(self, index: int, t_s: float) -> np.ndarray:
        """Picture (H, W, 3) uint8 BGR at a time in s; ``index`` chooses the noise."""
        poses = poses_at(self._travellers, t_s)
        picture = self._picture.copy()
        touched = self._draw(poses)
        for window in touched:
            picture[window] = encode(self._light[window])
        for window in touched:
            self._light[window] = self._still.light[window]
        if self._noise is None or self._strength is None:
            return picture
        noise = cv2.multiply(
            self._noise.frame(index), self._strength, scale=1 / (STRENGTH_UNIT * NOISE_UNIT)
        )
        signed = (picture ^ 128).view(np.int8)  # bytes of one type add ten times faster
        return cv2.add(signed, noise).view(np.uint8) ^ 128

    def _draw(self, poses: list[Pose]) -> list[Window]:
        """Paint all movers into the linear picture; returns the windows that have changed."""
        cars = [pose for pose in poses if pose.who.kind == "car"]
        touched = [window for car in cars for window in self._pool(car)]
        lights = self._lights_on(poses, cars)
        for pose, light in zip(poses, lights, strict=True):
            windows: list[Window] = []
            sprite = draw(pose.parts(self.view), self.view.size_wh, heat=False)
            if sprite is not None:
                tone = sprite.tone * gradient(light, len(sprite.cover))
                windows += self._mirror(pose, sprite, tone)
                windows.append(self._paint(pose, sprite, tone))
            if pose.who.kind == "car":
                windows += self._lamps(pose)
            elif pose.who.kind == "cyclist":
                windows += self._lamp(pose, (0.0, 0.75, -0.7 * pose.heading[1]), TAIL, 0.25)
            if windows:
                touched.append(around(windows))
        return touched

    def _lights_on(self, poses: list[Pose], cars: list[Pose]) -> np.ndarray:
        """Light at foot, middle and head of each body, (N, 3, 3) BGR."""
        if not poses:
            return np.zeros((0, 3, 3), np.float32)
        x = np.array([[p.x] * 3 for p in poses])
        z = np.array([[p.z] * 3 for p in poses])
        y = np.array([[0.1, 0.5 * p.height_m, p.height_m] for p in poses])
        light = light_at(self._lights, x, y, z, None)
        for car in cars:
            ahead = (z - car.z) * np.sign(car.heading[1]) - 2.2
            aside = (x - car.x) / (0.9 + 0.22 * np.maximum(ahead, 0))
            beam = (
                (ahead > 0.2)
                * np.exp(-(aside**2))
                * np.exp(-((y - 0.5) ** 2) / 2)
                * 14
                / (ahead**2 + 9)
            )
            light += beam[..., None].astype(np.float32) * BULB
        return light

    def _free(self, pose: Pose, window: Window) -> np.ndarray:
        return (self._still.depth[window] > pose.z - pose.reach_m).astype(np.float32)

    def _paint(self, pose: Pose, sprite: Sprite, tone: np.ndarray) -> Window:
        window = sprite.window
        free = self._free(pose, window)
        keep = 1 - cv2.GaussianBlur(sprite.cover, (3, 3), 0.5) * free
        light = self._light[window]
        light *= planes(keep)
        light += cv2.GaussianBlur(tone, (3, 3), 0.5) * planes(free * self._gain[window])
        return window

    def _mirror(self, pose: Pose, sprite: Sprite, tone: np.ndarray) -> list[Window]:
        """The body upside down in the wet ground below its foot, and its soft shadow."""
        foot = self.view.project(np.array([[pose.x, 0.0, pose.z]]))[0]
        height = len(sprite.cover)
        top = round(2 * foot[1]) - (sprite.top + height)
        skip = max(0, -top)
        rows = slice(top + skip, min(top + height, self.view.size_wh[1]))
        if rows.stop - rows.start < 2:
            return []
        window = (rows, sprite.window[1])
        cut = slice(skip, skip + rows.stop - rows.start)
        tall = max(1, height // 9) | 1
        cover = cv2.blur(sprite.cover[::-1][cut], (1, tall))
        tone = cv2.blur(tone[::-1][cut], (1, tall))
        wet = self._still.wet[window]
        light = self._light[window]
        light *= planes(1 - 0.85 * cover * np.minimum(wet * 2.5, 1))
        light += tone * planes(wet)
        width = 1.5 if pose.who.kind == "car" else 0.34
        shade = splash(foot, self.view.radius_px(width, pose.z), 0.34, self.view.size_wh)
        if shade is None:
            return [window]
        place, blob = shade
        ground = self._still.ground[place][..., 1] > 0
        self._light[place] *= planes(1 - 0.55 * blob * ground)
        return [window, place]

    def _lamps(self, car: Pose) -> list[Window]:
        coming = car.heading[1] < 0
        color, power, up = (BULB, 1.7, 0.68) if coming else (TAIL, 0.6, 0.83)
        touched: list[Window] = []
        for side in (-0.68, 0.68):
            touched += self._lamp(car, (side, up, -2.2), color, power)
        return touched

    def _lamp(
        self, pose: Pose, place: tuple[float, float, float], color: np.ndarray, power: float
    ) -> list[Window]:
        """Halo of a lamp at ``place`` (m, from its bearer) and its streak on the wet ground."""
        x, up, z = pose.x + place[0], place[1], pose.z + place[2]
        if z < 1:
            return []
        at, under = self.view.project(np.array([[x, up, z], [x, -up, z]]))
        column, row = np.rint(at).astype(int)
        width, height = self.view.size_wh
        if (
            not (0 <= column < width and 0 <= row < height)
            or self._still.depth[row, column] < z - 1
        ):
            return []
        radius = self.view.radius_px(0.42, z) + 5 * self.view.scale
        touched = []
        halo, veil, streak = (
            splash(at, radius, 1.0, self.view.size_wh),
            splash(at, 3.0 * radius, 1.0, self.view.size_wh),
            splash(under, 0.55 * radius, 5.0, self.view.size_wh),
        )
        for spot, gain in ((halo, power), (veil, 0.05 * power), (streak, 1.6 * power)):
            if spot is None:
                continue
            window, blob = spot
            strength = gain * blob
            if spot is streak:
                strength *= self._still.wet[window]
            self._light[window] += planes(strength, color)
            touched.append(window)
        return touched

    def _pool(self, car: Pose) -> list[Window]:
        """Light of headlamps on the ground before a car."""
        sign = np.sign(car.heading[1])
        near, far = sorted((car.z + sign * 2.2, car.z + sign * 19.0))
        near = max(near, 4.0)
        if far <= near + 0.5:
            return []
        corners = self.view.project(
            np.array([[car.x - 4.2, 0, near], [car.x + 4.2, 0, near], [car.x, 0, far]])
        )
        width, height = self.view.size_wh
        left, right = (int(np.clip(corners[i, 0], 0, width)) for i in (0, 1))
        top, bottom = (int(np.clip(corners[i, 1], 0, height)) for i in (2, 0))
        if right - left < 4 or bottom - top < 4:
            return []
        u = np.linspace(left, right - 1, max(2, (right - left) // 4), dtype=np.float32)[None]
        v = np.linspace(top, bottom - 1, max(2, (bottom - top) // 4), dtype=np.float32)[:, None]
        matrix = self.view.matrix
        z = FOCAL * EYE_M / ((v - matrix[1, 2]) / matrix[1, 1] - HORIZON_V)
        x = ((u - matrix[0, 2]) / matrix[0, 0] - CENTER_U) * z / FOCAL
        ahead = np.maximum((z - car.z) * sign - 2.2, 0)
        beam = np.exp(-(((np.abs(x - car.x) - 0.5) / (0.55 + 0.13 * ahead)) ** 2))
        beam *= np.clip((16.5 - ahead) / 8, 0, 1)
        power = (1.5 * ahead / (1 + (ahead / 4.0) ** 3) * beam).astype(np.float32)
        window = (slice(top, bottom), slice(left, right))
        power = cv2.resize(power, (right - left, bottom - top)) * self._gain[window]
        self._light[window] += self._still.ground[window] * planes(power)
        return [window]
