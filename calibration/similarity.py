"""Shift, turn and scale: the small correction on top of a rig."""

from __future__ import annotations

import numpy as np

from .errors import RigError

_EXACT = 1e-6
_SCALE = (0.5, 2.0)


def check_similarity(S: np.ndarray) -> np.ndarray:
    """A (3, 3) similarity as float64.

    Raises:
        RigError: it is something else, or scales by less than 0.5 or more than 2.
    """
    S = np.asarray(S, np.float64)
    if S.shape != (3, 3) or not np.isfinite(S).all():
        raise RigError(
            "a correction must be 3 rows of 3 finite numbers", hint="no correction is np.eye(3)"
        )
    (a, b, _), (c, d, _), last = S
    scale = float(np.hypot(a, c))
    if (
        max(abs(a - d), abs(b + c)) > _EXACT
        or np.abs(last - (0, 0, 1)).max() > _EXACT
        or not _SCALE[0] <= scale <= _SCALE[1]
    ):
        raise RigError(
            f"a correction must shift, turn and scale a little, not {S.round(4).tolist()}",
            hint="calibrate again where the cameras have moved so much",
        )
    return S


def fit_similarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The similarity that carries ``a`` to ``b`` with the least squares of what is left.

    Args:
        a: (N, 2), two different points at least.
        b: (N, 2).

    Returns:
        (3, 3) float64.
    """
    mean_a, mean_b = a.mean(0), b.mean(0)
    # As complex numbers a similarity is one factor and one shift.
    za = (a - mean_a) @ (1, 1j)
    zb = (b - mean_b) @ (1, 1j)
    factor = np.vdot(za, zb) / np.vdot(za, za).real
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    S = np.eye(3)
    S[:2, :2] = turn
    S[:2, 2] = mean_b - turn @ mean_a
    return S
