"""Pictures of calibration boards with known truth, as an infrared or a visible camera takes them.

A board is first drawn as it is (`draw_board`): poses, lens distortion and blur, free of noise, with
exact places of its points. A sensor then looks at it (`expose`): polarity, vignetting, noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..board import Board
from ..camera import Camera

# Rays are exact on nodes so many px apart, and linear between them: wrong by below 0.005 px for
# the lenses of ordinary cameras.
_NODE_PX = 4
# Each pixel is the mean of so many by so many points. Each of them takes as much of an edge as
# crosses it: counted as wholly dark or bright, an edge along a column would be 0.1 px off.
_FINE = 4
# Radius of the circles in spacings: neighbours, which are 1.41 apart, keep clear of each other.
CIRCLE_RADIUS = 0.45
# The plate goes on so far beyond the outer squares or circles, in spacings.
_PLATE_MARGIN = 0.5
_POSE_TRIES = 1000


@dataclass(frozen=True)
class Drawing:
    """A board as the lens shows it, before the sensor.

    Attributes:
        shade: (H, W) float32, dark squares or circles 0, bright ones 1, and the background given.
        px: (N, 2) float64, true places of the board's points in `Board.points`' order.
    """

    shade: np.ndarray
    px: np.ndarray


@dataclass(frozen=True)
class Sensor:
    """How a camera turns a drawing into numbers.

    Attributes:
        cnr: contrast between dark and bright over the standard deviation of a pixel's noise.
        inverted: whether dark looks bright: a board whose black squares are the warm ones.
        vignetting: share of the contrast by which the picture's corners lie below its middle.
        column_noise: standard deviation of the columns' fixed pattern, in units of the noise.
        counts: contrast between dark and bright in counts.
        middle: count of the middle between dark and bright.
        dtype: uint8, or uint16 as raw infrared cameras give.
    """

    cnr: float = 20.0
    inverted: bool = False
    vignetting: float = 0.0
    column_noise: float = 0.0
    counts: float = 120.0
    middle: float = 120.0
    dtype: type = np.uint8


def pose(
    board: Board, centre_m: tuple[float, float, float], turn: tuple[float, float, float]
) -> np.ndarray:
    """Place a board in front of a camera.

    Args:
        board: its points' middle is what is placed and turned about.
        centre_m: where its middle is, in the camera's frame.
        turn: rotation vector in radians; all 0 faces the camera with the rows going right.

    Returns:
        (4, 4) float64, takes `Board.points` to the camera's frame, metres.
    """
    points = board.points()
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array(turn, np.float64))[0]
    T[:3, 3] = np.array(centre_m) - T[:3, :3] @ ((points.min(0) + points.max(0)) / 2)
    return T


def random_pose(
    camera: Camera,
    board: Board,
    rng: np.random.Generator,
    *,
    distance_m: tuple[float, float],
    tilt_deg: float = 40.0,
    roll_deg: float = 20.0,
    margin_px: float = 4.0,
) -> np.ndarray:
    """A pose in which the camera sees all points of the board and its outer squares.

    Args:
        camera: the camera.
        board: the board.
        rng: source of the choice.
        distance_m: nearest and farthest distance of the board's middle.
        tilt_deg: the board's tilt is at most this.
        roll_deg: its roll about the line of sight is at most this, either way.
        margin_px: distance that the outer squares keep from the edge of the picture.

    Returns:
        (4, 4) float64, see `pose`.

    Raises:
        ValueError: the board does not fit into the picture at these distances.
    """
    outline = _outline(board, 1.0)
    size = np.array(camera.size_wh, np.float64)
    for _ in range(_POSE_TRIES):
        z = rng.uniform(*distance_m)
        aim = (rng.uniform(0, 1, 2) * size - camera.K[:2, 2]) / np.diag(camera.K)[:2]
        axis, tilt = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(0, tilt_deg))
        tilted = cv2.Rodrigues(tilt * np.array([np.cos(axis), np.sin(axis), 0.0]))[0]
        rolled = cv2.Rodrigues(np.array([0, 0, np.radians(rng.uniform(-roll_deg, roll_deg))]))[0]
        turn = cv2.Rodrigues(tilted @ rolled)[0].ravel()
        T = pose(board, (aim[0] * z, aim[1] * z, z), (turn[0], turn[1], turn[2]))
        px = camera.project(outline @ T[:3, :3].T + T[:3, 3])
        if np.all((px >= margin_px) & (px <= size - 1 - margin_px)):
            return T
    raise ValueError(f"the board does not fit into the picture at {distance_m} m")


def draw_board(
    camera: Camera,
    board: Board,
    T_camera_board: np.ndarray,
    *,
    blur_px: float = 1.0,
    background: np.ndarray | float = 0.4,
) -> Drawing:
    """Draw a board as the lens shows it.

    On a chessboard the square diagonally outside the first point is dark. Circles are dark.

    Args:
        camera: the camera.
        board: the board.
        T_camera_board: (4, 4), see `pose`.
        blur_px: standard deviation of the lens's blur, besides that of a pixel's own size.
        background: what is around the plate: a shade, or (H, W) shades.

    Returns:
        The drawing. Points outside the picture have their places too; NaN behind the camera.
    """
    width, height = camera.size_wh
    R, t = T_camera_board[:3, :3], T_camera_board[:3, 3]
    shade = np.broadcast_to(np.asarray(background, np.float32), (height, width)).copy()
    left, top, right, bottom = _window(camera, board, R, t)
    if left < right and top < bottom:
        rays = _rays(camera, left, top, right, bottom)
        # Where the ray (x, y, 1) meets the board's plane, in spacings.
        to_board = np.linalg.inv(np.column_stack([R[:, 0], R[:, 1], t])) / board.spacing_m
        x, y, w = (rays @ to_board.T.astype(np.float32)).transpose(2, 0, 1)
        in_front = w > 0
        w = np.where(in_front, w, 1) * board.spacing_m
        on_plate, dark = _pattern(board, x / w, y / w)
        plate = (on_plate & in_front).astype(np.float32)
        size = (right - left, bottom - top)
        cover = cv2.resize(plate, size, interpolation=cv2.INTER_AREA)
        bright = cv2.resize(plate * (1 - dark), size, interpolation=cv2.INTER_AREA)
        inside = shade[top:bottom, left:right]
        inside[:] = bright + (1 - cover) * inside
    if blur_px > 0:
        shade = cv2.GaussianBlur(shade, (0, 0), blur_px)
    return Drawing(shade, camera.project(board.points() @ R.T + t))


def expose(drawing: Drawing, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """What the sensor makes of a drawing.

    Args:
        drawing: the drawing.
        sensor: the sensor.
        rng: source of its noise.

    Returns:
        (H, W) of the sensor's dtype, clipped to its range.
    """
    height, width = drawing.shade.shape
    signal = drawing.shade - 0.5
    if sensor.inverted:
        signal = -signal
    y, x = np.mgrid[:height, :width].astype(np.float32)
    half = (np.array([width, height]) - 1) / 2
    off = ((x - half[0]) ** 2 + (y - half[1]) ** 2) / float(half @ half)
    noise = rng.standard_normal((height, width), np.float32)
    noise += sensor.column_noise * rng.standard_normal(width, np.float32)
    picture = signal - sensor.vignetting * off + noise / sensor.cnr
    limits = np.iinfo(sensor.dtype)
    counts = np.rint(picture * sensor.counts + sensor.middle)
    return np.clip(counts, limits.min, limits.max).astype(sensor.dtype)


def _outline(board: Board, margin: float) -> np.ndarray:
    """Corners and sides' middles (8, 3) of the board with so many spacings around its points."""
    points = board.points()
    low = points[:, :2].min(0) - margin * board.spacing_m
    high = points[:, :2].max(0) + margin * board.spacing_m
    share = [(0, 0), (0.5, 0), (1, 0), (1, 0.5), (1, 1), (0.5, 1), (0, 1), (0, 0.5)]
    return np.column_stack([low + np.array(share) * (high - low), np.zeros(8)])


def _window(
    camera: Camera, board: Board, R: np.ndarray, t: np.ndarray
) -> tuple[int, int, int, int]:
    """Part of the picture that the plate is in: left, top, right, bottom; ends are outside."""
    width, height = camera.size_wh
    px = camera.project(_outline(board, 1 + _PLATE_MARGIN) @ R.T + t)
    if not np.isfinite(px).all():
        return 0, 0, width, height
    # Lenses bend straight sides: a twentieth of the plate's size is more than they do.
    slack = 2 + 0.05 * np.ptp(px, axis=0)
    left, top = np.clip(np.floor(px.min(0) - slack), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(px.max(0) + slack) + 1, 0, (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _rays(camera: Camera, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """Rays (h * fine, w * fine, 3) float32, at z = 1, of the fine points of a window's pixels."""
    wide, high = right - left, bottom - top
    # Nodes are the middles of cells, so that resizing by a whole factor leaves them in place.
    columns, rows = -(-wide // _NODE_PX) + 2, -(-high // _NODE_PX) + 2
    x = left + (np.arange(columns) - 0.5) * _NODE_PX - 0.5
    y = top + (np.arange(rows) - 0.5) * _NODE_PX - 0.5
    nodes = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    coarse = camera.rays(nodes).reshape(rows, columns, 2).astype(np.float32)
    factor = _NODE_PX * _FINE
    fine = cv2.resize(coarse, (columns * factor, rows * factor), interpolation=cv2.INTER_LINEAR)
    fine = fine[factor : factor + high * _FINE, factor : factor + wide * _FINE]
    # Where a lens shows nothing the ray points far away from any board.
    return np.dstack([np.nan_to_num(fine, nan=1e6), np.ones(fine.shape[:2], np.float32)])


def _pattern(board: Board, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether places, in spacings from the first point, lie on the plate, and how dark they are."""
    last = board.points().max(0) / board.spacing_m
    edge = 1 + _PLATE_MARGIN
    on_plate = (x > -edge) & (x < last[0] + edge) & (y > -edge) & (y < last[1] + edge)
    if board.kind == "chessboard":
        squares = (x > -1) & (x < last[0] + 1) & (y > -1) & (y < last[1] + 1)
        # The square up and left of the first point is dark: both stripes are -1 there.
        return on_plate, squares * (1 + _stripes(x) * _stripes(y)) / 2
    row = np.clip(np.rint(y), 0, board.rows - 1)
    column = np.clip(np.rint((x - row % 2) / 2), 0, board.columns - 1)
    off = np.hypot(x - 2 * column - row % 2, y - row)
    return on_plate, np.clip((CIRCLE_RADIUS - off) / _step(off) + 0.5, 0, 1)


def _stripes(places: np.ndarray) -> np.ndarray:
    """-1 and 1 in turn between whole numbers, -1 below 0; linear within a step of the places."""
    line = np.rint(places)
    side = 1 - 2 * (line % 2)
    return side * np.clip(2 * (places - line) / _step(places), -1, 1)


def _step(values: np.ndarray) -> np.ndarray:
    """How much values (H, W), float32, change from one place to the next."""
    by_x, by_y = (
        cv2.Sobel(values, -1, *axis, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
        for axis in ((1, 0), (0, 1))
    )
    return np.maximum(cv2.magnitude(by_x, by_y), np.float32(1e-9))
