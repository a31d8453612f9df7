"""Two cameras of one rig whose motion and clocks are known, as motion alone or as pictures.

For tests and measurements. A path is a function of true time in s, shape (N,), that gives where
the picture's content lies, (2, N): to the right and down, as shares of the picture's width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fusion_rt.clock_offset.motion import Steps
from fusion_rt.frame import Frame

Path = Callable[[np.ndarray], np.ndarray]
NS_PER_S = 1_000_000_000
_NOISE_MARGIN = 64  # px


def shake(
    rng: np.random.Generator,
    speed: float = 0.1,
    band_hz: tuple[float, float] = (0.5, 8.0),
    down: float = 1.0,
) -> Path:
    """Random motion, as of a hand: ``speed`` is the root mean square in widths per second."""
    hz = rng.uniform(*band_hz, (2, 40))
    phase = rng.uniform(0, 2 * np.pi, (2, 40))
    size = rng.normal(size=(2, 40))
    size *= speed / np.sqrt(np.sum(size**2, axis=1, keepdims=True)) * np.array([[1.0], [down]])

    def path(times_s: np.ndarray) -> np.ndarray:
        turn = 2 * np.pi * hz[..., None]
        waves = np.cos(turn * np.asarray(times_s) + phase[..., None])
        return -(size[..., None] / turn * waves).sum(axis=1)

    return path


def swing(rng: np.random.Generator, hz: float, speed: float = 0.1, round_: float = 0.0) -> Path:
    """Periodic motion along a line, or along an ellipse that is ``round_`` wide."""
    angle, phase = rng.uniform(0, 2 * np.pi, 2)
    reach = speed / (2 * np.pi * hz)

    def path(times_s: np.ndarray) -> np.ndarray:
        turn = 2 * np.pi * hz * np.asarray(times_s) + phase
        along, across = np.sin(turn), round_ * np.cos(turn)
        c, s = np.cos(angle), np.sin(angle)
        return reach * np.stack([c * along - s * across, s * along + c * across])

    return path


def passing(spans: Sequence[tuple[float, float, float]]) -> Path:
    """Motion to the right for each (begin, end, speed), in s and widths per s."""

    def path(times_s: np.ndarray) -> np.ndarray:
        times_s = np.asarray(times_s, np.float64)
        place = np.zeros((2, *times_s.shape))
        for begin, end, speed in spans:
            place[0] += speed * np.clip(times_s - begin, 0, max(0.0, end - begin))
        return place

    return path


def still(times_s: np.ndarray) -> np.ndarray:
    """No motion."""
    return np.zeros((2, *np.shape(times_s)))


def together(*paths: Path) -> Path:
    """The sum of motions."""
    return lambda times_s: np.sum([path(times_s) for path in paths], axis=0)


def only_in(path: Path, spans: Sequence[tuple[float, float]], seconds: float = 12.0) -> Path:
    """The same motion in some spans of time, rest in between."""
    fine_s = np.arange(-2, seconds + 2, 0.002)
    moving = np.zeros_like(fine_s)
    for begin, end in spans:
        edge = np.minimum(fine_s - begin, end - fine_s) / 0.1
        moving = np.maximum(moving, np.clip(edge, 0, 1))
    place = np.cumsum(np.gradient(path(fine_s), fine_s, axis=1) * moving, axis=1) * 0.002
    return lambda times_s: np.stack([np.interp(times_s, fine_s, axis) for axis in place])


@dataclass(frozen=True)
class Camera:
    """How a camera takes what it sees.

    Attributes:
        fps: frames per second.
        offset_ms: its stamps are later than the truth by this.
        scale: its motion in widths against the path's: another focal length.
        roll: turned about its axis, in rad; pi is upside down.
        jitter_ms: stamps are off by up to this.
        loss: share of the frames that are missing.
        error: standard deviation of a measured step in widths.
        phase: time of the first frame, in frames.
        ppm: its clock runs faster than the truth by this, in millionths.
    """

    fps: float = 30.0
    offset_ms: float = 0.0
    scale: float = 1.0
    roll: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    error: float = 1.5e-4
    phase: float = 0.0
    ppm: float = 0.0

    def times_s(self, rng: np.random.Generator, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """True times in s and stamps in ns."""
        times_s = (np.arange(int(seconds * self.fps)) + self.phase) / self.fps
        times_s = times_s[rng.uniform(size=len(times_s)) >= self.loss]
        off_ms = self.offset_ms + rng.uniform(-1, 1, len(times_s)) * self.jitter_ms
        return times_s, np.rint((times_s * (1 + self.ppm * 1e-6) + off_ms / 1e3) * NS_PER_S).astype(
            np.int64
        )


def measured(path: Path, camera: Camera, rng: np.random.Generator, seconds: float = 10.0) -> Steps:
    """The steps that a camera's `MotionTrack` would give, with its errors."""
    times_s, stamps_ns = camera.times_s(rng, seconds)
    c, s = np.cos(camera.roll), np.sin(camera.roll)
    place = camera.scale * np.array([[c, -s], [s, c]]) @ path(times_s)
    moved = np.diff(place, axis=1).T
    moved = moved * rng.normal(1, 0.03, (len(moved), 1)) + rng.normal(0, camera.error, moved.shape)
    order = np.diff(stamps_ns) > 0
    return Steps(stamps_ns[:-1][order], stamps_ns[1:][order], moved[order], np.ones(order.sum()))


def textured(rng: np.random.Generator, wh: tuple[int, int] = (800, 640)) -> np.ndarray:
    """A picture with detail of every size, (H, W) uint8."""
    picture = np.zeros((wh[1], wh[0]), np.float32)
    for cell in (4, 12, 40, 120):
        grid = rng.normal(size=(wh[1] // cell + 2, wh[0] // cell + 2)).astype(np.float32)
        picture += cv2.resize(grid, wh, interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 30 * picture, 0, 255).astype(np.uint8)


def seen(
    picture: np.ndarray,
    path: Path,
    camera: Camera,
    rng: np.random.Generator,
    seconds: float = 10.0,
    wh: tuple[int, int] = (640, 480),
    noise: float = 3.0,
    blur_s: Sequence[float] = (0.0,),
) -> Iterator[Frame]:
    """Frames of a camera that looks at the middle of a large picture while it moves.

    Args:
        picture: (H, W) uint8 or (H, W, 3) uint8 BGR, larger than ``wh`` by some shakes.
        path: motion of the picture's content.
        camera: its ``scale`` is the zoom.
        rng: for stamps and noise.
        seconds: how long.
        wh: of the frames.
        noise: standard deviation in grey levels.
        blur_s: a frame is the mean of what was seen at these times about its own.
    """
    times_s, stamps_ns = camera.times_s(rng, seconds)
    middle = np.array([picture.shape[1] - 1, picture.shape[0] - 1]) / 2
    c, s = np.cos(camera.roll) / camera.scale, np.sin(camera.roll) / camera.scale
    turn = np.array([[c, s], [-s, c]])  # from the frame to the picture
    # Drawn once, and taken from another place for each frame.
    shape = (wh[1] + _NOISE_MARGIN, wh[0] + _NOISE_MARGIN, *picture.shape[2:])
    grain = np.rint(rng.normal(0, noise, shape)).astype(np.int16)
    for seq, (time_s, stamp_ns) in enumerate(zip(times_s, stamps_ns, strict=True)):
        views = []
        for delay_s in blur_s:
            place = path(np.array([time_s + delay_s]))[:, 0] * wh[0]
            shift = middle - turn @ ((np.array(wh) - 1) / 2) - place
            matrix = np.hstack([turn, shift[:, None]])
            flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            views.append(
                cv2.warpAffine(picture, matrix, wh, flags=flags, borderMode=cv2.BORDER_REFLECT)
            )
        view = views[0]
        if len(views) > 1:
            view = np.rint(np.mean(views, axis=0, dtype=np.float32)).astype(np.uint8)
        x, y = rng.integers(_NOISE_MARGIN, size=2)
        image = cv2.add(view, grain[y : y + wh[1], x : x + wh[0]], dtype=cv2.CV_8U)
        yield Frame(image, int(stamp_ns), seq, int(stamp_ns), int(stamp_ns))
