"""Doubts about what came out: the board, the lengths, the lenses, the model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..camera import Camera
from .alarm import Alarm
from .intake import WORDS
from .model import CAMERAS
from .solution import Solution

_ASPECT, _ASPECT_FAR, _CERTAIN = 0.002, 0.01, 5.0
_RULER = 0.08
_BASELINE_M = 0.6
_NEAREST_M = 0.1  # a board nearer than that no lens shows sharply
_FIELD_DEG = (4.0, 125.0)
_SQUARE = 0.03
_CENTRE = 0.15
_TURNED_DEG = 30.0
ALIKE = 0.25


def geometry_alarms(solution: Solution) -> Iterator[Alarm]:
    """One after the other."""
    yield from _board(solution)
    yield from _lengths(solution)
    yield from _lenses(solution)
    yield from _model(solution)


def _board(solution: Solution) -> Iterator[Alarm]:
    aspect, sigma = solution.aspect
    off = aspect - 1
    if abs(off) > _ASPECT and abs(off) > _CERTAIN * sigma:
        wide = solution.board.spacing_m * 1e3
        yield Alarm(
            "aspect",
            f"the board's rows stand {abs(off):.1%} {'further apart' if off > 0 else 'closer'} "
            f"than its columns: {wide * aspect:.2f} mm where columns have {wide:.2f} mm",
            "measure ten squares both ways: print without scaling, or take a true board",
            serious=abs(off) > _ASPECT_FAR,
        )


def _lengths(solution: Solution) -> Iterator[Alarm]:
    solved, ruler = solution.pair.baseline_m, solution.options.baseline_m
    spacing = solution.board.spacing_m
    sigma = float(np.sqrt(sum(solution.sigma(name) ** 2 for name in ("tx", "ty", "tz"))))
    if ruler is not None and abs(solved - ruler) > max(_RULER * ruler, _CERTAIN * sigma):
        yield Alarm(
            "spacing",
            f"the lenses come out {solved * 100:.1f} cm apart, but measure {ruler * 100:.1f} cm: "
            f"the board's spacing is rather {spacing * ruler / solved * 1e3:.1f} mm than the "
            f"{spacing * 1e3:.1f} mm entered",
            "measure the side of a square and the distance of the lenses again",
            serious=True,
        )
        return
    away = float(np.median([view.distance_m for view in solution.views]))
    if (ruler is None and solved > _BASELINE_M) or away < _NEAREST_M:
        yield Alarm(
            "baseline",
            f"the lenses come out {solved:.2g} m apart, with the board at {away:.2g} m",
            f"if that cannot be, the board's spacing of {spacing * 1e3:g} mm is wrong: measure it",
        )


def _lenses(solution: Solution) -> Iterator[Alarm]:
    cameras = solution.pair.ir, solution.pair.vis
    for which, camera in zip(CAMERAS, cameras, strict=True):
        doubts = "; ".join(_odd_lens(camera))
        if doubts:
            yield Alarm(
                "focal",
                f"the {WORDS[which]} camera comes out oddly: {doubts}",
                "check the pictures' size, that they were not cropped or stretched, and the board",
            )
    turned = (np.trace(solution.pair.T_vis_ir[:3, :3]) - 1) / 2
    degrees = float(np.degrees(np.arccos(np.clip(turned, -1, 1))))
    if degrees > _TURNED_DEG:
        yield Alarm(
            "rotation",
            f"the cameras come out turned against each other by {degrees:.0f} degrees",
            "if that cannot be, the points run from opposite corners in the two pictures, or one "
            "picture is mirrored or upside down",
        )


def _odd_lens(camera: Camera) -> Iterator[str]:
    (fx, _, cx), (_, fy, cy) = camera.K[:2]
    width, height = camera.size_wh
    field = float(np.degrees(2 * np.arctan(width / 2 / fx)))
    if not _FIELD_DEG[0] < field < _FIELD_DEG[1]:
        yield f"a field of view of {field:.0f} degrees"
    if abs(fx / fy - 1) > _SQUARE:
        yield f"pixels {abs(fx / fy - 1):.0%} off square"
    if max(abs(cx / (width - 1) - 0.5), abs(cy / (height - 1) - 0.5)) > _CENTRE:
        yield f"its axis far off the middle, at ({cx:.0f}, {cy:.0f})"


def _model(solution: Solution) -> Iterator[Alarm]:
    neighbours = solution.neighbours_ir, solution.neighbours_vis
    for which, alike in zip(CAMERAS, neighbours, strict=True):
        if alike > ALIKE:
            yield Alarm(
                "model",
                f"the {WORDS[which]} residuals of neighbouring points go together ({alike:.2f}, "
                "where chance gives 0): the model does not fit quite",
                "the errors said here are enlarged for it; the board may be bent unevenly, or have "
                "moved during exposure, or the lens is of another kind",
            )
