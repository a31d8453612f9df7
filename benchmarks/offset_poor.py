"""Pictures that tell no offset, or hardly one: rigs at rest, walls without texture, fences.

Each scene gives the frames of the infrared and of the visible camera, and the true offset in ms, or
None where an answer would be wrong whatever it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from shaken import Camera, Path, seen, shake, still

from fusion_rt.frame import Frame

_OFFSET_MS = 40.0
_WH = (320, 240)


@dataclass(frozen=True)
class Poor:
    """What the two cameras see, and what there is to be told."""

    ir: Iterable[Frame]
    vis: Iterable[Frame]
    offset_ms: float | None


@dataclass(frozen=True)
class Views:
    """Two large pictures, how fast they are taken, and chance."""

    ir: np.ndarray
    vis: np.ndarray
    rates: tuple[int, int]
    rng: np.random.Generator

    def frames(
        self, ir_path: Path, vis_path: Path, noise: float = 3.0
    ) -> tuple[Iterator[Frame], Iterator[Frame]]:
        """What both cameras see of their pictures."""
        phase = self.rng.uniform()
        ir = Camera(self.rates[0], _OFFSET_MS, scale=0.5, phase=phase)
        vis = Camera(self.rates[1], scale=0.5)
        return (
            seen(self.ir, ir_path, ir, self.rng, wh=_WH, noise=noise),
            seen(self.vis, vis_path, vis, self.rng, wh=_WH, noise=noise),
        )

    def shake(self) -> Path:
        return shake(self.rng, self.rng.uniform(0.03, 0.2))


def at_rest(views: Views) -> Poor:
    return Poor(*views.frames(still, still), None)


def at_rest_in_strong_noise(views: Views) -> Poor:
    return Poor(*views.frames(still, still, noise=15.0), None)


def at_rest_in_flickering_light(views: Views) -> Poor:
    """The same flicker in both: it is not motion."""
    hz, phase = views.rng.uniform(0.5, 4), views.rng.uniform(0, 6)

    def flicker(frames: Iterable[Frame], ahead_ms: float) -> Iterator[Frame]:
        for frame in frames:
            time_s = frame.captured_ns / 1e9 - ahead_ms / 1e3
            gain = 1 + 0.3 * np.sin(2 * np.pi * hz * time_s + phase)
            yield replace(frame, image=cv2.convertScaleAbs(frame.image, alpha=gain))

    ir, vis = views.frames(still, still)
    return Poor(flicker(ir, _OFFSET_MS), flicker(vis, 0), None)


def at_rest_while_one_passes(views: Views) -> Poor:
    """Someone walks before both cameras, which see him at the same time in other places."""
    begin_s, speed = views.rng.uniform(0, 3), views.rng.uniform(0.15, 0.4)

    def passed(
        frames: Iterable[Frame], picture: np.ndarray, ahead_ms: float, place: float
    ) -> Iterator[Frame]:
        patch = np.ascontiguousarray(picture[200:400, 300:380])
        for frame in frames:
            time_s = frame.captured_ns / 1e9 - ahead_ms / 1e3
            image = frame.image.copy()
            left = round((place + speed * (time_s - begin_s)) * _WH[0])
            first, last = max(0, left), min(_WH[0], left + patch.shape[1])
            if first < last:
                image[20:220, first:last] = patch[:, first - left : last - left]
            yield replace(frame, image=image)

    ir, vis = views.frames(still, still)
    # His pace is the same in both: an answer that is right is welcome.
    return Poor(passed(ir, views.ir, _OFFSET_MS, -0.2), passed(vis, views.vis, 0, 0.0), _OFFSET_MS)


def one_camera_shaken(views: Views) -> Poor:
    path = views.shake()
    one_of_two = views.rng.uniform() < 0.5
    return Poor(*(views.frames(still, path) if one_of_two else views.frames(path, still)), None)


def each_shaken_by_itself(views: Views) -> Poor:
    return Poor(*views.frames(views.shake(), views.shake()), None)


def wall_without_texture(views: Views) -> Poor:
    path = views.shake()
    blank = replace(
        views, ir=np.full_like(views.ir, 90), vis=cv2.GaussianBlur(views.vis, (0, 0), 60)
    )
    return Poor(*blank.frames(path, path), _OFFSET_MS)


def infrared_sees_only_its_own_pattern(views: Views) -> Poor:
    """A warm wall without texture, and the columns of the sensor that no calibration took out."""
    path = views.shake()
    blank = replace(views, ir=np.full_like(views.ir, 90))
    columns = np.rint(views.rng.normal(0, 6, (1, _WH[0]))).astype(np.int16)
    ir, vis = blank.frames(path, path)
    stamped = (
        replace(frame, image=np.clip(frame.image + columns, 0, 255).astype(np.uint8))
        for frame in ir
    )
    return Poor(stamped, vis, _OFFSET_MS)


def hardly_any_contrast(views: Views) -> Poor:
    path = views.shake()
    faint = replace(views, ir=_faint(views.ir), vis=_faint(views.vis))
    return Poor(*faint.frames(path, path), _OFFSET_MS)


def fence(views: Views) -> Poor:
    """Equal slats all over the picture: a shake by one slat looks like none."""
    path = views.shake()
    slats = (np.arange(views.ir.shape[1]) // 20 % 2 * 120 + 60).astype(np.uint8)
    picture = np.tile(slats, (views.ir.shape[0], 1))
    alike = replace(views, ir=255 - picture, vis=cv2.merge([picture] * 3))
    return Poor(*alike.frames(path, path), _OFFSET_MS)


def _faint(picture: np.ndarray) -> np.ndarray:
    """Within few grey levels about the middle one."""
    return cv2.convertScaleAbs(picture, alpha=0.04, beta=120)


SCENES: tuple[Callable[[Views], Poor], ...] = (
    at_rest,
    at_rest_in_strong_noise,
    at_rest_in_flickering_light,
    at_rest_while_one_passes,
    one_camera_shaken,
    each_shaken_by_itself,
    wall_without_texture,
    infrared_sees_only_its_own_pattern,
    hardly_any_contrast,
    fence,
)
