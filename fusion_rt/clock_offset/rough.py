"""Where two recordings that were started by hand roughly lie on each other.

The motions of both, as speeds on one grid of time, are compared at every lag at once by Fourier
transforms. The answer is good to some hundredths of a second, is always given where there is
enough to compare, and proves nothing: the windows laid together by it have to tell the offset.
"""

from __future__ import annotations

import numpy as np

from ..timing import NS_PER_S
from .motion import Steps
from .search import BELIEVED_WEIGHT, moving_mean

MOST_APART_S = 59.0  # so that no answer lies beyond what pairing.ir_offset_ms may be

_GRID_S = 0.02
_SLOW_S = 1.0  # slower motion tells little about time
_LEAST_COMMON_S = 6.0
# One jolt must not outweigh minutes of motion: greater speeds count as this many times the usual.
_MOST_SPEED = 3.0


def rough_offset_ns(ir: Steps, vis: Steps) -> int | None:
    """How far the infrared clock seems to be ahead.

    Args:
        ir: motion of the infrared recording, at least one step.
        vis: motion of the visible one, at least one step.

    Returns:
        The lag, up to 59 s to either side, at which the motions agree best for what they have in
        common there; None where they have less than 6 s in common at each.
    """
    ir_speed, vis_speed = _speeds(ir), _speeds(vis)
    apart_s = (int(ir.begin_ns[0]) - int(vis.begin_ns[0])) / NS_PER_S
    lags = np.arange(1 - len(vis_speed), len(ir_speed))
    offsets_s = lags * _GRID_S + apart_s
    # As numbers of the complex plane: the first is blind to roll, the second to mirroring too.
    agreement = np.maximum(
        np.abs(_correlation(ir_speed, vis_speed)),
        np.abs(_correlation(ir_speed, vis_speed.conj())),
    )
    ir_power, vis_power = np.abs(ir_speed) ** 2, np.abs(vis_speed) ** 2
    power = _correlation(ir_power, np.ones_like(vis_power)).real
    power *= _correlation(np.ones_like(ir_power), vis_power).real
    common = np.minimum(len(ir_speed), lags + len(vis_speed)) - np.maximum(0, lags)
    known = (np.abs(offsets_s) <= MOST_APART_S) & (common * _GRID_S >= _LEAST_COMMON_S)
    known &= power > 1e-6 * power.max()
    if not known.any():
        return None
    # The longer two motions agree, the less it can be chance.
    score = np.where(known, agreement**2 / np.maximum(power, 1e-30) * common, 0)
    return round(float(offsets_s[score.argmax()]) * NS_PER_S)


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum of a[t + lag] * conj(b[t]) for each lag from 1 - len(b) to len(a) - 1."""
    count = len(a) + len(b) - 1
    size = 1 << (count - 1).bit_length()
    sums = np.fft.ifft(np.fft.fft(a, size) * np.fft.fft(b, size).conj())
    return np.roll(sums, len(b) - 1)[:count]


def _speeds(steps: Steps) -> np.ndarray:
    """Speed on the grid from the first step on, (T,) complex: to the right and down."""
    moved = np.where((steps.weight >= BELIEVED_WEIGHT)[:, None], steps.moved, 0)
    place = np.concatenate([np.zeros((1, 2)), np.cumsum(moved, axis=0)])
    times_s = np.concatenate([steps.begin_ns[:1], steps.end_ns]) - steps.begin_ns[0]
    grid_s = np.arange(0, times_s[-1] / NS_PER_S + _GRID_S, _GRID_S)
    on_grid = np.stack([np.interp(grid_s, times_s / NS_PER_S, axis) for axis in place.T], axis=1)
    speed = np.diff(on_grid - moving_mean(on_grid, round(_SLOW_S / _GRID_S / 2)), axis=0)
    size = np.hypot(*speed.T)
    most = _MOST_SPEED * np.sqrt(np.mean(size**2))
    return (speed @ [1, 1j]) * np.minimum(1, most / np.maximum(size, 1e-12))
