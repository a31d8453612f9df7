"""Doubts about the views: how many, how tilted, how noisy, how whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from .alarm import Alarm
from .intake import WORDS
from .model import CAMERAS
from .solution import Solution
from .start import tilt_spread_deg

# How many pairs: below the first a figure hangs on single views, the second is what to take.
_FEW, _ENOUGH = 10, 20
_FLAT_DEG = 15.0
_NOISE_OFF, _NOISE_FAR_OFF = 1.3, 2.0
_UNSHARP_PX = 0.6
_TOGETHER, _TOGETHER_FAR = 1.5, 3.0
_WHOLE, _OFTEN = 0.75, 0.6
_MANY_OUTLIERS, _TOO_MANY_OUTLIERS = 0.01, 0.1
_MANY_LEFT_OUT = 0.15


def view_alarms(solution: Solution) -> Iterator[Alarm]:
    """One after the other."""
    yield from _noise(solution)
    yield from _moments(solution)
    yield from _number(solution)
    yield from _tilts(solution)
    yield from _half_out(solution)
    yield from _outliers(solution)
    yield from _left_out(solution)


def _noise(solution: Solution) -> Iterator[Alarm]:
    measured_px = solution.noise_ir_px, solution.noise_vis_px
    chi2s = solution.chi2_ir, solution.chi2_vis
    for which, measured, chi2 in zip(CAMERAS, measured_px, chi2s, strict=True):
        if chi2 is not None:
            ratio = chi2**0.5
            if not 1 / _NOISE_OFF < ratio < _NOISE_OFF:
                yield Alarm(
                    "noise",
                    f"the {WORDS[which]} points scatter by {measured:.2f} px, {ratio:.1f} times "
                    f"the {measured / ratio:.2f} px expected (chi squared {chi2:.1f})",
                    "either the expected noise is wrong, or the board or the lens bends in another "
                    "way; look at the residuals",
                    serious=ratio > _NOISE_FAR_OFF,
                )
        elif measured > _UNSHARP_PX:
            yield Alarm(
                "noise",
                f"the {WORDS[which]} points scatter by {measured:.2f} px, sharp pictures of a good "
                "board give 0.1 to 0.3 px",
                "hold the board still, focus, and see that warm and cold parts have clear edges",
            )


def _moments(solution: Solution) -> Iterator[Alarm]:
    joint = solution.noise_ir_px, solution.noise_vis_px
    alone = solution.alone_ir_px, solution.alone_vis_px
    for which, together, apart in zip(CAMERAS, joint, alone, strict=True):
        if together > _TOGETHER * apart:
            yield Alarm(
                "moments",
                f"by itself the {WORDS[which]} camera fits to {apart:.2f} px, with the other one "
                f"only to {together:.2f} px: the pictures of the pairs do not belong together",
                "take both pictures of a pair at the same moment, with board and cameras at rest",
                serious=together > _TOGETHER_FAR * apart,
            )


def _number(solution: Solution) -> Iterator[Alarm]:
    if solution.pairs < _ENOUGH:
        yield Alarm(
            "few-views",
            f"only {solution.pairs} pairs were used",
            f"take {_ENOUGH} to 30",
            serious=solution.pairs < _FEW,
        )


def _tilts(solution: Solution) -> Iterator[Alarm]:
    spread = tilt_spread_deg(np.array([view.T_ir_board[:3, 2] for view in solution.views]))
    if spread < _FLAT_DEG:
        yield Alarm(
            "parallel",
            f"the views show the board at much the same tilt (they differ by {spread:.0f} degrees)",
            "tilt the board by 30 degrees and more, to all four sides, in every other view",
            serious=spread < _FLAT_DEG / 2,
        )


def _half_out(solution: Solution) -> Iterator[Alarm]:
    given = len(solution.views) + len({one.name for one in solution.left_out})
    for which in CAMERAS:
        seen = [np.isfinite(getattr(view, f"{which}_px")).all(1) for view in solution.views]
        whole = sum(float(points.mean()) > _WHOLE for points in seen)
        if whole < _OFTEN * len(seen):
            yield Alarm(
                "half-out",
                f"the {WORDS[which]} camera saw the whole board in only {whole} of {given} views",
                "hold the board where both pictures show all of it",
            )


def _outliers(solution: Solution) -> Iterator[Alarm]:
    points = sum(int(view.ir_used.sum() + view.vis_used.sum()) for view in solution.views)
    part = len(solution.outliers) / (points + len(solution.outliers))
    if part > _MANY_OUTLIERS:
        (name, camera), most = Counter(
            (one.name, one.camera) for one in solution.outliers
        ).most_common(1)[0]
        yield Alarm(
            "outliers",
            f"{len(solution.outliers)} points ({part:.1%}) fit nothing and were left out, "
            f"{most} of them in {name} ({WORDS[camera]})",
            "look at these pictures; take them again where the board was moved, covered or unsharp",
            serious=part > _TOO_MANY_OUTLIERS,
        )


def _left_out(solution: Solution) -> Iterator[Alarm]:
    if solution.left_out:
        first, *others = solution.left_out
        more = f"; and {len(others)} more" if others else ""
        names = {one.name for one in solution.left_out}
        part = len(names) / (len(names) + len(solution.views))
        yield Alarm(
            "left-out",
            f"views were left out, {first.name}: {first.reason}{more}",
            "take them again",
            serious=part > 2 * _MANY_LEFT_OUT,
        )
