"""What is asked of a solve, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from ..board import Board
from ..rig import CameraPair
from .model import Bow

Distortion = Literal["auto", 4, 5, 8]


@dataclass(frozen=True)
class Options:
    """How to solve.

    Attributes:
        distortion_ir: numbers of the infrared lens model (4: k1 k2 p1 p2; 5: with k3; 8: with k3
            to k6); auto takes 5, k3 held near 0 where the views do not determine it, unless the
            data clearly ask for 8.
        distortion_vis: the same for the visible lens.
        bow: whether to solve for how the board is bowed.
        noise_ir_px: noise of the infrared points per axis in px, where it is known; the measured
            one is then compared with it.
        noise_vis_px: the same for the visible points.
        baseline_m: distance of the lenses by ruler, where it was measured; tells a wrong spacing
            of the board.
    """

    distortion_ir: Distortion = "auto"
    distortion_vis: Distortion = "auto"
    bow: bool = True
    noise_ir_px: float | None = None
    noise_vis_px: float | None = None
    baseline_m: float | None = None

    def __post_init__(self) -> None:
        for name in ("distortion_ir", "distortion_vis"):
            if getattr(self, name) not in ("auto", 4, 5, 8):
                raise ValueError(f"{name} must be auto, 4, 5 or 8, not {getattr(self, name)!r}")
        for name in ("noise_ir_px", "noise_vis_px", "baseline_m"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, not {value!r}")


@dataclass(frozen=True)
class SolvedView:
    """One view after the solve.

    Attributes:
        name: as given.
        T_ir_board: (4, 4), board frame to infrared frame.
        ir_px: (N, 2) as given, NaN where not seen.
        vis_px: the same for the visible camera.
        ir_residuals: (N, 2) px, measured less modelled, NaN where not seen; outliers keep theirs.
        vis_residuals: the same for the visible camera.
        ir_used: (N,) bool, seen and no outlier.
        vis_used: the same for the visible camera.
    """

    name: str
    T_ir_board: np.ndarray
    ir_px: np.ndarray
    vis_px: np.ndarray
    ir_residuals: np.ndarray
    vis_residuals: np.ndarray
    ir_used: np.ndarray
    vis_used: np.ndarray

    @property
    def ir_rms_px(self) -> float:
        """RMS length of the used infrared residuals in px; NaN without any."""
        return _rms(self.ir_residuals[self.ir_used])

    @property
    def vis_rms_px(self) -> float:
        """RMS length of the used visible residuals in px; NaN without any."""
        return _rms(self.vis_residuals[self.vis_used])

    @property
    def tilt_deg(self) -> float:
        """Angle of the board against the infrared picture plane, 0 to 90 degrees."""
        return float(np.degrees(np.arccos(min(abs(self.T_ir_board[2, 2]), 1.0))))

    @property
    def distance_m(self) -> float:
        """Distance of the board's first point along the infrared camera's axis."""
        return float(self.T_ir_board[2, 3])


@dataclass(frozen=True)
class LeftOut:
    """A view that could not be used, in one camera or in both, and why in words."""

    name: str
    camera: Literal["ir", "vis", "both"]
    reason: str


@dataclass(frozen=True)
class Outlier:
    """One point that fits nothing: its view, camera, number in the board's order, error in px."""

    name: str
    camera: Literal["ir", "vis"]
    index: int
    error_px: float


@dataclass(frozen=True)
class Solution:
    """Both cameras, how they stand to each other, and how well that is known.

    Attributes:
        pair: the cameras.
        board: as given.
        options: as given.
        views: in the order given, without those left out.
        left_out: views that were not used.
        outliers: points that were not used.
        bow_m: how the board is bent, metres away from the cameras: height at its middle along
            rows and along columns, and twist at its corners: z += a (1 - x^2) + b (1 - y^2) +
            c x y, with x and y from -1 to 1 over the points.
        noise_ir_px: noise of the infrared points per axis, measured from the residuals, with the
            freedom that the parameters used up allowed for.
        noise_vis_px: the same for the visible points.
        alone_ir_px: noise of the infrared points when that camera is calibrated by itself with
            the leanest lens; much less than ``noise_ir_px`` where the pictures of the pairs do
            not belong together.
        alone_vis_px: the same for the visible points.
        neighbours_ir: correlation of the residuals of neighbouring points; about 0 where the
            model fits, towards 1 where it does not.
        neighbours_vis: the same for the visible points.
        aspect: the board's spacing along columns over that along rows as the data see it, 1 for a
            right board, with its standard deviation.
        names: (P,) of the solved parameters; rx ry rz are a rotation vector in rad.
        values: (P,).
        covariance: (P, P), with the measured noise; for the rotation that of a small rotation of
            the visible frame.
        prior: (P,) what was taken for granted of each: 1 over its variance about 0; 0 for nothing.
        data_hash: 16 hexadecimal digits of the points and the board.
        rounds: steps of the solver.
        seconds: time that it took.
    """

    pair: CameraPair
    board: Board
    options: Options
    views: tuple[SolvedView, ...]
    left_out: tuple[LeftOut, ...]
    outliers: tuple[Outlier, ...]
    bow_m: Bow
    noise_ir_px: float
    noise_vis_px: float
    alone_ir_px: float
    alone_vis_px: float
    neighbours_ir: float
    neighbours_vis: float
    aspect: tuple[float, float]
    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    prior: np.ndarray
    data_hash: str
    rounds: int
    seconds: float = field(compare=False)

    @property
    def chi2_ir(self) -> float | None:
        """Square of measured over believed infrared noise; None where none was given."""
        return _chi2(self.noise_ir_px, self.options.noise_ir_px)

    @property
    def chi2_vis(self) -> float | None:
        """Square of measured over believed visible noise; None where none was given."""
        return _chi2(self.noise_vis_px, self.options.noise_vis_px)

    @cached_property
    def ir_rms_px(self) -> float:
        """RMS length of all used infrared residuals in px."""
        return _rms(np.concatenate([view.ir_residuals[view.ir_used] for view in self.views]))

    @cached_property
    def vis_rms_px(self) -> float:
        """RMS length of all used visible residuals in px."""
        return _rms(np.concatenate([view.vis_residuals[view.vis_used] for view in self.views]))

    @property
    def pairs(self) -> int:
        """Views that were used in both cameras."""
        return sum(bool(view.ir_used.any() and view.vis_used.any()) for view in self.views)

    def sigma(self, name: str) -> float:
        """Standard deviation of one parameter; 0 where it was not solved for."""
        if name not in self.names:
            return 0.0
        at = self.names.index(name)
        return float(np.sqrt(self.covariance[at, at]))


def _rms(residuals: np.ndarray) -> float:
    return float(np.sqrt((residuals**2).sum(-1).mean())) if len(residuals) else float("nan")


def _chi2(measured: float, believed: float | None) -> float | None:
    return None if believed is None else (measured / believed) ** 2
