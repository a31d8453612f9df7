"""Finds views that do not go with the others, and tries to say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..errors import CalibrationError
from .adjust import Data, residuals
from .intake import LEAST_PAIRS, WORDS
from .model import CAMERAS, State, Which
from .solution import LeftOut
from .start import best_poses, robust_noise

# Above this much of the usual noise a view's middle residual is no chance: views differ in
# sharpness, but hardly by so much.
_ODD = 4.0


@dataclass(frozen=True)
class Sorted:
    """The views that go together.

    Attributes:
        kept: (K,) numbers of the views that stay.
        data: theirs, with nothing of a camera whose picture was left out.
        left_out: the others.
    """

    kept: np.ndarray
    data: Data
    left_out: tuple[LeftOut, ...]


def sort_out(
    state: State, data: Data, noise: dict[Which, float], names: Sequence[str], odd: float = _ODD
) -> Sorted:
    """Leave out what does not go with the rest.

    Args:
        state: fitted in a way that bad views hardly move.
        data: all views.
        noise: usual noise per axis, by camera.
        names: of the views.
        odd: how many times the usual noise is too much.

    Raises:
        CalibrationError: most views disagree, so that none can be trusted; or too few remain.
    """
    used = {which: data.used[which].copy() for which in CAMERAS}
    left_out: list[LeftOut] = []
    disagree = 0
    for view in np.flatnonzero(_oddness(state, data, noise) > odd).tolist():
        camera, reason = _why(state, data, noise, view, odd)
        disagree += camera == "both"
        left_out.append(LeftOut(names[view], camera, reason))
        for which in CAMERAS:
            if camera in (which, "both"):
                used[which][view] = False
    before, after = (_pairs(points) for points in (data.used, used))
    if disagree > before / 3 or after < LEAST_PAIRS:
        raise CalibrationError(
            f"{before - after} of {before} pairs do not go with the others; "
            f"{left_out[0].name}: {left_out[0].reason}",
            hint="check that both pictures of a pair were taken at the same moment, with the board "
            "and the cameras at rest",
        )
    px = {w: np.where(used[w].any(1)[:, None, None], data.px[w], np.nan) for w in CAMERAS}
    kept = np.flatnonzero(np.any([used[which].any(1) for which in CAMERAS], axis=0))
    return Sorted(kept, Data(data.shape, px, used).of_views(kept), tuple(left_out))


def _pairs(used: Mapping[Which, np.ndarray]) -> int:
    return int((used["ir"].any(1) & used["vis"].any(1)).sum())


def _oddness(state: State, data: Data, noise: dict[Which, float]) -> np.ndarray:
    """(V,) middle residual over the usual one, of the worse camera."""
    worst = np.zeros(len(data.px["ir"]))
    for which in CAMERAS:
        error = residuals(state, data, which)
        for view in np.flatnonzero(data.used[which].any(1)):
            ratio = robust_noise(error[view], data.used[which][view]) / noise[which]
            worst[view] = max(worst[view], ratio)
    return worst


def _why(
    state: State, data: Data, noise: dict[Which, float], view: int, odd: float
) -> tuple[Which | Literal["both"], str]:
    one = data.of_views(np.array([view]))
    nothing = np.zeros_like(one.used["ir"])
    for which in CAMERAS:
        other: Which = "vis" if which == "ir" else "ir"
        if one.used[which].any():
            alone = one.using({which: one.used[which], other: nothing})
            if (ratio := _best(state, alone, noise)) > odd:
                return which, (
                    f"its points do not fit the board (off by {ratio * noise[which]:.1f} px)"
                )
    for which in CAMERAS:
        for factor, word in ((2.0, "half"), (0.5, "twice")):
            px = (one.px[which] + 0.5) * factor - 0.5
            if _best(state, replace(one, px={**one.px, which: px}), noise) < odd:
                return "both", (
                    f"its {WORDS[which]} picture seems to have {word} the size of the others"
                )
    turned = Data(
        one.shape,
        {**one.px, "ir": one.px["ir"][:, ::-1]},
        {**one.used, "ir": one.used["ir"][:, ::-1]},
    )
    if _best(state, turned, noise) < odd:
        return "both", "its points run from opposite corners of the board in the two pictures"
    apart = _best(state, one, noise) * max(noise.values())
    return "both", f"the two pictures disagree by {apart:.1f} px: the board or the cameras moved"


def _best(state: State, one: Data, noise: dict[Which, float]) -> float:
    """Oddness of a single view in its best pose."""
    return float(_oddness(best_poses(state, one, noise), one, noise)[0])
