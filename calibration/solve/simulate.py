"""Simulated rigs with a known truth: to prove the solver, and to try a way of shooting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..board import Board
from ..camera import Camera
from ..rig import CameraPair, Rig
from ..views import PairView
from .model import FLAT, Bow, Shape, State, rotation, see, shared_of, transform

_TRIES = 4000


@dataclass(frozen=True)
class Scene:
    """A rig and a board, as they are in truth.

    Attributes:
        pair: the cameras.
        board: what the user believes the board to be.
        bow_m: how it is bowed, see `Solution.bow_m`.
        stretch: what its x, y and z are multiplied by in truth; 1 where it is as believed.
    """

    pair: CameraPair
    board: Board
    bow_m: Bow = FLAT
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @staticmethod
    def standard(**changes: object) -> Scene:
        """A usual rig: infrared 640x512, visible 1280x1024, lenses 5 cm apart, board 9x6 60 mm."""
        ir = Camera(
            (640, 512), _K(770.0, 772.0, 322.0, 251.0), np.array([-0.30, 0.12, 1e-3, -5e-4])
        )
        vis = Camera(
            (1280, 1024), _K(1250.0, 1248.0, 645.0, 507.0), np.array([-0.12, 0.06, -5e-4, 8e-4])
        )
        T_vis_ir = transform(
            rotation(np.radians((0.6, -0.9, 0.4))), np.array([-0.05, 0.004, 0.006])
        )
        scene = Scene(CameraPair(ir, vis, T_vis_ir), Board("chessboard", 9, 6, 0.060))
        return replace(scene, **changes)  # type: ignore[arg-type]


def simulate(
    scene: Scene,
    pairs: int,
    seed: int,
    noise_px: tuple[float, float] = (0.15, 0.10),
    distances_m: tuple[float, float] = (0.7, 2.0),
    tilt_deg: float = 40.0,
    whole: bool = True,
    keep: Callable[[np.ndarray, np.ndarray], bool] | None = None,
) -> list[PairView]:
    """The board in random poses in front of both cameras.

    Args:
        scene: the truth.
        pairs: how many views.
        seed: of the random numbers.
        noise_px: standard deviation per axis of infrared and visible points.
        distances_m: nearest and furthest board.
        tilt_deg: largest tilt against the infrared picture.
        whole: whether the board is wholly in both pictures; otherwise at least half of it is in
            each, and points outside are not seen.
        keep: further wish, given the (N, 2) places in the infrared and the visible picture.

    Returns:
        Views named ``view 01`` and so on.

    Raises:
        ValueError: hardly any pose does as wished.
    """
    rng = np.random.default_rng(seed)
    views: list[PairView] = []
    for _ in range(_TRIES * pairs):
        if len(views) == pairs:
            return views
        places = _look(scene, *_pose(rng, scene, distances_m, tilt_deg))
        if places is None or not (keep is None or keep(*places)):
            continue
        found = []
        for px, camera, noise in zip(
            places, (scene.pair.ir, scene.pair.vis), noise_px, strict=True
        ):
            inside = np.all((px > 2) & (px < np.array(camera.size_wh) - 3), axis=1)
            if float(inside.mean()) < (1 if whole else 0.5):
                break
            noisy = px + rng.normal(0, noise, px.shape)
            found.append(np.where(inside[:, None], noisy, np.nan))
        else:
            views.append(PairView(f"view {len(views) + 1:02d}", *found))
    raise ValueError(
        f"only {len(views)} of {pairs} poses could be found in which the board is seen"
    )


def registration_error(truth: CameraPair, solved: CameraPair, distance_m: float) -> float:
    """RMS over the common view of where the pictures come to lie, in visible px.

    Infrared pixels that ``solved`` lays on a visible pixel are followed to where they belong in
    truth.
    """
    rigs = [Rig(pair.ir.size_wh, pair.vis.size_wh, None, pair) for pair in (truth, solved)]
    width, height = truth.vis.size_wh
    grid = np.stack(np.meshgrid(np.linspace(0, width - 1, 41), np.linspace(0, height - 1, 33)), -1)
    grid = grid.reshape(-1, 2)
    true, near = (rig.to_ir(grid, 1 / distance_m) for rig in rigs)
    inside = ((true >= 0) & (true <= np.array(truth.ir.size_wh) - 1)).all(1)
    step = 0.5
    by_x = (rigs[0].to_ir(grid + np.array((step, 0)), 1 / distance_m) - true) / step
    by_y = (rigs[0].to_ir(grid + np.array((0, step)), 1 / distance_m) - true) / step
    local = np.stack([by_x, by_y], -1)[inside]
    error = np.linalg.solve(local, (near - true)[inside][..., None])[..., 0]
    return float(np.sqrt((error**2).sum(1).mean()))


def _pose(
    rng: np.random.Generator, scene: Scene, distances_m: tuple[float, float], tilt_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """Board to infrared frame, with its middle somewhere in the picture."""
    heading, roll = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(-20, 20))
    tilt = np.radians(tilt_deg) * np.sqrt(rng.uniform(0, 1))
    R = rotation(tilt * np.array([np.cos(heading), np.sin(heading), 0])) @ rotation(
        np.array((0, 0, roll))
    )
    camera = scene.pair.ir
    px = rng.uniform((0, 0), camera.size_wh)
    ray = np.append((px - camera.K[:2, 2]) / np.diag(camera.K)[:2], 1)
    middle = scene.board.points().mean(0)
    return R, ray * rng.uniform(*distances_m) - R @ middle


def _look(scene: Scene, R: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    shape = _True(scene.board, scene.stretch)
    state = State(shared_of(scene.pair, scene.bow_m), scene.pair.T_vis_ir[:3, :3], R[None], t[None])
    ir, vis = see(state, shape, "ir"), see(state, shape, "vis")
    return (ir.px[0], vis.px[0]) if ir.in_front and vis.in_front else None


@dataclass(frozen=True)
class _True(Shape):
    """A board that is not what the user believes."""

    stretch: tuple[float, float, float]

    def points(self, shared: np.ndarray) -> np.ndarray:
        return super().points(shared) * self.stretch


def _K(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
