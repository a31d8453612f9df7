"""Order in a heap of points: those that form an asymmetric grid, and which is which.

From a point and two of its neighbours the lattice grows step by step, each step predicted from the
one before, so that perspective and lens may bend it. What lies off the lattice stays out. Then the
board is laid on the lattice in every way that keeps it a board.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from ..board import Board

# A neighbour lies within this share of a step of where it is expected.
_NEAR = 0.3
_SEEDS = 10
_NEIGHBOURS = 6
# Two steps span the lattice if they are not nearly along one line.
_LEAST_SINE = 0.4
# Steps between neighbours, in spacings; tilt decides which of them look shortest.
_STEPS = [(1, 1), (1, -1), (-1, 1), (-1, -1), (2, 0), (-2, 0), (0, 2), (0, -2)]
_CELL = 2  # area of the lattice's cell in square spacings


def order_grid(points: np.ndarray, board: Board) -> np.ndarray | None:
    """Find the board's points.

    Args:
        points: (n, 2) float64, px, the board's and others.
        board: an asymmetric grid.

    Returns:
        (N, 2) in `Board.points`' order, seen from the front; where two ends look alike from either
        one. None where not all of them are there.
    """
    tried: set[int] = set()
    for seed in np.linspace(0, len(points) - 1, _SEEDS).astype(int).tolist():
        if seed in tried:
            continue
        lattice = _grow(points, seed)
        tried.update(lattice.values())
        if len(lattice) >= board.count:
            chosen = _lay(points, lattice, board)
            if chosen is not None:
                return points[chosen]
    return None


def _grow(points: np.ndarray, seed: int) -> dict[tuple[int, int], int]:
    """Indices of points by their place on the lattice, from a seed at (0, 0)."""
    away = points - points[seed]
    length = np.hypot(*away.T)
    nearest = np.argsort(length)[1 : _NEIGHBOURS + 1]
    first = away[nearest[0]]
    sine = np.abs(first[0] * away[nearest, 1] - first[1] * away[nearest, 0])
    across = nearest[sine > _LEAST_SINE * np.hypot(*first) * length[nearest]]
    if not len(across):
        return {(0, 0): seed}
    steps = {(0, 0): np.stack([first, away[across[0]]])}
    found = {(0, 0): seed}
    queue = [(0, 0)]
    free = np.ones(len(points), bool)
    free[seed] = False
    for place in queue:
        here, step = points[found[place]], steps[place]
        for axis, sign in product((0, 1), (1, -1)):
            there = (place[0] + sign * (axis == 0), place[1] + sign * (axis == 1))
            if there in found:
                continue
            off = points - (here + sign * step[axis])
            squared = (off * off).sum(1)
            index = int(squared.argmin())
            if not free[index] or squared[index] > _NEAR**2 * (step[axis] ** 2).sum():
                continue
            free[index] = False
            found[there] = index
            steps[there] = step.copy()
            steps[there][axis] = sign * (points[index] - here)
            queue.append(there)
    return found


def _lay(
    points: np.ndarray, lattice: dict[tuple[int, int], int], board: Board
) -> np.ndarray | None:
    """Indices (N,) of the board's points among those of a lattice."""
    places = np.array(list(lattice))
    indices = np.array(list(lattice.values()))
    wanted = np.rint(board.points()[:, :2] / board.spacing_m).astype(int)
    terms = np.column_stack([places, np.ones(len(places))])
    steps = np.linalg.lstsq(terms, points[indices], rcond=None)[0][:2]
    facing = np.sign(np.linalg.det(steps))
    size = 2 * np.abs(places).max() + 2 * wanted.max() + 1
    for one, two in product(_STEPS, _STEPS):
        if one[0] * two[1] - one[1] * two[0] != facing * _CELL:
            continue
        at = places @ np.array([one, two])
        # Where the first point would be, for each point of the lattice as each of the board.
        first = at[:, None] - wanted
        votes, counts = np.unique(first.reshape(-1, 2) @ (size * 4, 1), return_counts=True)
        if counts.max() < board.count:
            continue
        keys = at @ (size * 4, 1) - votes[counts.argmax()]
        by_key = dict(zip(keys.tolist(), indices.tolist(), strict=True))
        return np.array([by_key[key] for key in (wanted @ (size * 4, 1)).tolist()])
    return None
