"""How far the whole picture of one camera moves from frame to frame.

Phase correlation in twelve blocks of a small picture: what most blocks agree on is the motion of
the camera, what a few say alone is something that passes by. The normalised cross-power spectrum
is low-passed by a Gaussian, so that its peak is one too: the parabola through its logarithm then
gives fractions of a pixel, and noise and the sensor's fixed pattern, which live in the fine
detail, count little.

Source: Kuglin and Hines, "The phase correlation image alignment method", 1975.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from ..timing import NS_PER_MS

BLOCK = 48  # px
GRID = (3, 4)  # blocks down and across
SMALL_WH = (GRID[1] * BLOCK, GRID[0] * BLOCK)
LONGEST_STEP_NS = 400 * NS_PER_MS  # beyond it too much has changed, and the track breaks

_SPREAD = 1.5  # px, standard deviation of the peak
_LEAST_RESPONSE = 0.45  # of 1; the highest of pure noise lies near 0.35
_AGREED = 0.75  # px
_FURTHEST = 0.4 * BLOCK  # px; nearer to half a block the direction is a guess
# Share of the blocks that agree: nothing is believed at the first, everything from the second on.
_BELIEVED = (0.4, 0.7)


@dataclass(frozen=True, slots=True)
class Step:
    """Motion of the picture between two frames.

    Attributes:
        begin_ns: capture time of the first frame.
        end_ns: capture time of the second.
        dx, dy: to the right and down, as a share of the picture's width.
        weight: 0 (not believed) to 1.
    """

    begin_ns: int
    end_ns: int
    dx: float
    dy: float
    weight: float


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one camera as arrays, in order of time; where it was blind there is a gap.

    Attributes:
        begin_ns, end_ns: (N,) int64.
        moved: (N, 2) float64, to the right and down, as a share of the picture's width.
        weight: (N,) float64, 0 to 1.
    """

    begin_ns: np.ndarray
    end_ns: np.ndarray
    moved: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.begin_ns)

    def between(self, begin_ns: int, end_ns: int) -> Steps:
        """Only the steps that lie wholly in this time."""
        first = int(np.searchsorted(self.begin_ns, begin_ns))
        last = int(np.searchsorted(self.end_ns, end_ns, side="right"))
        cut = slice(first, max(first, last))
        return Steps(self.begin_ns[cut], self.end_ns[cut], self.moved[cut], self.weight[cut])

    def moved_by(self, shift_ns: int) -> Steps:
        """The same steps at other times."""
        return Steps(self.begin_ns + shift_ns, self.end_ns + shift_ns, self.moved, self.weight)


class MotionTrack:
    """Follows the global motion of one camera. Not thread-safe: one thread owns it."""

    def __init__(self, keep_ns: int | None = None) -> None:
        """Start empty.

        Args:
            keep_ns: how much time of steps is kept; None keeps all, for recordings.
        """
        self._keep_ns = keep_ns
        self._steps: deque[Step] = deque()
        self._before: _Blocks | None = None
        self._before_ns = 0
        self._size: tuple[int, ...] = ()

    def add(self, image: np.ndarray, captured_ns: int) -> Step | None:
        """Take the next frame.

        A picture that equals the last one brings nothing: some cameras repeat pictures, and the
        step goes on to the next new one. After a change of size, after more than 0.4 s without a
        new picture, and where time runs backwards, the track begins anew.

        Args:
            image: (H, W) uint8 or uint16, or (H, W, 3) uint8 BGR; only read.
            captured_ns: when it was taken.

        Returns:
            The step from the frame before; None where there is none.
        """
        small = reduced(image)
        before, before_ns = self._before, self._before_ns
        fits = before is not None and image.shape == self._size
        if fits and before is not None and np.array_equal(small, before.small):
            return None
        now = _Blocks(small)
        self._before, self._before_ns, self._size = now, captured_ns, image.shape
        if not fits or before is None or not 0 < captured_ns - before_ns <= LONGEST_STEP_NS:
            return None
        dx, dy, weight = common_motion(before.spectra, now.spectra)
        tall = image.shape[0] / image.shape[1]
        step = Step(before_ns, captured_ns, dx / SMALL_WH[0], dy / SMALL_WH[1] * tall, weight)
        self._append(step)
        return step

    def interrupt(self) -> None:
        """What comes next does not follow on what was: a shutter event, another zoom."""
        self._before = None

    def clear(self) -> None:
        """Forget everything: the clock of this camera has jumped."""
        self._before = None
        self._steps.clear()

    @property
    def steps(self) -> Steps:
        """All that is kept."""
        begin = np.fromiter((s.begin_ns for s in self._steps), np.int64, len(self._steps))
        end = np.fromiter((s.end_ns for s in self._steps), np.int64, len(self._steps))
        rest = np.array([(s.dx, s.dy, s.weight) for s in self._steps], np.float64).reshape(-1, 3)
        return Steps(begin, end, rest[:, :2], rest[:, 2])

    def _append(self, step: Step) -> None:
        steps = self._steps
        if steps and step.begin_ns < steps[-1].end_ns:
            steps.clear()  # time ran backwards: stamps before and after cannot be compared
        steps.append(step)
        while self._keep_ns is not None and step.end_ns - steps[0].begin_ns > self._keep_ns:
            steps.popleft()


class _Blocks:
    """A small picture and the spectra of its blocks, kept for the next frame."""

    def __init__(self, small: np.ndarray) -> None:
        self.small = small
        rows, cols = GRID
        blocks = small.astype(np.float32).reshape(rows, BLOCK, cols, BLOCK).swapaxes(1, 2)
        blocks = blocks.reshape(-1, BLOCK, BLOCK)
        blocks = (blocks - blocks.mean(axis=(1, 2), keepdims=True)) * _WINDOW
        self.spectra: np.ndarray = np.fft.rfft2(blocks).astype(np.complex64, copy=False)


def reduced(image: np.ndarray) -> np.ndarray:
    """The picture as grey levels in the small size that motion is measured in, (144, 192).

    Args:
        image: (H, W) uint8 or uint16, or (H, W, 3) uint8 BGR.

    Returns:
        The same dtype.
    """
    width, height = SMALL_WH
    small = image
    if image.shape[1] > 2 * width and image.shape[0] > 2 * height:
        # Averaging all of a large picture costs milliseconds; this costs a tenth of it, and what
        # is left of aliasing the next step averages.
        small = cv2.resize(small, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    small = cv2.resize(small, SMALL_WH, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY) if small.ndim == 3 else small


def common_motion(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """The motion that most blocks share.

    Args:
        before: spectra of the first picture's blocks, (B, BLOCK, BLOCK // 2 + 1) complex64.
        after: of the second picture's.

    Returns:
        Motion to the right and down in px of the small picture, and a weight from 0 to 1.
    """
    cross = after * before.conj()
    size = np.abs(cross)
    floor = 1e-6 * size.mean(axis=(1, 2), keepdims=True) + np.float32(1e-12)
    surface = np.fft.irfft2(cross / (size + floor) * _LOW_PASS, s=(BLOCK, BLOCK))
    moved, response = _peaks(surface)
    clear = (response > _LEAST_RESPONSE) & (np.abs(moved).max(axis=1) < _FURTHEST)
    if not clear.any():
        return 0.0, 0.0, 0.0
    middle = np.median(moved[clear], axis=0)
    agreed = clear & (np.hypot(*(moved - middle).T) < _AGREED)
    if not agreed.any():
        return 0.0, 0.0, 0.0
    dx, dy = np.average(moved[agreed], axis=0, weights=response[agreed])
    # Blocks without detail, such as sky, have no say, but half of the picture must have one.
    share = agreed.sum() / max(clear.sum(), len(response) / 2)
    low, high = _BELIEVED
    return float(dx), float(dy), float(np.clip((share - low) / (high - low), 0, 1))


def _peaks(surface: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place (B, 2) in px about the middle, and height from 0 to 1, of each block's highest peak."""
    block = np.arange(len(surface))
    row, col = np.divmod(surface.reshape(len(surface), -1).argmax(axis=1), BLOCK)
    top = surface[block, row, col]
    across = _vertex(surface[block, row, col - 1], top, surface[block, row, (col + 1) % BLOCK])
    down = _vertex(surface[block, row - 1, col], top, surface[block, (row + 1) % BLOCK, col])
    half = BLOCK / 2
    place = np.stack([col + across, row + down], axis=1)
    return (place + half) % BLOCK - half, top / _FULL_PEAK


def _vertex(left: np.ndarray, top: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Place of the Gaussian's peak from three neighbours, -0.5 to 0.5 px from the middle one."""
    a, b, c = (np.log(np.maximum(v, 1e-9)) for v in (left, top, right))
    bend = np.minimum(a - 2 * b + c, -1e-9)
    return np.clip(0.5 * (a - c) / bend, -0.5, 0.5)


def _gaussian_low_pass() -> np.ndarray:
    fy, fx = np.fft.fftfreq(BLOCK)[:, None], np.fft.rfftfreq(BLOCK)[None]
    return np.exp(-2 * (np.pi * _SPREAD) ** 2 * (fx * fx + fy * fy)).astype(np.float32)


_WINDOW = (np.hanning(BLOCK)[:, None] * np.hanning(BLOCK)[None]).astype(np.float32)
_LOW_PASS = _gaussian_low_pass()
_FULL_PEAK = float(np.fft.irfft2(_LOW_PASS, s=(BLOCK, BLOCK))[0, 0])
